"""Pages: the demo shop, the embed script, the widget's frame and its files."""

import re

from csp.decorators import csp_replace
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from chat import assets
from chat.models import Inbox

EMBED_SECONDS = 300
ASSET_SECONDS = 365 * 24 * 3600
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
    response = send(request, assets.embed())
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
    widget = assets.widget()
    context = {
        "inbox": inbox,
        "config": config,
        "version": widget.version,
        "styles": assets.STYLES,
        "modules": widget.modules(),
    }
    response = render(request, "widget.html", context)
    framed_by = csp_replace({"frame-ancestors": ancestors(inbox)})
    return framed_by(lambda _: response)(request)


@require_safe
def widget_asset(request: HttpRequest, version: str, name: str) -> HttpResponse:
    """A file of the frame. Its address names the version of them all, so it is kept for ever.

    A page that is older than this process gets what there is now, and does not keep it.
    """
    widget = assets.widget()
    if name not in widget.files:
        raise Http404
    response = send(request, widget.files[name])
    is_current = version == widget.version
    response["Cache-Control"] = (
        f"public, max-age={ASSET_SECONDS}, immutable" if is_current else "no-store"
    )
    return response


def send(request: HttpRequest, asset: assets.Asset) -> HttpResponse:
    """Compressed for whoever can read that."""
    takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(
        asset.body if takes_gzip else asset.plain, content_type=asset.content_type
    )
    if takes_gzip:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def ancestors(inbox: Inbox) -> list[str]:
    """The frame-ancestors sources of an inbox; an empty list of domains means our own pages only."""
    return [
        "'self'",
        *(domain for domain in inbox.allowed_domains if domain != "*"),
        *everyone(inbox),
    ]


def everyone(inbox: Inbox) -> list[str]:
    return ["https:", "http:"] if "*" in inbox.allowed_domains else []
