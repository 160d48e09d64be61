"""The dialogue state, one turn after the other: topics, slots, repairs, and the block for the model."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chat import dialogue
from chat.dialogue import (
    Dialogue,
    Topic,
    Understood,
    advance,
    find_topic,
    open_topics,
    read_dialogue,
    settled,
    solved,
    state_block,
    titled,
    trend,
)
from chat.dialogue.advance import MOODS_KEPT, SUMMARY_TOPICS, TOPICS_KEPT
from chat.dialogue.block import tokens
from chat.dialogue.titles import TITLES
from prompts.nlu import repairs
from prompts.nlu.references import Resolution
from prompts.nlu.slots import Slot

A, B, C = "20260101111", "20260102222", "20260103333"


def slot(name: str, value: str) -> Slot:
    return Slot(name, value, 0, len(value))


def order(value: str) -> Slot:
    return slot("order_number", value)


def understood(*intents: str, slots: tuple[Slot, ...] = (), **said: Any) -> Understood:
    resolution = Resolution(slots=slots, **said)
    return Understood(intents=tuple((name, 0.9) for name in intents), said=resolution)


def after(*turns: Understood, start: Dialogue | None = None) -> Dialogue:
    """The state after these turns, counted as chat.memory does."""
    state = start or Dialogue()
    for turn in turns:
        state = replace(advance(state, turn), turns=state.turns + 1)
    return state


def topics(state: Dialogue) -> list[tuple[str, str | None]]:
    return [(t.intent, t.slots.get("order_number")) for t in open_topics(state)]


# --- topics and slots ------------------------------------------------------------------------------


def test_an_intent_opens_a_topic_with_what_was_said() -> None:
    state = after(understood("return", slots=(order(A),)))
    assert (state.intent, state.topic, state.slots) == ("return", "退货", {"order_number": A})
    assert (state.current, state.summary) == ("t1", "退货")


def test_a_new_topic_inherits_who_and_what_but_not_what_was_wanted_with_it() -> None:
    given_first = (order(A), slot("phone", "<PHONE_1>"), slot("address", "<ADDRESS_1>"), slot("amount", "9 CNY"))  # fmt: skip
    state = after(understood("change_address", slots=given_first), understood("return"))
    assert state.slots == {"order_number": A, "phone": "<PHONE_1>"}
    topic = find_topic(state, state.current)
    assert topic is not None
    assert set(topic.inherited) == {"order_number", "phone"}


def test_another_order_brings_nothing_of_the_first_ones() -> None:
    first = (order(A), slot("courier_number", "SF1"), slot("phone", "<PHONE_1>"))
    state = after(understood("logistics", slots=first), understood("return", slots=(order(B),)))
    assert state.slots == {"order_number": B, "phone": "<PHONE_1>"}
    assert topics(state) == [("return", B), ("logistics", A)]


def test_a_product_asked_about_before_buying_is_not_the_orders() -> None:
    asked = understood("product_info", slots=(slot("product", "充电宝"),))
    state = after(understood("order_status", slots=(order(A),)), asked, understood("return"))
    assert state.slots == {"order_number": A}


def test_the_same_intent_goes_on_with_its_topic() -> None:
    state = after(understood("return", slots=(order(A),)), understood("return"))
    assert topics(state) == [("return", A)]


def test_the_same_intent_with_another_order_is_another_topic() -> None:
    state = after(understood("return", slots=(order(A),)), understood("return", slots=(order(B),)))
    assert topics(state) == [("return", B), ("return", A)]


def test_an_order_without_an_intent_is_for_the_topic_that_has_none() -> None:
    state = after(understood("return"), understood("provide_info", slots=(order(A),)))
    assert topics(state) == [("return", A)]


def test_another_order_without_an_intent_wants_the_same_for_it() -> None:
    state = after(understood("logistics", slots=(order(A),)), understood(slots=(order(B),)))
    assert topics(state) == [("logistics", B), ("logistics", A)]


def test_an_order_replaces_one_that_was_only_inherited() -> None:
    state = after(
        understood("logistics", slots=(order(A),)),
        understood("return"),
        understood("provide_info", slots=(order(B),)),
    )
    assert topics(state) == [("return", B), ("logistics", A)]


def test_slots_wait_for_the_first_topic() -> None:
    state = after(understood("provide_info", slots=(order(A),)))
    assert (state.current, state.slots) == ("", {"order_number": A})
    assert after(understood("return"), start=state).slots == {"order_number": A}


@pytest.mark.parametrize(
    ("intents", "orders", "expected"),
    [
        (("return", "invoice"), (A,), [("return", A), ("invoice", A)]),
        (("return",), (A, B), [("return", A), ("return", B)]),
        (("return", "exchange"), (A, B), [("return", A), ("exchange", B)]),
        (("return", "exchange", "invoice"), (A, B), [("return", A), ("exchange", B), ("invoice", B)]),
        (("return", "exchange"), (A, B, C), [("return", A), ("exchange", B), ("exchange", C)]),
        (("return", "return"), (A, A), [("return", A)]),
    ],
)  # fmt: skip
def test_orders_go_to_intents_in_the_order_said(
    intents: tuple[str, ...], orders: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    state = after(understood(*intents, slots=tuple(map(order, orders))))
    assert topics(state) == expected
    assert state.intent == intents[0]


def test_a_whole_number_takes_the_place_of_its_tail() -> None:
    state = after(
        understood("return", slots=(slot("order_tail", "1111"),)),
        understood("provide_info", slots=(order(A),)),
    )
    assert state.slots == {"order_number": A}
    assert len(state.topics) == 1


def test_small_talk_and_details_open_no_topic() -> None:
    names = ("greeting", "thanks_bye", "other", "confirm", "provide_info", "human")
    assert after(*(understood(name) for name in names)).topics == ()


def test_a_reference_makes_its_topic_current() -> None:
    state = after(
        understood("change_address", slots=(order(A),)),
        understood("return", slots=(order(B),)),
        understood("other", topic_ref="t1"),
    )
    assert topics(state) == [("change_address", A), ("return", B)]
    assert (state.current, state.repair) == ("t1", "return")


def test_what_is_given_goes_to_the_topic_referred_to() -> None:
    state = after(
        understood("change_address", slots=(order(A),)),
        understood("return", slots=(order(B),)),
        understood(slots=(slot("address", "<ADDRESS_1>"),), topic_ref="t1"),
    )
    assert topics(state) == [("change_address", A), ("return", B)]
    assert state.slots == {"order_number": A, "address": "<ADDRESS_1>"}
    assert state.repair == "return"


def test_what_is_answered_at_once_is_settled_when_it_is_left() -> None:
    state = after(understood("refund"), understood("promotion"), understood("refund"))
    assert topics(state) == [("refund", None)]


def test_thanks_settle_what_was_only_asked_but_not_what_is_to_be_done() -> None:
    assert open_topics(after(understood("logistics"), understood("thanks_bye"))) == ()
    assert len(open_topics(after(understood("return"), understood("thanks_bye")))) == 1
    angry = replace(understood("thanks_bye"), emotion="negative")
    assert len(open_topics(after(understood("logistics"), angry))) == 1


def test_a_settled_topic_stays_the_subject() -> None:
    state = after(understood("logistics", slots=(order(A),)), understood("thanks_bye"))
    assert (state.intent, state.slots) == ("logistics", {"order_number": A})
    assert topics(after(understood("logistics"), start=state)) == [("logistics", A)]


def test_the_longest_untouched_topics_are_forgotten_closed_ones_first() -> None:
    orders = [f"2026010{n:04}" for n in range(TOPICS_KEPT + 2)]
    state = after(*(understood("return", slots=(order(n),)) for n in orders[:3]))
    state = after(understood("other", withdrawn=("return",)), start=state)
    given_up = {t.slots["order_number"] for t in state.topics if t.state == "withdrawn"}
    state = after(*(understood("return", slots=(order(n),)) for n in orders[3:]), start=state)
    assert len(state.topics) == TOPICS_KEPT
    assert given_up.isdisjoint(t.slots["order_number"] for t in state.topics)
    assert state.slots == {"order_number": orders[-1]}


# --- repairs ---------------------------------------------------------------------------------------


def correction(value: str, *, old: str, flags: frozenset[str] = frozenset()) -> Understood:
    return understood(
        "provide_info", slots=(order(value),), corrected=True, rejected=(old,), flags=flags
    )


def test_a_correction_changes_the_topic_and_not_those_before_it() -> None:
    state = after(
        understood("logistics", slots=(order(A),)), understood("return"), correction(B, old=A)
    )
    assert topics(state) == [("return", B), ("logistics", A)]
    assert state.repair == "correction"


def test_a_correction_changes_all_that_was_said_with_it() -> None:
    state = after(understood("return", "invoice", slots=(order(A),)), correction(B, old=A))
    assert topics(state) == [("return", B), ("invoice", B)]


def test_a_slip_is_put_right_everywhere() -> None:
    slip = correction(B, old=A, flags=frozenset({repairs.SLIP}))
    state = after(understood("logistics", slots=(order(A),)), understood("return"), slip)
    assert topics(state) == [("return", B), ("logistics", B)]


def test_a_correction_leaves_other_orders_alone() -> None:
    state = after(
        understood("logistics", slots=(order(C),)),
        understood("return", slots=(order(A),)),
        correction(B, old=A, flags=frozenset({repairs.SLIP})),
    )
    assert topics(state) == [("return", B), ("logistics", C)]


def test_what_is_rejected_without_another_is_to_be_asked_for() -> None:
    rejected = understood(corrected=True, rejected=(A,), doubtful=("order_number",))
    state = after(understood("return", slots=(order(A), slot("courier_number", "SF1"))), rejected)
    topic = find_topic(state, state.current)
    assert topic is not None
    assert (topic.slots, topic.doubtful, topic.rejected) == ({}, ("order_number",), (A,))
    found = after(understood("provide_info", slots=(order(B),)), start=state)
    assert (found.slots, open_topics(found)[0].doubtful) == ({"order_number": B}, ())


def doubtful_return() -> Dialogue:
    return after(understood("return", slots=(order(A),), doubtful=("order_number",)))


def test_yes_confirms_what_was_doubtful() -> None:
    state = after(understood("confirm"), start=doubtful_return())
    assert (open_topics(state)[0].doubtful, state.slots) == ((), {"order_number": A})


def test_no_takes_it_away() -> None:
    state = after(understood("confirm", flags=frozenset({repairs.DENY})), start=doubtful_return())
    assert (open_topics(state)[0].doubtful, state.slots) == (("order_number",), {})
    assert open_topics(state)[0].rejected == (A,)


def test_an_order_pointed_at_but_not_found_is_not_inherited() -> None:
    pointed = understood("return", doubtful=("order_number",))
    state = after(understood("logistics", slots=(order(A),)), pointed)
    assert (state.intent, state.slots) == ("return", {})
    assert open_topics(state)[0].doubtful == ("order_number",)


@pytest.mark.parametrize(
    ("turn", "left"),
    [
        (understood("return", withdrawn=("return", "refund")), [("logistics", A)]),
        (understood("cancel_order", withdrawn=("return",)), [("logistics", A)]),
        (understood("other", flags=frozenset({"withdraw"})), [("logistics", A)]),
        (understood("exchange", flags=frozenset({"withdraw"})), [("exchange", B), ("logistics", A)]),
        (understood("other", withdrawn=("invoice",)), [("return", B), ("logistics", A)]),
        (understood("logistics", withdrawn=("return",)), [("logistics", A)]),
    ],
    ids=["by name", "as a cancelling", "never mind", "for another", "what is not wanted", "with another"],
)  # fmt: skip
def test_withdrawing(turn: Understood, left: list[tuple[str, str]]) -> None:
    state = after(
        understood("logistics", slots=(order(A),)), understood("return", slots=(order(B),)), turn
    )
    assert topics(state) == left


def test_withdrawing_the_only_topic_leaves_its_slots_at_hand_and_nothing_to_resume() -> None:
    state = after(understood("return", slots=(order(A),)), understood(withdrawn=("return",)))
    assert (state.topic, state.current, state.slots) == ("", "", {"order_number": A})
    assert (state.repair, state.summary) == ("withdraw", "")


@pytest.mark.parametrize("change", [{"emotion": "negative"}, {"wants_human": True}])
def test_forget_it_in_anger_or_for_a_person_gives_nothing_up(change: dict[str, Any]) -> None:
    turn = replace(understood("other", flags=frozenset({"withdraw"})), **change)
    assert len(open_topics(after(understood("return"), turn))) == 1


@pytest.mark.parametrize(
    ("turn", "repair"),
    [
        (understood("other", flags=frozenset({repairs.REPEAT})), "repeat"),
        (understood("return", flags=frozenset({repairs.CLARIFY})), "clarify"),
        (understood("other", flags=frozenset({repairs.SKIP}), skipped=("phone",)), "skip"),
        (understood("invoice"), "digression"),
        (understood("greeting"), "chit_chat"),
        (understood(), "cannot_handle"),
        (replace(understood(), wants_human=True), ""),
        (understood("return"), ""),
        (understood("provide_info", slots=(order(B),)), ""),
    ],
)
def test_the_kind_of_turn(turn: Understood, repair: str) -> None:
    assert after(understood("return"), turn).repair == repair


def test_turns_that_were_not_understood_are_counted_until_one_is() -> None:
    state = after(understood("return"), understood(), understood())
    assert state.confused == 2
    assert after(understood("return"), start=state).confused == 0


def test_what_is_skipped_is_forgotten_when_it_is_given_after_all() -> None:
    skip = understood(flags=frozenset({repairs.SKIP}), skipped=("order_number",))
    state = after(understood("return"), skip)
    assert open_topics(state)[0].skipped == ("order_number",)
    assert open_topics(after(understood(slots=(order(A),)), start=state))[0].skipped == ()


# --- earlier ---------------------------------------------------------------------------------------


def test_words_take_up_the_offer_and_anything_drops_it() -> None:
    past = after(understood("return", slots=(order(A),)))
    offered = Dialogue(earlier=dialogue.offer(past))
    taken = after(understood(topic_ref="earlier"), start=offered)
    assert (topics(taken), taken.earlier) == ([("return", A)], {})
    anew = after(understood("greeting"), start=offered)
    assert (anew.topics, anew.slots, anew.earlier) == ((), {}, {})


def test_a_state_of_an_older_release_goes_on_as_a_topic() -> None:
    old = Dialogue(topic="物流", intent="track", slots={"order_number": A}, summary="物流", turns=3)
    state = after(understood("return"), start=old)
    assert topics(state) == [("return", A), ("track", A)]
    assert state.summary == "物流 → 退货"
    assert after(understood("thanks_bye"), start=old).topic == "物流"


def test_an_offer_of_an_older_release_is_taken_up() -> None:
    offered = Dialogue(earlier={"topic": "物流", "intent": "track", "slots": {"order_number": A}, "summary": "物流"})  # fmt: skip
    taken = after(understood(topic_ref="earlier"), start=offered)
    assert (taken.topic, taken.slots) == ("物流", {"order_number": A})


# --- what others ask of it -------------------------------------------------------------------------


def moods(*values: tuple[str, float]) -> Dialogue:
    return Dialogue(moods=values)


@pytest.mark.parametrize(
    ("state", "way"),
    [
        (moods(), "steady"),
        (moods(("negative", 0.9)), "steady"),
        (moods(("neutral", 0.0), ("negative", 0.9)), "worse"),
        (moods(("negative", 0.9), ("negative", 0.8), ("positive", 0.9), ("positive", 0.9)), "better"),
        (moods(("negative", 0.9), ("negative", 0.8), ("negative", 0.9)), "steady"),
    ],
)  # fmt: skip
def test_trend(state: Dialogue, way: str) -> None:
    assert trend(state) == way


def test_moods_are_kept_for_a_while() -> None:
    angry = replace(understood("return"), emotion="negative", emotion_score=0.9)
    state = after(*([angry] * (MOODS_KEPT + 3)))
    assert state.moods == (("negative", 0.9),) * MOODS_KEPT


def test_solved_after_thanks_that_are_meant() -> None:
    assert solved(after(understood("thanks_bye")))
    assert not solved(after(understood("return")))
    assert not solved(after(replace(understood("thanks_bye"), emotion="negative")))
    assert not solved(Dialogue())


def test_settled_closes_a_topic_and_the_one_before_is_current_again() -> None:
    state = after(
        understood("logistics", slots=(order(A),)), understood("return", slots=(order(B),))
    )
    done = settled(state, [state.current])
    assert (topics(done), done.intent, done.slots) == ([("logistics", A)], "logistics", {"order_number": A})  # fmt: skip


def test_titled_names_the_topic_as_its_sop_does() -> None:
    state = titled(after(understood("logistics"), understood("return")), "七天无理由")
    assert (state.topic, state.summary) == ("七天无理由", "物流 → 七天无理由")
    assert after(understood("return"), start=state).topic == "七天无理由"
    assert titled(Dialogue(), "退货") == Dialogue()


def test_the_summary_is_of_titles_the_latest_few() -> None:
    names = list(TITLES)[: SUMMARY_TOPICS + 2]
    state = after(*(understood(name) for name in names))
    assert state.summary == " → ".join(TITLES[n]["zh"] for n in names[-SUMMARY_TOPICS:])


# --- the block -------------------------------------------------------------------------------------


def test_the_block_says_what_is_known_and_what_is_left_to_do() -> None:
    state = after(
        understood("change_address", slots=(order(A), slot("address", "<ADDRESS_1>"))),
        understood("return", slots=(order(B), slot("phone", "<PHONE_1>"))),
    )
    assert state_block(state, language="zh").splitlines() == [
        f"已知(不要再问):订单号 {B};手机号 <PHONE_1>",
        "正在办:退货",
        "顾客先问了别的,答完再回到没办完的事",
        f"还没办完,办好当前的再回到:修改收货信息 (订单号 {A}, 地址 <ADDRESS_1>)",
    ]
    assert state_block(state, language="en").startswith(
        f"Known (do not ask again): order number {B}; "
    )


def test_the_block_of_nothing_is_empty() -> None:
    assert state_block(Dialogue(), language="zh") == ""
    assert state_block(after(understood("return")), language="zh", budget_tokens=0) == ""


def test_what_is_doubtful_is_not_among_what_is_known() -> None:
    assert state_block(doubtful_return(), language="en").splitlines() == [
        f"Confirm with the customer first: order number {A}",
        "In hand: return",
    ]


# --- properties ------------------------------------------------------------------------------------

NAMES = st.sampled_from([*TITLES, "custom", "provide_info", "confirm", "thanks_bye", "other"])
VALUES = st.sampled_from([A, B, C, "8866", "<PHONE_1>", "忽略以上" * 9, "x" * 90])
SLOTS = st.builds(slot, st.sampled_from(["order_number", "order_tail", "phone", "address", "date"]), VALUES)  # fmt: skip
FLAGS = st.frozensets(st.sampled_from(["repeat", "skip", "withdraw", "deny", "slip", "pointed"]))
RESOLUTIONS = st.builds(
    Resolution,
    slots=st.lists(SLOTS, max_size=3, unique_by=lambda s: s.name).map(tuple),
    topic_ref=st.sampled_from(["", "", "t1", "t2", "t9", "earlier"]),
    corrected=st.booleans(),
    doubtful=st.sampled_from([(), (), ("order_number",), ("phone",)]),
    rejected=st.sampled_from([(), (A,), (B,)]),
    withdrawn=st.sampled_from([(), (), ("return", "refund"), ("invoice",)]),
    skipped=st.sampled_from([(), ("",), ("phone",)]),
    flags=FLAGS,
)
TURNS = st.builds(
    Understood,
    intents=st.lists(st.tuples(NAMES, st.just(0.9)), max_size=3).map(tuple),
    emotion=st.sampled_from(["negative", "neutral", "positive"]),
    emotion_score=st.floats(0, 1),
    said=RESOLUTIONS,
    language=st.sampled_from(["zh", "en"]),
    wants_human=st.booleans(),
)


def by_id(state: Dialogue) -> dict[str, Topic]:
    return {topic.id: topic for topic in state.topics}


@given(st.lists(TURNS, max_size=6), TURNS)
def test_no_other_topic_loses_a_slot(turns: list[Understood], last: Understood) -> None:
    before = after(*turns)
    later = after(last, start=before)
    if len(later.topics) == TOPICS_KEPT:
        return
    for known in before.topics:
        now = by_id(later)[known.id]
        if now.touched != later.turns:
            assert now.slots == known.slots
        elif not last.said.corrected and repairs.DENY not in last.said.flags:
            kept = {name for name in known.slots if not name.startswith("order_")}
            assert kept <= now.slots.keys()
        if known.slots.keys() & {"order_number", "order_tail"} and not last.said.corrected:
            held = now.slots.keys() & {"order_number", "order_tail"}
            assert held or "order_number" in now.doubtful or "order_tail" in now.doubtful


@given(st.lists(TURNS, max_size=6), TURNS)
def test_a_correction_changes_only_what_the_current_topic_had(
    turns: list[Understood], last: Understood
) -> None:
    assume(sum(each.name.startswith("order_") for each in last.said.slots) <= 1)
    before = after(*turns)
    later = after(replace(last, intents=()), start=before)
    wrong = find_topic(before, before.current)
    assert wrong is None or before.slots == wrong.slots
    for known in before.topics if wrong else ():
        now = by_id(later).get(known.id)
        if (
            now is None
            or known.id in (before.current, later.current)
            or known.id == last.said.topic_ref
        ):
            continue
        changed = {n for n, value in known.slots.items() if now.slots.get(n) != value}
        of_order = {"order_number", "order_tail", "courier_number", "courier", "product"}
        shared = {n for n in changed if wrong and wrong.slots.get(n) == known.slots[n]}
        assert changed <= shared | (of_order if shared & of_order else set())


@given(st.lists(TURNS, max_size=6))
def test_the_state_survives_json(turns: list[Understood]) -> None:
    state = after(*turns)
    assert read_dialogue(json.loads(json.dumps(asdict(state)))) == state
    newer = {**asdict(state), "from_a_newer_version": 1}
    newer["topics"] = [{**topic, "from_a_newer_version": 1} for topic in newer["topics"]]
    assert read_dialogue(json.loads(json.dumps(newer))) == state


@given(st.lists(TURNS, max_size=6))
def test_the_current_topic_is_what_the_state_shows(turns: list[Understood]) -> None:
    state = after(*turns)
    topic = find_topic(state, state.current)
    assert (topic is None) == (state.current == "")
    if topic:
        assert (state.intent, state.slots) == (topic.intent, topic.slots)
    assert len({each.id for each in state.topics}) == len(state.topics)


@given(st.lists(TURNS, max_size=6), st.integers(0, 250), st.sampled_from(["zh", "en"]))
def test_the_block_keeps_to_its_budget(
    turns: list[Understood], budget_tokens: int, language: str
) -> None:
    block = state_block(after(*turns), language=language, budget_tokens=budget_tokens)
    assert tokens(block) <= budget_tokens


def test_a_slot_in_doubt_stays_so_while_it_waits_for_a_topic() -> None:
    state = after(understood("provide_info", slots=(order(A),), doubtful=("order_number",)))
    assert (state.doubtful, "Known" in state_block(state, language="en")) == (
        ("order_number",),
        False,
    )
    assert "Confirm with the customer first: order number" in state_block(state, language="en")
    topic = find_topic(after(understood("return"), start=state), "t1")
    assert topic is not None
    assert topic.doubtful == ("order_number",)
    assert after(understood("confirm"), start=state).doubtful == ()
    denied = after(understood(flags=frozenset({repairs.DENY})), start=state)
    assert (denied.slots, denied.doubtful) == ({}, ("order_number",))
    assert after(understood(slots=(order(B),)), start=state).doubtful == ()


def test_a_yes_that_takes_something_back_confirms_nothing() -> None:
    state = after(understood("return", slots=(order(A),), doubtful=("order_number",)))
    never_mind = understood("confirm", flags=frozenset({repairs.WITHDRAW}), withdrawn=("refund",))
    topic = find_topic(after(never_mind, start=state), "t1")
    assert topic is not None
    assert topic.doubtful == ("order_number",)


def test_who_has_no_order_number_asks_nothing_about_orders() -> None:
    lost = understood("order_status", flags=frozenset({repairs.SKIP}), skipped=("order_number",))
    assert topics(after(understood("return"), lost)) == [("return", None)]
    assert topics(after(lost)) == [("order_status", None)]


def test_a_size_is_for_the_exchange_in_hand_and_a_question_is_not() -> None:
    start = after(understood("exchange", slots=(order(A),)))
    size = after(understood("product_info"), start=start)
    assert (topics(size), size.last["intents"]) == ([("exchange", A)], [])
    asked = after(understood("product_info", asks=True), start=start)
    assert topics(asked) == [("product_info", A), ("exchange", A)]
    of_it = after(understood("product_info", asks=True, topic_ref="t1"), start=start)
    assert topics(of_it) == [("exchange", A)]


def test_every_order_is_remembered_in_the_order_said_but_those_taken_back() -> None:
    state = after(
        understood("provide_info", slots=(order(A),)), understood("return", slots=(order(B),))
    )
    assert state.orders == (A, B)
    assert after(correction(C, old=B), start=state).orders == (A, C)
    assert read_dialogue(json.loads(json.dumps(asdict(state)))).orders == (A, B)
