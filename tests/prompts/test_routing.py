"""What a decision rests on: features of the turn, endpoints with their records, and now and then a dispatcher."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from prompts import aside, completion, routing
from prompts.llm import breaker, router
from prompts.llm.canary import bucket_of
from prompts.llm.features import Features, Option, Tally
from prompts.llm.types import JsonShape, Line, Request, Tool
from prompts.models import Canary, ModelCall, QualityCell, RoutePolicy
from prompts.redis import connection
from prompts.retrieval import Hit
from prompts.snapshot import snapshot
from tests.fakes.provider_control import ProviderControl
from tests.prompts import rows
from tests.prompts.llm.asking import Shown, settled
from tests.prompts.llm.racing import race
from tests.prompts.rows import ASKED, KEYS, SOP_ANSWER, endpoint, question

SAID = "您的包裹明天送到。"
REQUEST = Request("answer", (Line("user", "你好"),))
TOOL = Tool("track", "", {})


@pytest.fixture(autouse=True)
def texts(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.MODEL_API_KEYS = KEYS
    monkeypatch.setattr(completion, "SHARE", routing.Share())
    rows.write_texts()
    yield
    rows.forget_texts()


def hit(intent: str, score: float) -> Hit:
    return Hit(
        sop_id=1,
        key=intent,
        title=intent,
        answer="",
        intent=intent,
        category="",
        question="",
        score=score,
        steps=(),
        required_slots=(),
        tool="",
    )


def features(*hits: Hit, request: Request = REQUEST, **changes: Any) -> Features:
    return routing.features_of(question(**changes), request, list(hits))


def option(name: str, *, turn: Features | None = None) -> Option:
    current = snapshot()
    board = routing.read_board(current)
    situation = routing.situation_of(turn or features(), current=current, board=board)
    return next(each for each in situation.options if each.name == name)


# --- features --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "known"),
    [
        ([], ("unknown", 0.0, 0.0)),
        ([hit("track", 0.8)], ("track", 0.8, 0.8)),
        ([hit("track", 0.8), hit("track", 0.7)], ("track", 0.8, 0.8)),
        ([hit("track", 0.8), hit("return", 0.6), hit("other", 0.7)], ("track", 0.8, 0.1)),
        ([hit("track", 1.7), hit("return", 1.2)], ("track", 1.0, 0.0)),
        ([hit("track", 0.5), hit("return", 0.5)], ("track", 0.5, 0.0)),
    ],
)
def test_intent_is_that_of_the_best_sop_and_its_lead_over_others(
    hits: list[Hit], known: tuple[str, float, float]
) -> None:
    turn = features(*hits)
    assert (turn.intent, turn.intent_p, turn.intent_margin) == known


def test_bucket_is_the_tail_of_the_order_number_else_of_the_conversation() -> None:
    ordered = features(slots={"order_number": "AB20260131042"}, conversation_id="c1")
    other = features(slots={"order_number": "X"}, conversation_id="c1")
    assert (ordered.bucket, ordered.bucket_source) == (42, "order")
    assert (other.bucket, other.bucket_source) == bucket_of("", "c1")
    assert features(conversation_id="c1").bucket == other.bucket


def test_features_are_those_of_question_and_request() -> None:
    asked = replace(REQUEST, tools=(TOOL,), json=JsonShape("x", {}), max_output_tokens=99)
    turn = features(
        request=asked,
        tier="vip",
        emotion="negative",
        emotion_score=0.9,
        turn_number=4,
        failed_turns=2,
        inbox="ib",
        language="en",
        current_endpoint="main",
    )
    assert (turn.needs_tools, turn.needs_json, turn.output_tokens) == (True, True, 99)
    assert (turn.tier, turn.emotion, turn.emotion_score) == ("vip", "negative", 0.9)
    assert (turn.turn_number, turn.failed_turns, turn.inbox) == (4, 2, "ib")
    assert (turn.language, turn.current_endpoint) == ("en", "main")
    assert turn.input_tokens == router.estimate_tokens(asked)


def test_draw_is_that_of_the_turn_and_spread_over_all_of_them() -> None:
    draws = [features(trace_id=f"turn-{number}").draw for number in range(500)]
    assert draws == [features(trace_id=f"turn-{number}").draw for number in range(500)]
    assert all(0 <= draw < 1 for draw in draws)
    assert 150 < sum(draw < 0.5 for draw in draws) < 350


# --- endpoints and what is known of them -----------------------------------------------------------


def test_option_has_price_in_cny_and_the_records_of_the_turns_cell(
    provider: ProviderControl, settings: Any
) -> None:
    settings.CNY_PER = {"CNY": 1.0, "USD": 7.0}
    prices: dict[str, Any] = {"price_in": Decimal("0.5"), "price_out": Decimal(2)}
    endpoint(provider, "main", strength=3, currency="USD", **prices)
    for counted in (
        {"good": 90, "n": 100, "p95_ms": 640.0},
        {"intent": "track", "emotion": "neutral", "length": "short", "good": 8, "n": 10},
        {"intent": "track", "emotion": "negative", "length": "short", "good": 1, "n": 4},
        {"intent": "return", "emotion": "neutral", "length": "short", "good": 0, "n": 7},
    ):
        QualityCell.objects.create(endpoint="main", **counted)

    found = option("main", turn=features(hit("track", 0.9)))

    assert (found.price_in, found.price_out, found.strength) == (3.5, 14.0, 3)
    assert (found.overall, found.p95_ms) == (Tally(90, 100), 640.0)
    assert (found.of_intent, found.of_cell) == (Tally(9, 14), Tally(8, 10))
    assert option("main").of_intent == Tally()


def test_option_shows_breaker_key_and_tokens_left(provider: ProviderControl) -> None:
    endpoint(provider, "main", tokens_per_minute=5000)
    endpoint(provider, "keyless", api_key_env="NOBODY_API_KEY")
    breaker.cool(connection(), "main", 60)
    assert (option("main").breaker, option("main").tokens_left) == ("open", 5000)
    assert (option("keyless").has_key, option("keyless").tokens_left) == (False, None)
    assert option("keyless").breaker == "closed"


def test_counted_qualities_decide_between_endpoints(provider: ProviderControl) -> None:
    endpoint(provider, "cheap", strength=2, price_in=Decimal("0.1"))
    endpoint(provider, "dear", vendor="anthropic", strength=2, price_in=Decimal(1))
    before = completion.stream(question(), Shown()).endpoint
    counted = {"intent": "track", "emotion": "neutral", "length": "short"}
    QualityCell.objects.create(endpoint="cheap", good=5, n=50, **counted)
    QualityCell.objects.create(endpoint="dear", good=49, n=50, **counted)
    completion.CACHE.clear()

    after = completion.stream(question(), Shown())

    assert (before, after.endpoint) == ("cheap", "dear")
    assert [c["n"] for c in after.decision["candidates"]] == [50, 50]


def test_conversation_stays_with_its_endpoint(provider: ProviderControl) -> None:
    endpoint(provider, "cheap", price_in=Decimal("0.1"), quality=0.95)
    endpoint(provider, "dear", vendor="anthropic", price_in=Decimal(1), quality=0.95)
    stayed = completion.stream(question(current_endpoint="dear"), Shown())
    assert (stayed.endpoint, stayed.decision["cause"]) == ("dear", "sticky")
    assert completion.stream(question(current_endpoint="gone"), Shown()).endpoint == "cheap"


def test_canary_sends_its_buckets_elsewhere_and_the_ledger_names_it(
    provider: ProviderControl,
) -> None:
    endpoint(provider, "main", priority=1)
    arm = endpoint(provider, "arm", vendor="anthropic", priority=2)
    Canary.objects.create(
        name="trial", endpoint=arm, first_bucket=40, last_bucket=49, status="running"
    )
    completion.CACHE.clear()
    inside = completion.stream(question(slots={"order_number": "2026013142"}), Shown())
    outside = completion.stream(question(slots={"order_number": "2026013150"}), Shown())

    assert (inside.endpoint, inside.decision["cause"]) == ("arm", "canary")
    assert outside.endpoint == "main"
    kept = ModelCall.objects.order_by("at").values_list("endpoint", "canary", "bucket")
    assert list(kept) == [("arm", "trial", 42), ("main", "", 50)]


def test_stored_decision_is_json_and_can_be_made_again(provider: ProviderControl) -> None:
    rules = [{"name": "VIP", "when": {"tier": "vip"}, "effect": {"endpoint": "strong"}}]
    RoutePolicy.objects.create(number=7, content={"rules": rules}, active=True)
    endpoint(provider, "light", strength=1, price_in=Decimal("0.1"), quality=0.95)
    endpoint(provider, "strong", vendor="anthropic", strength=3, price_in=Decimal(1))

    answer = completion.stream(question(tier="vip"), Shown())

    stored = json.loads(json.dumps(answer.decision))
    assert stored == answer.decision
    assert (stored["policy_version"], stored["cause"], stored["chosen"]) == (
        "7",
        "pinned",
        "strong",
    )
    again = router.replay(stored, snapshot().policy).as_json()
    assert {**again, "answered_by": "strong"} == stored
    assert router.replay(stored, router.Policy()).chosen == "light"


# --- the dispatcher --------------------------------------------------------------------------------


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine takes no answer for a late one."""
    monkeypatch.setattr(aside, "DISPATCH_SECONDS", 10.0)


