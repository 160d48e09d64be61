"""Writes what an agent asked for, piece by piece, for that agent alone; nothing of it is ever sent by itself. Called by tasks."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any, assert_never
from uuid import UUID

from django.utils import timezone

from chat import push
from chat.assisting import PLACES, threads
from chat.models import Suggestion
from chat.states import Help, Writing
from prompts import assistance, rendering
from prompts.assistance import NotWritten
from prompts.llm.types import Line, Request
from prompts.routing import Question

SECONDS = 25.0
# Whoever asked has given up after so long, whatever became of the worker.
STALE = timedelta(seconds=60)
KEPT = timedelta(days=1)
TELL_SECONDS = 0.15
DRAFT_TOKENS, SUMMARY_TOKENS, REWRITE_TOKENS = 320, 240, 480
STYLES = {
    "shorter": {"zh": "更简短：去掉重复和客套，意思不减", "en": "shorter: no repetition, no filler, nothing lost"},
    "warmer": {"zh": "更亲切：体谅对方，语气温和", "en": "warmer: considerate and kind in tone"},
    "formal": {"zh": "更正式：用书面、规范的说法", "en": "more formal: polite and correct wording"},
    "typos": {"zh": "只改错别字、语法和标点，其他不动", "en": "only mend typos, grammar and punctuation"},
}  # fmt: skip
OPEN = [Writing.QUEUED.value, Writing.RUNNING.value]


class Cancelled(Exception):
    """The agent wants it no more."""


class Paper:
    """A sink that shows the agent what is written so far, a few times a second. Raises Cancelled."""

    def __init__(self, row: Suggestion) -> None:
        self.row = row
        self.text = ""
        self.told_at = 0.0

    def write(self, piece: str) -> None:
        self.text += piece
        if time.monotonic() - self.told_at >= TELL_SECONDS:
            self.told_at = time.monotonic()
            self.row.text = self.text
            if not tell(self.row):
                raise Cancelled

    def restart(self) -> None:
        self.text = ""


def run(pk: UUID) -> None:
    """Writes one suggestion, once, however often it is rung for."""
    rows = Suggestion.objects.select_related("conversation__visitor", "conversation__inbox")
    row = rows.filter(pk=pk).first()
    waiting = Suggestion.objects.filter(pk=pk, state=Writing.QUEUED.value)
    if row is None or not waiting.update(state=Writing.RUNNING.value):
        return
    row.state = Writing.RUNNING.value
    try:
        if not PLACES.acquire(blocking=False):
            raise NotWritten("busy")
        try:
            finish(row, *write(row))
        finally:
            PLACES.release()
    except NotWritten as error:
        end(row, Writing.FAILED, why=error.why)
    except Cancelled:
        end(row, Writing.CANCELLED)
    finally:
        # Whatever else went wrong: nobody waits for it.
        end(row, Writing.FAILED, why="failed")


def write(row: Suggestion) -> tuple[str, str, list[str]]:
    """The text, its endpoint, and texts that it may repeat. Raises NotWritten, Cancelled."""
    asked, request, known = request_of(row)
    text, endpoint = assistance.write(asked, request, Paper(row), seconds=SECONDS, public=known)
    if not text:
        raise NotWritten("failed")
    return text, endpoint, known


def request_of(row: Suggestion) -> tuple[Question, Request, list[str]]:
    match Help(row.kind):
        case Help.DRAFT:
            return draft(row)
        case Help.REWRITE:
            return rewrite(row)
        case Help.SUMMARY:
            return summary(row)
        case Help.TRANSLATE:
            return translate(row)
        case unknown:
            assert_never(unknown)


def draft(row: Suggestion) -> tuple[Question, Request, list[str]]:
    """A reply to what the customer said last, in the customer's language."""
    conversation = row.conversation
    lines = threads.read(conversation)
    language = threads.language_of(conversation, lines)
    history, text = threads.split(lines, language=language)
    asked = threads.ask(
        conversation, trace_id=str(row.pk), text=text, language=language, history=history
    )
    request, hits = assistance.draft(asked)
    most = min(request.max_output_tokens, DRAFT_TOKENS)
    return asked, replace(request, max_output_tokens=most), [hit.answer for hit in hits]


