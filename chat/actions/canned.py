"""The replies an agent keeps ready: own ones to edit, the teams' and everybody's to use. Called by consumers and api."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from chat.models import Agent, CannedReply
from chat.protocol import ProtocolError

OWN_MOST = 500
SHOWN_MOST = 2000


def listed(agent: Agent) -> list[dict[str, Any]]:
    """What the agent may use, by folder and title."""
    rows = usable(agent).order_by("folder", "title", "pk")[:SHOWN_MOST]
    return [as_fields(row) for row in rows]


def usable(agent: Agent) -> QuerySet[CannedReply]:
    shared = Q(agent=None, team=None)
    return CannedReply.objects.filter(shared | Q(agent=agent) | Q(team__in=agent.teams.all()))


def as_fields(row: CannedReply) -> dict[str, Any]:
    scope = "own" if row.agent_id else "team" if row.team_id else "all"
    return {
        "id": row.pk,
        "folder": row.folder,
        "title": row.title,
        "text": row.text,
        "scope": scope,
    }


def save(agent: Agent, *, pk: int | None, folder: str, title: str, text: str) -> dict[str, Any]:
    """Writes one of the agent's own.

    Raises ProtocolError `not_found` for anybody else's, `conflict` for too many, `invalid_frame` for a blank one.
    """
    fields = {"folder": tidied(folder), "title": title.strip(), "text": text.strip()}
    if not fields["title"] or not fields["text"]:
        raise ProtocolError("invalid_frame")
    if pk is not None:
        own = CannedReply.objects.filter(pk=pk, agent=agent)
        if not own.update(**fields):
            raise ProtocolError("not_found")
        return as_fields(own.get())
    with transaction.atomic():
        # Two tabs at once must not pass the limit together.
        Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
        if CannedReply.objects.filter(agent=agent).count() >= OWN_MOST:
            raise ProtocolError("conflict")
        return as_fields(CannedReply.objects.create(agent=agent, **fields))


def remove(agent: Agent, *, pk: int) -> None:
    """Removes one of the agent's own. Raises ProtocolError `not_found` for anybody else's."""
    if not CannedReply.objects.filter(pk=pk, agent=agent).delete()[0]:
        raise ProtocolError("not_found")


def tidied(folder: str) -> str:
    """ "/ 售后 / 退货 /" is "售后/退货"."""
    return "/".join(filter(None, map(str.strip, folder.split("/"))))
