"""Dialogue state: Redis for speed, Postgres for truth, a day and a while for how long it lives."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat import memory
from chat.dialogue import Topic, Understood, advance
from chat.memory import Dialogue
from chat.models import Conversation
from prompts.nlu.references import Resolution
from prompts.redis import connection
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db

# 10:00 in Shanghai
NOW = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
SHIPPING = Dialogue(
    rev=3,
    conversation_id="c",
    topic="物流",
    intent="track",
    slots={"order_number": "20260131001"},
    summary="发票 → 物流",
    turns=3,
    at_seconds=NOW.timestamp(),
)
STACK = replace(
    SHIPPING,
    topic="退货",
    intent="return",
    topics=(
        Topic("t2", "return", slots={"order_number": "20260131001"}, inherited=("order_number",)),
        Topic("t1", "logistics", slots={"order_number": "20260131001"}, given={"order_number": 1}),
    ),
    current="t2",
    moods=(("negative", 0.9), ("neutral", 0.0)),
    last={"intents": [["return", 0.9]], "doubtful": []},
    repair="digression",
)
OFFERED: dict[str, Any] = {
    "topic": "物流",
    "intent": "track",
    "slots": {"order_number": "20260131001"},
    "summary": "发票 → 物流",
}


def conversation(dialogue: Dialogue | None = None, **fields: Any) -> Conversation:
    return ConversationFactory.create(dialogue=asdict(dialogue) if dialogue else {}, **fields)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


# --- Redis -----------------------------------------------------------------------------------------


def test_store_then_load_gives_the_same_state() -> None:
    opened = conversation()
    assert memory.store(opened.visitor_id, SHIPPING, expected_rev=2, now=NOW)
    assert memory.load(opened, now=NOW) == SHIPPING


def test_key_carries_visitor_and_the_shops_day() -> None:
    visitor_id = uuid4()
    assert memory.key(visitor_id, now=NOW) == f"dialogue:{visitor_id}:2026-01-31"
    before_midnight = datetime(2026, 1, 31, 15, 59, 59, tzinfo=UTC)
    assert memory.day(before_midnight) == "2026-01-31"
    assert memory.day(before_midnight + timedelta(seconds=1)) == "2026-02-01"


def test_store_sets_a_time_to_live(settings: Any) -> None:
    visitor_id = uuid4()
    memory.store(visitor_id, SHIPPING, expected_rev=0, now=NOW)
    left: Any = connection().ttl(memory.key(visitor_id, now=NOW))
    assert settings.DIALOGUE_TTL_SECONDS - 5 <= left <= settings.DIALOGUE_TTL_SECONDS


def test_compare_and_set_refuses_a_stale_revision() -> None:
    opened = conversation()
    memory.store(opened.visitor_id, SHIPPING, expected_rev=0, now=NOW)
    late = replace(SHIPPING, topic="退款", rev=3)
    assert memory.store(opened.visitor_id, late, expected_rev=2, now=NOW) is False
    assert memory.load(opened, now=NOW) == SHIPPING
    assert memory.store(opened.visitor_id, replace(late, rev=4), expected_rev=3, now=NOW) is True
    assert memory.load(opened, now=NOW).topic == "退款"


@given(kept=st.integers(0, 5), expected=st.integers(0, 5))
def test_compare_and_set_stores_over_the_expected_revision_only(kept: int, expected: int) -> None:
    visitor_id = uuid4()
    memory.store(visitor_id, replace(STACK, rev=kept), expected_rev=0, now=NOW)
    late = replace(STACK, rev=9, topic="退款")
    assert memory.store(visitor_id, late, expected_rev=expected, now=NOW) is (kept == expected)
    found = memory.find(visitor_id, now=NOW)
    assert found == (late if kept == expected else replace(STACK, rev=kept))


def test_topics_moods_and_the_last_analysis_come_back_from_both_stores() -> None:
    opened = conversation(STACK)
    assert replace(memory.load(opened, now=NOW), rev=STACK.rev) == STACK
    memory.store(opened.visitor_id, STACK, expected_rev=0, now=NOW)
    assert memory.find(opened.visitor_id, now=NOW) == STACK


def test_two_visitors_never_share_a_state() -> None:
    one, other = conversation(), conversation()
    memory.store(one.visitor_id, SHIPPING, expected_rev=0, now=NOW)
    assert memory.load(other, now=NOW) == Dialogue(conversation_id=str(other.pk))


# --- Postgres --------------------------------------------------------------------------------------


def test_load_rebuilds_from_postgres_when_redis_was_wiped() -> None:
    opened = conversation(SHIPPING)
    memory.store(opened.visitor_id, SHIPPING, expected_rev=2, now=NOW)
    connection().flushdb()
    assert replace(memory.load(opened, now=NOW), rev=3) == SHIPPING


def test_load_prefers_postgres_to_a_redis_that_missed_the_last_turn() -> None:
    """A worker died between commit and store, or Redis was away for a moment."""
    opened = conversation(
        replace(SHIPPING, rev=4, topic="退款", at_seconds=SHIPPING.at_seconds + 9)
    )
    memory.store(opened.visitor_id, SHIPPING, expected_rev=2, now=NOW)
    assert memory.load(opened, now=NOW + timedelta(seconds=10)).topic == "退款"


def test_store_follows_a_state_that_redis_missed() -> None:
    opened = conversation(
        replace(SHIPPING, rev=4, topic="退款", at_seconds=SHIPPING.at_seconds + 9)
    )
    later = NOW + timedelta(seconds=10)
    memory.store(opened.visitor_id, SHIPPING, expected_rev=2, now=NOW)
    known = memory.load(opened, now=later)
    after = memory.advanced(known, now=later)
    assert memory.store(opened.visitor_id, after, expected_rev=known.rev, now=later) is True
    assert memory.find(opened.visitor_id, now=later) == after


def test_load_of_a_first_conversation_is_empty() -> None:
    opened = conversation()
    assert memory.load(opened, now=NOW) == Dialogue(conversation_id=str(opened.pk))


def test_load_reads_a_state_of_another_version_as_far_as_it_knows_it() -> None:
    opened = conversation()
    opened.dialogue = {**asdict(SHIPPING), "from_a_newer_version": 1}
    opened.save()
    assert memory.load(opened, now=NOW).topic == "物流"
    kept = json.dumps({**asdict(SHIPPING), "rev": 9, "from_a_newer_version": 1})
    connection().set(memory.key(opened.visitor_id, now=NOW), kept)
    assert memory.load(opened, now=NOW).topic == "物流"


# --- how long it lives -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("idle", "alive"),
    [(minutes(0), True), (minutes(29.9), True), (minutes(30), True), (minutes(30.1), False)],
)
def test_load_after_idle_time(idle: timedelta, alive: bool) -> None:
    opened = conversation(SHIPPING)
    dialogue = memory.load(opened, now=NOW + idle)
    assert (dialogue.topic, dialogue.earlier) == (("物流", {}) if alive else ("", OFFERED))


@pytest.mark.parametrize(
    ("last", "now", "alive"),
    [
        ("2026-01-31T15:58:00", "2026-01-31T15:59:59", True),
        ("2026-01-31T15:58:00", "2026-01-31T16:00:00", False),
        ("2026-01-31T23:59:00", "2026-02-01T00:01:00", True),
    ],
    ids=["same day", "midnight in Shanghai", "midnight in UTC"],
)
def test_load_on_another_natural_day(last: str, now: str, alive: bool) -> None:
    at = datetime.fromisoformat(last + "+00:00").timestamp()
    opened = conversation(replace(SHIPPING, at_seconds=at))
    dialogue = memory.load(opened, now=datetime.fromisoformat(now + "+00:00"))
    assert (dialogue.topic, dialogue.earlier) == (("物流", {}) if alive else ("", OFFERED))


def test_the_shops_time_zone_decides_the_day(settings: Any) -> None:
    settings.TIME_ZONE = "UTC"
    assert memory.day(datetime(2026, 1, 31, 16, 0, tzinfo=UTC)) == "2026-01-31"


def test_an_expired_state_without_a_topic_is_not_offered() -> None:
    opened = conversation(replace(SHIPPING, topic=""))
    assert memory.load(opened, now=NOW + minutes(31)).earlier == {}


def test_the_topic_of_an_earlier_conversation_is_offered_too() -> None:
    resolved = conversation(SHIPPING, resolved_at=NOW)
    opened = conversation(visitor=resolved.visitor)
    assert memory.load(opened, now=NOW + timedelta(days=2)) == Dialogue(
        conversation_id=str(opened.pk), earlier=OFFERED
    )


def test_resumed_brings_back_topic_slots_and_summary_once() -> None:
    opened = conversation(SHIPPING)
    offered = memory.load(opened, now=NOW + minutes(31))
    assert memory.resumed(offered) == Dialogue(conversation_id=str(opened.pk), **OFFERED)


def test_resumed_brings_back_the_whole_stack() -> None:
    opened = conversation(STACK)
    offered = memory.load(opened, now=NOW + minutes(31))
    assert (offered.topics, offered.slots) == ((), {})
    resumed = memory.resumed(offered)
    assert (resumed.topics, resumed.current) == (STACK.topics, "t2")
    assert (resumed.topic, resumed.slots, resumed.earlier) == ("退货", STACK.slots, {})
    assert (resumed.moods, resumed.repair) == ((), "")


def test_an_offer_survives_redis_and_postgres() -> None:
    opened = conversation(STACK)
    offered = memory.load(opened, now=NOW + minutes(31))
    memory.store(opened.visitor_id, offered, expected_rev=0, now=NOW)
    assert memory.find(opened.visitor_id, now=NOW) == offered
    opened.dialogue = asdict(offered)
    opened.save()
    opened.refresh_from_db()
    assert memory.read_dialogue(opened.dialogue) == offered


def test_nothing_is_offered_of_what_was_given_up() -> None:
    given_up = advance(STACK, Understood(said=Resolution(withdrawn=("return", "logistics"))))
    opened = conversation(memory.advanced(given_up, now=NOW))
    assert memory.load(opened, now=NOW + minutes(31)).earlier == {}


# --- one more turn ---------------------------------------------------------------------------------


def test_advanced_counts_and_dates() -> None:
    later = NOW + minutes(2)
    assert memory.advanced(SHIPPING, now=later, topic="退款") == replace(
        SHIPPING, rev=4, turns=4, topic="退款", at_seconds=later.timestamp()
    )


@pytest.mark.parametrize(
    ("summary", "topic", "after"),
    [
        ("", "物流", "物流"),
        ("物流", "", "物流"),
        ("物流", "物流", "物流"),
        ("物流 → 退款", "物流", "退款 → 物流"),
        ("一 → 二 → 三 → 四 → 五", "六", "二 → 三 → 四 → 五 → 六"),
    ],
)
def test_summarise_keeps_the_latest_topics_in_order(summary: str, topic: str, after: str) -> None:
    assert memory.summarise(summary, topic) == after


# --- without Redis ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("redis_down")
def test_without_redis_the_state_comes_from_postgres() -> None:
    opened = conversation(SHIPPING)
    assert memory.find(opened.visitor_id, now=NOW) is None
    assert memory.load(opened, now=NOW).topic == "物流"
    assert memory.store(opened.visitor_id, SHIPPING, expected_rev=0, now=NOW) is True
