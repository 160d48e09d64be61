"""Pages of evaluation: runs begun, watched, cancelled and read; cases in and out as files."""

from decimal import Decimal
from typing import Any

import structlog
from celery import current_app
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from kombu.exceptions import OperationalError
from unfold.admin import ModelAdmin

from prompts import ledger
from prompts.admin import ringing, version_choice
from prompts.admin.evaluation_words import CHECKS, REASONS, STATES, WORDS
from prompts.admin.wording import as_money, as_ms, as_percent, pick
from prompts.evaluation import judging, reading, running
from prompts.evaluation.checks import Called
from prompts.evaluation.intervals import wilson
from prompts.evaluation.reading import Unreadable
from prompts.evaluation.sentences import sentence
from prompts.models import EvalResult, EvalRun, EvalSet, ModelCall, PromptVersion

log = structlog.get_logger(__name__)

TASK = "prompts.tasks.run_evaluation"
RUNS_SHOWN, VERSIONS_SHOWN, PAGE_ROWS = 10, 100, 50
OPEN = {EvalRun.State.WAITING, EvalRun.State.RUNNING}
EXAMPLE = (
    '{"key": "late-1", "text": "怎么还不发货！", "emotion": "negative", "apology_first": true, '
    '"must_contain": ["催"], "max_chars": 60}'
)


def set_context(request: HttpRequest, model_admin: ModelAdmin, row: EvalSet) -> dict[str, Any]:
    """What a set's page shows above its form."""
    runs = row.runs.select_related("created_by", "set").order_by("-pk")[:RUNS_SHOWN]
    versions = PromptVersion.objects.filter(prompt__purpose="answer")
    asked = request.GET.get("version", "")
    return {
        "t": WORDS,
        "case_total": row.cases.filter(enabled=True).count(),
        "runs": [as_line(run) for run in runs],
        "versions": version_choice.newest(versions, most=VERSIONS_SHOWN, asked=[asked]),
        "asked_version": asked,
        "example": EXAMPLE,
        "may_change": model_admin.has_change_permission(request, row),
    }


def as_line(run: EvalRun) -> dict[str, Any]:
    """A run in a list of runs."""
    low, high = wilson(run.passed, run.total)
    done = run.state == EvalRun.State.DONE
    return {
        "run": run,
        "state": STATES[run.state],
        "share": as_percent(run.passed / run.total) if done and run.total else "—",
        "interval": f"{as_percent(low)} – {as_percent(high)}" if done and run.total else "—",
        "passes": run.passes,
        "done": done,
        "subject": run.subject or str(WORDS["in_force"]),
    }


def chosen_set(request: HttpRequest, model_admin: ModelAdmin, pk: int) -> EvalSet:
    """The set a POST may act on. Raises PermissionDenied and Http404."""
    row = get_object_or_404(EvalSet, pk=pk)
    if request.method != "POST" or not model_admin.has_change_permission(request, row):
        raise PermissionDenied
    return row