@pytest.fixture
def unsure(provider: ProviderControl) -> ProviderControl:
    """Two models of which either may answer, and a dispatcher that every turn may ask."""
    share({"dispatch_share": 1.0})
    same: dict[str, Any] = {"price_in": Decimal(1), "quality": 0.95}
    endpoint(provider, "light", strength=1, priority=1, **same)
    endpoint(provider, "strong", vendor="anthropic", strength=3, priority=2, **same)
    fields: dict[str, Any] = {"dispatcher": True, "quality": 0.0, "price_in": Decimal(2)}
    endpoint(provider, "judge", vendor="dashscope", strength=1, priority=3, **fields)
    completion.warm()
    return provider


def share(content: dict[str, Any]) -> None:
    RoutePolicy.objects.update_or_create(number=1, defaults={"content": content, "active": True})
    completion.CACHE.clear()


def says(provider: ProviderControl, answer: str, **more: Any) -> None:
    """What the judge says and how; the others answer SAID."""
    judged = {"provider": "dashscope", "answer": answer, "times": 0, **more}
    provider.set_scenario([judged, {"answer": SAID, "times": 0}])


def judged(provider: ProviderControl) -> list[dict[str, Any]]:
    return [r for r in provider.requests() if r["provider"] == "dashscope"]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("word", "chosen"), [("light", "light"), ("standard", "strong"), ("strong", "strong")]
)
def test_dispatchers_word_decides_an_unsure_turn(
    unsure: ProviderControl, word: str, chosen: str
) -> None:
    says(unsure, json.dumps({"difficulty": word}))

    answer = completion.stream(question(), Shown())

    assert (answer.endpoint, answer.text) == (chosen, SAID)
    assert answer.decision["cause"] == "dispatcher"
    assert answer.decision["features"]["dispatched"] == word
    assert answer.decision["ask_dispatcher"] == ""


