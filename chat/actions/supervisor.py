"""What a supervisor can do beyond an agent: take over from one, pass on what is another's, whisper, close the queue.

Called by consumers and api. Every act looks at the right itself.
"""

from uuid import UUID

from django.db import transaction

from chat import auth, desk, intake, ownership, push, serving, vault
from chat.actions.agent import leave_note, lock_open, note
from chat.models import Agent, Conversation, Note
from chat.protocol import ProtocolError
from chat.states import Owner


def check(agent: Agent) -> None:
    """Raises ProtocolError `not_found` for who may not supervise: to them there is no such thing."""
    if not auth.may_supervise(agent):
        raise ProtocolError("not_found")


def barge(conversation_id: UUID, *, agent: Agent) -> Conversation:
    """Takes the conversation over, whoever has it. Raises ProtocolError, Conversation.DoesNotExist."""
    return give(conversation_id, by=agent, to=agent)


def reassign(conversation_id: UUID, *, agent: Agent, to: Agent) -> Conversation:
    """Gives the conversation to an agent, whoever has it.

    Raises ProtocolError, Conversation.DoesNotExist, Agent.DoesNotExist for one who does not serve its inbox.
    """
    return give(conversation_id, by=agent, to=to)


def give(conversation_id: UUID, *, by: Agent, to: Agent) -> Conversation:
    """Makes `to` its owner; a note by whoever did so keeps from whom it came."""
    check(by)
    vault.load()
    with transaction.atomic():
        conversation = lock_open(conversation_id)
        if conversation.owner == Owner.AGENT and conversation.agent_id == to.pk:
            return conversation
        serving.check_target(to, inbox_id=conversation.inbox_id)
        was = conversation.agent.name if conversation.agent else ""
        left = leave_note(conversation, agent=by, text=f"{was} → {to.name}".strip())
        change = ownership.move(conversation, Owner.AGENT, notice="agent_joined", agent=to)
    if left is not None:
        push.to_agents(conversation_id, desk.as_note(left))
    ownership.announce(conversation, change)
    if by.pk != to.pk:
        alert(conversation_id, to, kind="reassigned", by=by)
    return conversation


def whisper(conversation_id: UUID, *, agent: Agent, client_id: UUID, text: str) -> Note:
    """Leaves a note and calls the agent who has the conversation. Raises ProtocolError, Conversation.DoesNotExist."""
    check(agent)
    written = note(conversation_id, agent=agent, client_id=client_id, text=text)
    owned = Conversation.objects.filter(
        pk=conversation_id, owner=Owner.AGENT.value, resolved_at=None
    ).select_related("agent")
    conversation = owned.first()
    if conversation is not None and conversation.agent is not None:
        alert(conversation_id, conversation.agent, kind="whisper", by=agent)
    return written


def alert(conversation_id: UUID, to: Agent, *, kind: str, by: Agent) -> None:
    """Calls one agent to a conversation; its consoles show who called and why."""
    fields = {"conversation_id": str(conversation_id), "agent": to.pk, "by": by.name}
    push.to_staff({"type": "alert", "kind": kind, **fields})


def pause(*, agent: Agent, paused: bool) -> None:
    """Closes the queue to what is given out and tells customers that nobody is there, or opens it. Raises ProtocolError."""
    check(agent)
    if serving.inboxes_of(agent) is not None:  # the queue is that of every shop
        raise ProtocolError("not_found")
    intake.set_paused(paused=paused)
    push.to_staff({"type": "intake", "paused": paused})
    ownership.tell_every_line()
    if not paused:
        intake.assign_soon()
