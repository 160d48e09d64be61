"""A turn end to end on real Postgres and Redis: one message in, one answer out, never after a takeover."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db import connection as database
from django.db import transaction
from django.db.models.functions import Now

from chat import dialogue as dialogues
from chat import lease, memory, protocol, push, question, transcript, turn
from chat.actions import agent as agent_actions
from chat.actions import visitor as actions
from chat.analysis import Analysis, analyse
from chat.keeping import Kept
from chat.models import Conversation, Message, Turn
from chat.outcome import build_outcome, find_subject
from chat.states import TurnState
from chat.tools import acting
from chat.transcript import Line
from prompts import completion
from prompts.llm import router
from prompts.models import ModelCall, Prompt
from prompts.redis import connection
from prompts.retrieval import Hit
from tests.chat.conftest import ANSWER, QUESTION, TEXTS
from tests.chat.ear import Ear

HERE = "127.0.0.1"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

# Statements of one turn, its transaction's BEGIN and COMMIT among them, once the process is warm.
TURN_QUERIES = 10
# 10:00 in Shanghai
MORNING = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


def post(visitor: Any, text: str = QUESTION) -> UUID:
    posted = actions.post_message(visitor, client_id=uuid4(), text=text, address=HERE)
    assert posted.turn_id is not None
    return posted.turn_id


def ask(visitor: Any, text: str = QUESTION) -> str:
    """Posts a line, runs its turn and gives the bot's answer."""
    turn_id = post(visitor, text)
    turn.run(turn_id, worker="w1")
    return Message.objects.get(turn=turn_id, role="bot").text


def claimed(turn_id: UUID, worker: str = "w1") -> Turn:
    taken = lease.claim(turn_id, worker=worker)
    assert taken is not None
    return taken


def analysed(*lines: str) -> Analysis:
    """What the lines say at the beginning of a dialogue, to somebody without a classifier."""
    return analyse(lines, language="zh", dialogue=memory.Dialogue(), today=MORNING.date())


def spoken() -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in Message.objects.order_by("seq")]


# --- one message, one answer -----------------------------------------------------------------------


def test_run_answers_a_queued_turn_once(visitor: Any) -> None:
    turn_id = post(visitor)
    assert turn.run(turn_id, worker="w1") is None
    assert turn.run(turn_id, worker="w2") is None
    assert spoken() == [("visitor", QUESTION), ("bot", ANSWER)]
    row = Turn.objects.get()
    assert (row.state, row.worker, row.attempt, row.error) == ("done", "w1", 1, "")
    assert row.lease_until is None
    assert row.finished_at is not None
    assert set(row.timings) == {"prepare", "stream", "total"}
    assert not ModelCall.objects.exists()


def test_the_answer_explains_itself(visitor: Any) -> None:
    ask(visitor)
    answer = Message.objects.get(role="bot")
    assert answer.meta == {
        "citations": [{"id": "late", "sop": "late", "title": "物流"}],
        "endpoint": "sop",
        "prompt_version": Prompt.objects.get(purpose="answer", language="zh").current_id,
    }
    assert (answer.ai, answer.author) == (True, {"name": "小助手"})
    decision = Turn.objects.get().decision
    assert (decision["chosen"], decision["cause"]) == ("sop", "no_model")
    assert (decision["plan"], decision["answered_by"]) == (["sop"], "sop")
    assert decision["features"]["intent"] == "track"
    assert router.replay(decision, router.Policy()).chosen == "sop"


def test_a_conversation_does_not_keep_the_voice_that_a_canary_lent_it(visitor: Any) -> None:
    ask(visitor)
    lent = completion.Answer("好的", "new", {"canary": "trial"}, (), None, {})
    outcome = build_outcome(Kept(lent), analysed("好"), memory.Dialogue(), before=memory.Dialogue())
    usual = Line(2, "bot", "", Message.objects.get(role="bot").meta)
    canary = Line(4, "bot", "好的", outcome.meta or {})
    assert question.find_endpoint([canary]) == ""
    assert question.find_endpoint([usual, canary]) == "sop"