@pytest.mark.usefixtures("patient")
def test_dispatchers_call_is_on_record_beside_the_answers(unsure: ProviderControl) -> None:
    says(unsure, '{"difficulty": "strong"}')
    completion.stream(question(trace_id="t1", inbox="ib"), Shown())
    asked, answered = ModelCall.objects.order_by("at")
    assert (asked.purpose, asked.endpoint, asked.error_class) == ("dispatch", "judge/dispatch", "")
    assert (asked.trace_id, asked.inbox, asked.decision) == ("t1", "ib", {"cause": "dispatch"})
    assert asked.cost > 0
    assert (answered.purpose, answered.endpoint, answered.trace_id) == ("answer", "strong", "t1")


@pytest.mark.usefixtures("patient")
def test_dispatcher_is_asked_for_json_and_told_nothing_but_the_question(
    unsure: ProviderControl,
) -> None:
    says(unsure, '{"difficulty": "strong"}')
    completion.stream(question(history=(("visitor", "早先说的"),)), Shown())
    [asked] = judged(unsure)
    messages = asked["body"]["input"]["messages"]
    assert [m["role"] for m in messages] == ["system", "user"]
    assert messages[1]["content"] == ASKED
    shape = asked["body"]["parameters"]["response_format"]["json_schema"]["schema"]
    assert shape["properties"]["difficulty"]["enum"] == ["light", "standard", "strong"]


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429", "rate_limit"),
        ("500", "unavailable"),
        ("401", "quota_auth"),
        ("cut", "unavailable"),
        ("schema-violation", "bad_output"),
        ("invalid-json-content", "bad_output"),
    ],
)
def test_dispatcher_that_fails_is_asked_once_and_the_stronger_one_answers(
    unsure: ProviderControl, fault: str, kind: str
) -> None:
    rule = {"provider": "dashscope", "fault": fault, "times": 0}
    unsure.set_scenario([rule, {"answer": SAID, "times": 0}])

    answer = completion.stream(question(), Shown())

    assert answer.endpoint == "strong"
    assert answer.decision["features"]["dispatched"] == "failed"
    assert len(judged(unsure)) == 1
    assert ModelCall.objects.get(purpose="dispatch").error_class == kind


