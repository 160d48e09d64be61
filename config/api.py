"""The API under /api/v1/, its OpenAPI page, and the one map from errors to problem+json."""

import json
import uuid
from math import ceil
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language_from_request
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, ValidationError

from chat import protocol
from chat.actions.agent import Conflict, Full
from chat.api import agent, client

STATUSES: dict[protocol.ErrorCode, int] = {
    "unauthorized": 401,
    "forbidden_origin": 403,
    "identity_invalid": 401,
    "invalid_frame": 422,
    "too_long": 422,
    "rate_limited": 429,
    "conflict": 409,
    "not_found": 404,
    "unavailable": 503,
}

api = NinjaAPI(
    title="Yingda",
    version="1",
    docs_url="/docs",
    openapi_url="/v1/openapi.json",
    urls_namespace="api",
)
api.add_router("/v1/client", client)
api.add_router("/v1/agent", agent)


def problem(
    request: HttpRequest,
    code: protocol.ErrorCode,
    *,
    status: int | None = None,
    errors: list[dict[str, Any]] | None = None,
    detail: str = "",
    retry_after_ms: int | None = None,
) -> HttpResponse:
    """A problem+json response in the caller's language."""
    number = status or STATUSES[code]
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": code,
        "status": number,
        "detail": detail or protocol.error_text(code, locale=get_language_from_request(request)),
        "code": code,
        "request_id": uuid.uuid4().hex,
    }
    if errors:
        body["errors"] = errors
    if retry_after_ms is not None:
        body["retry_after_ms"] = retry_after_ms
    wait_seconds = ceil((retry_after_ms or 1000) / 1000)
    headers = {"Retry-After": str(wait_seconds)} if number in {429, 503} else None
    return HttpResponse(
        json.dumps(body, ensure_ascii=False),
        status=number,
        content_type="application/problem+json",
        headers=headers,
    )


@api.exception_handler(protocol.ProtocolError)
def refused(request: HttpRequest, error: protocol.ProtocolError) -> HttpResponse:
    chinese, english = error.detail or ("", "")
    is_chinese = get_language_from_request(request).startswith("zh")
    return problem(
        request,
        error.code,
        detail=chinese if is_chinese else english,
        retry_after_ms=error.retry_after_ms,
    )


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    # The input itself is left out: it may be a customer's words.
    errors = [
        {"loc": e.get("loc"), "msg": e.get("msg"), "type": e.get("type")} for e in error.errors
    ]
    return problem(request, "invalid_frame", errors=errors)


@api.exception_handler(AuthenticationError)
def unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(request, "unauthorized")


@api.exception_handler(AuthorizationError)
def unauthorized(request: HttpRequest, error: AuthorizationError) -> HttpResponse:
    return problem(request, "unauthorized", status=403)


@api.exception_handler(HttpError)
def failed(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(request, "invalid_frame", status=error.status_code)


@api.exception_handler(ObjectDoesNotExist)
def missing(request: HttpRequest, error: ObjectDoesNotExist) -> HttpResponse:
    return problem(request, "not_found")


@api.exception_handler(Conflict)
def conflict(request: HttpRequest, error: Conflict) -> HttpResponse:
    return problem(request, "conflict", detail=error.winner)


@api.exception_handler(Full)
def no_room(request: HttpRequest, error: Full) -> HttpResponse:
    return problem(request, "conflict", detail=str(error))


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(request, "unavailable")
