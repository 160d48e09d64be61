"""The rows of chat. Invariants that must hold are constraints here, because `choices` do not constrain."""

from chat.models.assignment import IntakePolicy, Ring, Skill
from chat.models.assistance import Brief, Suggestion, Translation
from chat.models.choices import among, choices
from chat.models.conversations import (
    Conversation,
    Escalation,
    EscalationPolicy,
    Message,
    Rating,
    Turn,
)
from chat.models.gaps import Gap, GapSearch
from chat.models.inboxes import (
    IdentityUse,
    Inbox,
    WidgetSighting,
    check_origins,
    check_questions,
    new_inbox_key,
)
from chat.models.media import Attachment
from chat.models.notes import Mention, Note, Reveal
from chat.models.people import UNNAMED, Agent, VaultEntry, Visitor
from chat.models.search import SearchEntry
from chat.models.shadows import ShadowAnswer
from chat.models.teams import CannedReply, Team
from chat.models.tools import Tool, ToolCall
from chat.models.webhooks import WebhookDelivery, WebhookEndpoint

__all__ = [
    "UNNAMED",
    "Agent",
    "Attachment",
    "Brief",
    "CannedReply",
    "Conversation",
    "Escalation",
    "EscalationPolicy",
    "Gap",
    "GapSearch",
    "IdentityUse",
    "Inbox",
    "IntakePolicy",
    "Mention",
    "Message",
    "Note",
    "Rating",
    "Reveal",
    "Ring",
    "SearchEntry",
    "ShadowAnswer",
    "Skill",
    "Suggestion",
    "Team",
    "Tool",
    "ToolCall",
    "Translation",
    "Turn",
    "VaultEntry",
    "Visitor",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WidgetSighting",
    "among",
    "check_origins",
    "check_questions",
    "choices",
    "new_inbox_key",
]
