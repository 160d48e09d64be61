"""The one table from what a vendor says to what went wrong. Called by the providers only.

A failure is read into `Signs`; the first row of TABLE that fits gives its class. Names come before statuses, for
many servers send everything under one status, and under 200 once a stream runs; the broad names come last.
"""

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from prompts.llm.errors import ErrorClass, ModelError

LONGEST_WAIT_SECONDS = 86_400.0
WORDS_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Signs:
    """What a vendor gave away: HTTP status, its code, its type of error, and its sentence."""

    status: int | None = None
    code: str = ""
    kind: str = ""
    words: str = ""


class Row(NamedTuple):
    """Fits when the status is one of `statuses` (empty: any), and a name or a word does (none wanted: always).

    A name is the code or the type, in lower case; one that ends in "*" is only the start of it.
    """

    becomes: ErrorClass
    names: str = ""
    words: tuple[str, ...] = ()
    statuses: Collection[int | None] = ()


# A sentence proves little where a server may be quoting the customer, as it may under 400.
SAYING = (None, 200, 402, 403, 429)
TABLE = (
    Row(
        ErrorClass.OVERFLOW,
        "context_length_exceeded tokens_too_long characters_too_long 1261",
        (
            "prompt is too long",
            "prompt tokens too long",
            "maximum context length",
            "context window",
            "range of input length",
            "exceeded model token limit",
        ),
        (None, 200, 400, 413, 422, 500),
    ),
    Row(ErrorClass.QUOTA_AUTH, "allocationquota.*", ("free allocated quota",)),
    # Alibaba says `insufficient_quota` for too many tokens a minute, and links to this heading.
    Row(ErrorClass.RATE_LIMIT, "", ("error-code#token-limit", "allocated quota exceeded"), SAYING),
    Row(
        ErrorClass.QUOTA_AUTH,
        "insufficient_quota insufficient_user_quota exceeded_current_quota_error billing_error arrearage "
        "accountoverdue* prepaidbill* postpaidbill* insufficient_balance payment_required "
        "invalid_api_key invalidapikey authentication_error authenticationerror permission_error "
        "permission_denied accessdenied* model.accessdenied workspace.accessdenied "
        "1110 1111 1112 1113 1121 1220",
    ),
    Row(
        ErrorClass.QUOTA_AUTH,
        "",
        ("余额不足", "欠费", "insufficient balance", "balance is insufficient"),
        SAYING,
    ),
    Row(ErrorClass.QUOTA_AUTH, "", ("credit balance is too low",), (400, *SAYING)),
    Row(
        ErrorClass.CONTENT,
        "content_filter* content_policy_violation datainspection* data_inspection* 1301 "
        "responsibleaipolicyviolation *sensitivecontentdetected* sensitive_words_detected "
        "unsafe_request prompt_blocked",
        ("敏感内容", "inappropriate content"),
    ),
    Row(ErrorClass.TIMEOUT, "*timeout timeout_error request_timeout response_timeout"),
    Row(
        ErrorClass.RATE_LIMIT,
        "rate_limit* ratelimit* *_rate_limit_exceeded throttling* limit_requests limit_burst_rate "
        "too_many_requests toomanyrequests* concurrency_limit* 1302 1303 1305",
    ),
    Row(
        ErrorClass.RATE_LIMIT,
        "",
        (
            "速率限制",
            "访问量过大",
            "限流",
            "限速",
            "请求过于频繁",
            "频率超过",
            "并发数过高",
            "too many requests",
            "rate limit",
            "rate increased too quickly",
        ),
        (400, *SAYING),
    ),
    Row(ErrorClass.QUOTA_AUTH, statuses=(401, 402, 403, 407, 434)),
    Row(ErrorClass.RATE_LIMIT, statuses=(429,)),
    Row(ErrorClass.TIMEOUT, statuses=(408, 504, 524)),
    Row(ErrorClass.UNAVAILABLE, statuses=range(500, 600)),
    Row(
        ErrorClass.UNAVAILABLE,
        "overloaded* api_error server_error internal* serviceunavailable* service_unavailable* "
        "serveroverloaded upstream* 1230 1234",
    ),
    Row(ErrorClass.BAD_REQUEST, statuses=range(400, 500)),
    Row(
        ErrorClass.BAD_REQUEST,
        "invalid_request* invalidparameter* invalid_parameter* missingparameter* badrequest* "
        "not_found* notfound* model_not_found model.notexist modelnotfound* request_too_large "
        "1210 1211 1212 1213 1214 1215",
    ),
)

# Why a model stopped; None: because it had said everything.
ENDS: dict[str, ErrorClass | None] = {
    **dict.fromkeys(("stop", "end_turn", "stop_sequence", "eos"), None),
    **dict.fromkeys(("tool_calls", "tool_use", "function_call"), None),
    **dict.fromkeys(("length", "max_tokens"), ErrorClass.BAD_OUTPUT),
    **dict.fromkeys(("content_filter", "refusal", "sensitive"), ErrorClass.CONTENT),
    **dict.fromkeys(("abort", "error", "network_error"), ErrorClass.UNAVAILABLE),
    "insufficient_system_resource": ErrorClass.UNAVAILABLE,
    "model_context_window_exceeded": ErrorClass.OVERFLOW,
}
END_DETAILS = {
    ErrorClass.BAD_OUTPUT: "cut at the token limit",
    ErrorClass.CONTENT: "refused",
    ErrorClass.OVERFLOW: "cut at the end of the context window",
}

