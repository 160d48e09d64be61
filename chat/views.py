"""Pages: the demo shop, the embed script and the widget's frame."""

import re

from csp.decorators import csp_replace
from django.contrib.staticfiles import finders
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from chat.models import Inbox

EMBED_SECONDS = 300
INBOX_KEY = re.compile("[A-Za-z0-9_-]{1,64}")


@require_safe
def demo_shop(request: HttpRequest) -> HttpResponse:
    """A small product page with the widget embedded, as a shop would have it."""
    inbox = Inbox.objects.filter(enabled=True).order_by("pk").first()
    context = {
        "inbox_key": inbox.key if inbox else "",
        "base_url": f"{request.scheme}://{request.get_host()}",
        "language": "en" if request.GET.get("lang") == "en" else "zh",
    }
    return render(request, "demo_shop.html", context)


@require_safe
def embed(request: HttpRequest) -> HttpResponseBase:
    """The script that shops include. Its address is for ever, so it is cached for minutes only."""
    path = finders.find("chat/embed.js")
    if not path:
        raise Http404
    response = FileResponse(open(path, "rb"), content_type="text/javascript; charset=utf-8")  # noqa: PTH123, SIM115
    response["Cache-Control"] = f"public, max-age={EMBED_SECONDS}"
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@require_safe
@xframe_options_exempt
def widget(request: HttpRequest, inbox_key: str) -> HttpResponseBase:
    """The widget's frame. Only the inbox's own pages may frame it."""
    if not INBOX_KEY.fullmatch(inbox_key):
        raise Http404
    inbox = get_object_or_404(Inbox, key=inbox_key, enabled=True)
    config = {
        "inbox": inbox.key,
        "name": inbox.name,
        "bot_name": inbox.bot_name,
        "locale": inbox.locale,
        "theme": inbox.theme,
    }
    response = render(request, "widget.html", {"inbox": inbox, "config": config})
    framed_by = csp_replace({"frame-ancestors": ancestors(inbox)})
    return framed_by(lambda _: response)(request)


def ancestors(inbox: Inbox) -> list[str]:
    """The frame-ancestors sources of an inbox; an empty list of domains means our own pages only."""
    return [
        "'self'",
        *(domain for domain in inbox.allowed_domains if domain != "*"),
        *everyone(inbox),
    ]


def everyone(inbox: Inbox) -> list[str]:
    return ["https:", "http:"] if "*" in inbox.allowed_domains else []
