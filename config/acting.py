"""Says to the database who writes, for as long as a member of staff's request lasts."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from prompts import audit

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class NamesActor:
    """What a request under /admin/ writes is its user's doing in the audit."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        writes = request.path.startswith("/admin/") and request.method not in SAFE
        if not writes or not request.user.is_authenticated:
            return self.get_response(request)
        with audit.acting(request.user.pk):
            return self.get_response(request)
