"""Who of the agents is there, and what they look at. Called by consumers and api."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chat import desk, intake, ownership, push, transcript, vault
from chat.models import Agent, Conversation, Reveal, VaultEntry
from chat.protocol import ProtocolError
from chat.states import Presence
from prompts.redaction.vault import VaultError

# Written no more often than this, however many requests come.
HEARD_EVERY = timedelta(seconds=5)


def set_presence(agent: Agent, presence: Presence) -> None:
    """Says whether the agent takes conversations; every console hears of it, and whoever waits how long that takes now."""
    Agent.objects.filter(pk=agent.pk).update(
        presence=presence.value, seen_at=timezone.now(), misses=0
    )
    agent.presence = presence.value
    push.to_staff({"type": "presence", "agent": desk.agent_fields(agent)})
    intake.assign_soon()
    ownership.tell_every_line()


def arrive(agent: Agent, *, language: str) -> None:
    """A console of the agent was opened, in that language, "zh" or "en"."""
    Agent.objects.filter(pk=agent.pk).update(seen_at=timezone.now(), language=language)


def beat(agent: Agent) -> None:
    """The agent's console is alive."""
    Agent.objects.filter(pk=agent.pk).update(seen_at=timezone.now())


def heard(agent: Agent) -> None:
    """The agent does something by REST, which says as much as a beat; nothing for one who was never counted as there."""
    now = timezone.now()
    Agent.objects.filter(pk=agent.pk, seen_at__lt=now - HEARD_EVERY).update(seen_at=now)


def tell_visitor_types(conversation_id: UUID, *, on: bool) -> None:
    """Tells the agents who have the conversation open that its visitor is typing."""
    frame = {"type": "typing", "who": "visitor", "on": on}
    push.to_agents(conversation_id, {**frame, "conversation_id": str(conversation_id)})


def reveal(conversation_id: UUID, *, agent: Agent, placeholder: str, reason: str) -> str:
    """The value behind a placeholder of the conversation's visitor; that it was looked at, and why, is kept.

    Raises ProtocolError `not_found` for what this visitor's vault does not hold, `unavailable` when its key is gone.
    """
    visitors = Conversation.objects.filter(pk=conversation_id).values("visitor")
    entry = VaultEntry.objects.filter(visitor__in=visitors, placeholder=placeholder).first()
    if entry is None:
        raise ProtocolError("not_found")
    vault.load()
    with transaction.atomic():
        conversation = transcript.lock(conversation_id)
        Reveal.objects.create(
            agent=agent,
            visitor_id=entry.visitor_id,
            conversation=conversation,
            placeholder=placeholder,
            reason=vault.mask(conversation.visitor, reason),
        )
    try:
        return vault.unseal(entry)
    except VaultError:
        raise ProtocolError("unavailable") from None
