"""A conversation as a model reads it for an agent: who said what, masked, as data. Called by briefs and suggestions."""

import secrets
from collections.abc import Sequence

from chat import analysis, promises, question, transcript, vault
from chat import dialogue as dialogues
from chat.dialogue import Dialogue, moods_of, read_dialogue
from chat.models import Conversation, ToolCall
from chat.states import CallState, Role, Tier
from chat.transcript import Line
from prompts.routing import Question

LINES, CHARS, LINE_CHARS = 60, 6000, 600
NAMES = {
    "zh": {"visitor": "顾客", "bot": "小助手", "agent": "客服", "system": "系统"},
    "en": {"visitor": "Customer", "bot": "Assistant", "agent": "Agent", "system": "System"},
}
# Where a wording names the thread: it is data, and stands in a message of its own.
BELOW = {"zh": "（见用户消息）", "en": "(see the user's message)"}
# What is asked to be followed up where the customer's last line has been answered.
FOLLOW_UP = {
    "zh": "（我还没有再说什么，请接着跟进。）",
    "en": "(I have said nothing more yet; please follow up.)",
}


def read(conversation: Conversation) -> list[Line]:
    """The newest lines, oldest first; one that could not be examined for personal data is only its placeholder."""
    return transcript.latest(conversation.pk, limit=LINES)


def fenced(lines: Sequence[Line], *, language: str) -> str:
    """The lines between marks that nobody who writes one can know, a line each, so that none can play another."""
    mark = secrets.token_hex(4)
    names = NAMES[language]
    written: list[str] = []
    left = CHARS
    for line in reversed(lines):
        text = f"{line.seq} {names[line.role]}：{flat(line.text)}"[:LINE_CHARS]
        left -= len(text)
        if left < 0:
            break
        written.append(text)
    body = "\n".join(reversed(written))
    return f"<conversation {mark}>\n{body}\n</conversation {mark}>"


def flat(text: str) -> str:
    """The text in one line, whatever ended its lines."""
    return " ⏎ ".join(filter(None, (" ".join(part.split()) for part in text.splitlines())))


def language_of(conversation: Conversation, lines: Sequence[Line]) -> str:
    """ "zh" or "en": what the customer wrote last."""
    said = (line.text for line in reversed(lines) if line.role == Role.VISITOR)
    otherwise = conversation.visitor.language
    return analysis.language_of(next(said, ""), otherwise=otherwise)


def ask(
    conversation: Conversation,
    *,
    trace_id: str,
    text: str,
    language: str,
    history: Sequence[Line] = (),
) -> Question:
    """A question of an agent's about a conversation, as the router and the ledger see it."""
    dialogue: Dialogue = read_dialogue(conversation.dialogue)
    mood = moods_of(dialogue)[-1:]
    negative = bool(mood) and mood[0].label == "negative"
    return Question(
        trace_id=trace_id,
        text=text,
        language=language,
        shop_name=conversation.inbox.shop_name,
        history=tuple((line.role, line.text) for line in history if line.role != Role.SYSTEM),
        slots=dialogues.sure_slots(dialogue),
        topic=dialogue.summary,
        state=dialogues.state_block(dialogue, language=language),
        intent=dialogue.intent or "unknown",
        emotion="negative" if negative else "neutral",
        emotion_score=mood[0].score if negative else 0.0,
        user=question.pseudonym(conversation.visitor_id),
        inbox=conversation.inbox.key,
        conversation_id=str(conversation.pk),
        tier="vip" if conversation.visitor.tier == Tier.VIP else "standard",
        readable=vault.is_readable(text),
        may_dispatch=False,
    )


def split(lines: Sequence[Line], *, language: str) -> tuple[list[Line], str]:
    """The lines before, and the customer's that nobody has answered, as one text."""
    at = len(lines)
    while at and lines[at - 1].role in {Role.VISITOR, Role.SYSTEM}:
        at -= 1
    open_ = [line.text for line in lines[at:] if line.role == Role.VISITOR]
    return list(lines[:at]), "\n".join(open_) or FOLLOW_UP[language]


def doubts(
    conversation: Conversation, text: str, *, known: Sequence[str] = ()
) -> list[dict[str, str]]:
    """What `text` promises, or tells as done, that no tool has made in this conversation; `known` may be repeated."""
    calls = ToolCall.objects.filter(conversation=conversation, state=CallState.DONE.value)
    done = list(
        calls.values_list(
            "tool__effect", "name", "tool__title_zh", "tool__title_en", "tool__intents"
        )
    )
    made: set[str] = set()
    for effect, name, zh, en, intents in done:
        if effect == "write":
            made |= {name, zh or "", en or "", *(intents or ())}
    found = promises.found_in(text, made=made - {""}, known=known, looked_up=bool(done))
    return [
        {"sentence": sentence.strip(), "promise": kind.value} for sentence, kind in found.items()
    ]
