"""What the platform does with each purpose it ships: which variables it fills in, which parts of a wording it uses. Pure.

Read by versions and the studio. A purpose that is not named here is its callers' own affair: it may declare what it likes.
"""

from collections.abc import Mapping

ANSWERING = (
    "shop_name", "slots", "state", "topic", "knowledge", "examples", "mood", "max_chars",
)  # fmt: skip
RESUME = ("topic", "slots")
# What a model answers a customer with, or drafts for an agent to: these can be tried in the playground.
ANSWERS = frozenset({"answer", "draft"})
# The variables every place fills in that says a purpose. Whatever else a text named would be a hole in it.
SUPPLIED: Mapping[str, tuple[str, ...]] = {
    # Answers of a model.
    "answer": ANSWERING,
    "draft": ANSWERING,
    # What else a model is told.
    "summary": ("shop_name", "thread", "slots", "topic"),
    "brief": ("shop_name", "thread", "slots", "topic", "mood"),
    "rewrite": ("shop_name", "style"),
    "translate": (),
    "translate_reply": ("shop_name",),
    "analyse": ("intents", "before"),
    "judge": ("thread", "rubric", "reference"),
    "dispatch": (),
    "soothe": (),
    # What customers read as it stands.
    "greeting": (),
    "resume": RESUME,
    "resumed": RESUME,
    "unknown": (),
    "apology": (),
    "busy": ("seconds",),
    "noted": ("slots",),
    "noted_for": ("topic", "slots"),
    "check": ("slots",),
    "offer_human": (),
    "no_people": (),
    "handoff_notice": (),
    "offline_notice": (),
    "queue_left": (),
    "message_left": (),
    "agent_joined": ("agent",),
    "handed_back": (),
    "conversation_resolved": (),
    # What an agent may say first.
    "first_reply": ("agent", "topic"),
    "first_reply_open": ("agent",),
}
# Fields of a wording that only some purposes use; the others are used by all.
USED_BY: Mapping[str, frozenset[str]] = {
    "emotion_addendum": ANSWERS,
    "example_mode": ANSWERS,
    "example_keys": ANSWERS,
    "example_tags": ANSWERS,
    "example_limit": ANSWERS,
    "example_tokens": ANSWERS,
    "max_chars": ANSWERS,
    "max_output_tokens": ANSWERS | {"summary"},
    "resume_text": frozenset({"answer"}),
}


def uses(purpose: str, field: str) -> bool:
    """Whether a field of a wording has any effect for a purpose."""
    return purpose not in SUPPLIED or purpose in USED_BY.get(field, {purpose})
