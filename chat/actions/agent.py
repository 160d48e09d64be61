"""What an agent can do to a conversation: take it over, reply, note, pass it on, hand it back, resolve it.

Called by consumers, api and admin.
"""

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from chat import (
    desk,
    escalation,
    intake,
    ownership,
    protocol,
    push,
    serving,
    transcript,
    vault,
)
from chat.actions import handing, mentioning
from chat.models import Agent, Conversation, Message, Note, Ring, Team
from chat.states import Owner, Reception, RingEnd, Role


class Conflict(Exception):
    """Somebody else owns the conversation, or owned it since: `winner` is the agent's name, if one does."""

    def __init__(self, winner: str = "") -> None:
        super().__init__(winner)
        self.winner = winner


class Full(Exception):
    """The agent it was to be passed to has no room, and the rules allow no more; the message is its name."""


def claim(conversation_id: UUID, *, agent: Agent) -> Conversation:
    """Takes the conversation over from bot or queue. Claiming one's own again changes nothing.

    Raises Conflict when another agent has it, Conversation.DoesNotExist for an unknown or resolved one.
    """
    with transaction.atomic():
        conversation = lock_open(conversation_id)
        if conversation.owner == Owner.AGENT:
            if conversation.agent_id == agent.pk:
                return conversation
            raise Conflict(conversation.agent.name if conversation.agent else "")
        change = ownership.move(conversation, Owner.AGENT, notice="agent_joined", agent=agent)
    ownership.announce(conversation, change)
    return conversation


def reply(
    conversation_id: UUID, *, agent: Agent, client_id: UUID, text: str, epoch: int
) -> Message:
    """Sends the agent's line. Idempotent on `client_id`.

    Raises Conflict when the agent does not own the conversation at `epoch`, or `client_id` came before
    with another text.
    """
    vault.load()
    with transaction.atomic():
        conversation = lock_open(conversation_id)
        visitor = conversation.visitor
        masked = vault.mask(visitor, text)
        earlier = Message.objects.filter(conversation=conversation, client_id=client_id).first()
        if earlier is not None:
            same = vault.says_the_same(visitor, earlier.text, masked=masked, raw=text)
            if earlier.role == Role.AGENT and same:
                return earlier
        if earlier is not None or conversation.epoch != epoch:
            raise Conflict(owner_name(conversation, other_than=agent))
        check_owned(conversation, agent=agent)
        # Whoever answers has read what is above.
        conversation.agent_read_seq = conversation.last_seq
        message = transcript.append(
            conversation,
            role=Role.AGENT,
            text=masked,
            client_id=client_id,
            author=transcript.shown_agent(agent, visitor),
            also=("agent_read_seq",),
        )
    read = protocol.read("agent", conversation.agent_read_seq)
    push.frames(conversation, transcript.as_frame(message), read)
    return message


def note(conversation_id: UUID, *, agent: Agent, client_id: UUID, text: str) -> Note:
    """Keeps a line among agents, also in a resolved conversation; whom it calls as <@id> is told. Idempotent on `client_id`.

    Raises Conversation.DoesNotExist, Conflict when `client_id` came before with another text, ProtocolError
    `not_found` for a call to somebody who cannot read it.
    """
    vault.load()
    with transaction.atomic():
        conversation = transcript.lock(conversation_id)
        masked = vault.mask(conversation.visitor, text)
        written, is_new = Note.objects.get_or_create(
            conversation=conversation,
            client_id=client_id,
            defaults={"agent": agent, "text": masked, "after_seq": conversation.last_seq},
        )
        if written.text != masked or written.agent_id != agent.pk:
            raise Conflict
        if is_new:  # sent again, it stands as it was: whoever it called may have left since
            inbox_id = conversation.inbox_id
            called = mentioning.find_called(text, by=agent, client_id=client_id, inbox_id=inbox_id)
            mentioning.keep(written, called)
    if is_new:
        push.to_agents(conversation_id, desk.as_note(written))
        mentioning.tell(written, called)
    return written


def transfer(conversation_id: UUID, *, agent: Agent, to: Agent, text: str = "") -> Conversation:
    """Passes the agent's conversation to another agent, with a note for them.

    Raises Conflict unless the agent owns it, Full where the rules keep it from one who has no room, Agent.DoesNotExist
    for one who does not serve its inbox.
    """
    vault.load()
    with transaction.atomic():
        conversation = lock_open(conversation_id)
        check_owned(conversation, agent=agent)
        if to.pk == agent.pk:
            return conversation
        serving.check_target(to, inbox_id=conversation.inbox_id)
        check_room(to)
        left = leave_note(conversation, agent=agent, text=text)
        change = ownership.move(conversation, Owner.AGENT, notice="agent_joined", agent=to)
    if left is not None:
        push.to_agents(conversation_id, desk.as_note(left))
    ownership.announce(conversation, change)
    return conversation


