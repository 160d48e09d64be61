"""One call of a tool: refused, or made and read. Whatever becomes of it is a row, with masked arguments.

Called by chat.tools' other modules, the turn and the admin's page to try a tool.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import structlog
from django.conf import settings

from chat.models import Conversation, ToolCall, Turn
from chat.states import CallState
from chat.tools import addresses, calling, results, wording
from chat.tools import arguments as args
from chat.tools.arguments import Arguments, BadArguments
from chat.tools.calling import Reply
from chat.tools.registry import Spec
from prompts.snapshot import release_connection

log = structlog.get_logger(__name__)

# Nobody knows whether the shop did it.
IN_DOUBT = frozenset({"timeout", "broken", "too_large", "not_json"})
STATUS_ERRORS = {401: "unauthorized", 403: "not_yours", 404: "not_found", 429: "busy"}
SERVER_ERROR = 500
NAME_CHARS = 40
MESSAGE_PATHS = ("error.message", "message", "detail")
# Failures that are the shop's or ours, not the customer's: what escalation counts.
FAILURES = frozenset({CallState.FAILED, CallState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a tool is called. `customer` is who the shop says it is, empty for an anonymous visitor."""

    asked_by: str
    language: str = "zh"
    conversation: Conversation | None = None
    turn: Turn | None = None
    customer: str = ""

    @property
    def visitor_id(self) -> UUID | None:
        return self.conversation.visitor_id if self.conversation else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call. `shown` is {path: text} of the reply, masked; `sentence` is for the customer."""

    spec: Spec
    state: CallState
    error: str = ""
    arguments: Arguments = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)
    sentence: str = ""
    status: int | None = None
    duration_ms: float | None = None
    call_id: UUID | None = None

    @property
    def failed(self) -> bool:
        return self.state in FAILURES

    def as_json(self) -> dict[str, Any]:
        """As the turn's decision and the answer's meta keep it."""
        return {
            "call": str(self.call_id or ""),
            "tool": self.spec.name,
            "effect": self.spec.effect,
            "state": self.state.value,
            "error": self.error,
            "ms": self.duration_ms,
        }


def run(
    spec: Spec, arguments: Arguments, caller: Caller, *, row: ToolCall | None = None
) -> Outcome:
    """Calls the tool and says what became of it. A `row` that waits for it is filled, else one is written."""
    if spec.needs_verified and not caller.customer:
        return refuse(spec, arguments, caller, error="unverified", row=row)
    try:
        args.check(spec, arguments)
        request = args.request_of(
            spec,
            args.opened(spec, arguments, visitor_id=caller.visitor_id),
            headers={},
        )
    except BadArguments as error:
        log.warning("tool_arguments_refused", tool=spec.name, reason=str(error))
        return refuse(spec, arguments, caller, error="bad_arguments", row=row)
    row = row or opening_row(spec, arguments, caller)
    secret = secret_of(spec, request.url)
    if secret is None:
        return record(row, Outcome(spec, CallState.FAILED, error="no_key"), caller)
    request = replace(request, headers=headers_of(spec, caller, key=row.key, secret=secret))
    release_connection()
    started = time.perf_counter()
    reply = send(spec, request)
    duration_ms = round((time.perf_counter() - started) * 1000, 1)
    return record(
        row, replace(read(spec, reply, arguments, caller), duration_ms=duration_ms), caller
    )


def opening_row(
    spec: Spec, arguments: Arguments, caller: Caller, *, key: UUID | None = None
) -> ToolCall:
    """The row of a call. A write's is stored before it is made: whatever kills us, there is a trace."""
    row = ToolCall(
        tool_id=spec.id,
        name=spec.name,
        conversation=caller.conversation,
        turn=caller.turn,
        asked_by=caller.asked_by,
        state=CallState.RUNNING.value,
        arguments=kept(spec, arguments),
        digest=args.digest(spec, arguments),
        epoch=caller.turn.epoch if caller.turn else 0,
        key=key or uuid4(),
    )
    if spec.writes:
        row.save(force_insert=True)
    return row


