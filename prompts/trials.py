"""Asks one endpoint because staff want to know: does it answer, how fast, for how much.

Called by the admin, the playground and the model comparison.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeVar

from django.conf import settings
from pydantic import BaseModel

from prompts import composing, ledger
from prompts.llm import gateway
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.errors import AllFailed, ErrorClass, ModelError
from prompts.llm.features import Features
from prompts.llm.types import Call, Line, Reply, Request, ToolCall
from prompts.models import ModelEndpoint
from prompts.nlu import segment
from prompts.routing import Question
from prompts.snapshot import as_endpoint, snapshot

Shape = TypeVar("Shape", bound=BaseModel)

PROBE_SECONDS = 6.0
# What a server says under an address that holds no models: nothing, or (OpenAI) that the URL is invalid.
NO_MODELS_HERE = {"status 404", "status 405", "status 404 invalid_request_error", "InvalidURL"}
UNSENDABLE = {"UnicodeEncodeError", "LocalProtocolError"}
# The sentence for each field that a failed probe blames.
KEY_REFUSED = (
    "服务器拒绝了这个密钥(或账户欠费)。 The server refuses this key, or the account is in arrears."
)
KEY_UNSENDABLE = "密钥含有无法发送的字符。 The key holds characters that cannot be sent."
MODEL_UNKNOWN = "服务器不认识这个模型。 The server does not know this model."
NOBODY_THERE = "这个地址没有模型服务应答。 No model server answers at this address."
REQUEST_REFUSED = (
    "服务器拒绝了请求,请检查能力设置。 The server refuses the request: check the capabilities."
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of asking one endpoint. `detail` is safe to show; times in milliseconds."""

    endpoint: str
    text: str = ""
    first_token_ms: float | None = None
    total_ms: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cost: Decimal = Decimal(0)
    currency: str = ""
    has_price: bool = False
    error_class: str = ""
    detail: str = ""
    # What the model wants called.
    tools: tuple[ToolCall, ...] = ()


class Unwatched:
    """The health of an endpoint that staff try: asked whatever its breaker says, and counted nowhere."""

    detail = ""

    def refusal(self, endpoint: Endpoint, *, tokens: int) -> str:
        return ""

    def is_healthy(self, endpoint: Endpoint) -> bool:
        return True

    def report(
        self, endpoint: Endpoint, error: ModelError | None, *, reserved: int, used: int
    ) -> None:
        self.detail = error.detail if error else ""


def try_endpoint(row: ModelEndpoint, question: str) -> Trial:
    """Asks the endpoint the question as a visitor's would be asked; on record as "trial". Never raises ModelError."""
    trial = ask(as_endpoint(row), trial_request(question), trace_id=f"trial-{row.pk}")
    return replace(trial, detail=row.api_key_env) if trial.error_class == "no_key" else trial


def ask(
    endpoint: Endpoint,
    request: Request,
    *,
    trace_id: str,
    retries: int = gateway.RETRIES_MOST,
) -> Trial:
    """Asks one endpoint, again where that may help and `retries` are left; on record under the request's purpose.

    Never raises ModelError.
    """
    if not endpoint.api_key and endpoint.provider != SOP.provider:
        return Trial(endpoint.name, error_class="no_key")
    health, calls = Unwatched(), list[Call]()
    reply = Reply("", endpoint.name)
    try:
        reply = gateway.stream(
            (endpoint,),
            request,
            gateway.Unseen(),
            health=health,
            trace_id=trace_id,
            calls=calls,
            seconds=settings.TURN_DEADLINE_SECONDS,
            retries=retries,
        )
    except AllFailed:
        pass  # the calls say why
    finally:
        entry = ledger.Entry(trace_id, Features(), {"cause": request.purpose})
        ledger.record(entry, calls, {endpoint.name: endpoint})
    return as_trial(endpoint, calls[-1], reply, detail=health.detail)


def ask_for(endpoint: Endpoint, request: Request, shape: type[Shape], *, trace_id: str) -> Shape:
    """The endpoint's answer as JSON of a shape, mended once where it is not; on record under the request's purpose.

    Raises AllFailed, also where the endpoint has no key.
    """
    calls = list[Call]()
    try:
        return gateway.ask(
            (endpoint,),
            request,
            shape,
            health=Unwatched(),
            trace_id=trace_id,
            calls=calls,
            seconds=settings.TURN_DEADLINE_SECONDS,
        ).value
    finally:
        entry = ledger.Entry(trace_id, Features(needs_json=True), {"cause": request.purpose})
        ledger.record(entry, calls, {endpoint.name: endpoint})


def trial_request(question: str) -> Request:
    """The request a visitor's question would become."""
    language = segment.language_of(question)
    current = snapshot()
    asked = Question(trace_id="trial", text=question, language=language)
    version = current.prompts.get(("answer", language))
    hits = composing.find_hits(asked, current)
    composed = composing.compose(asked, hits, wording=version, current=current)
    return Request("trial", composed.request.lines, user="staff")


def as_trial(endpoint: Endpoint, call: Call, reply: Reply, *, detail: str) -> Trial:
    return Trial(
        endpoint=endpoint.name,
        text=reply.text,
        tools=reply.tools,
        first_token_ms=call.first_token_ms,
        total_ms=call.total_ms,
        input_tokens=call.usage.input_tokens,
        output_tokens=call.usage.output_tokens,
        estimated=call.usage.estimated,
        cost=ledger.cost_of(call, endpoint),
        currency=endpoint.price.currency,
        has_price=bool(endpoint.price.input or endpoint.price.output),
        error_class=call.error_class,
        detail=detail,
    )


def probe(row: ModelEndpoint) -> tuple[str, str] | None:
    """The field that keeps the endpoint from answering, and why; None when it works or is merely busy.

    Asks the model for a word, at its usual price.
    """
    endpoint = as_endpoint(row)
    request = Request("probe", (Line("user", "你好"),), max_output_tokens=16, user="staff")
    health, calls = Unwatched(), list[Call]()
    try:
        gateway.stream(
            (endpoint,),
            request,
            gateway.Unseen(),
            health=health,
            trace_id="probe",
            calls=calls,
            seconds=PROBE_SECONDS,
        )
    except AllFailed:
        last = calls[-1]
        # Whoever began to answer is there, and knows key and model.
        return None if last.first_token_ms else blame(ErrorClass(last.error_class), health.detail)
    return None


def blame(kind: ErrorClass, detail: str) -> tuple[str, str] | None:
    """The field behind an error: busy and slow servers blame none."""
    declared = detail.startswith(("status", "in the stream"))
    unreachable = kind is ErrorClass.UNAVAILABLE and not declared
    foreign = kind is ErrorClass.BAD_OUTPUT and "event stream" in detail
    if unreachable or foreign or detail in NO_MODELS_HERE:
        return "base_url", NOBODY_THERE
    if kind is ErrorClass.QUOTA_AUTH:
        return "api_key_env", KEY_REFUSED
    if kind is ErrorClass.BAD_REQUEST and detail in UNSENDABLE:
        return "api_key_env", KEY_UNSENDABLE
    if detail.startswith("status 404"):
        return "model", MODEL_UNKNOWN
    if kind is ErrorClass.BAD_REQUEST:
        named = "model" in detail.lower()
        return ("model", MODEL_UNKNOWN) if named else ("capabilities", REQUEST_REFUSED)
    return None
