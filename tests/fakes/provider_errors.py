"""What each vendor answers when a request fails: status, words and codes, one table for each wire. Data only.

Statuses and codes are those that the vendors document and that their SDKs map to classes. A row that a vendor does
not know of (it never answers 529, say) holds what that vendor sends for the same trouble.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.fakes.provider_types import FaultKind, Problem, Reply


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One error of one vendor. `code` is the finer name where the vendor has two; `message` may name `{model}`."""

    status: int
    type: str
    code: str | None
    message: str


_RATE_LIMITS = {
    FaultKind.RATE_LIMIT_SECONDS,
    FaultKind.RATE_LIMIT_MILLISECONDS,
    FaultKind.RATE_LIMIT_DATE,
}
_HTML = b"<html><head><title>%s</title></head><body><center><h1>%s</h1></center></body></html>\n"
_PAGES = {
    FaultKind.BAD_GATEWAY_HTML: Reply(
        502, _HTML % (b"502 Bad Gateway", b"502 Bad Gateway"), "text/html"
    ),
    FaultKind.WRONG_CONTENT_TYPE: Reply(
        200, _HTML % (b"Sign in", b"Sign in to this network"), "text/html; charset=utf-8"
    ),
}


def page_of(kind: FaultKind) -> Reply | None:
    """The page that something between client and vendor sends, the same on every wire; None for other kinds."""
    return _PAGES.get(kind)


def error_row(table: Mapping[FaultKind, ErrorRow], problem: Problem) -> ErrorRow:
    """The vendor's row for `problem`, with the words that belong to this one request."""
    row = table[FaultKind.RATE_LIMIT if problem.kind in _RATE_LIMITS else problem.kind]
    message = problem.message or row.message.format(model=problem.model)
    return ErrorRow(row.status, row.type, row.code, message)


