"""Enumerations as columns: their choices, and the constraint that holds them."""

from django.db.models import Q

from chat.states import (
    Delivered,
    EscalationEnd,
    Event,
    Grade,
    Help,
    Intake,
    Owner,
    Presence,
    Reception,
    RingEnd,
    Role,
    Tier,
    TurnState,
    Writing,
)

States = type[
    Delivered
    | EscalationEnd
    | Event
    | Grade
    | Help
    | Intake
    | Owner
    | Presence
    | Reception
    | RingEnd
    | Role
    | Tier
    | TurnState
    | Writing
]


def choices(states: States) -> list[tuple[str, str]]:
    return [(state.value, state.value) for state in states]


def among(field: str, states: States) -> Q:
    return Q(**{f"{field}__in": [state.value for state in states]})
