"""When a person takes over: the decision, explained, and the step into the queue. Called by turn and actions."""

from chat.escalation.decide import Action, Policy, Reason, Signals, Verdict, decide
from chat.escalation.entry import (
    AGENT_GONE,
    ASKED,
    MESSAGE_LEFT,
    RECEPTION,
    TRANSFERRED,
    begins_with_people,
    is_welcome,
    open_for,
    someone_is_online,
)
from chat.escalation.rules import policy
from chat.escalation.signals import signals_of, with_answer

__all__ = [
    "AGENT_GONE",
    "ASKED",
    "MESSAGE_LEFT",
    "RECEPTION",
    "TRANSFERRED",
    "Action",
    "Policy",
    "Reason",
    "Signals",
    "Verdict",
    "begins_with_people",
    "decide",
    "is_welcome",
    "open_for",
    "policy",
    "signals_of",
    "someone_is_online",
    "with_answer",
]