def test_run_costs_a_known_number_of_queries(visitor: Any, django_assert_num_queries: Any) -> None:
    ask(visitor)
    turn_id = post(visitor)
    with django_assert_num_queries(TURN_QUERIES):
        turn.run(turn_id, worker="w1")


def test_what_nobody_knows_gets_the_honest_sentence_in_the_visitors_language(visitor: Any) -> None:
    assert ask(visitor, "量子力学是什么") == TEXTS["unknown"][0]
    assert ask(visitor, "What is quantum mechanics?") == TEXTS["unknown"][1]


def test_lines_that_waited_together_get_one_answer(visitor: Any) -> None:
    first = post(visitor, "在吗")
    assert post(visitor) == first
    turn.run(first, worker="w1")
    assert spoken() == [("visitor", "在吗"), ("visitor", QUESTION), ("bot", ANSWER)]


def test_run_names_the_turn_that_was_queued_meanwhile(visitor: Any) -> None:
    first = post(visitor)
    running = claimed(first)
    second = post(visitor)
    lease.give_back(running)
    assert turn.run(first, worker="w1") == second
    assert turn.run(second, worker="w1") is None


def test_read_finds_the_line_asked_under_any_number_of_notices(visitor: Any) -> None:
    post(visitor, "还没到")
    for _ in range(question.HISTORY_LINES):
        actions.request_human(visitor)
        actions.cancel_human(visitor)
    row = claimed(Turn.objects.get(state="queued").pk)
    assert question.read(row).asked == ["还没到"]


def test_read_gives_the_turns_lines_and_twelve_before_it_without_notices(visitor: Any) -> None:
    for number in range(8):
        ask(visitor, f"在吗 {number}")
    actions.request_human(visitor)
    actions.cancel_human(visitor)
    first = post(visitor, "还没到")
    post(visitor, "到底到哪了")
    row = Turn.objects.select_related("conversation__inbox").get(pk=first)
    thread = question.read(row)
    assert thread.asked == ["还没到", "到底到哪了"]
    assert [m.seq for m in thread.history] == list(range(7, 19))
    acts = acting.begin(row, is_ours=lambda: True)
    found = analysed(*thread.asked)
    asked = question.build(row, thread, memory.Dialogue(), found=found, acts=acts)
    assert asked.text == "还没到\n到底到哪了"
    assert [role for role, _ in asked.history] == ["visitor", "bot"] * 5
    assert asked.shop_name == "测试小店"
    assert visitor.pk.hex not in asked.user


def test_pseudonym_is_stable_and_tells_visitors_apart(settings: Any) -> None:
    one, other = uuid4(), uuid4()
    assert question.pseudonym(one) == question.pseudonym(one)
    assert len({question.pseudonym(one), question.pseudonym(other), one.hex, other.hex}) == 4
    before = question.pseudonym(one)
    settings.SECRET_KEY = "another installation"
    assert question.pseudonym(one) != before


# --- what the browser sees -------------------------------------------------------------------------


def test_frames_of_a_turn_add_up_to_its_answer(visitor: Any, ear: Ear, settings: Any) -> None:
    settings.DELTA_SECONDS = 0
    turn_id = post(visitor)
    ear.frames()
    turn.run(turn_id, worker="w1")
    heard, *deltas, message, last = ear.frames()
    said: dict[str, Any] = {"intents": [], "emotion": "neutral", "trend": "steady"}
    assert heard == protocol.turn(turn_id, "running", **said)
    assert [d["n"] for d in deltas] == list(range(len(deltas)))
    assert len(deltas) > 1
    text = ""
    for delta in deltas:
        assert (delta["type"], delta["offset"]) == ("delta", len(text))
        text += delta["text"]
    assert text == message["text"] == ANSWER
    assert message == transcript.as_frame(Message.objects.get(role="bot"))
    assert last == protocol.turn(turn_id, "done", **said)


