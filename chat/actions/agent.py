"""What an agent can do: take a conversation over, reply, hand it back, resolve it. Called by api and admin."""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chat import ownership, push, transcript, vault
from chat.actions import handing
from chat.models import Agent, Conversation, Message
from chat.states import Owner, Role


class Conflict(Exception):
    """Somebody else owns the conversation, or owned it since: `winner` is the agent's name, if one does."""

    def __init__(self, winner: str = "") -> None:
        super().__init__(winner)
        self.winner = winner


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
            raise Conflict
        check_owned(conversation, agent=agent)
        message = transcript.append(
            conversation,
            role=Role.AGENT,
            text=masked,
            client_id=client_id,
            author={"name": agent.name, "avatar": agent.avatar},
        )
    push.frames(conversation, transcript.as_frame(message))
    return message


def hand_back(conversation_id: UUID, *, agent: Agent) -> Conversation:
    """Gives the conversation back to the bot, which answers what is still unanswered.

    Raises Conflict unless the agent owns it.
    """
    with transaction.atomic():
        conversation = lock_open(conversation_id)
        check_owned(conversation, agent=agent)
        change = handing.to_bot(conversation, notice="handed_back")
    ownership.announce(conversation, change)
    return conversation


def resolve(conversation_id: UUID, *, agent: Agent) -> Conversation:
    """Ends the conversation; the visitor's next line opens a new one. Raises Conflict unless owned."""
    with transaction.atomic():
        conversation = lock_open(conversation_id)
        check_owned(conversation, agent=agent)
        conversation.resolved_at = timezone.now()
        conversation.epoch += 1
        message = transcript.append(
            conversation,
            role=Role.SYSTEM,
            text=ownership.notice_text(conversation, "conversation_resolved", agent=agent),
            also=("resolved_at", "epoch"),
        )
    push.frames(conversation, transcript.as_frame(message), transcript.state_frame(conversation))
    return conversation


def lock_open(conversation_id: UUID) -> Conversation:
    conversation = transcript.lock(conversation_id)
    if conversation.resolved_at is not None:
        raise Conversation.DoesNotExist
    return conversation


def check_owned(conversation: Conversation, *, agent: Agent) -> None:
    if conversation.owner != Owner.AGENT or conversation.agent_id != agent.pk:
        raise Conflict(conversation.agent.name if conversation.agent else "")
