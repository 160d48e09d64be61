"""The pages under /analytics/: staff with the right to see outcomes, and of them only the own inboxes."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from analytics import access, asking, building, figures, listing, live, naming, reading, spans
from analytics.asking import Asked
from analytics.naming import Names
from analytics.pages import PAGES, Page
from analytics.words import EXPORTS, LIVE, WORDS
from prompts.bilingual import pick

View = Callable[..., HttpResponse]


def for_viewers(view: View) -> View:
    """Signed in, staff, and with the right to see figures. Raises PermissionDenied."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not access.may_view(request.user):
            raise PermissionDenied
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        return response

    return require_safe(staff_member_required(guarded, login_url="admin:login"))


def asked_by(request: HttpRequest) -> tuple[Asked, tuple[int, ...] | None]:
    """The question of the address, and the inboxes its reader may see."""
    allowed = access.inboxes_of(request.user)
    today = spans.day_of(timezone.now())
    return asking.read(query_of(request), today=today, allowed=allowed), allowed


def query_of(request: HttpRequest) -> dict[str, str]:
    """The address's query, without what Postgres cannot compare a text with."""
    return {name: value.replace("\0", "") for name, value in request.GET.dict().items()}


@for_viewers
def page(request: HttpRequest, key: str = "overview") -> HttpResponse:
    """One of the declared pages. Raises Http404."""
    declared = PAGES.get(key)
    if declared is None:
        raise Http404
    asked, allowed = asked_by(request)
    names = naming.read(inboxes=allowed)
    context = frame(request, declared, asked, names)
    context["built"] = building.build(declared, asked, names)
    context["charts"] = {chart.id: chart.data for chart in context["built"].charts}
    if key == "conversations":
        context |= listed(request, asked, names)
    return render(request, "analytics/page.html", context)


def frame(request: HttpRequest, declared: Page, asked: Asked, names: Names) -> dict[str, Any]:
    """What every page has around its figures."""
    question = asked.question
    filters = question.filters
    return {
        **admin.site.each_context(request),
        "title": declared.title,
        "t": WORDS,
        "demo": settings.DEMO_PROVIDER,
        "page": declared,
        "pages": PAGES.values(),
        "asked": asked,
        "query": asked.query(),
        "period": question.period,
        "before": question.period.before(),
        "presets": [
            (str(days), preset_name(days), days == asked.preset) for days in asking.PRESETS
        ],
        "choices": choices(names, asked),
        "cleared": asked.query(inbox="", **dict.fromkeys(reading.FILTERS, ""))
        if filters or asked.inbox
        else "",
        "filled_until": reading.filled_until(),
        "sees_nothing": question.inboxes == (),
    }


def preset_name(days: int) -> str:
    return pick("今天", "Today") if days == 1 else pick(f"最近 {days} 天", f"Last {days} days")


def choices(names: Names, asked: Asked) -> list[dict[str, Any]]:
    """The filters as lists to choose from, with what is chosen."""
    filters = asked.question.filters
    given = {
        "inbox": {str(pk): name for pk, name in names.inboxes.items()},
        "channel": {"widget": pick("网页挂件", "Widget")},
        "intent": names.intents,
        "tier": {name: str(text) for name, text in naming.TIERS.items()},
        "release": {name: name for name in names.releases},
        "model": {name: name for name in names.endpoints},
    }
    held = {**filters, "inbox": asked.inbox}
    return [
        {
            "name": name,
            "label": WORDS[name],
            "chosen": held.get(name, ""),
            # What the address asks for can be chosen again, though it is gone by now.
            "options": {**({held[name]: held[name]} if held.get(name) else {}), **options}.items(),
        }
        for name, options in given.items()
    ]


def listed(request: HttpRequest, asked: Asked, names: Names) -> dict[str, Any]:
    """The conversations behind a figure."""
    query = query_of(request)
    found = listing.page(asked.question, query)
    kept = {name: query[name] for name in ("trait", "agent") if query.get(name)}
    return {
        "listed": [listing.as_row(outcome, names) for outcome in found.outcomes],
        "e": EXPORTS,
        "exported": {
            name: query[name] for name in query if query[name] and name != "after"
        }.items(),
        "trait": query.get("trait", "") or (names.agents.get(query.get("agent", ""), "")),
        "next": asked.query(**kept, after=found.next) if found.next else "",
        "may_open": request.user.has_perm("chat.view_conversation"),
    }


@for_viewers
def live_page(request: HttpRequest) -> HttpResponse:
    """What goes on now; the page asks for it again every few seconds."""
    asked, allowed = asked_by(request)
    names = naming.read(inboxes=allowed)
    now = live_texts(asked)
    context = {
        **frame(request, PAGES["overview"], asked, names),
        "title": LIVE["title"],
        "page": None,
        "on_live": True,
        "figures": [(key, LIVE[key], LIVE[f"{key}_said"], now[key]) for key in LIVE_KEYS],
        "now": now,
        "l": LIVE,
    }
    return render(request, "analytics/live.html", context)


LIVE_KEYS = (
    "active",
    "waiting",
    "waited",
    "served",
    "answering",
    "agents_online",
    "turns",
    "failed",
    "p50",
    "p95",
)


@for_viewers
def live_now(request: HttpRequest) -> JsonResponse:
    """The figures of this moment as the live page shows them."""
    asked, _ = asked_by(request)
    return JsonResponse(live_texts(asked))


def live_texts(asked: Asked) -> dict[str, str]:
    at = timezone.now()
    found = live.now(at=at, inboxes=asked.question.inboxes)
    spans_ms = {
        "waited": found.pop("waited_seconds"),
        "p50": found.pop("p50_seconds"),
        "p95": found.pop("p95_seconds"),
    }
    return {
        **{name: f"{count:,}" for name, count in found.items()},
        **{
            name: figures.DASH if seconds is None else figures.as_duration(float(seconds) * 1000)
            for name, seconds in spans_ms.items()
        },
        "at": timezone.localtime(at).strftime("%H:%M:%S"),
    }
