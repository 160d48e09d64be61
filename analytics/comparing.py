"""The pages of the model comparison: the runs, a new one, one run's table, two beside each other.

Whoever may see figures may look; starting and stopping takes the right to run comparisons.
"""

from typing import Any

import structlog
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError

from analytics import access, tasks
from analytics.comparison import forecasting, holding, running, showing, starting
from analytics.comparison.page_words import PAGE
from analytics.comparison.starting import Form
from analytics.comparison.words import MEANINGS, MEASURES
from analytics.comparison.words import WORDS as TABLE
from analytics.models import Comparison
from analytics.pages import PAGES
from analytics.views import for_viewers
from analytics.words import WORDS

log = structlog.get_logger(__name__)

SHOWN = 30
RUN = "analytics.run_comparison"


@csrf_protect
def comparisons(request: HttpRequest) -> HttpResponse:
    """The runs, and the form of a new one; a POST asks for it, or for what it would take. Raises PermissionDenied."""
    return begin(request) if request.method == "POST" else listed(request)


@for_viewers
def listed(request: HttpRequest) -> HttpResponse:
    return page_of_runs(request, starting.usual(running.choosable()))


def page_of_runs(request: HttpRequest, form: Form, **more: Any) -> HttpResponse:
    runs = Comparison.objects.select_related("created_by")[:SHOWN]
    context = {
        **frame(request, PAGE["title"]),
        "runs": [(row, showing.state(row), row.report and showing.spent(row)) for row in runs],
        "form": form,
        "measures": [(key, MEASURES[key], MEANINGS[key]) for key in MEASURES],
        "may_run": may_run(request),
        **more,
    }
    return render(request, "analytics/comparisons.html", context)


def frame(request: HttpRequest, title: Any) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "title": title,
        "t": WORDS,
        "demo": settings.DEMO_PROVIDER,
        "p": PAGE,
        "w": TABLE,
        "page": None,
        "pages": PAGES.values(),
        "on_comparison": True,
    }


def may_run(request: HttpRequest) -> bool:
    return access.may_view(request.user) and request.user.has_perm(RUN)


def check_may_run(request: HttpRequest) -> None:
    """Raises PermissionDenied."""
    if not may_run(request):
        raise PermissionDenied


def begin(request: HttpRequest) -> HttpResponse:
    """Starts a run, or says what it would take or what is wrong with it. Raises PermissionDenied."""
    check_may_run(request)
    form = starting.read(request.POST, running.choosable())
    if not form.problems and request.POST.get("do") == "forecast":
        found = forecasting.forecast(form.chosen, form.measures, form.options)
        return private(
            page_of_runs(request, form, forecast=found, total_cny=forecasting.together(found))
        )
    row = None if form.problems else starting.begin(form, user_id=request.user.pk)
    if row is None:
        busy = {} if form.problems else {"busy": True}
        return private(page_of_runs(request, form, **busy))
    ring(row.pk)
    return redirect("analytics:comparison", pk=row.pk)


def private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    return response


def ring(pk: int) -> None:
    """Rings for a worker; beat rings again for a run that was not heard."""
    try:
        tasks.compare.delay(pk)
    except (OperationalError, OSError) as error:
        log.warning("doorbell_lost", comparison=pk, error=type(error).__name__)


@for_viewers
def comparison(request: HttpRequest, pk: int) -> HttpResponse:
    """One run's table, beside another run's where the address asks for it; as a file where it says which."""
    row = get_object_or_404(Comparison, pk=pk)
    if request.GET.get("as") == "json":
        return JsonResponse(showing.as_object(row))
    if request.GET.get("as") == "markdown":
        return HttpResponse(showing.markdown(row), content_type="text/markdown; charset=utf-8")
    others = Comparison.objects.exclude(pk=pk).exclude(report=[])[:SHOWN]
    wanted = request.GET.get("with", "")
    other = next((each for each in others if str(each.pk) == wanted), None)
    context = {
        **frame(request, f"{PAGE['title']} #{row.pk}"),
        "row": row,
        "demo": showing.is_demo(row),
        "state": showing.state(row),
        "done": row.answers.count(),
        "lines": showing.lines(row, beside=other),
        "meanings": [(MEASURES[key], MEANINGS[key]) for key in row.measures],
        "titles": [MEASURES[key] for key in row.measures],
        "others": others,
        "other": other,
        "may_run": may_run(request),
        "may_resume": holding.may_go_on(row),
    }
    return render(request, "analytics/comparison.html", context)


@for_viewers
def comparison_state(request: HttpRequest, pk: int) -> JsonResponse:
    """How far a run is."""
    row = get_object_or_404(Comparison, pk=pk)
    done = row.answers.count()
    return JsonResponse(
        {
            "open": row.is_open,
            "text": showing.state(row),
            "done": done,
            "total": max(done, row.total),
        }
    )


@csrf_protect
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stops a run; one that is over stays as it is. Raises PermissionDenied."""
    check_may_run(request)
    holding.cancel(get_object_or_404(Comparison, pk=pk).pk)
    return redirect("analytics:comparison", pk=pk)


@csrf_protect
@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Lets a run go on in the background, within its caps and what is added to them. Raises PermissionDenied."""
    check_may_run(request)
    row = get_object_or_404(Comparison, pk=pk)
    limits = starting.raised(row, request.POST)
    if starting.reopen(row, limits):
        ring(row.pk)
    return redirect("analytics:comparison", pk=pk)
