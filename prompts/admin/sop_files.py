"""Pages by which files of SOPs come in, checked before anything changes, and go out."""

from typing import Any

import structlog
from celery import current_app
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from kombu.exceptions import OperationalError
from unfold.admin import ModelAdmin

from prompts import imports, transfer
from prompts.admin import ringing
from prompts.admin import sop_file_words as words
from prompts.admin.wording import pick
from prompts.models import Sop, SopImport
from prompts.transfer.columns import COLUMNS
from prompts.transfer.reading import FILE_BYTES, KINDS, ROWS

log = structlog.get_logger(__name__)

CHECK, APPLY = "prompts.tasks.check_import", "prompts.tasks.apply_import"
PAGE_ROWS = 100
RUNNING = {SopImport.State.WAITING, SopImport.State.APPLYING}


def page_context(request: HttpRequest, model_admin: ModelAdmin, *, title: Any) -> dict[str, Any]:
    if not may_import(model_admin, request):
        raise PermissionDenied
    site = model_admin.admin_site.each_context(request)
    return {**site, "opts": model_admin.model._meta, "title": title, "t": words.WORDS}


def may_import(model_admin: ModelAdmin, request: HttpRequest) -> bool:
    allowed: bool = model_admin.has_add_permission(request) and model_admin.has_change_permission(
        request
    )
    return allowed


def upload_page(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    """The form for a file, and the latest ones. Posting a file begins its check."""
    shown = page_context(request, model_admin, title=words.WORDS["import"])
    if request.method == "POST":
        job = uploaded(request)
        if job is not None:
            ring(request, CHECK, job.pk)
            return redirect("admin:prompts_sop_import_job", job.pk)
    jobs = SopImport.objects.defer("file", "fates").select_related("created_by")[:20]
    rows = [{"job": job, "state": words.STATES[job.state]} for job in jobs]
    about = {"jobs": rows, "columns": COLUMNS, "kinds": [*KINDS], "rows_most": ROWS}
    return render(request, "admin/prompts/sop/import.html", {**shown, **about})


def uploaded(request: HttpRequest) -> SopImport | None:
    """The posted file as a job; None, with a message, where there is none to be had."""
    file = request.FILES.get("file")
    if file is None:
        messages.error(request, pick("请先选择文件。", "Choose a file first."))
        return None
    if (file.size or 0) > FILE_BYTES:
        most = FILE_BYTES // 1024 // 1024
        messages.error(request, words.sentence({"reason": "file_bytes", "mb": most}))
        return None
    name = (file.name or "sops").replace("\0", "")[-200:]
    return SopImport.objects.create(file_name=name, file=file.read(), created_by_id=request.user.pk)


def job_page(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """How a file fares: its progress, then every row's fate."""
    shown = page_context(request, model_admin, title=words.WORDS["import"])
    job = get_object_or_404(SopImport.objects.defer("file"), pk=pk)
    fate = request.GET.get("fate", "")
    fates = [row for row in job.fates if not fate or row["fate"] == fate]
    page = Paginator(fates, PAGE_ROWS).get_page(request.GET.get("page"))
    about = {
        "job": job,
        "state": words.STATES[job.state],
        "running": job.state in RUNNING,
        "problem": words.sentence(job.problem) if job.problem else "",
        "counts": [(name, words.FATES[name], job.counts.get(name, 0)) for name in words.FATES],
        "fate": fate,
        "page": page,
        "rows": [as_row(row) for row in page.object_list],
        "may_apply": job.state == SopImport.State.CHECKED
        and not job.counts.get("refused")
        and changes(job),
    }
    return render(request, "admin/prompts/sop/import_job.html", {**shown, **about})


def changes(job: SopImport) -> int:
    added: int = job.counts.get("added", 0) + job.counts.get("updated", 0)
    return added


def as_row(row: dict[str, Any]) -> dict[str, Any]:
    said = [f"{problem['column']}: {words.sentence(problem)}" for problem in row["problems"]]
    return {**row, "fate_text": words.FATES[row["fate"]], "said": said}


def progress(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """Where the job is, as JSON; the page asks every second."""
    if not may_import(model_admin, request):
        raise PermissionDenied
    job = get_object_or_404(SopImport.objects.only("state"), pk=pk)
    done, rows = imports.progress(pk)
    return JsonResponse(
        {"running": job.state in RUNNING, "state": job.state, "done": done, "rows": rows}
    )


def apply(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """Agrees to what the check found."""
    if request.method != "POST" or not may_import(model_admin, request):
        raise PermissionDenied
    if imports.agree(pk):
        ring(request, APPLY, pk)
        model_admin.log_change(
            request, get_object_or_404(SopImport.objects.defer("file", "fates"), pk=pk), "applied"
        )
    else:
        messages.error(
            request,
            pick("现在不能导入，请看下面的状态。", "It cannot be imported now; see its state."),
        )
    return redirect("admin:prompts_sop_import_job", pk)


def again(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """Rings once more for a job whose doorbell was lost."""
    if request.method != "POST" or not may_import(model_admin, request):
        raise PermissionDenied
    job = get_object_or_404(SopImport.objects.only("state", "lease_until"), pk=pk)
    if job.state in RUNNING and not ringing.is_held(request, job.lease_until):
        ring(request, CHECK if job.state == SopImport.State.WAITING else APPLY, pk)
    return redirect("admin:prompts_sop_import_job", pk)


def ring(request: HttpRequest, task: str, pk: int) -> None:
    """Asks a worker; says so when the broker does not answer, and the page offers to ring again."""
    try:
        current_app.send_task(task, args=[pk])
    except (OperationalError, OSError) as error:
        log.warning("import_not_rung", job=pk, error=type(error).__name__)
        messages.error(
            request,
            pick(
                "Redis 没有应答，稍后点「再试一次」。",
                "Redis does not answer. Try again in a moment.",
            ),
        )


def export(request: HttpRequest, model_admin: ModelAdmin, *, kind: str) -> HttpResponse:
    """All SOPs as a file."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    if kind not in transfer.FORMATS:
        raise Http404
    return as_file(Sop.objects.all(), kind=kind)


def as_file(sops: QuerySet[Sop], *, kind: str) -> HttpResponse:
    chosen = sops.select_related("owner").prefetch_related("questions").order_by("language", "key")
    day = timezone.localdate().isoformat()
    return HttpResponse(
        transfer.write(chosen, kind=kind),
        content_type=transfer.FORMATS[kind][0],
        headers={"Content-Disposition": f'attachment; filename="sops-{day}.{kind}"'},
    )