def rewrite(row: Suggestion) -> tuple[Question, Request, list[str]]:
    """What was typed, in other words."""
    style = STYLES[row.style][row.language]
    asked = threads.ask(
        row.conversation, trace_id=str(row.pk), text=row.typed, language=row.language
    )
    system = assistance.instructions(
        Help.REWRITE.value, language=row.language, shop_name=asked.shop_name, style=style
    )
    lines = (Line("system", system), Line("user", row.typed))
    request = Request(Help.REWRITE.value, lines, max_output_tokens=REWRITE_TOKENS, user=asked.user)
    return asked, request, [row.typed]


def translate(row: Suggestion) -> tuple[Question, Request, list[str]]:
    """What was typed, in the customer's language."""
    asked = threads.ask(
        row.conversation, trace_id=str(row.pk), text=row.typed, language=row.language
    )
    system = assistance.instructions(
        "translate_reply", language=row.language, shop_name=asked.shop_name
    )
    lines = (Line("system", system), Line("user", row.typed))
    request = Request(
        Help.TRANSLATE.value, lines, max_output_tokens=REWRITE_TOKENS, user=asked.user
    )
    return asked, request, [row.typed]


def summary(row: Suggestion) -> tuple[Question, Request, list[str]]:
    """What the conversation was about and how far it got, for colleagues."""
    language = row.language
    asked = threads.ask(row.conversation, trace_id=str(row.pk), text="", language=language)
    lines = threads.read(row.conversation)
    system = assistance.instructions(
        Help.SUMMARY.value,
        language=language,
        shop_name=asked.shop_name,
        topic=asked.topic or "—",
        slots=rendering.slots_text(asked.slots, language=language) or "—",
        thread=threads.BELOW[language],
    )
    thread = threads.fenced(lines, language=language)
    most = assistance.output_tokens("summary", language=language, otherwise=SUMMARY_TOKENS)
    request = Request(
        Help.SUMMARY.value,
        (Line("system", system), Line("user", thread)),
        max_output_tokens=most,
        user=asked.user,
    )
    return asked, request, []


def finish(row: Suggestion, text: str, endpoint: str, known: list[str]) -> None:
    row.text, row.endpoint = text, endpoint
    # A summary is no word to a customer, and a translation promises what its agent does.
    if row.kind in {Help.DRAFT, Help.REWRITE}:
        row.doubts = threads.doubts(row.conversation, text, known=known)
    end(row, Writing.DONE, text=text, endpoint=endpoint, doubts=row.doubts)


def end(row: Suggestion, state: Writing, **fields: Any) -> None:
    """Ends it once; what was cancelled meanwhile stays so, and the agent hears of it either way."""
    mine = Suggestion.objects.filter(pk=row.pk, state=Writing.RUNNING.value)
    if mine.update(state=state.value, ended_at=timezone.now(), **fields):
        row.state, row.why = state.value, fields.get("why", "")
        tell(row)


def tell(row: Suggestion) -> bool:
    """Shows the agent how far it is; False once it was cancelled."""
    return push.to_agent(
        row.agent_id, as_frame(row), visitor_id=row.conversation.visitor_id, own=row.own
    )


def as_frame(row: Suggestion) -> dict[str, Any]:
    """The `suggestion` frame. A text that did not come to its end is shown while it is written only."""
    shown = row.state in {Writing.RUNNING, Writing.DONE}
    return {
        "type": "suggestion",
        "suggestion_id": str(row.pk),
        "conversation_id": str(row.conversation_id),
        "client_id": str(row.client_id),
        "kind": row.kind,
        "state": row.state,
        "text": row.text if shown else "",
        "doubts": row.doubts,
        "why": row.why,
    }


def forget() -> int:
    """Ends what no worker came back to, and removes what is a day old; how many rows."""
    now = timezone.now()
    Suggestion.objects.filter(state__in=OPEN, at__lt=now - STALE).update(
        state=Writing.FAILED.value, why="late", ended_at=now
    )
    return Suggestion.objects.filter(at__lt=now - KEPT).delete()[0]
