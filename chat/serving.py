"""Which inboxes an agent serves: those a manager chose, or all of them where none was chosen.

Asked by everything that shows agents a conversation, gives them one or lets them act on it.
"""

from collections import defaultdict
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from chat.models import Agent, Conversation

Row = TypeVar("Row", bound=Model)


def is_served(agent: Any, inbox: Any) -> Q:
    """The condition that an agent serves an inbox; each an id, or an OuterRef to one."""
    chosen = Agent.inboxes.through.objects.filter(agent=agent)
    return ~Exists(chosen) | Exists(chosen.filter(inbox=inbox))


def scoped(rows: QuerySet[Row], agent: Agent | None, *, inbox: str = "inbox") -> QuerySet[Row]:
    """Those of the rows whose inbox the agent serves; None: all. `inbox` leads from a row to it."""
    return rows if agent is None else rows.filter(is_served(agent.pk, OuterRef(inbox)))


def agents_of(agents: QuerySet[Agent], inbox_id: int) -> QuerySet[Agent]:
    """Those of the agents who serve the inbox."""
    return agents.filter(is_served(OuterRef("pk"), inbox_id))


def reads(agent: Agent, conversation_id: UUID) -> bool:
    return scoped(Conversation.objects.filter(pk=conversation_id), agent).exists()


def check(agent: Agent, conversation_id: UUID) -> None:
    """Raises Conversation.DoesNotExist unless the agent serves its inbox: to others there is no such conversation."""
    if not reads(agent, conversation_id):
        raise Conversation.DoesNotExist


def check_target(agent: Agent, *, inbox_id: int) -> None:
    """Raises Agent.DoesNotExist for one who does not serve the inbox, and so can be given nothing of it."""
    if not agents_of(Agent.objects.filter(pk=agent.pk), inbox_id).exists():
        raise Agent.DoesNotExist


def inboxes_of(agent: Agent | None) -> list[int] | None:
    """The ids of the inboxes that the agent serves; None: all."""
    if agent is None:
        return None
    return list(agent.inboxes.values_list("pk", flat=True)) or None


def chosen() -> dict[int, frozenset[int]]:
    """By agent the inboxes chosen; whoever is missing serves all."""
    found: dict[int, set[int]] = defaultdict(set)
    for agent, inbox in Agent.inboxes.through.objects.values_list("agent_id", "inbox_id"):
        found[agent].add(inbox)
    return {agent: frozenset(inboxes) for agent, inboxes in found.items()}
