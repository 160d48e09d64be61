"""When a person takes over, reason by reason; no database."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.escalation.decide import (
    DEFAULT_POINTS,
    Action,
    Policy,
    Reason,
    Signals,
    decide,
    money,
)
from prompts.nlu.emotion import LABELS, Mood

POLICY = Policy()
FURY, ANNOYED = Mood("negative", 0.97), Mood("negative", 0.6)
CALM, GLAD = Mood("neutral", 0.9), Mood("positive", 0.9)

moods = st.lists(st.builds(Mood, st.sampled_from(LABELS), st.floats(0.34, 1.0)), max_size=6).map(
    tuple
)
signals = st.builds(
    Signals,
    text=st.sampled_from(["我的订单呢", "我要去12315", "where is it"]),
    intents=st.sampled_from([(), ("refund",), ("logistics", "urge")]),
    wants_human=st.booleans(),
    moods=moods,
    ironic=st.booleans(),
    repeated=st.booleans(),
    failed_turns=st.integers(0, 4),
    confused=st.integers(0, 4),
    vip=st.booleans(),
    no_knowledge=st.booleans(),
    tool_failed=st.booleans(),
    model_failed=st.booleans(),
    budget_spent=st.booleans(),
)


def codes(said: Signals, policy: Policy = POLICY) -> list[Reason]:
    return [reason for reason, _ in decide(said, policy).reasons]


def test_a_calm_question_is_answered_without_a_reason() -> None:
    verdict = decide(Signals("我的订单到哪了", ("logistics",), moods=(CALM,)), POLICY)
    assert (verdict.action, verdict.score, verdict.reasons) == (Action.ANSWER, 0.0, ())


def test_who_asks_for_a_person_gets_one() -> None:
    verdict = decide(Signals("转人工", wants_human=True), POLICY)
    assert (verdict.action, verdict.reasons) == (Action.HAND_OVER, ((Reason.ASKED, 1.0),))


@pytest.mark.parametrize(
    "text", ["再不发货我就打12315", "我要起诉你们", "充电器冒烟了", "I will call my LAWYER"]
)
def test_what_the_shop_keeps_to_people_goes_to_people(text: str) -> None:
    assert decide(Signals(text, moods=(CALM,)), POLICY).action is Action.HAND_OVER


@pytest.mark.parametrize(
    ("limit", "amount", "intent", "action"),
    [
        (1000.0, "1,299元", "refund", Action.HAND_OVER),
        (1000.0, "1299", "logistics", Action.ANSWER),
        (1000.0, "¥999.00", "refund", Action.ANSWER),
        (0.0, "1299", "refund", Action.ANSWER),
        (1000.0, "很多", "refund", Action.ANSWER),
    ],
)
def test_much_money_back_is_for_a_person(
    limit: float, amount: str, intent: str, action: Action
) -> None:
    said = Signals("退款", (intent,), amount=amount)
    assert decide(said, replace(POLICY, amount_limit=limit)).action is action


def test_money_reads_what_people_write() -> None:
    assert [money(each) for each in ("¥1,299.50", "1299元", "", "一百")] == [
        1299.5,
        1299.0,
        0.0,
        0.0,
    ]


@pytest.mark.parametrize(
    ("heard", "action"),
    [
        ((ANNOYED,), Action.ANSWER),
        ((FURY,), Action.OFFER),
        ((CALM, FURY), Action.HAND_OVER),
        ((ANNOYED, ANNOYED), Action.OFFER),
        ((ANNOYED, FURY), Action.HAND_OVER),
        ((FURY, FURY, CALM), Action.ANSWER),
        ((FURY, GLAD), Action.ANSWER),
    ],
)
def test_anger_that_lasts_or_grows_hands_over_and_calm_ends_it(
    heard: tuple[Mood, ...], action: Action
) -> None:
    assert decide(Signals("怎么还没到", moods=heard), POLICY).action is action


def test_one_failed_answer_offers_a_person_and_two_call_one() -> None:
    once = Signals("那个呢", failed_turns=1, no_knowledge=True)
    assert decide(once, POLICY).action is Action.OFFER
    assert decide(replace(once, failed_turns=2), POLICY).action is Action.HAND_OVER


def test_being_a_vip_is_no_reason_by_itself_and_weighs_in_trouble() -> None:
    assert codes(Signals("你好", vip=True)) == []
    assert codes(Signals("那个呢", repeated=True, vip=True)) == [Reason.REPEATED, Reason.VIP]


@given(signals)
def test_the_verdict_follows_from_its_reasons(said: Signals) -> None:
    verdict = decide(said, POLICY)
    total = sum(points for _, points in verdict.reasons)
    assert verdict.score == pytest.approx(total) or verdict.score == POLICY.hand_over_at
    assert (verdict.action is Action.HAND_OVER) == (verdict.score >= POLICY.hand_over_at)
    assert (verdict.action is Action.ANSWER) == (verdict.score < POLICY.offer_at)
    assert len({reason for reason, _ in verdict.reasons}) == len(verdict.reasons)


@given(signals)
def test_more_trouble_never_makes_a_person_less_likely(said: Signals) -> None:
    order = list(Action)
    before = order.index(decide(said, POLICY).action)
    worse = replace(said, failed_turns=said.failed_turns + 1, repeated=True, wants_human=True)
    assert order.index(decide(worse, POLICY).action) >= before


@given(signals, st.sampled_from(sorted(DEFAULT_POINTS)))
def test_a_reason_without_points_is_never_given(said: Signals, muted: str) -> None:
    assert muted not in codes(said, replace(POLICY, points=DEFAULT_POINTS | {muted: 0.0}))