def test_deltas_are_gathered_for_a_while_and_the_first_is_sent_at_once(
    visitor: Any, ear: Ear, settings: Any
) -> None:
    settings.DELTA_SECONDS = 60
    post(visitor)
    delivery = turn.Delivery(claimed(Turn.objects.get().pk), lease.Held(Turn.objects.get()))
    ear.frames()
    for piece in ("亲", "别", "急"):
        delivery.write(piece)
    assert [(f["n"], f["offset"], f["text"]) for f in ear.frames()] == [(0, 0, "亲")]
    delivery.restart()
    delivery.write("请")
    delivery.flush(time.monotonic())
    assert [(f["n"], f["offset"], f["text"]) for f in ear.frames()] == [(0, 0, "请"), (1, 1, "")]


def test_ready_shows_the_text_so_far_of_a_turn_in_flight(visitor: Any) -> None:
    row = claimed(post(visitor))
    conversation = Conversation.objects.get()
    assert actions.ready(conversation, after_seq=0)["partial"] == {
        "turn_id": str(row.pk),
        "offset": 0,
        "text": "",
    }
    turn.Delivery(row, lease.Held(row)).write("亲,")
    assert actions.ready(conversation, after_seq=0)["partial"]["text"] == "亲,"
    turn.commit(row, turn.Outcome(text="亲,好的", dialogue=memory.Dialogue()))
    conversation.refresh_from_db()
    frame = actions.ready(conversation, after_seq=1)
    assert "partial" not in frame
    assert [m["text"] for m in frame["messages"]] == ["亲,好的"]


# --- never after someone else ----------------------------------------------------------------------


def late_commit(row: Turn) -> bool:
    """Whether a worker that comes late is turned away."""
    try:
        turn.commit(row, turn.Outcome(text="too late", dialogue=memory.Dialogue()))
    except turn.Abandoned:
        return True
    return False


def test_commit_after_a_takeover_is_turned_away(visitor: Any, agent: Any) -> None:
    row = claimed(post(visitor))
    agent_actions.claim(row.conversation_id, agent=agent)
    assert late_commit(row)
    agent_actions.hand_back(row.conversation_id, agent=agent)
    assert late_commit(row)
    assert [role for role, _ in spoken()] == ["visitor", "system", "system"]


def test_commit_after_the_lease_went_to_another_is_turned_away(visitor: Any) -> None:
    row = claimed(post(visitor))
    Turn.objects.update(lease_until=Now() - timedelta(seconds=1))
    turn.run(row.pk, worker="w2")
    assert late_commit(row)
    assert spoken() == [("visitor", QUESTION), ("bot", ANSWER)]
    conversation = Conversation.objects.get()
    assert (conversation.last_seq, conversation.dialogue["topic"]) == (2, "物流")


def test_commit_by_the_same_worker_in_an_earlier_attempt_is_turned_away(visitor: Any) -> None:
    row = claimed(post(visitor))
    Turn.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert claimed(row.pk).attempt == 2
    assert late_commit(row)


def test_apology_after_a_takeover_is_not_said(visitor: Any, agent: Any) -> None:
    row = claimed(post(visitor))
    agent_actions.claim(row.conversation_id, agent=agent)
    turn.apologise(row)
    assert [role for role, _ in spoken()] == ["visitor", "system"]
    assert Turn.objects.get().state == TurnState.SUPERSEDED


def test_delivery_stops_when_cancelled_or_when_the_lease_is_lost(visitor: Any) -> None:
    row = claimed(post(visitor))
    held = lease.Held(row)
    turn.Delivery(row, held).write("a")
    held.lost.set()
    with pytest.raises(turn.Abandoned):
        turn.Delivery(row, held).write("a")
    push.cancel(row.pk)
    with pytest.raises(turn.Abandoned):
        turn.Delivery(row, lease.Held(row)).write("a")


def test_a_cancelled_turn_says_nothing_and_is_left_to_its_lease(visitor: Any) -> None:
    turn_id = post(visitor)
    push.cancel(turn_id)
    assert turn.run(turn_id, worker="w1") is None
    assert [role for role, _ in spoken()] == ["visitor"]