def start(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    row = chosen_set(request, model_admin, pk)
    number = request.POST.get("version", "")
    version = None
    if number:
        known = PromptVersion.objects.select_related("prompt")
        version = get_object_or_404(known, pk=int(number) if number.isdecimal() else 0)
    if not row.cases.filter(enabled=True).exists():
        messages.error(request, str(WORDS["no_cases"]))
        return redirect("admin:prompts_evalset_change", pk)
    run = running.begin(row, version=version, user_id=request.user.pk)
    model_admin.log_change(request, row, f"run {run.pk}: {run.subject or 'current'}")
    ring(request, run.pk)
    return redirect("admin:prompts_evalrun_change", run.pk)


def ring(request: HttpRequest, pk: int) -> None:
    """Tells a worker of the run; a lost doorbell is rung again from its page."""
    try:
        current_app.send_task(TASK, [pk])
    except OperationalError as error:
        log.warning("evaluation_unrung", run=pk, error=type(error).__name__)
        messages.warning(
            request,
            pick(
                "消息队列暂时不可用，请稍后点「再次触发」。",
                "The queue is not there: ring again in a moment.",
            ),
        )


def take_file(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """Takes the posted file of cases, all or none."""
    row = chosen_set(request, model_admin, pk)
    file = request.FILES.get("file")
    try:
        if file is None or (file.size or 0) > reading.FILE_BYTES:
            raise Unreadable(0, "file", mb=reading.FILE_BYTES // 1024 // 1024)
        taken = reading.take(row, reading.read(file.read()))
    except Unreadable as error:
        where = pick(f"第 {error.number} 行：", f"line {error.number}: ") if error.number else ""
        messages.error(
            request,
            pick("没有导入任何用例。", "No case was imported. ")
            + where
            + sentence(error.reason, error.values),
        )
    else:
        model_admin.log_change(
            request, row, f"imported: {taken.added} new, {taken.renewed} renewed"
        )
        messages.success(
            request,
            pick(
                f"新增 {taken.added} 个用例，更新 {taken.renewed} 个。",
                f"{taken.added} cases added, {taken.renewed} renewed.",
            ),
        )
    return redirect("admin:prompts_evalset_change", pk)


def export(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    row = get_object_or_404(EvalSet, pk=pk)
    if not model_admin.has_view_permission(request, row):
        raise PermissionDenied
    lines = "".join(f"{reading.as_line(case)}\n" for case in row.cases.order_by("key"))
    return HttpResponse(
        lines,
        content_type="application/x-ndjson; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="cases-{row.pk}.jsonl"'},
    )


def run_page(request: HttpRequest, model_admin: ModelAdmin, *, row: EvalRun) -> HttpResponse:
    """How a run fares, then what came of every case, beside the run before."""
    which = request.GET.get("show", "failed" if row.state == EvalRun.State.DONE else "all")
    earlier = running.before(row)
    known = running.verdicts(row)
    changed = running.changes(known, earlier)
    results = row.results.select_related("case", "version__prompt").order_by("passed", "case__key")
    if which == "failed":
        results = results.filter(passed=False)
    elif which == "changed":
        results = results.filter(case_id__in=changed)
    page = Paginator(results, PAGE_ROWS).get_page(request.GET.get("page"))
    failed = sum(not passed for passed in known.values())
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": str(row),
        "t": WORDS,
        "line": as_line(row),
        "run": row,
        "running": row.state in OPEN,
        "may_change": request.user.has_perm("prompts.change_evalset"),
        "earlier": earlier,
        "which": which,
        "spent": spent(row),
        "counts": [
            ("failed", WORDS["failed"], failed),
            ("changed", WORDS["changed"], len(changed)),
            ("all", WORDS["all"], len(known)),
        ],
        "page": page,
        "rows": [as_row(result, changed) for result in page.object_list],
        "done": len(known),
    }
    return render(request, "admin/prompts/evalrun/run.html", context)


def as_row(result: EvalResult, changed: dict[int, bool]) -> dict[str, Any]:
    said = [
        {"check": CHECKS.get(one["check"], one["check"]), **one_line(one)}
        for one in result.failures
    ]
    return {
        "result": result,
        "failures": said,
        "turned": changed.get(result.case_id),
        "took": as_ms(result.total_ms),
        "calls": [str(Called(one["tool"], one["arguments"])) for one in result.calls],
        "approved": result.verdict.get("reason", "") if result.verdict.get("passes") else "",
    }


def spent(row: EvalRun) -> str:
    """What the run's calls cost, and of that its judge's, as "CNY 0.12 (CNY 0.02)"."""
    calls = ModelCall.objects.filter(trace_id__startswith=f"eval-{row.pk}-").order_by()
    whole = judges = Decimal(0)
    for purpose, currency, cost in calls.values_list("purpose", "currency").annotate(Sum("cost")):
        amount = ledger.in_cny(cost, currency)
        whole += amount
        judges += amount if purpose == judging.PURPOSE else 0
    return f"{as_money(whole, 'CNY')} ({as_money(judges, 'CNY')})"


def one_line(failure: dict[str, str]) -> dict[str, str]:
    found = failure["found"]
    named = failure["check"] in ("answered", "judge")
    return {
        "wanted": failure["wanted"],
        "found": str(REASONS.get(found, found)) if named else found,
    }


def progress(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """Where the run is, as JSON; the page asks every second."""
    row = get_object_or_404(EvalRun, pk=pk)
    if not model_admin.has_view_permission(request, row):
        raise PermissionDenied
    return JsonResponse(
        {"running": row.state in OPEN, "done": row.results.count(), "rows": row.total}
    )


def chosen_run(request: HttpRequest, pk: int) -> EvalRun:
    """The run a POST may act on. Raises PermissionDenied and Http404."""
    if request.method != "POST" or not request.user.has_perm("prompts.change_evalset"):
        raise PermissionDenied
    return get_object_or_404(EvalRun, pk=pk)


def cancel(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    row = chosen_run(request, pk)
    if running.cancel(pk):
        model_admin.log_change(request, row, "cancelled")
    else:
        messages.info(request, pick("它已经结束了。", "It is over already."))
    return back(pk)


def again(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """Rings once more for a run whose doorbell or worker was lost."""
    row = chosen_run(request, pk)
    if row.state in OPEN and not ringing.is_held(request, row.lease_until):
        ring(request, pk)
    return back(pk)


def back(pk: int) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:prompts_evalrun_change", args=[pk]))
