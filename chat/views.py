"""Pages: the demo shop, the embed script, the widget's frame and its files."""

import gzip
import json
import re
from dataclasses import replace
from urllib.parse import urlsplit

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from chat import assets, auth, media, showing
from chat.models import Attachment, Inbox

EMBED_SECONDS = 300
# As JSON without its brackets: the method and its arguments.
DEMO_CALLS = (
    '"open"',
    '"close"',
    '"toggle"',
    '"showLauncher"',
    '"hideLauncher"',
    '"sendMessage", "你好"',
    '"requestHuman"',
    '"setContext", {"product": {"title": "栖光台灯", "price": "¥329"}}',
    '"setContext", {"order": {"number": "20260131-1"}}',
    '"setContext", {"page": "/cart"}',
    '"setAttributes", {"level": "gold"}',
    '"identify", "not.a.token"',
    '"logout"',
    '"setLocale", "en"',
    '"setLocale", "zh-TW"',
    '"setLocale", "zh-CN"',
    '"setTheme", "dark"',
    '"setTheme", "light"',
    '"setTheme", "auto"',
    '"getUnreadCount"',
    '"shutdown"',
    '"boot"',
)
ASSET_SECONDS = 365 * 24 * 3600
LOGO_SECONDS = 24 * 3600
# What a visitor is about to send is shown from memory. Sockets are named apart: older Safaris do not count them as 'self'.
WIDGET_SOURCES = {"img-src": ["'self'", "data:", "blob:"]}
INBOX_KEY = re.compile("[A-Za-z0-9_-]{1,64}")
# What would end a script or a string of it.
IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


@require_safe
def demo_shop(request: HttpRequest) -> HttpResponse:
    """A small product page with the widget embedded, as a shop would have it."""
    return render(request, "demo_shop.html", demo_context(request))


@require_safe
def demo_sdk(request: HttpRequest) -> HttpResponse:
    """A page with a button for each method of the widget's script."""
    return render(request, "demo_sdk.html", {**demo_context(request), "calls": DEMO_CALLS})


def demo_context(request: HttpRequest) -> dict[str, str]:
    inbox = Inbox.objects.filter(enabled=True).order_by("pk").first()
    return {
        "inbox_key": inbox.key if inbox else "",
        "base_url": f"{request.scheme}://{request.get_host()}",
        "language": "en" if request.GET.get("lang") == "en" else "zh",
    }


@require_safe
def embed(request: HttpRequest) -> HttpResponseBase:
    """The script that shops include, with `?inbox=` how its launcher looks and what it greets with.

    Its address is for ever, so it is cached for minutes only.
    """
    inbox = find_inbox(request.GET.get("inbox", ""))
    is_refused = inbox is not None and not is_allowed(request, inbox)
    response = send(
        request, assets.embed() if inbox is None else embed_of(inbox, is_refused=is_refused)
    )
    patch_vary_headers(response, ["Referer"])
    response["Cache-Control"] = f"public, max-age={EMBED_SECONDS}"
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def is_allowed(request: HttpRequest, inbox: Inbox) -> bool:
    """Whether the page that includes the script may frame the inbox; a page that does not say which it is may.

    Only so that its developer is told: it is the frame's own policy that refuses.
    """
    try:
        page = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return True
    origin = f"{page.scheme}://{page.netloc}" if page.netloc else None
    return auth.origin_allowed(origin, host=request.get_host(), inbox=inbox)


def embed_of(inbox: Inbox, *, is_refused: bool) -> assets.Asset:
    """The script, and before it the inbox as the launcher needs it, or that this page gets none."""
    said = {"key": inbox.key, "refused": True} if is_refused else showing.launcher_fields(inbox)
    fields = json.dumps(said, ensure_ascii=False).translate(IN_SCRIPT)
    script = assets.embed()
    plain = f"window.yingdaInbox={fields};\n".encode() + script.plain
    return replace(script, plain=plain, body=gzip.compress(plain, mtime=0))


def find_inbox(key: str) -> Inbox | None:
    if not INBOX_KEY.fullmatch(key):
        return None
    return Inbox.objects.filter(key=key, enabled=True).first()


@require_safe
@staff_member_required
def console(request: HttpRequest) -> HttpResponse:
    """Where agents work. Everything it shows comes over its socket."""
    language = "en" if (get_language() or "zh").startswith("en") else "zh-CN"
    response = render(request, "console.html", {"language": language, "zone": settings.TIME_ZONE})
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@xframe_options_exempt
def widget(request: HttpRequest, inbox_key: str) -> HttpResponseBase:
    """The widget's frame. Only the inbox's own pages may frame it."""
    inbox = find_inbox(inbox_key)
    if inbox is None:
        raise Http404
    response = widget_page(request, inbox, locale=inbox.locale, preview=False)
    framed_by = csp_replace({"frame-ancestors": ancestors(inbox), **WIDGET_SOURCES})
    return framed_by(lambda _: response)(request)


def widget_page(
    request: HttpRequest, inbox: Inbox, *, locale: str, preview: bool
) -> HttpResponseBase:
    """The frame's page; `preview` for staff who try out settings."""
    widget = assets.widget()
    config = {
        "inbox": inbox.key,
        **showing.inbox_fields(inbox, locale=locale),
        "preview": preview,
    }
    context = {
        "inbox": inbox,
        "config": config | ({"locale": locale} if preview else {}),
        "version": widget.version,
        "styles": assets.STYLES,
        "modules": widget.modules(),
    }
    return render(request, "widget.html", context)


@require_safe
def logo(request: HttpRequest, inbox_key: str, name: str) -> HttpResponse:
    """An inbox's logo. Its name changes with it, so it is kept for long."""
    inbox = find_inbox(inbox_key)
    if inbox is None or not inbox.logo.endswith(f"/{name}"):
        raise Http404
    response = image(inbox.logo)
    response["Cache-Control"] = f"public, max-age={LOGO_SECONDS}"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@require_safe
def shown_image(request: HttpRequest, token: str) -> HttpResponse:
    """An image of a customer, to whoever holds an address that is signed and some minutes old at most."""
    pk = media.opened(token)
    attachment = Attachment.objects.filter(pk=pk).first() if pk else None
    if attachment is None:
        raise Http404
    response = image(attachment.path)
    response["Cache-Control"] = f"private, max-age={media.URL_SECONDS}"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Referrer-Policy"] = "no-referrer"
    return response


def image(path: str) -> HttpResponse:
    """A file of ours under headers that let it be nothing but a picture."""
    body = media.read(path)
    if body is None:
        raise Http404
    ending = path.rpartition(".")[2]
    type_ = next(type_ for type_, known in media.ENDINGS.items() if known == ending)
    response = HttpResponse(body, content_type=type_)
    response["Content-Disposition"] = f'attachment; filename="image.{ending}"'
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


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