# --- when things fail ------------------------------------------------------------------------------


def failed(error: str) -> bool:
    """Whether the turn ended with the apology, for that reason."""
    row, said = Turn.objects.get(), Message.objects.get(role="bot")
    assert said.meta == {"apology": True}
    return (row.state, row.error, said.text) == ("failed", error, TEXTS["apology"][0])


def test_a_turn_nobody_can_answer_ends_with_an_apology(visitor: Any, ear: Ear) -> None:
    Prompt.objects.filter(purpose="unknown").update(current=None)
    completion.CACHE.clear()
    turn_id = post(visitor, "量子力学是什么")
    turn.run(turn_id, worker="w1")
    assert failed("error")
    assert ear.frames()[-1] == protocol.turn(turn_id, "failed")


def test_an_apology_needs_no_prompt(visitor: Any) -> None:
    Prompt.objects.update(current=None)
    completion.CACHE.clear()
    turn.run(post(visitor, "量子力学是什么"), worker="w1")
    assert spoken()[-1] == ("bot", protocol.error_text("unavailable", locale="zh"))


def test_give_up_apologises_once(visitor: Any, settings: Any) -> None:
    turn_id = post(visitor)
    turn.give_up(turn_id, worker="w1")
    assert Turn.objects.get().state == TurnState.QUEUED
    Turn.objects.update(attempt=settings.TURN_ATTEMPTS)
    turn.give_up(turn_id, worker="w1")
    turn.give_up(turn_id, worker="w1")
    assert failed("attempts")


def test_a_conversation_that_stays_locked_costs_an_attempt_and_no_answer(visitor: Any) -> None:
    turn_id = post(visitor)
    locked, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            transcript.lock(Turn.objects.get().conversation_id)
            locked.set()
            release.wait(10)
        database.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(5)
    turn.run(turn_id, worker="w1")
    release.set()
    holder.join()
    assert Turn.objects.get().state == TurnState.RUNNING
    turn.run(turn_id, worker="w2")
    assert spoken() == [("visitor", QUESTION), ("bot", ANSWER)]
    assert Turn.objects.get().attempt == 2


@pytest.mark.usefixtures("redis_down")
def test_without_redis_the_visitor_is_answered_all_the_same(visitor: Any) -> None:
    assert ask(visitor) == ANSWER
    assert Conversation.objects.get().dialogue["topic"] == "物流"


def test_redis_wiped_between_turns_loses_nothing(visitor: Any) -> None:
    ask(visitor, "我的订单 20260131001 怎么还没到?")
    connection().flushdb()
    ask(visitor, "在吗")
    state = Conversation.objects.get().dialogue
    assert state["slots"] == {"order_number": "20260131001"}
    assert (state["topic"], state["turns"]) == ("物流", 2)


# --- taking up an earlier topic --------------------------------------------------------------------


def come_back(visitor: Any, *, after: timedelta) -> Any:
    """A first question in the morning, and the clock when the visitor comes back; Redis forgot by then."""
    with time_machine.travel(MORNING):
        ask(visitor, "我的订单 20260131001 怎么还没到?")
    connection().flushdb()
    return time_machine.travel(MORNING + after)


def greeting(visitor: Any) -> str | None:
    return actions.resume_prompt(actions.enter(visitor))


@pytest.mark.parametrize(
    "after",
    [timedelta(minutes=31), timedelta(hours=14), timedelta(days=3)],
    ids=["idle", "midnight", "days"],
)
def test_one_brings_back_the_earlier_topic_with_its_slots(visitor: Any, after: timedelta) -> None:
    with come_back(visitor, after=after):
        assert greeting(visitor) == ("上次说到物流,订单号 20260131001。如需继续上次查询,请回复1")
        assert ask(visitor, " 1 ") == "好的,继续物流,订单号 20260131001"
        state = memory.load(Conversation.objects.get(), now=MORNING + after)
        assert (state.topic, state.slots) == ("物流", {"order_number": "20260131001"})
        assert greeting(visitor) is None


