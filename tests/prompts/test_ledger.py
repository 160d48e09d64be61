"""What every attempt cost, what the day cost, and what happens when a budget is used up."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog
import time_machine
from django.core import serializers
from django.db import connection as database
from django.utils import timezone

from prompts import completion, ledger, redis
from prompts.llm.catalogue import SOP, Endpoint, Price
from prompts.llm.features import Features
from prompts.llm.types import Call, Usage
from prompts.models import Budget, ModelCall
from tests.fakes.provider_control import ProviderControl
from tests.prompts import rows
from tests.prompts.llm.asking import KEY, WHOLE, Shown
from tests.prompts.llm.racing import race
from tests.prompts.rows import ASKED, KEYS, SOP_ANSWER, call, endpoint, question
from tests.prompts.vendor_usage import SAID, billing

EVENING = datetime(2026, 11, 27, 23, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
# Per 1,000 tokens: input, output, read from the cache, written to it.
PRICES: dict[str, Any] = {
    "price_in": Decimal("0.002"),
    "price_out": Decimal("0.01"),
    "price_cached": Decimal("0.0002"),
    "price_cache_write": Decimal("0.0025"),
}
# 1,000 tokens read, of them 600 from the cache and 300 into it; 200 written.
COST = Decimal("0.1") * Decimal("0.002") + Decimal("0.6") * Decimal("0.0002")
COST += Decimal("0.3") * Decimal("0.0025") + Decimal("0.2") * Decimal("0.01")
ROOTS = {"openai": "/v1", "anthropic": "", "dashscope": "/api/v1"}
USAGES: dict[str, dict[str, Any]] = {
    "openai": {
        "prompt_tokens": 1000,
        "completion_tokens": 200,
        "prompt_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 300},
        "completion_tokens_details": {"reasoning_tokens": 50},
    },
    "anthropic": {
        "input_tokens": 100,
        "cache_read_input_tokens": 600,
        "cache_creation_input_tokens": 300,
        "output_tokens": 200,
    },
    "dashscope": {
        "input_tokens": 1000,
        "output_tokens": 200,
        "prompt_tokens_details": {"cached_tokens": 600, "cache_creation_input_tokens": 300},
    },
}
PAID = Endpoint(name="main", provider="openai", price=Price(input=Decimal(1)))


@pytest.fixture(autouse=True)
def texts(transactional_db: None, settings: Any) -> Iterator[None]:
    settings.MODEL_API_KEYS = KEYS
    rows.write_texts()
    yield
    rows.forget_texts()


@pytest.fixture
def no_redis(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.REDIS_URL = f"unix://{tmp_path}/nothing-here.sock"
    redis.connection.cache_clear()
    yield
    redis.connection.cache_clear()


def record(yuan: str, *, inbox: str = "", endpoint: Endpoint = PAID) -> None:
    """A call that cost so much: 1,000 tokens for each yuan."""
    usage = Usage(input_tokens=int(Decimal(yuan) * 1000))
    done = Call(endpoint=endpoint.name, model="m", attempt=1, total_ms=1.0, usage=usage)
    entry = ledger.Entry("t", Features(inbox=inbox), {"cause": "priority"})
    ledger.record(entry, [done], {endpoint.name: endpoint})


def budget(per_day: str, **changes: Any) -> Budget:
    made = Budget.objects.create(per_day=Decimal(per_day), **changes)
    completion.CACHE.clear()
    return made


def spent() -> dict[str, Decimal]:
    return {name: amount.normalize() for name, amount in ledger.spent_today().items()}


def yuan(**amounts: str) -> dict[str, Decimal]:
    return {name.removeprefix("all"): Decimal(value).normalize() for name, value in amounts.items()}


# --- what a call cost ------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["openai", "anthropic", "dashscope"])
def test_cost_is_that_of_every_component_of_the_vendors_usage(vendor: str) -> None:
    with billing(USAGES[vendor]) as url:
        row = {"base_url": url + ROOTS[vendor], "currency": "USD", **PRICES}
        endpoint(ProviderControl(url), "main", vendor=vendor, **row)
        answer = completion.stream(question(), Shown())

    kept = ModelCall.objects.get()
    assert answer.text == SAID
    assert (kept.input_tokens, kept.output_tokens) == (1000, 200)
    assert (kept.cached_tokens, kept.cache_write_tokens) == (600, 300)
    assert (kept.cost, kept.currency) == (COST, "USD")
    assert not kept.usage_estimated
    assert kept.usage == USAGES[vendor]


def test_openai_reasoning_is_kept_apart_and_billed_with_the_output() -> None:
    with billing(USAGES["openai"]) as url:
        endpoint(ProviderControl(url), "main", base_url=url + "/v1", **PRICES)
        completion.stream(question(), Shown())
    kept = ModelCall.objects.get()
    assert (kept.reasoning_tokens, kept.output_tokens, kept.cost) == (50, 200, COST)


def test_cached_input_without_a_price_of_its_own_costs_what_other_input_does() -> None:
    price = Price(input=Decimal("0.002"), output=Decimal("0.01"))
    usage = Usage(input_tokens=1000, output_tokens=200, cached_tokens=600, cache_write_tokens=300)
    done = Call(endpoint="main", model="m", attempt=1, total_ms=1.0, usage=usage)
    cost = ledger.cost_of(done, Endpoint(name="main", provider="openai", price=price))
    assert cost == Decimal("0.004")


@pytest.mark.parametrize("vendor", ["openai", "anthropic", "dashscope"])
def test_cost_of_a_call_to_the_fake_is_its_tokens_times_the_prices(
    provider: ProviderControl, vendor: str
) -> None:
    prices: dict[str, Any] = {"price_in": Decimal("0.5"), "price_out": Decimal("1.25")}
    endpoint(provider, "main", vendor=vendor, **prices)
    completion.stream(question(), Shown())
    kept = ModelCall.objects.get()
    assert kept.input_tokens > 0
    assert kept.output_tokens > 0
    tokens = kept.input_tokens * prices["price_in"] + kept.output_tokens * prices["price_out"]
    assert kept.cost == tokens / 1000


def test_refused_attempts_cost_nothing_and_broken_ones_an_estimate(
    provider: ProviderControl,
) -> None:
    provider.set_scenario([{"fault": "500"}, {"fault": "cut"}])
    endpoint(provider, "first", price_in=Decimal(1), priority=1)
    endpoint(provider, "second", vendor="anthropic", price_in=Decimal(1), priority=2)
    completion.stream(question(), Shown())
    refused, broken = ModelCall.objects.order_by("attempt")
    assert (refused.cost, refused.usage_estimated) == (Decimal(0), True)
    assert broken.cost > 0
    assert broken.error_class == "unavailable"


def test_sop_answers_are_free_and_leave_no_row() -> None:
    ledger.record(
        ledger.Entry("t", Features(), {}),
        [Call(endpoint=SOP.name, model="", attempt=1, total_ms=1.0)],
        {SOP.name: SOP},
    )
    assert not ModelCall.objects.exists()


# --- what is kept ----------------------------------------------------------------------------------


def test_row_holds_neither_words_nor_keys_nor_order_numbers(provider: ProviderControl) -> None:
    provider.set_scenario([{"answer": WHOLE}])
    endpoint(provider, "main")
    asked = question(slots={"order_number": "20260131042"}, inbox="ib_shop", user="pseudonym")

    completion.stream(asked, Shown())

    kept = ModelCall.objects.get()
    dump = serializers.serialize("json", [kept], ensure_ascii=False)
    for secret in (KEY, ASKED, WHOLE, SOP_ANSWER, "20260131042", "pseudonym"):
        assert secret not in dump
    assert (kept.bucket, kept.bucket_source, kept.inbox) == (42, "order", "ib_shop")
    assert (kept.intent, kept.emotion, kept.length) == ("track", "neutral", "short")
    assert kept.decision == {"cause": "priority", "policy": 0, "plan": ["main", "sop"]}


def test_redis_keeps_sums_under_inboxes_and_nothing_else(provider: ProviderControl) -> None:
    ledger.spent_today()
    record("1", inbox="ib_shop")
    kept: Any = redis.connection().hgetall(ledger.spent_key())
    assert kept == {b"": b"1", b"ib_shop": b"1"}


@pytest.mark.parametrize("broken", ["prompts_modelcall", "prompts_budget"])
def test_rows_that_cannot_be_written_cost_no_answer(provider: ProviderControl, broken: str) -> None:
    provider.set_scenario([{"answer": WHOLE}])
    endpoint(provider, "main", price_in=Decimal(1))
    kept = completion.snapshot()
    with structlog.testing.capture_logs() as logs:
        answer = asked_without(broken)
    assert answer.text == WHOLE
    assert kept.endpoints
    assert {log["event"] for log in logs} & {"ledger_lost", "spending_uncounted"}


def asked_without(table: str) -> completion.Answer:
    """The answer to a question whose table goes away while the model speaks."""

    class Breaking(Shown):
        def write(self, piece: str) -> None:
            if not self.text:
                rename(table, f"{table}_away")
                completion.CACHE.clear()
            super().write(piece)

    try:
        return completion.stream(question(), Breaking())
    finally:
        rename(f"{table}_away", table)


def rename(table: str, to: str) -> None:
    with database.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {to}")


# --- the sums of the day ---------------------------------------------------------------------------


def test_sums_are_by_inbox_and_over_all_in_cny(settings: Any) -> None:
    settings.CNY_PER = {"CNY": 1.0, "USD": 7.1}
    dollars = Endpoint(name="us", provider="openai", price=Price(input=Decimal(1), currency="USD"))
    record("1", inbox="a")
    record("2", inbox="b", endpoint=dollars)
    assert spent() == yuan(all="15.2", a="1", b="14.2")
    assert [c.currency for c in ModelCall.objects.order_by("inbox")] == ["CNY", "USD"]


def test_sums_follow_every_call_without_any_budget() -> None:
    record("1", inbox="a")
    assert spent() == yuan(all="1", a="1")
    record("2", inbox="a")
    record("3", inbox="b")
    assert spent() == yuan(all="6", a="3", b="3") == counted()


def counted() -> dict[str, Decimal]:
    return {name: amount.normalize() for name, amount in ledger.counted().items()}


def test_sums_counted_anew_after_a_flush_count_nothing_twice() -> None:
    budget("100")
    record("1", inbox="a")
    redis.connection().flushdb()
    record("2", inbox="a")
    redis.connection().flushdb()
    assert spent() == yuan(all="3", a="3")
    record("4", inbox="a")
    assert spent() == yuan(all="7", a="7") == counted()


def test_sums_of_many_calls_at_once_are_those_of_the_rows() -> None:
    budget("1000")
    ledger.spent_today()

    def one() -> None:
        record("0.001", inbox="a")
        database.close()

    race(one, racers=8)
    assert spent() == yuan(all="0.008", a="0.008") == counted()


@pytest.mark.usefixtures("no_redis")
def test_sums_without_redis_are_counted_from_the_rows() -> None:
    budget("2")
    record("1", inbox="a")
    record("1", inbox="b")
    assert spent() == yuan(all="2", a="1", b="1")
    assert ledger.stopped("a") == ("day",)


def test_new_day_of_the_shop_begins_at_nothing() -> None:
    budget("5")
    with time_machine.travel(EVENING):
        record("5")
        assert ledger.stopped("") == ("day",)
    completion.CACHE.clear()
    with time_machine.travel(EVENING + timedelta(hours=1, minutes=1)):
        assert ledger.stopped("") == ()
        record("1")
        assert spent() == yuan(all="1")
    with time_machine.travel(EVENING + timedelta(minutes=59)):
        assert spent() == yuan(all="5")


def test_sums_do_not_stay_for_ever() -> None:
    ledger.spent_today()
    left: Any = redis.connection().ttl(ledger.spent_key())
    assert 24 * 3600 < left <= ledger.SPENT_SECONDS


# --- budgets ---------------------------------------------------------------------------------------


def marks(logs: Any) -> list[tuple[str, int]]:
    """(inbox, percent) of every budget mark in the log."""
    return [(log["inbox"], log["percent"]) for log in logs if log["event"] == "budget_reached"]


def test_budget_says_once_that_its_alert_and_its_end_are_reached() -> None:
    budget("10", alert_percent=80)
    with structlog.testing.capture_logs() as logs:
        for _ in range(15):
            record("1")
    assert marks(logs) == [("", 80), ("", 100)]


def test_budget_jumped_over_in_one_step_says_both() -> None:
    budget("10", alert_percent=50)
    with structlog.testing.capture_logs() as logs:
        record("20")
    assert marks(logs) == [("", 50), ("", 100)]


def test_budget_whose_alert_is_its_end_says_it_once() -> None:
    budget("10", alert_percent=100)
    with structlog.testing.capture_logs() as logs:
        record("10")
    assert marks(logs) == [("", 100)]


def test_budget_reached_by_calls_that_end_at_once_is_said_once() -> None:
    budget("4.5", alert_percent=100)
    ledger.spent_today()
    with structlog.testing.capture_logs() as logs:

        def one() -> None:
            record("1")
            database.close()

        race(one, racers=8)
    assert marks(logs) == [("", 100)]


@pytest.mark.usefixtures("no_redis")
def test_budget_says_so_without_redis_too() -> None:
    budget("2")
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            record("1")
    assert marks(logs) == [("", 80), ("", 100)]


def test_budget_of_an_inbox_concerns_no_other() -> None:
    budget("1", inbox="a")
    record("5", inbox="b")
    assert ledger.stopped("a") == ()
    record("1", inbox="a")
    assert (ledger.stopped("a"), ledger.stopped("b"), ledger.stopped("")) == (("inbox",), (), ())


def test_budget_over_everything_stops_every_inbox() -> None:
    budget("1")
    budget("1", inbox="a")
    record("1", inbox="a")
    assert sorted(ledger.stopped("a")) == ["day", "inbox"]
    assert ledger.stopped("b") == ("day",)


def test_budget_that_does_not_stop_or_is_off_stops_nobody() -> None:
    budget("1", stop=False)
    budget("1", inbox="a", enabled=False)
    record("9", inbox="a")
    assert ledger.stopped("a") == ()
    [state] = ledger.budget_states()
    assert (state.state, state.spent, state.share) == ("alert", Decimal(9), 9.0)


@pytest.mark.parametrize(
    ("cost", "state"), [("7.9", "ok"), ("8", "alert"), ("9.99", "alert"), ("10", "stopped")]
)
def test_budget_state_by_what_was_spent(cost: str, state: str) -> None:
    budget("10", alert_percent=80)
    record(cost)
    assert [found.state for found in ledger.budget_states()] == [state]


def test_budget_of_nothing_is_used_up_from_the_start() -> None:
    budget("0")
    assert ledger.stopped("") == ("day",)


@pytest.mark.parametrize("inbox", ["", "ib_shop"])
def test_used_up_budget_leaves_the_sop_and_the_decision_says_why(
    provider: ProviderControl, inbox: str
) -> None:
    endpoint(provider, "main", price_in=Decimal(1), priority=1)
    budget("0.01", inbox=inbox)
    paid = completion.stream(question(inbox="ib_shop"), Shown())
    stopped = completion.stream(question(inbox="ib_shop"), Shown())

    assert paid.endpoint == "main"
    assert (stopped.endpoint, stopped.text) == ("sop", SOP_ANSWER)
    assert stopped.decision["situation"]["stopped_budgets"] == ["inbox" if inbox else "day"]
    assert [c["reject_reason"] for c in stopped.decision["candidates"]] == ["budget"]
    assert len(provider.requests()) == 1


def test_used_up_budget_leaves_endpoints_that_cost_nothing(provider: ProviderControl) -> None:
    endpoint(provider, "paid", price_in=Decimal(1), priority=1)
    endpoint(provider, "free", vendor="anthropic", priority=2)
    budget("0")
    assert completion.stream(question(), Shown()).endpoint == "free"


def test_budget_of_another_inbox_leaves_the_model(provider: ProviderControl) -> None:
    endpoint(provider, "main", price_in=Decimal(1))
    budget("0", inbox="other")
    assert completion.stream(question(inbox="ib_shop"), Shown()).endpoint == "main"


# --- what came of it -------------------------------------------------------------------------------


def test_marks_are_set_on_answers_of_the_trace_only() -> None:
    mine, dispatch, other = call(trace_id="t"), call(trace_id="t", purpose="dispatch"), call()
    ledger.mark_taken_over("t")
    ledger.mark_feedback("t", "up")
    ledger.mark_feedback("t", "down")
    kept = {c.pk: (c.taken_over, c.feedback) for c in ModelCall.objects.all()}
    assert kept == {mine.pk: (True, "down"), dispatch.pk: (False, ""), other.pk: (False, "")}


def test_good_are_whole_answers_that_satisfied() -> None:
    call()
    call(feedback="up")
    call(feedback="down")
    call(taken_over=True)
    call(error_class="timeout")
    assert ModelCall.objects.filter(ledger.is_good()).count() == 2
    counted_good = ModelCall.objects.values("endpoint").annotate(good=ledger.count_good())
    assert counted_good.order_by().get()["good"] == 2


def test_midnight_is_that_of_the_shop() -> None:
    with time_machine.travel(EVENING):
        assert timezone.localtime(ledger.midnight()).isoformat() == "2026-11-27T00:00:00+08:00"
        assert ledger.spent_key() == "spent:2026-11-27"


def test_rows_hold_plain_json(provider: ProviderControl) -> None:
    endpoint(provider, "main")
    completion.stream(question(), Shown())
    kept = ModelCall.objects.get()
    assert json.loads(json.dumps([kept.decision, kept.usage])) == [kept.decision, kept.usage]