def transfer_to_team(
    conversation_id: UUID, *, agent: Agent, team: Team, text: str = ""
) -> Conversation:
    """Puts the agent's conversation into the queue for a team, with a note for it.

    Raises Conflict unless the agent owns it.
    """
    vault.load()
    with transaction.atomic():
        conversation = lock_open(conversation_id)
        check_owned(conversation, agent=agent)
        left = leave_note(conversation, agent=agent, text=text)
        conversation.team = team
        change = escalation.open_for(conversation, escalation.TRANSFERRED, also=("team",))
        let_others_take(conversation, agent=agent)
    if left is not None:
        push.to_agents(conversation_id, desk.as_note(left))
    ownership.announce(conversation, change)
    return conversation


def check_room(to: Agent) -> None:
    """Raises Full where the agent has as much as may be given, and the rules allow no more.

    Holds the agent's row until the end of the transaction: two who pass on at once must not pass the limit together.
    """
    if intake.rules().over_capacity:
        return
    capacity = Agent.objects.select_for_update(no_key=True).get(pk=to.pk).capacity
    if intake.in_hand().filter(agent=to, snoozed=False).count() >= capacity:
        raise Full(to.name)


def let_others_take(conversation: Conversation, *, agent: Agent) -> None:
    """Notes that the agent does not want what it has just given away, so that it rings at others first."""
    now = timezone.now()
    declined = RingEnd.DECLINED.value
    if intake.rules().pushes:
        Ring.objects.create(
            conversation=conversation, agent=agent, at=now, until=now, ended_at=now, end=declined
        )


def leave_note(conversation: Conversation, *, agent: Agent, text: str) -> Note | None:
    """A note in the locked conversation beside another act; none where nothing was written."""
    if not text.strip():
        return None
    return Note.objects.create(
        conversation=conversation,
        agent=agent,
        client_id=uuid4(),
        text=vault.mask(conversation.visitor, text),
        after_seq=conversation.last_seq,
    )


def hand_back(conversation_id: UUID, *, agent: Agent, text: str = "") -> Conversation:
    """Gives the conversation back to the bot, which answers what is still unanswered; `text` becomes a note.

    In an inbox where only people receive it goes back to the queue.

    Raises Conflict unless the agent owns it.
    """
    vault.load()
    with transaction.atomic():
        conversation = lock_open(conversation_id)
        check_owned(conversation, agent=agent)
        left = leave_note(conversation, agent=agent, text=text)
        if conversation.inbox.reception == Reception.HUMAN_ONLY:
            # No bot receives here: somebody else is to take it.
            change = escalation.open_for(conversation, escalation.RECEPTION)
            let_others_take(conversation, agent=agent)
        else:
            change = handing.to_bot(conversation, notice="handed_back")
    if left is not None:
        push.to_agents(conversation_id, desk.as_note(left))
    ownership.announce(conversation, change)
    return conversation


def resolve(
    conversation_id: UUID, *, agent: Agent, summary: str = "", tags: Sequence[str] = ()
) -> Conversation:
    """Ends the conversation; the visitor's next line opens a new one. Without tags those it has stay.

    Raises Conflict unless owned.
    """
    vault.load()
    with transaction.atomic():
        conversation = lock_open(conversation_id)
        check_owned(conversation, agent=agent)
        conversation.resolved_at = timezone.now()
        conversation.epoch += 1
        conversation.summary = vault.mask(conversation.visitor, summary) if summary else ""
        if tags:
            conversation.tags = [vault.mask(conversation.visitor, tag) for tag in tags]
        message = transcript.append(
            conversation,
            role=Role.SYSTEM,
            text=ownership.notice_text(conversation, "conversation_resolved", agent=agent),
            also=("resolved_at", "epoch", "summary", "tags"),
        )
        ownership.note_resolved(conversation, by="agent")
    push.frames(conversation, transcript.as_frame(message), transcript.state_frame(conversation))
    intake.assign_soon()
    return conversation


def tell_typing(conversation_id: UUID, *, agent: Agent, on: bool) -> None:
    """Tells the visitor that the agent is typing; nothing unless the agent owns the conversation."""
    owned = Conversation.objects.filter(
        pk=conversation_id, owner=Owner.AGENT.value, agent=agent, resolved_at=None
    )
    conversation = owned.select_related("visitor").first()
    if conversation is not None:
        who = agent.called(conversation.visitor.language)
        push.to_visitor(conversation, {"type": "typing", "who": who, "on": on})


def mark_read(conversation_id: UUID, *, agent: Agent, seq: int) -> None:
    """The owner has read up to `seq`; marks move forward only."""
    owned = Conversation.objects.filter(
        pk=conversation_id, owner=Owner.AGENT.value, agent=agent, last_seq__gte=seq
    )
    if owned.filter(agent_read_seq__lt=seq).update(agent_read_seq=seq):
        push.frames(owned.get(), protocol.read("agent", seq))


def lock_open(conversation_id: UUID) -> Conversation:
    conversation = transcript.lock(conversation_id)
    if conversation.resolved_at is not None:
        raise Conversation.DoesNotExist
    return conversation


def check_owned(conversation: Conversation, *, agent: Agent) -> None:
    if conversation.owner != Owner.AGENT or conversation.agent_id != agent.pk:
        raise Conflict(conversation.agent.name if conversation.agent else "")


def owner_name(conversation: Conversation, *, other_than: Agent) -> str:
    owner = conversation.agent if conversation.owner == Owner.AGENT else None
    return owner.name if owner is not None and owner.pk != other_than.pk else ""