# Parts of the names of exceptions, those of their bases included; the first that occurs decides.
EXCEPTIONS = (
    ("Timeout", ErrorClass.TIMEOUT),
    ("JSONDecodeError", ErrorClass.BAD_OUTPUT),
    ("DecodingError", ErrorClass.BAD_OUTPUT),
    ("UnicodeDecodeError", ErrorClass.BAD_OUTPUT),
    ("UnicodeEncodeError", ErrorClass.BAD_REQUEST),
    ("LocalProtocolError", ErrorClass.BAD_REQUEST),
    ("InvalidURL", ErrorClass.BAD_REQUEST),
)
# Letters alone: no key looks like this.
SPEAKABLE = re.compile(r"[A-Za-z][A-Za-z._]{1,48}|\d{3,5}")


def classify(
    status: int | None = None, *, code: str = "", kind: str = "", words: str = ""
) -> ErrorClass:
    """The class of a failure that a vendor declared; UNAVAILABLE where it says nothing we know."""
    names, said = (code.lower(), kind.lower()), words[:WORDS_CHARS].lower()
    for row, pattern in COMPILED:
        if row.statuses and status not in row.statuses:
            continue
        named = any(pattern.fullmatch(name) for name in names)
        if named or any(word in said for word in row.words) or not (row.names or row.words):
            return row.becomes
    return ErrorClass.UNAVAILABLE


def declared(
    body: object,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> ModelError:
    """The error that a vendor's `body` declares, decoded or not; of its words only a plain code is kept."""
    signs = signs_of(body, status=status)
    wait = retry_after_seconds(headers, now=now) if headers and now else 0.0
    kind = classify(signs.status, code=signs.code, kind=signs.kind, words=signs.words)
    return ModelError(kind, spoken(signs), retry_after_seconds=wait)


def converted(error: Exception, *, now: datetime) -> ModelError:
    """An SDK's exception, or one that it let through from below, as ours."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        response = getattr(error, "response", None) or error
        body = getattr(error, "body", None)
        headers = getattr(response, "headers", None)
        return declared(body, status=status, headers=headers, now=now)
    names = [each.__name__ for each in type(error).__mro__]
    for part, kind in EXCEPTIONS:
        if any(part in name for name in names):
            return ModelError(kind, names[0])
    return ModelError(ErrorClass.UNAVAILABLE, names[0])


def check_end(reason: str) -> None:
    """Raises ModelError unless a stream that stopped for `reason` is a whole answer; empty: none was given."""
    if not reason:
        raise ModelError(ErrorClass.BAD_OUTPUT, "stream ended without a finish reason")
    if reason not in ENDS:
        raise ModelError(ErrorClass.BAD_OUTPUT, "ended for an unknown reason")
    kind = ENDS[reason]
    if kind is not None:
        raise ModelError(kind, END_DETAILS.get(kind, "stopped by the server"))


def retry_after_seconds(headers: Mapping[str, str], *, now: datetime) -> float:
    """What the vendor asks us to wait: milliseconds, seconds or a date; 0 where it says nothing sensible."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            return sensible(float(headers[name]) / unit)
        except (KeyError, ValueError):
            continue
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, OverflowError):
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return sensible((at - now).total_seconds())


def sensible(seconds: float) -> float:
    return min(max(0.0, seconds), LONGEST_WAIT_SECONDS) if math.isfinite(seconds) else 0.0


def is_error(body: str | bytes) -> bool:
    """True for a body that declares an error, whatever status it came under."""
    found = decoded(body)
    if not isinstance(found, dict):
        return False
    return bool(found.get("error") or (found.get("code") and (found.keys() & {"message", "msg"})))


def signs_of(body: object, *, status: int | None = None) -> Signs:
    """What an error's body says, whichever of the vendors' shapes it has.

    `{"error": {"code", "type", "message"}}`, the same without the envelope, `{"error": "..."}`, or text.
    """
    body = decoded(body) if isinstance(body, str | bytes) else body
    if not isinstance(body, dict):
        return Signs(status, words=text(body))
    inner = body.get("error")
    fields = inner if isinstance(inner, dict) else body
    words = fields.get("message") or fields.get("msg") or (inner if isinstance(inner, str) else "")
    code = text(fields.get("code"))
    if status in (None, 200) and code.isdecimal() and 400 <= int(code) < 600:
        status = int(code)  # vLLM and its kin put the HTTP status there
    return Signs(status, code, text(fields.get("type")), text(words))


def decoded(body: str | bytes) -> Any:
    """The JSON in a body, which may stand in a server-sent event; else the text itself."""
    found = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    for candidate in (found, found.rpartition("data:")[2]):
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    return found


def text(value: object) -> str:
    return str(value)[:WORDS_CHARS] if isinstance(value, str | int) else ""


def spoken(signs: Signs) -> str:
    """The failure for logs and staff: the status and the vendor's own name for it, if that is a plain one."""
    where = f"status {signs.status}" if signs.status else "in the stream"
    name = next((n for n in (signs.code, signs.kind) if SPEAKABLE.fullmatch(n)), "")
    return f"{where} {name}".strip()


def compiled(names: str) -> re.Pattern[str]:
    parts = (re.escape(name).replace(r"\*", ".*") for name in names.split())
    return re.compile("|".join(parts) or r"(?!)")


COMPILED = tuple((row, compiled(row.names)) for row in TABLE)
