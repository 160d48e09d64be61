"""A turn of a visitor while the first vendor fails: a whole answer of another, and on record why."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog

from chat import turn
from chat.actions import visitor as actions
from chat.models import Message, Turn
from prompts import completion, retrieval
from prompts.llm import breaker
from prompts.models import ModelCall
from prompts.redis import connection
from tests.chat.conftest import write_prompts
from tests.chat.ear import Ear
from tests.factories import VisitorFactory
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import KEY, settled
from tests.prompts.rows import KEYS, endpoint

HERE = "127.0.0.1"
QUESTION = "我的快递到哪了"
SAID = "您的包裹已经到达杭州转运中心,预计明天送到,请您放心。"
HALF = "这半句不应该留下来因为后面断了"
CAUSES = {
    "429": "rate_limit",
    "500": "unavailable",
    "401": "quota_auth",
    "cut:4": "unavailable",
    "hang-before-headers": "timeout",
    "hang-mid-stream:4": "timeout",
    "clean-eof:4": "bad_output",
    "error-frame:4": "unavailable",
    "malformed-frame:4": "bad_output",
    "empty-answer": "bad_output",
    "200-with-error-json": "unavailable",
    "wrong-content-type": "bad_output",
}
# Those that showed the visitor something before they failed.
SHOWN = {"cut:4", "hang-mid-stream:4", "clean-eof:4", "error-frame:4", "malformed-frame:4"}


@pytest.fixture(autouse=True)
def spoken_texts(transactional_db: None, settings: Any) -> Iterator[None]:
    settings.MODEL_API_KEYS = KEYS
    settings.DELTA_SECONDS = 0
    write_prompts()
    completion.CACHE.clear()
    yield
    completion.CACHE.clear()
    retrieval.forget()


@pytest.fixture
def ear(visitor: Any) -> Iterator[Ear]:
    listening = Ear(visitor)
    yield listening
    listening.close()


@pytest.fixture
def vendors(provider: ProviderControl) -> ProviderControl:
    """Three endpoints of three vendors; A is asked first, B after it, C last."""
    for place, (name, vendor) in enumerate(
        [("A", "openai"), ("B", "anthropic"), ("C", "dashscope")]
    ):
        endpoint(provider, name, vendor=vendor, priority=place, timeout_seconds=0.5)
    return provider


def fail(provider: ProviderControl, **faults: str) -> None:
    """What meets every request to a vendor, as "cut:4"; the others answer SAID."""
    rules = []
    for vendor, fault in faults.items():
        kind, _, after = fault.partition(":")
        measure = {"after_tokens": int(after)} if after else {}
        rules.append({"provider": vendor, "fault": kind, "times": 0, "answer": HALF, **measure})
    provider.set_scenario([*rules, {"answer": SAID, "times": 0}])


def ask(visitor: Any) -> UUID:
    posted = actions.post_message(visitor, client_id=uuid4(), text=QUESTION, address=HERE)
    assert posted.turn_id is not None
    turn.run(posted.turn_id, worker="w1")
    return posted.turn_id


def on_record() -> list[tuple[str, int, str]]:
    rows = ModelCall.objects.order_by("attempt")
    return [(row.endpoint, row.attempt, row.error_class) for row in rows]


def seen(frames: list[Any]) -> str:
    """What a browser shows that follows the deltas."""
    text = ""
    for delta in (f for f in frames if f["type"] == "delta"):
        text = text[: delta["offset"]] + delta["text"]
    return text


@pytest.mark.parametrize("fault", list(CAUSES))
def test_visitor_gets_a_whole_answer_of_another_vendor_and_the_rows_say_why(
    visitor: Any, ear: Ear, vendors: ProviderControl, fault: str
) -> None:
    fail(vendors, openai=fault)

    turn_id = ask(visitor)

    answer = Message.objects.get(role="bot")
    assert (answer.text, answer.meta["endpoint"]) == (SAID, "B")
    frames = ear.frames()
    assert seen(frames) == SAID
    row = Turn.objects.get(pk=turn_id)
    assert (row.state, row.attempt, row.error) == ("done", 1, "")
    assert (row.decision["chosen"], row.decision["answered_by"]) == ("A", "B")
    assert row.decision["plan"] == ["A", "B", "C", "sop"]
    assert on_record() == [("A", 1, CAUSES[fault]), ("B", 2, "")]
    assert {c.trace_id for c in ModelCall.objects.all()} == {str(turn_id)}
    half_shown = any(f["type"] == "delta" and f["text"][:1] == HALF[0] for f in frames)
    assert half_shown is (fault in SHOWN)


def test_third_vendor_answers_when_two_fail(visitor: Any, vendors: ProviderControl) -> None:
    fail(vendors, openai="429", anthropic="cut:4")
    ask(visitor)
    assert Message.objects.get(role="bot").text == SAID
    assert on_record() == [("A", 1, "rate_limit"), ("B", 2, "unavailable"), ("C", 3, "")]


def test_shop_answers_when_every_vendor_fails(
    visitor: Any, vendors: ProviderControl, ear: Ear
) -> None:
    fail(vendors, openai="500", anthropic="cut:4", dashscope="429")
    ask(visitor)
    answer = Message.objects.get(role="bot")
    assert answer.meta["endpoint"] == "sop"
    assert HALF[:4] not in answer.text
    assert seen(ear.frames()) == answer.text
    assert Turn.objects.get().decision["answered_by"] == "sop"


def test_no_vendor_is_asked_again_too_early(visitor: Any, vendors: ProviderControl) -> None:
    fail(vendors, openai="429-s", anthropic="401")
    ask(visitor)
    log = vendors.log()
    assert log["summary"]["verdicts"] == {}
    assert [r["provider"] for r in settled(vendors, 3)] == ["openai", "anthropic", "dashscope"]


def test_vendor_that_keeps_failing_is_left_alone_and_the_decision_says_so(
    visitor: Any, vendors: ProviderControl
) -> None:
    fail(vendors, openai="500")
    for _ in range(breaker.POLICY.min_calls):  # each of them new, for a conversation stays with B
        ask(VisitorFactory.create(inbox=visitor.inbox))
    before = len(vendors.requests())

    turn_id = ask(visitor)

    decision = Turn.objects.get(pk=turn_id).decision
    rejects = {c["name"]: c["reject_reason"] for c in decision["candidates"]}
    assert rejects == {"A": "breaker", "B": "", "C": ""}
    assert decision["chosen"] == "B"
    assert len(vendors.requests()) == before + 1


def test_vendor_that_says_when_to_come_back_is_left_alone_until_then(
    visitor: Any, vendors: ProviderControl
) -> None:
    vendors.set_scenario(
        [
            {"provider": "openai", "fault": "429", "retry_after_ms": 60_000},
            {"answer": SAID, "times": 0},
        ]
    )
    ask(visitor)
    assert breaker.state(connection(), "A") == "open"
    ask(VisitorFactory.create(inbox=visitor.inbox))
    assert [r["provider"] for r in vendors.requests()] == ["openai", "anthropic", "anthropic"]


def test_refused_key_shuts_the_endpoint_and_is_nowhere_to_be_read(
    visitor: Any, vendors: ProviderControl
) -> None:
    fail(vendors, openai="401")
    with structlog.testing.capture_logs() as logs:
        ask(visitor)
    assert breaker.state(connection(), "A") == "open"
    assert [log["endpoint"] for log in logs if log["event"] == "endpoint_shut"] == ["A"]
    told = repr(logs) + repr(Turn.objects.get().decision) + repr(ModelCall.objects.values())
    assert KEY not in told
    assert QUESTION not in told


def test_answer_of_the_fallback_is_kept_for_the_next_turn(
    visitor: Any, vendors: ProviderControl
) -> None:
    fail(vendors, openai="500")
    ask(visitor)
    fail(vendors)
    second = ask(visitor)
    decision = Turn.objects.get(pk=second).decision
    assert decision["features"]["current_endpoint"] == "B"
    assert decision["chosen"] == "B"
    assert Message.objects.filter(role="bot").count() == 2
