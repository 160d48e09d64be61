"""The pages of exports: asked for, watched, fetched; by whoever asked only."""

from typing import Any

import structlog
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_protect
from kombu.exceptions import OperationalError

from analytics import access, exporting, tasks
from analytics.models import Export
from analytics.pages import PAGES
from analytics.views import for_viewers
from analytics.words import EXPORTS, WORDS

log = structlog.get_logger(__name__)

SHOWN = 20
ASKED_FOR = (
    "days",
    "from",
    "to",
    "inbox",
    "channel",
    "intent",
    "tier",
    "release",
    "model",
    "trait",
    "agent",
)
# Rung again when nobody began it so long.
LOST_SECONDS = 5.0
# So many of one reader are written or wait at once.
OPEN_MOST = 3
OPEN = (Export.State.WAITING, Export.State.RUNNING)


@csrf_protect
def exports(request: HttpRequest) -> HttpResponse:
    """The reader's own exports; a POST asks for another one. Raises PermissionDenied."""
    return ask(request) if request.method == "POST" else listed(request)


def ask(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated or not access.may_view(request.user):
        raise PermissionDenied
    kind = request.POST.get("kind", "")
    if kind not in exporting.KINDS_OF_FILE:
        raise PermissionDenied
    posted = {name: value.replace("\0", "")[:200] for name, value in request.POST.dict().items()}
    with transaction.atomic():
        # Two tabs at once must not pass the limit together.
        reader = User.objects.select_for_update(no_key=True).get(pk=request.user.pk)
        if own(request).filter(state__in=OPEN).count() >= OPEN_MOST:
            messages.warning(request, str(EXPORTS["enough"]))
            return redirect("analytics:exports")
        job = Export.objects.create(
            user=reader,
            kind=kind,
            query={name: posted[name] for name in ASKED_FOR if posted.get(name)},
            inboxes=access.inboxes_of(request.user),
            language=get_language() or "zh-hans",
        )
    ring(job)
    return redirect("analytics:exports")


def ring(job: Export) -> None:
    """Rings for a worker; the page that watches rings again for one that was not heard."""
    try:
        tasks.export.delay(job.pk)
    except (OperationalError, OSError) as error:
        log.warning("doorbell_lost", export=job.pk, error=type(error).__name__)


@for_viewers
def listed(request: HttpRequest) -> HttpResponse:
    jobs = own(request).defer("file")[:SHOWN]
    context = {
        **admin.site.each_context(request),
        "title": EXPORTS["title"],
        "t": WORDS,
        "e": EXPORTS,
        "page": None,
        "pages": PAGES.values(),
        "on_exports": True,
        "jobs": [(job, as_json(job)) for job in jobs],
    }
    return render(request, "analytics/exports.html", context)


def own(request: HttpRequest) -> QuerySet[Export]:
    """The reader's exports; nobody else's are ever looked at."""
    return Export.objects.filter(user_id=int(str(request.user.pk)))


@for_viewers
def state(request: HttpRequest, pk: int) -> JsonResponse:
    """How far an export is."""
    job = get_object_or_404(own(request).defer("file"), pk=pk)
    if is_lost(job):
        ring(job)
    return JsonResponse(as_json(job))


def is_lost(job: Export) -> bool:
    """Whether nobody began it, or whoever did is gone."""
    now = timezone.now()
    if job.state == Export.State.WAITING:
        return (now - job.created_at).total_seconds() > LOST_SECONDS
    return (
        job.state == Export.State.RUNNING and job.lease_until is not None and job.lease_until < now
    )


def as_json(job: Export) -> dict[str, Any]:
    return {
        "state": job.state,
        "text": str(EXPORTS[job.state]),
        "written": job.total if job.state == Export.State.DONE else job.written,
        "total": job.total,
    }


@for_viewers
def fetch(request: HttpRequest, pk: int) -> HttpResponse:
    """The file, to whoever asked for it."""
    job = get_object_or_404(own(request), pk=pk, state=Export.State.DONE)
    response = HttpResponse(bytes(job.file), content_type=exporting.KINDS_OF_FILE[job.kind][0])
    name = f"conversations-{job.created_at:%Y%m%d}-{job.pk}.{job.kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
