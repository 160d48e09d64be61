"""Which agent is asked to take which waiting conversation. Pure; used by chat.assigning.

The queue is gone through in its order. Among the agents with room who fit, whoever spoke with the customer before comes first,
then who has most of the skills, then who has most room, then who has waited longest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wish:
    """A conversation that waits."""

    id: str
    inbox: int = 0
    skills: frozenset[int] = frozenset()
    team: int | None = None
    # Who spoke with this customer last.
    known: int | None = None
    # Who was asked already and did not take it.
    asked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Free:
    """An agent who is online. `load` are own conversations and those that ring."""

    id: int
    load: int
    capacity: int
    # Whose conversations; none: all.
    inboxes: frozenset[int] = frozenset()
    skills: frozenset[int] = frozenset()
    teams: frozenset[int] = frozenset()
    # Seconds since any fixed moment at which a conversation was taken last.
    since: float = 0.0


def pairs(wishes: Iterable[Wish], agents: Iterable[Free]) -> list[tuple[str, int]]:
    """(conversation, agent) for everything that can be given now, in the queue's order."""
    staff = list(agents)
    loads = {agent.id: agent.load for agent in staff}
    given: list[tuple[str, int]] = []
    for wish in wishes:
        able = [
            agent
            for agent in fitting(wish, staff)
            if loads[agent.id] < agent.capacity and agent.id not in wish.asked
        ]
        if able:
            chosen = min(able, key=lambda agent: order(wish, agent, loads))
            loads[chosen.id] += 1
            given.append((wish.id, chosen.id))
    return given


def fitting(wish: Wish, staff: list[Free]) -> list[Free]:
    """Who may take it: the team, the skilled among them; where nobody of those is online, whoever serves the inbox."""
    staff = [agent for agent in staff if not agent.inboxes or wish.inbox in agent.inboxes]
    members = [agent for agent in staff if wish.team in agent.teams] if wish.team else []
    members = members or staff
    skilled = [agent for agent in members if wish.skills & agent.skills]
    return skilled or members


def order(wish: Wish, agent: Free, loads: Mapping[int, int]) -> tuple[bool, int, float, float, int]:
    """The smallest is asked."""
    share = loads[agent.id] / agent.capacity
    return (agent.id != wish.known, -len(wish.skills & agent.skills), share, agent.since, agent.id)