def kept(spec: Spec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as a row may hold them: placeholders stay, what came raw is masked."""
    return {
        name[: args.STRING_CHARS]: masked_value(value) if isinstance(value, str) else value
        for name, value in list(arguments.items())[: results.SHOWN_MOST]
        if isinstance(value, str | int | float | bool)
    }


def masked_value(value: str) -> str:
    return results.masked(value[: results.READ_CHARS], language="zh")[: args.STRING_CHARS]


def secret_of(spec: Spec, url: str) -> str | None:
    """The key the tool names; empty where it needs none, None where it is not set or the host may not have it.

    The form checks the host too, but hosts may have been taken off the list since.
    """
    if not spec.auth_env:
        return ""
    try:
        may_have = addresses.is_named(addresses.target_of(url), settings.TOOL_HOSTS)
    except addresses.BadAddress:
        return ""  # nothing is sent there
    return settings.TOOL_KEYS.get(spec.auth_env) if may_have else None


def headers_of(spec: Spec, caller: Caller, *, key: UUID, secret: str) -> dict[str, str]:
    headers = {"Accept-Language": caller.language, "User-Agent": "Yingda"}
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    if caller.customer:
        headers["X-Customer-Id"] = as_header(caller.customer)
    if spec.writes:
        headers["Idempotency-Key"] = str(key)
    return headers


def as_header(text: str) -> str:
    """The text where a header can carry it, else percent-encoded."""
    return text if text.isascii() and text.isprintable() else quote(text)


def send(spec: Spec, request: calling.Call) -> Reply:
    """The reply; of a write that may have been done, that of a second try under the same key."""
    reply = calling.send(request, named=settings.TOOL_HOSTS)
    if spec.writes and is_in_doubt(reply):
        return calling.send(request, named=settings.TOOL_HOSTS)
    return reply


def is_in_doubt(reply: Reply) -> bool:
    return reply.error in IN_DOUBT or reply.status >= SERVER_ERROR


def read(spec: Spec, reply: Reply, arguments: Arguments, caller: Caller) -> Outcome:
    """What a reply means."""
    found = Outcome(spec, CallState.DONE, status=reply.status or None, arguments=arguments)
    if not reply.error:
        return owned(found, reply, caller)
    if spec.writes and is_in_doubt(reply):
        return replace(found, state=CallState.UNKNOWN, error="unknown")
    if reply.error != "http" or reply.status >= SERVER_ERROR:
        return replace(found, state=CallState.FAILED, error=reply.error)
    error = STATUS_ERRORS.get(reply.status, "shop_refused")
    failed = error in {"unauthorized", "busy"}
    detail = results.masked(shop_words(reply), language=caller.language)[: results.VALUE_CHARS]
    return replace(
        found,
        state=CallState.FAILED if failed else CallState.REFUSED,
        error=error,
        sentence="" if failed else detail,
    )


def shop_words(reply: Reply) -> str:
    """Why the shop refused, in its own words."""
    found = (results.at_path(reply.content, path) for path in MESSAGE_PATHS)
    return next((results.as_text(text) for text in found if isinstance(text, str)), "")


def owned(found: Outcome, reply: Reply, caller: Caller) -> Outcome:
    """The outcome, unless the reply is about another customer's things, or does not say whose.

    An order without a customer says so: null or empty.
    """
    spec = found.spec
    unsaid = object()
    owner = (
        results.at_path(reply.content, spec.owner_path, otherwise=unsaid)
        if spec.owner_path
        else None
    )
    if owner and str(owner) != caller.customer:
        state = CallState.UNKNOWN if spec.writes else CallState.REFUSED
        return replace(found, state=state, error="not_yours")
    shown = results.shown_of(spec, reply.content, language=caller.language)
    sentence = results.sentence(spec, found.arguments, shown, language=caller.language)
    return replace(found, shown=shown, sentence=sentence)


def refuse(
    spec: Spec, arguments: Arguments, caller: Caller, *, error: str, row: ToolCall | None = None
) -> Outcome:
    """Makes no call, and says so on record."""
    row = row or ToolCall(
        tool_id=spec.id,
        name=spec.name,
        conversation=caller.conversation,
        turn=caller.turn,
        asked_by=caller.asked_by,
        arguments=kept(spec, arguments),
        epoch=caller.turn.epoch if caller.turn else 0,
    )
    return record(row, Outcome(spec, CallState.REFUSED, error=error, arguments=arguments), caller)


def refuse_unoffered(name: str, caller: Caller) -> None:
    """Puts on record that a model wanted a tool that it was not offered, or that there is none of."""
    ToolCall.objects.create(
        name=masked_value(name)[:NAME_CHARS],
        conversation=caller.conversation,
        turn=caller.turn,
        asked_by=caller.asked_by,
        state=CallState.REFUSED.value,
        error="not_offered",
        epoch=caller.turn.epoch if caller.turn else 0,
    )


def record(row: ToolCall, outcome: Outcome, caller: Caller) -> Outcome:
    """Stores what became of the call; a failed one gets its sentence."""
    row.state = outcome.state.value
    row.error = outcome.error
    row.result = dict(outcome.shown)
    row.status_code = outcome.status
    row.duration_ms = outcome.duration_ms
    row.save()
    if outcome.error:
        log.info(
            "tool_call_failed", tool=row.name, state=row.state, error=row.error, call=str(row.pk)
        )
        outcome = replace(outcome, sentence=failure_words(outcome, caller))
    return replace(outcome, call_id=row.pk)


def failure_words(outcome: Outcome, caller: Caller) -> str:
    title = outcome.spec.title(caller.language)
    return wording.failure(outcome.error, caller.language, title=title, detail=outcome.sentence)


def recalled(spec: Spec, row: ToolCall, caller: Caller) -> Outcome:
    """What became of a call that was begun before, from its row; nothing is sent. Where it has no end, nobody knows."""
    lost = row.state == CallState.RUNNING
    found = Outcome(
        spec,
        CallState.UNKNOWN if lost else CallState(row.state),
        error="unknown" if lost else row.error,
        arguments=row.arguments,
        shown=row.result,
        status=row.status_code,
        duration_ms=row.duration_ms,
        call_id=row.pk,
    )
    if found.error:
        return replace(found, sentence=failure_words(found, caller))
    words = results.sentence(spec, row.arguments, row.result, language=caller.language)
    return replace(found, sentence=words)