_INVALID = "invalid_request_error"
OPENAI_ERRORS = {
    FaultKind.RATE_LIMIT: ErrorRow(
        429, "requests", "rate_limit_exceeded", "Rate limit reached for {model}."
    ),
    # What the servers of another vendor send over this wire: a number for a code, a text in Chinese, no type.
    FaultKind.THROTTLING: ErrorRow(429, "", "1302", "您的账户已达到速率限制，请您控制请求频率"),
    FaultKind.INSUFFICIENT_QUOTA: ErrorRow(
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    FaultKind.BAD_REQUEST: ErrorRow(
        400, _INVALID, None, "Invalid request: a parameter is not supported."
    ),
    FaultKind.CONTEXT_OVERFLOW: ErrorRow(
        400,
        _INVALID,
        "context_length_exceeded",
        "This model's maximum context length is 8192 tokens. Please reduce the length of the messages.",
    ),
    FaultKind.UNAUTHORIZED: ErrorRow(
        401, _INVALID, "invalid_api_key", "Incorrect API key provided."
    ),
    FaultKind.FORBIDDEN: ErrorRow(
        403, _INVALID, "unsupported_country", "Access to {model} is forbidden."
    ),
    FaultKind.UNKNOWN_MODEL: ErrorRow(
        404, _INVALID, "model_not_found", "The model `{model}` does not exist."
    ),
    FaultKind.REQUEST_TIMEOUT: ErrorRow(408, "timeout", None, "The request timed out."),
    FaultKind.TOO_LARGE: ErrorRow(413, _INVALID, None, "The request body is too large."),
    FaultKind.SERVER_ERROR: ErrorRow(
        500, "server_error", None, "The server had an error while processing your request."
    ),
    FaultKind.UNAVAILABLE: ErrorRow(
        503, "server_error", None, "The engine is currently overloaded, please try again later."
    ),
    FaultKind.GATEWAY_TIMEOUT: ErrorRow(
        504, "server_error", None, "The upstream server timed out."
    ),
    FaultKind.OVERLOADED: ErrorRow(529, "overloaded_error", "overloaded", "Overloaded."),
    FaultKind.ERROR_WITH_200: ErrorRow(
        200, "server_error", None, "Something went wrong on our side."
    ),
    FaultKind.ERROR_FRAME: ErrorRow(
        200, "server_error", None, "The server had an error while processing your request."
    ),
}

# The errors of DashScope in the dress of OpenAI.
COMPATIBLE_ERRORS = {
    FaultKind.RATE_LIMIT: ErrorRow(
        429, "limit_requests", "limit_requests", "You exceeded your current requests list."
    ),
    FaultKind.THROTTLING: OPENAI_ERRORS[FaultKind.THROTTLING],
    FaultKind.INSUFFICIENT_QUOTA: ErrorRow(
        400,
        "Arrearage",
        "Arrearage",
        "Access denied, please make sure your account is in good standing.",
    ),
    FaultKind.BAD_REQUEST: ErrorRow(
        400, _INVALID, "invalid_parameter_error", "A parameter of the request is not valid."
    ),
    FaultKind.CONTEXT_OVERFLOW: ErrorRow(
        400, _INVALID, "invalid_parameter_error", "Range of input length should be [1, 30720]"
    ),
    FaultKind.UNAUTHORIZED: ErrorRow(
        401, _INVALID, "invalid_api_key", "Incorrect API key provided."
    ),
    FaultKind.FORBIDDEN: ErrorRow(403, "access_denied", "access_denied", "Access denied."),
    FaultKind.UNKNOWN_MODEL: OPENAI_ERRORS[FaultKind.UNKNOWN_MODEL],
    FaultKind.REQUEST_TIMEOUT: ErrorRow(408, "timeout", "request_timeout", "Request timed out."),
    FaultKind.TOO_LARGE: OPENAI_ERRORS[FaultKind.TOO_LARGE],
    FaultKind.SERVER_ERROR: ErrorRow(
        500, "internal_error", "internal_error", "An internal error has occurred."
    ),
    FaultKind.UNAVAILABLE: ErrorRow(
        503, "service_unavailable", "service_unavailable", "The service is not available."
    ),
    FaultKind.GATEWAY_TIMEOUT: ErrorRow(
        504, "gateway_timeout", "gateway_timeout", "The model did not answer in time."
    ),
    FaultKind.OVERLOADED: ErrorRow(
        503, "model_serving_error", "model_serving_error", "Too many requests for the model."
    ),
    FaultKind.ERROR_WITH_200: ErrorRow(
        200, "internal_error", "internal_error", "An internal error has occurred."
    ),
    FaultKind.ERROR_FRAME: ErrorRow(
        200, "internal_error", "internal_error", "An internal error has occurred."
    ),
    FaultKind.REFUSAL: ErrorRow(
        400,
        "data_inspection_failed",
        "data_inspection_failed",
        "Input data may contain inappropriate content.",
    ),
    FaultKind.CONTENT_FILTER: ErrorRow(
        400,
        "data_inspection_failed",
        "data_inspection_failed",
        "Output data may contain inappropriate content.",
    ),
}

_TOO_LONG = "prompt is too long: 203412 tokens > 200000 maximum"
ANTHROPIC_ERRORS = {
    FaultKind.RATE_LIMIT: ErrorRow(
        429, "rate_limit_error", None, "This request would exceed the rate limit of your account."
    ),
    FaultKind.THROTTLING: ErrorRow(
        429,
        "rate_limit_error",
        "ramp_limit_exceeded",
        "Usage of your account grows faster than its limit allows.",
    ),
    FaultKind.INSUFFICIENT_QUOTA: ErrorRow(
        402, "billing_error", None, "The credit balance of your account is too low."
    ),
    FaultKind.BAD_REQUEST: ErrorRow(400, _INVALID, None, "A field of the request is not valid."),
    FaultKind.CONTEXT_OVERFLOW: ErrorRow(400, _INVALID, None, _TOO_LONG),
    FaultKind.UNAUTHORIZED: ErrorRow(401, "authentication_error", None, "invalid x-api-key"),
    FaultKind.FORBIDDEN: ErrorRow(
        403, "permission_error", None, "Your API key may not use {model}."
    ),
    FaultKind.UNKNOWN_MODEL: ErrorRow(404, "not_found_error", None, "model: {model}"),
    FaultKind.REQUEST_TIMEOUT: ErrorRow(408, _INVALID, None, "The request did not arrive in time."),
    FaultKind.TOO_LARGE: ErrorRow(
        413, "request_too_large", None, "Request exceeds the maximum size"
    ),
    FaultKind.SERVER_ERROR: ErrorRow(500, "api_error", None, "Internal server error"),
    FaultKind.UNAVAILABLE: ErrorRow(503, "api_error", None, "Service unavailable"),
    FaultKind.GATEWAY_TIMEOUT: ErrorRow(504, "timeout_error", None, "Request timed out"),
    FaultKind.OVERLOADED: ErrorRow(529, "overloaded_error", None, "Overloaded"),
    FaultKind.ERROR_WITH_200: ErrorRow(200, "api_error", None, "Internal server error"),
    FaultKind.ERROR_FRAME: ErrorRow(200, "overloaded_error", None, "Overloaded"),
}

DASHSCOPE_ERRORS = {
    FaultKind.RATE_LIMIT: ErrorRow(
        429, "", "Throttling.RateQuota", "Requests rate limit exceeded, please try again later."
    ),
    FaultKind.THROTTLING: ErrorRow(
        429, "", "Throttling.AllocationQuota", "Allocated quota exceeded, please try again later."
    ),
    FaultKind.INSUFFICIENT_QUOTA: ErrorRow(
        400, "", "Arrearage", "Access denied, please make sure your account is in good standing."
    ),
    FaultKind.BAD_REQUEST: ErrorRow(
        400, "", "InvalidParameter", "A required parameter is missing or not valid."
    ),
    FaultKind.CONTEXT_OVERFLOW: ErrorRow(
        400, "", "InvalidParameter", "Range of input length should be [1, 30720]"
    ),
    FaultKind.UNAUTHORIZED: ErrorRow(401, "", "InvalidApiKey", "Invalid API-key provided."),
    FaultKind.FORBIDDEN: ErrorRow(403, "", "AccessDenied", "Access denied."),
    FaultKind.UNKNOWN_MODEL: ErrorRow(404, "", "ModelNotFound", "Model not found: {model}."),
    FaultKind.REQUEST_TIMEOUT: ErrorRow(408, "", "RequestTimeOut", "Request timed out."),
    FaultKind.TOO_LARGE: ErrorRow(413, "", "BadRequest.TooLarge", "Payload Too Large"),
    FaultKind.SERVER_ERROR: ErrorRow(500, "", "InternalError", "An internal error has occurred."),
    FaultKind.UNAVAILABLE: ErrorRow(503, "", "ServiceUnavailable", "The service is not available."),
    FaultKind.GATEWAY_TIMEOUT: ErrorRow(
        504, "", "GatewayTimeout", "The model did not answer in time."
    ),
    FaultKind.OVERLOADED: ErrorRow(
        503, "", "ModelServingError", "Too many requests for the capacity of the model."
    ),
    FaultKind.ERROR_WITH_200: ErrorRow(200, "", "InternalError", "An internal error has occurred."),
    FaultKind.ERROR_FRAME: ErrorRow(
        429, "", "Throttling.RateQuota", "Requests rate limit exceeded, please try again later."
    ),
    FaultKind.REFUSAL: ErrorRow(
        400, "", "DataInspectionFailed", "Input data may contain inappropriate content."
    ),
    FaultKind.CONTENT_FILTER: ErrorRow(
        400, "", "DataInspectionFailed", "Output data may contain inappropriate content."
    ),
}
