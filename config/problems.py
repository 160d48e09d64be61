"""Turns what Django itself answers under /api/ (no such route, wrong method, body too large) into problem+json."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from chat.protocol import ErrorCode
from config.api import problem

CODES: dict[int, ErrorCode] = {
    401: "unauthorized",
    403: "unauthorized",
    404: "not_found",
    413: "too_long",
    429: "rate_limited",
}


class ApiProblems(MiddlewareMixin):
    """One shape for every error of the API, whoever found it."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """The same error as problem+json; everything else as it is."""
        status = response.status_code
        if status < 400 or not request.path.startswith("/api/") or is_json(response):
            return response
        otherwise: ErrorCode = "unavailable" if status >= 500 else "invalid_frame"
        fresh: HttpResponse = problem(request, CODES.get(status, otherwise), status=status)
        if "Allow" in response:
            fresh["Allow"] = response["Allow"]
        return fresh


def is_json(response: HttpResponseBase) -> bool:
    return "json" in response.get("Content-Type", "")