def test_another_reply_starts_anew(visitor: Any) -> None:
    with come_back(visitor, after=timedelta(hours=1)):
        ask(visitor, "在吗")
        assert greeting(visitor) is None
        assert ask(visitor, "1") == TEXTS["unknown"][0]
        assert Conversation.objects.get().dialogue["slots"] == {}


def test_one_within_the_time_to_live_is_just_a_line(visitor: Any) -> None:
    with come_back(visitor, after=timedelta(minutes=29)):
        assert greeting(visitor) is None
        assert ask(visitor, "1") == TEXTS["unknown"][0]


def test_no_resume_is_offered_while_a_person_answers(visitor: Any, agent: Any) -> None:
    with come_back(visitor, after=timedelta(hours=1)):
        agent_actions.claim(actions.enter(visitor).pk, agent=agent)
        assert greeting(visitor) is None


# --- what the thread is about ----------------------------------------------------------------------


def hit(title: str, *, score: float = 0.9, intent: str = "track") -> Any:
    return Hit(
        sop_id=1,
        key=title,
        title=title,
        answer="",
        intent=intent,
        category="",
        question="",
        score=score,
        steps=(),
        required_slots=(),
        tool="",
    )


@pytest.mark.parametrize(
    ("hits", "subject"),
    [
        ([], None),
        ([hit("物流")], "物流"),
        ([hit("物流", score=0.49)], None),
        ([hit("问候", intent="other"), hit("物流")], "物流"),
        ([hit("退款"), hit("物流")], "退款"),
    ],
)
def test_find_subject_takes_the_best_that_fits_and_no_small_talk(
    hits: list[Any], subject: str | None
) -> None:
    found = find_subject(tuple(hits))
    assert (found.title if found else None) == subject


def replied(*hits: Hit) -> completion.Answer:
    return completion.Answer("好的", "sop", {}, hits, None, {})


def test_build_outcome_keeps_the_topic_through_small_talk() -> None:
    dialogue = memory.Dialogue(topic="物流", intent="track", summary="物流", slots={"a": "b"})
    reply = replied(hit("致谢", intent="other"))
    outcome = build_outcome(Kept(reply), analysed("谢谢"), dialogue, before=dialogue)
    assert outcome.dialogue == dialogue


def test_build_outcome_opens_a_topic_by_the_sop_where_no_intent_was_heard() -> None:
    before = memory.Dialogue(conversation_id="c")
    found = analysed("订单 20260131001 怎么还没到?")
    after = dialogues.advance(before, found.understood)
    opened = build_outcome(Kept(replied(hit("物流"))), found, after, before=before).dialogue
    assert (opened.topic, opened.intent, opened.summary) == ("物流", "track", "物流")
    assert opened.slots == {"order_number": "20260131001"}


def test_a_later_turn_sees_what_was_answered_while_it_waited(visitor: Any) -> None:
    first = post(visitor, "在吗")
    claimed = lease.claim(first, worker="w1")
    assert claimed is not None
    second = post(visitor, "我的订单怎么还没到?")
    turn.answer(claimed, lease.Held(claimed))
    later = lease.claim(second, worker="w1")
    assert later is not None

    thread = question.read(later)

    assert [(line.role, line.seq) for line in thread.history] == [("visitor", 1), ("bot", 3)]
    assert thread.asked == ["我的订单怎么还没到?"]


# --- what a thread answers without a model ---------------------------------------------------------


def test_a_text_that_asks_for_the_order_says_that_it_is_known(visitor: Any) -> None:
    assert ask(visitor) == ANSWER
    assert ask(visitor, "我的订单20260131001怎么还没到?") == f"{ANSWER} 已知:订单号 20260131001"
    assert ask(visitor, "再说一遍") == f"{ANSWER} 已知:订单号 20260131001"


def test_a_doubtful_order_is_asked_about(visitor: Any) -> None:
    assert ask(visitor, "我的订单号2O26O131OO1怎么还没到?").endswith("对吗:订单号 20260131001")
