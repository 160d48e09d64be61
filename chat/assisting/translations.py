"""Lines of a thread in the agent's language, each kept once it is translated. Called by tasks and actions.

What is translated is masked like every line, and stays so: a translation that holds another placeholder than its line is
thrown away.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Exists, OuterRef
from pydantic import BaseModel
from redis import RedisError

from chat import analysis, push, vault
from chat.assisting import PLACES, threads
from chat.models import Conversation, Message, Translation
from chat.states import Role
from prompts import assistance
from prompts.assistance import NotWritten
from prompts.llm.types import JsonShape, Line, Request
from prompts.redaction.placeholders import PLACEHOLDER
from prompts.redis import connection

PURPOSE = "translate"
SECONDS = 20.0
# The newest lines, and as many of them at once as come back within OUTPUT_TOKENS.
LINES, BATCH_LINES, BATCH_CHARS = 40, 10, 500
OUTPUT_TOKENS = 480
SCHEMA = {
    "type": "object",
    "properties": {
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"n": {"type": "integer"}, "text": {"type": "string"}},
                "required": ["n", "text"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["lines"],
    "additionalProperties": False,
}


class SaidLine(BaseModel):
    """A line by its seq."""

    n: int
    text: str


class Said(BaseModel):
    """The translations as a model gives them."""

    lines: list[SaidLine]


def known(conversation_id: UUID, *, language: str) -> list[dict[str, Any]]:
    """The translations there are, by seq."""
    rows = Translation.objects.filter(message__conversation=conversation_id, language=language)
    found = rows.filter(refused=False).order_by("message__seq").values_list("message__seq", "text")
    return [{"seq": seq, "text": text} for seq, text in found]


def missing(conversation_id: UUID, *, language: str) -> list[Message]:
    """The newest lines that are in another language and not translated yet, the latest first."""
    done = Translation.objects.filter(message=OuterRef("pk"), language=language)
    lines = Message.objects.filter(conversation=conversation_id).exclude(role=Role.SYSTEM.value)
    newest = lines.annotate(done=Exists(done)).order_by("-seq")[:LINES]
    return [line for line in newest if not line.done and is_foreign(line.text, language=language)]


def is_foreign(text: str, *, language: str) -> bool:
    """Whether the text has words, and in another language; what could not be examined has none."""
    other = "en" if language == "zh" else "zh"
    return vault.is_readable(text) and analysis.language_of(text, otherwise=language) == other


def run(conversation_id: UUID, language: str) -> int:
    """Translates what is missing, batch by batch; how many lines. One at a time for a thread."""
    rows = Conversation.objects.select_related("visitor", "inbox")
    conversation = rows.filter(pk=conversation_id).first()
    if conversation is None or not take(conversation_id, language):
        return 0
    count = 0
    try:
        # No longer than the others are kept away; the next line asks for the rest.
        until = time.monotonic() + 2 * SECONDS
        for batch in batches(missing(conversation_id, language=language)):
            if time.monotonic() > until:
                break
            found = translate(conversation, batch, language=language)
            count += len(found)
            tell(conversation_id, language=language, lines=found)
    except NotWritten as error:
        tell(conversation_id, language=language, lines=[], why=error.why)
    finally:
        give_back(conversation_id, language)
    return count


def translate(
    conversation: Conversation, batch: Sequence[Message], *, language: str
) -> list[dict[str, Any]]:
    """One batch, kept. Raises NotWritten."""
    if not PLACES.acquire(blocking=False):
        raise NotWritten("busy")
    try:
        asked = threads.ask(conversation, trace_id=str(uuid4()), text="", language=language)
        system = assistance.instructions(PURPOSE, language=language)
        shown = json.dumps([{"n": m.seq, "text": m.text} for m in batch], ensure_ascii=False)
        lines = (Line("system", system), Line("user", shown))
        request = Request(
            PURPOSE,
            lines,
            max_output_tokens=OUTPUT_TOKENS,
            user=asked.user,
            json=JsonShape(PURPOSE, SCHEMA),
        )
        said = assistance.ask(asked, request, Said, seconds=SECONDS)
    finally:
        PLACES.release()
    return keep(batch, said.value, language=language)


def keep(batch: Sequence[Message], said: Said, *, language: str) -> list[dict[str, Any]]:
    """Those that are of a line of the batch and hold no placeholder of their own. Raises NotWritten."""
    of = {message.seq: message for message in batch}
    usable = {
        line.n: line.text
        for line in said.lines
        if line.n in of and line.text.strip() and holds(of[line.n].text, line.text)
    }
    texts = assistance.screened(usable.values(), language=language)
    found = {seq: text for seq, text in zip(usable, texts, strict=True) if text}
    rows = [
        Translation(message=of[seq], language=language, text=text) for seq, text in found.items()
    ]
    refused = {line.n for line in said.lines} & set(of) - set(found)
    rows += [Translation(message=of[seq], language=language, refused=True) for seq in refused]
    Translation.objects.bulk_create(rows, ignore_conflicts=True)
    return [{"seq": seq, "text": text} for seq, text in found.items()]


def holds(text: str, translated: str) -> bool:
    """Whether every placeholder of the translation stands in the line."""
    return set(PLACEHOLDER.findall(translated)) <= set(PLACEHOLDER.findall(text))


def batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """As many lines at a time as one answer holds; a longer one goes alone."""
    batch: list[Message] = []
    chars = 0
    for message in messages:
        if batch and (len(batch) == BATCH_LINES or chars + len(message.text) > BATCH_CHARS):
            yield batch
            batch, chars = [], 0
        batch.append(message)
        chars += len(message.text)
    if batch:
        yield batch


def tell(
    conversation_id: UUID, *, language: str, lines: list[dict[str, Any]], why: str = ""
) -> None:
    """Whoever has the conversation open gets them; who does not want them does not show them."""
    frame = {
        "type": "translation",
        "conversation_id": str(conversation_id),
        "language": language,
        "lines": lines,
        "why": why,
    }
    push.to_agents(conversation_id, frame)


def take(conversation_id: UUID, language: str) -> bool:
    """Whether nobody else is at it. Without Redis a line may be paid for twice; it is kept once all the same."""
    try:
        held = connection().set(
            lock_key(conversation_id, language), 1, nx=True, ex=int(3 * SECONDS)
        )
    except RedisError:
        return True
    return bool(held)


def give_back(conversation_id: UUID, language: str) -> None:
    # Else it ends by itself.
    with suppress(RedisError):
        connection().delete(lock_key(conversation_id, language))


def lock_key(conversation_id: UUID, language: str) -> str:
    return f"translating:{conversation_id}:{language}"
