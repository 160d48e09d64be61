"""The admin's Content-Security-Policy: the strict one, widened by what Unfold's own scripts need."""

from csp.decorators import csp_update
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

# Unfold's menus are Alpine expressions, which the browser evaluates, and its pages carry style attributes.
POLICY = {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]}
WIDENED = ("/admin/", "/analytics/")


class AdminPolicy(MiddlewareMixin):
    """Widens the policy under WIDENED only, where nobody but staff gets in."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """The response, with the wider policy asked for when it is the admin's."""
        if not request.path.startswith(WIDENED):
            return response
        widened: HttpResponseBase = csp_update(POLICY)(lambda _: response)(request)
        return widened
