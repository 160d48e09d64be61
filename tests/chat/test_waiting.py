"""Turns while the platform is overrun: who waits is told for how long, waits once, and is answered."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from chat import lease, protocol, tasks, turn
from chat.actions import agent as agent_actions
from chat.actions import visitor as actions
from chat.models import Conversation, Message, Turn
from chat.states import Owner, Tier, TurnState
from prompts import completion, controls
from prompts.llm.load import Level
from prompts.models import ModelCall, Prompt
from prompts.routing import Question
from tests.chat.conftest import ANSWER, QUESTION
from tests.chat.ear import Ear
from tests.factories import ConversationFactory
from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency
from tests.prompts.rows import KEYS, call, endpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

HERE = "127.0.0.1"
SAID = "您的包裹明天送到。"


@pytest.fixture(scope="module")
def provider_process() -> Iterator[ProviderControl]:
    with running(ProviderOptions(Latency(ttft_ms=1, interval_ms=0))) as control:
        yield control


@pytest.fixture
def models(provider_process: ProviderControl, settings: Any) -> ProviderControl:
    """A strong endpoint and a light one, of two vendors; the light one is too poor to be chosen freely."""
    settings.MODEL_API_KEYS = KEYS
    provider_process.reset()
    provider_process.set_scenario([{"answer": SAID, "times": 0}])
    endpoint(provider_process, "main", vendor="anthropic", strength=3, quality=0.99)
    endpoint(provider_process, "light", vendor="openai", strength=1, quality=0.5)
    return provider_process


@pytest.fixture
def overrun() -> None:
    force(Level.QUEUE)


def force(level: Level | None) -> None:
    controls.force_level(level, minutes=5)


def post(visitor: Any, text: str = QUESTION) -> UUID:
    posted = actions.post_message(visitor, client_id=uuid4(), text=text, address=HERE)
    assert posted.turn_id is not None
    return posted.turn_id


def run(turn_id: UUID) -> UUID | None:
    return turn.run(turn_id, worker="w1")


def make_vip(visitor: Any) -> None:
    visitor.tier = Tier.VIP.value
    visitor.save()


def let_time_pass() -> None:
    """The time of every waiting turn has come."""
    Turn.objects.exclude(not_before=None).update(
        not_before=Now() - timedelta(seconds=1), queued_at=timezone.now() - timedelta(minutes=1)
    )


def spoken() -> list[tuple[str, str]]:
    return [(m.role, m.text) for m in Message.objects.order_by("seq")]


def states() -> list[tuple[str, int, int]]:
    return [(t.state, t.first_seq, t.last_seq) for t in Turn.objects.order_by("first_seq")]


# --- the queue -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("overrun")
def test_a_standard_visitor_is_told_the_seconds_and_put_back(visitor: Any, ear: Ear) -> None:
    turn_id = post(visitor)
    ear.frames()

    assert run(turn_id) is None

    assert spoken() == [("visitor", QUESTION), ("system", "人多,约10秒后回复")]
    row = Turn.objects.annotate(left=F("not_before") - Now()).get()
    assert (row.state, row.worker, row.attempt, row.lease_until) == ("queued", "", 0, None)
    assert 0 < row.left.total_seconds() <= turn.WAIT_SECONDS
    frames = ear.frames()
    assert [f["type"] for f in frames] == ["turn", "message", "turn"]
    turns = [f for f in frames if f["type"] == "turn"]
    assert [f["state"] for f in turns] == ["running", "queued"]
    assert frames[1]["role"] == "system"


@pytest.mark.usefixtures("overrun")
def test_the_seconds_grow_with_those_who_wait_already(visitor: Any) -> None:
    for _ in range(50):
        Turn.objects.create(
            conversation=ConversationFactory.create(),
            first_seq=1,
            last_seq=1,
            epoch=0,
            not_before=timezone.now() + timedelta(minutes=1),
        )
    run(post(visitor))
    assert spoken()[-1] == ("system", "人多,约12秒后回复")


@pytest.mark.usefixtures("overrun")
def test_whoever_waits_is_told_in_the_visitors_language(visitor: Any) -> None:
    visitor.locale = "en"
    visitor.save()
    run(post(visitor, "Where is my order?"))
    assert spoken()[-1] == ("system", "Busy: about 10 seconds")


@pytest.mark.usefixtures("overrun")
def test_a_turn_waits_once_and_is_then_answered_by_the_sop(
    visitor: Any, models: ProviderControl
) -> None:
    turn_id = post(visitor)
    run(turn_id)
    assert lease.claim(turn_id, worker="early") is None
    let_time_pass()

    run(turn_id)

    assert spoken()[-1] == ("bot", ANSWER)
    row = Turn.objects.get()
    assert (row.state, row.attempt) == ("done", 1)
    assert (row.decision["cause"], row.decision["chosen"]) == ("shed", "sop")
    assert row.decision["situation"]["load_level"] == Level.QUEUE
    assert models.requests() == []


@pytest.mark.usefixtures("overrun")
def test_a_turn_whose_wait_is_over_when_the_load_has_fallen_gets_its_model(
    visitor: Any, models: ProviderControl
) -> None:
    turn_id = post(visitor)
    run(turn_id)
    force(None)
    let_time_pass()
    run(turn_id)
    assert spoken()[-1] == ("bot", SAID)
    assert Turn.objects.get().decision["answered_by"] == "main"


@pytest.mark.usefixtures("overrun")
def test_a_vip_is_answered_at_once(visitor: Any, models: ProviderControl) -> None:
    make_vip(visitor)
    run(post(visitor))
    assert spoken()[-1] == ("bot", SAID)
    assert Turn.objects.get().state == "done"


@pytest.mark.usefixtures("overrun")
def test_lines_sent_meanwhile_join_the_waiting_turn(visitor: Any) -> None:
    turn_id = post(visitor, "在吗")
    run(turn_id)
    assert post(visitor) == turn_id
    assert states() == [("queued", 1, 3)]
    let_time_pass()
    run(turn_id)
    assert spoken()[-1] == ("bot", ANSWER)
    assert states() == [("done", 1, 3)]


def test_the_turn_queued_behind_one_that_has_to_wait_is_merged_into_it(
    visitor: Any, ear: Ear
) -> None:
    first = claimed(post(visitor, "在吗"))
    second = post(visitor)
    ear.frames()

    turn.postpone(first)

    assert states() == [("queued", 1, 2), ("superseded", 2, 2)]
    shown = [f for f in ear.frames() if f["type"] == "turn"]
    assert shown == [protocol.turn(second, "superseded"), protocol.turn(first.pk, "queued")]
    assert run(second) is None
    let_time_pass()
    run(first.pk)
    assert [role for role, _ in spoken()] == ["visitor", "visitor", "system", "bot"]
    assert spoken()[-1] == ("bot", ANSWER)
    assert states() == [("done", 1, 2), ("superseded", 2, 2)]


@pytest.mark.usefixtures("overrun")
def test_the_merged_turn_is_asked_about_every_line(visitor: Any, models: ProviderControl) -> None:
    first = claimed(post(visitor, "在吗"))
    post(visitor, "到哪了")
    turn.postpone(first)
    post(visitor, "急")
    force(None)
    let_time_pass()
    run(first.pk)
    [asked] = models.requests()
    assert asked["body"]["messages"][-1]["content"] == "在吗\n到哪了\n急"


def claimed(turn_id: UUID) -> Turn:
    taken = lease.claim(turn_id, worker="w1")
    assert taken is not None
    return taken


@pytest.mark.usefixtures("overrun")
def test_a_takeover_supersedes_a_turn_that_waits(visitor: Any, agent: Any) -> None:
    turn_id = post(visitor)
    run(turn_id)
    agent_actions.claim(Conversation.objects.get().pk, agent=agent)
    let_time_pass()
    assert run(turn_id) is None
    assert states() == [("superseded", 1, 1)]
    assert [role for role, _ in spoken()] == ["visitor", "system", "system"]


@pytest.mark.usefixtures("overrun")
def test_after_a_hand_back_what_waited_is_answered(visitor: Any, agent: Any) -> None:
    run(post(visitor))
    conversation = Conversation.objects.get()
    agent_actions.claim(conversation.pk, agent=agent)
    agent_actions.hand_back(conversation.pk, agent=agent)
    fresh = Turn.objects.get(state="queued")
    run(fresh.pk)
    let_time_pass()
    run(fresh.pk)
    assert spoken()[-1] == ("bot", ANSWER)


def test_a_turn_taken_over_in_the_moment_it_should_wait_says_nothing(
    visitor: Any, agent: Any
) -> None:
    row = claimed(post(visitor))
    agent_actions.claim(row.conversation_id, agent=agent)
    with pytest.raises(turn.Abandoned):
        turn.postpone(row)
    assert [role for role, _ in spoken()] == ["visitor", "system"]
    assert Turn.objects.get().state == TurnState.SUPERSEDED


def test_a_turn_whose_lease_went_to_another_is_not_put_back(visitor: Any) -> None:
    row = claimed(post(visitor, "在吗"))
    Turn.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert lease.claim(row.pk, worker="w2") is not None
    second = post(visitor)
    with pytest.raises(turn.Abandoned):
        turn.postpone(row)
    assert states() == [("running", 1, 1), ("queued", 2, 2)]
    assert Turn.objects.get(pk=second).state == "queued"


@pytest.mark.usefixtures("overrun")
def test_a_database_that_fails_while_a_turn_is_put_back_costs_no_answer(
    visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> bool:
        raise OperationalError

    turn_id = post(visitor)
    with monkeypatch.context() as patched:
        patched.setattr(lease, "postpone", interrupted)
        assert run(turn_id) is None
    # The lease is over, so the next one may have it, and it waits as it should.
    assert run(turn_id) is None
    assert states() == [("queued", 1, 1)]
    assert [role for role, _ in spoken()] == ["visitor", "system"]


@pytest.mark.usefixtures("overrun")
def test_the_sweeper_leaves_a_waiting_turn_until_its_time_has_come(visitor: Any) -> None:
    turn_id = post(visitor)
    run(turn_id)
    Turn.objects.update(queued_at=timezone.now() - timedelta(minutes=1))
    assert lease.due(older_than_seconds=tasks.DOORBELL_SECONDS, limit=9) == []
    assert lease.waiting() == 1
    let_time_pass()
    assert lease.due(older_than_seconds=tasks.DOORBELL_SECONDS, limit=9) == [turn_id]
    assert lease.waiting() == 0

    sweeper = tasks.Sweeper()
    sweeper.sweep()
    sweeper.pool.shutdown(wait=True)

    assert spoken()[-1] == ("bot", ANSWER)


@pytest.mark.usefixtures("overrun")
def test_a_doorbell_that_rings_meanwhile_ends_by_itself(visitor: Any) -> None:
    turn_id = post(visitor)
    tasks.run_turn(str(turn_id))
    tasks.run_turn(str(turn_id))
    assert states() == [("queued", 1, 1)]
    assert [role for role, _ in spoken()] == ["visitor", "system"]


@pytest.mark.usefixtures("overrun")
def test_ready_after_a_reload_shows_the_turn_that_waits(visitor: Any) -> None:
    turn_id = post(visitor)
    run(turn_id)
    frame = actions.ready(Conversation.objects.get(), after_seq=0)
    assert [line["role"] for line in frame["messages"]] == ["visitor", "system"]
    assert frame["partial"] == {"turn_id": str(turn_id), "offset": 0, "text": ""}


@pytest.mark.usefixtures("overrun")
def test_without_the_text_for_it_the_turn_waits_in_silence(visitor: Any) -> None:
    Prompt.objects.filter(purpose="busy").update(current=None)
    completion.CACHE.clear()
    run(post(visitor))
    assert spoken() == [("visitor", QUESTION)]
    assert states() == [("queued", 1, 1)]


def test_completion_says_what_it_decided_when_a_question_must_wait(overrun: None) -> None:
    asked = Question(trace_id="t", text=QUESTION, language="zh", may_wait=True)
    with pytest.raises(completion.MustWait) as waiting:
        completion.stream(asked, Mute())
    assert waiting.value.decision.wait
    assert completion.stream(replace(asked, may_wait=False), Mute()).text == ANSWER


class Mute:
    def write(self, piece: str) -> None: ...

    def restart(self) -> None: ...


# --- the levels below ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "tier", "answered_by", "cause"),
    [
        (Level.NORMAL, Tier.STANDARD, "main", "priority"),
        (Level.LIGHT, Tier.STANDARD, "light", "shed"),
        (Level.LIGHT, Tier.VIP, "main", "priority"),
        (Level.SOP, Tier.STANDARD, "sop", "shed"),
        (Level.SOP, Tier.VIP, "main", "priority"),
    ],
)
def test_level_decides_who_answers_whom(
    visitor: Any, models: ProviderControl, level: Level, tier: Tier, answered_by: str, cause: str
) -> None:
    visitor.tier = tier.value
    visitor.save()
    force(level)

    run(post(visitor))

    row = Turn.objects.get()
    assert (row.decision["answered_by"], row.decision["cause"]) == (answered_by, cause)
    assert spoken()[-1] == ("bot", ANSWER if answered_by == "sop" else SAID)
    called = list(ModelCall.objects.values_list("endpoint", flat=True))
    assert called == ([] if answered_by == "sop" else [answered_by])


# --- what came of an answer reaches the ledger -----------------------------------------------------


def test_a_thumb_reaches_the_ledger_and_the_last_word_counts(
    visitor: Any, models: ProviderControl
) -> None:
    run(post(visitor))
    for value in ("up", "down"):
        actions.give_feedback(
            visitor, protocol.Feedback(type="feedback", message_seq=2, value=value)
        )
    assert ModelCall.objects.get().feedback == "down"


def test_a_request_for_a_person_counts_against_the_last_answer_only(
    visitor: Any, models: ProviderControl
) -> None:
    first, stranger = post(visitor), call()
    run(first)
    second = post(visitor)
    run(second)

    actions.request_human(visitor)

    taken_over = {c.trace_id: c.taken_over for c in ModelCall.objects.all()}
    assert taken_over == {str(first): False, str(second): True, stranger.trace_id: False}


def test_a_takeover_by_an_agent_counts_and_a_hand_back_does_not(
    visitor: Any, agent: Any, models: ProviderControl
) -> None:
    run(post(visitor))
    conversation = Conversation.objects.get()
    agent_actions.claim(conversation.pk, agent=agent)
    assert ModelCall.objects.get().taken_over
    ModelCall.objects.update(taken_over=False)
    agent_actions.hand_back(conversation.pk, agent=agent)
    assert not ModelCall.objects.get().taken_over
    assert Conversation.objects.get().owner == Owner.BOT