@pytest.mark.parametrize("late", [{"ttft_ms": 5000}, {"fault": "hang-before-headers"}])
def test_dispatcher_that_is_late_is_not_waited_for(
    unsure: ProviderControl, late: dict[str, Any]
) -> None:
    says(unsure, '{"difficulty": "light"}', **late)

    answer = completion.stream(question(), Shown())

    assert (answer.endpoint, answer.text) == ("strong", SAID)
    assert answer.decision["features"]["dispatched"] == "failed"
    # Of the five seconds it would have taken no more than the patience counts, with room for a slow machine.
    assert answer.timings_ms["prepare"] < 3000


def test_dispatcher_that_drips_is_not_waited_for(unsure: ProviderControl) -> None:
    says(unsure, '{"difficulty": "light"}', interval_ms=250)
    answer = completion.stream(question(), Shown())
    assert answer.decision["features"]["dispatched"] == "failed"
    assert [r["outcome"] for r in settled(unsure, 2) if r["provider"] == "dashscope"] == [
        "client_closed"
    ]


@pytest.mark.usefixtures("patient")
def test_dispatchers_failures_open_a_breaker_of_its_own(unsure: ProviderControl) -> None:
    rule = {"provider": "dashscope", "fault": "500", "times": 0}
    unsure.set_scenario([rule, {"answer": SAID, "times": 0}])
    for _ in range(breaker.POLICY.min_calls + 2):
        assert completion.stream(question(), Shown()).endpoint == "strong"
    assert breaker.state(connection(), "judge/dispatch") == "open"
    assert breaker.state(connection(), "judge") == "closed"
    assert len(judged(unsure)) == breaker.POLICY.min_calls


@pytest.mark.usefixtures("patient")
def test_dispatcher_is_asked_by_no_more_than_its_share_of_turns(unsure: ProviderControl) -> None:
    share({"dispatch_share": 0.15})
    says(unsure, '{"difficulty": "strong"}')
    for _ in range(21):
        completion.stream(question(), Shown())
    assert len(judged(unsure)) == 3


def test_turn_that_may_not_ask_keeps_its_first_decision(unsure: ProviderControl) -> None:
    share({"dispatch_share": 0.15})
    says(unsure, '{"difficulty": "strong"}')
    answer = completion.stream(question(), Shown())
    assert answer.endpoint == "light"
    assert answer.decision["ask_dispatcher"] == "judge"
    assert answer.decision["features"]["dispatched"] == ""
    assert judged(unsure) == []


def test_share_is_kept_by_threads_at_once() -> None:
    kept = routing.Share()

    def turns() -> int:
        allowed = 0
        for _ in range(50):
            kept.count()
            allowed += kept.take(0.15)
        return allowed

    assert sum(race(turns, racers=8)) <= 0.15 * 400
    assert kept.turns == 400


def test_share_of_nothing_lets_nobody_ask_and_of_everything_lets_all() -> None:
    none, every = routing.Share(), routing.Share()
    for _ in range(10):
        none.count()
        every.count()
        assert (none.take(0.0), every.take(1.0)) == (False, True)


def test_sure_turn_asks_no_dispatcher(provider: ProviderControl) -> None:
    share({"dispatch_share": 1.0})
    endpoint(provider, "light", strength=1, price_in=Decimal(1), quality=0.95)
    endpoint(provider, "judge", vendor="dashscope", dispatcher=True, price_in=Decimal(9))
    completion.stream(question(), Shown())
    assert judged(provider) == []


def test_without_any_model_the_sop_answers_and_nobody_is_asked() -> None:
    answer = completion.stream(question(), Shown())
    assert (answer.text, answer.decision["cause"]) == (SOP_ANSWER, "no_model")
