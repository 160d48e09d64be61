"""Calls colleagues in a note, and what each of them has not read of that. Called by consumers, api and `note`.

A note names them as `<@id>`, so a name that changes, or that two have, calls nobody else.
"""

import re
from uuid import UUID

from django.utils import timezone

from chat import desk, push, serving
from chat.models import Agent, Mention, Note
from chat.protocol import ProtocolError

NAMED = re.compile(r"<@(\d{1,9})>")
MOST = 10


def find_called(text: str, *, by: Agent, client_id: UUID, inbox_id: int) -> list[Agent]:
    """Whom a note of `by` calls, each once. Raises ProtocolError `not_found` where one of them may not read it."""
    ids = {int(pk) for pk in NAMED.findall(text)} - {by.pk}
    if not ids:
        return []
    staff = Agent.objects.filter(pk__in=ids, user__is_active=True, user__is_staff=True)
    called = list(serving.agents_of(staff, inbox_id))
    if len(called) < len(ids) or len(ids) > MOST:
        raise ProtocolError("not_found", client_id=client_id)
    return called


def keep(note: Note, called: list[Agent]) -> None:
    """The note's own rows of whom it calls, in the transaction that writes it."""
    if called:
        Mention.objects.bulk_create(Mention(note=note, agent=agent) for agent in called)


def tell(note: Note, called: list[Agent]) -> None:
    """The consoles of whoever is called show so at once; who is away reads it with the next `ready`."""
    fields = {"conversation_id": str(note.conversation_id), "by": note.agent.name}
    for agent in called:
        push.to_desk(agent.pk, {"type": "mentions", "mentions": desk.mentions(agent)})
        push.to_desk(agent.pk, {"type": "alert", "kind": "mention", "agent": agent.pk, **fields})


def read(conversation_id: UUID, *, agent: Agent) -> None:
    """The agent has read the notes of the conversation that call them; all their consoles hear of it."""
    unread = Mention.objects.filter(
        note__conversation_id=conversation_id, agent=agent, read_at=None
    )
    if unread.update(read_at=timezone.now()):
        push.to_desk(agent.pk, {"type": "mentions", "mentions": desk.mentions(agent)})
