"""The admin of chat, a module for each kind of row. Django finds it here; importing registers it."""

from chat.admin import (
    conversations,
    escalation,
    gaps,
    inboxes,
    shadows,
    teams,
    tools,
    turns,
    webhooks,
)

__all__ = [
    "conversations",
    "escalation",
    "gaps",
    "inboxes",
    "shadows",
    "teams",
    "tools",
    "turns",
    "webhooks",
]
