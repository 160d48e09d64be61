"""Pages of the learning loop: a search is begun and watched; one gap is edited, tried and closed on one screen."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from celery import current_app
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from kombu.exceptions import OperationalError
from unfold.admin import ModelAdmin

from chat.admin.gap_words import SEARCHES, STATES, WHY, WORDS
from chat.gaps import proposing
from chat.gaps.proposing import Taken
from chat.models import Gap, GapSearch
from prompts.admin import ringing
from prompts.admin.wording import as_percent, pick
from prompts.models import LANGUAGES, EvalSet, Intent, SopSet
from prompts.retrieval import CONFIDENT
from prompts.transfer.sentences import sentence

log = structlog.get_logger(__name__)

TASK = "chat.tasks.look_for_gaps"
DAYS = (7, 14, 30, 90)
EXAMPLES, FIELD_CHARS = 20, 20_000
OPEN = {GapSearch.State.WAITING, GapSearch.State.RUNNING}
# Who may act: decides on gaps, and writes SOPs as they are written elsewhere.
CHANGE, WRITE = "chat.change_gap", ("prompts.add_sop", "prompts.change_sop")


def may_decide(request: HttpRequest) -> bool:
    return request.user.has_perm(CHANGE)


def may_write(request: HttpRequest) -> bool:
    return may_decide(request) and request.user.has_perms(WRITE)


def list_context(request: HttpRequest) -> dict[str, Any]:
    """What the list shows above its rows."""
    latest = GapSearch.objects.select_related("created_by").first()
    return {
        "t": WORDS,
        "latest": latest,
        "latest_state": SEARCHES[latest.state] if latest else "",
        "running": latest is not None and latest.state in OPEN,
        "sampled": latest is not None and latest.bad > latest.looked_at,
        "days": DAYS,
        "may_search": request.user.has_perm("chat.add_gapsearch"),
    }


def start(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    """Begins a search over the last days, or shows the one that is under way."""
    if request.method != "POST" or not request.user.has_perm("chat.add_gapsearch"):
        raise PermissionDenied
    given = request.POST.get("days", "")
    days = int(given) if given.isdecimal() and int(given) in DAYS else DAYS[0]
    running = GapSearch.objects.filter(state__in=OPEN).first()
    if running is None:
        now = timezone.now()
        running = GapSearch.objects.create(
            since=now - timedelta(days=days), until=now, created_by_id=request.user.pk
        )
    else:
        messages.info(request, pick("已有一次查找在进行。", "A search is under way already."))
    ring(request, running.pk)
    return redirect("admin:chat_gap_changelist")


def again(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """Rings once more for a search whose doorbell or worker was lost."""
    if request.method != "POST" or not request.user.has_perm("chat.add_gapsearch"):
        raise PermissionDenied
    search = get_object_or_404(GapSearch, pk=pk)
    if not ringing.is_held(request, search.lease_until):
        ring(request, pk)
    return redirect("admin:chat_gap_changelist")


def ring(request: HttpRequest, pk: int) -> None:
    try:
        current_app.send_task(TASK, [pk])
    except (OperationalError, OSError) as error:
        log.warning("gap_search_unrung", search=pk, error=type(error).__name__)
        messages.warning(
            request,
            pick("消息队列暂时不可用，请稍后点「再次触发」。", "The queue is not there: ring again in a moment."),
        )  # fmt: skip


def progress(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """Where a search is, as JSON; the page asks every second."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    row = get_object_or_404(GapSearch, pk=pk)
    return JsonResponse({"running": row.state in OPEN, "done": row.done, "rows": row.total})


def gap_page(request: HttpRequest, model_admin: ModelAdmin, *, gap: Gap) -> HttpResponse:
    """A gap with its questions, the answers of people, and the SOP it becomes."""
    shown: dict[str, Any] = {"said": proposing.suggested(gap), "seen": proposing.last_change(gap)}
    if request.method == "POST":
        answer = acted(request, model_admin, gap)
        if isinstance(answer, HttpResponse):
            return answer
        shown = {**answer, "seen": seen_by(request)}
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": gap.title,
        "t": WORDS,
        "gap": gap,
        **about(request, gap),
        **shown,
        "wordings": "\n".join(shown["said"]["questions"]),
    }
    return render(request, "admin/chat/gap/gap.html", context)


def about(request: HttpRequest, gap: Gap) -> dict[str, Any]:
    return {
        "state": STATES[gap.state],
        "saved": str(WORDS["saved"]).replace("{n}", str(gap.takeovers)),
        "coherence": as_percent(gap.coherence, digits=0),
        "questions": [{**each, "whys": [WHY[why] for why in each["why"]]} for each in gap.questions[:EXAMPLES]],
        "more": max(len(gap.questions) - EXAMPLES, 0),
        "sets": EvalSet.objects.order_by("title"),
        "intents": Intent.objects.order_by("name").values_list("name", flat=True),
        "languages": LANGUAGES,
        "line": CONFIDENT,
        "is_open": gap.state in (Gap.State.OPEN, Gap.State.PROPOSED),
        "may_write": may_write(request),
        "may_decide": may_decide(request),
        "may_read": request.user.has_perm("chat.view_conversation"),
        "may_add_cases": request.user.has_perm("prompts.add_evalcase"),
        "may_run": request.user.has_perm("prompts.change_evalset"),
    }  # fmt: skip


def acted(request: HttpRequest, model_admin: ModelAdmin, gap: Gap) -> HttpResponse | dict[str, Any]:
    """What a button did: another page, or what this one shows. Raises PermissionDenied."""
    action = request.POST.get("_action", "")
    if action in ("dismiss", "reopen"):
        return decided(request, model_admin, gap, action)
    if action == "cases":
        return cases_added(request, model_admin, gap)
    if not may_write(request):
        raise PermissionDenied
    said, chosen = read(request), find_set(request)
    problems = [f"{each['column']}: {sentence(each)}" for each in proposing.problems(said)]
    if problems:
        return {"said": said, "problems": problems, "chosen": chosen}
    if action == "try":
        return {
            "said": said,
            "chosen": chosen,
            "trial": proposing.try_out(gap, said, chosen=chosen),
        }
    return settled(request, model_admin, gap, said, publish=action == "publish")


def read(request: HttpRequest) -> dict[str, Any]:
    """The posted fields of an SOP."""
    said: dict[str, Any] = {
        name: request.POST.get(name, "")[:FIELD_CHARS].replace("\r\n", "\n").strip()
        for name in proposing.FIELDS
    }
    lines = [line.strip() for line in said["questions"].split("\n")]
    said["questions"] = list(dict.fromkeys(line for line in lines if line))
    return said


def seen_by(request: HttpRequest) -> int:
    """The last change of the SOP when the page was shown."""
    given = request.POST.get("seen", "")
    return int(given) if given.isdecimal() else 0


def find_set(request: HttpRequest) -> EvalSet | None:
    given = request.POST.get("set", "")
    return EvalSet.objects.filter(pk=int(given)).first() if given.isdecimal() else None


def decided(request: HttpRequest, model_admin: ModelAdmin, gap: Gap, action: str) -> HttpResponse:
    if not may_decide(request):
        raise PermissionDenied
    done = proposing.dismiss(gap) if action == "dismiss" else proposing.reopen(gap)
    if done:
        model_admin.log_change(request, gap, f"{action} ({gap.state})")
    else:
        messages.error(request, pick("它的状态已经变了。", "Its state has changed meanwhile."))
    return redirect("admin:chat_gap_change", gap.pk)


def cases_added(request: HttpRequest, model_admin: ModelAdmin, gap: Gap) -> HttpResponse:
    chosen = find_set(request)
    if not request.user.has_perm("prompts.add_evalcase"):
        raise PermissionDenied
    if chosen is None:
        messages.error(request, pick("请先选择评测集。", "Choose a set first."))
    else:
        count = proposing.add_cases(gap, chosen)
        model_admin.log_change(request, gap, f"{count} cases added to {chosen.name}")
        messages.success(request, pick(f"新增 {count} 个用例。", f"{count} cases added."))
    return redirect("admin:chat_gap_change", gap.pk)


def settled(
    request: HttpRequest,
    model_admin: ModelAdmin,
    gap: Gap,
    said: Mapping[str, Any],
    *,
    publish: bool,
) -> HttpResponse | dict[str, Any]:
    try:
        sop = proposing.settle(
            gap, said, publish=publish, user_id=request.user.pk, seen=seen_by(request)
        )
    except Taken as error:
        sentences = {
            "key": pick("这个编号已经有标准应答，请换一个。", "There is an SOP with this key: choose another one."),
            "settled": pick(
                "刚刚已有人处理了这一组。你写的还在下面；刷新页面可以看到现在的状态。",
                "Somebody else settled it meanwhile. What you wrote is still below; reload to see how it stands.",
            ),
        }  # fmt: skip
        return {"said": said, "problems": [sentences[error.reason]]}
    model_admin.log_change(request, gap, f"{'published' if publish else 'drafted'} {sop.key}")
    messages.success(request, told(publish=publish))
    return redirect("admin:chat_gap_change", gap.pk)


def told(*, publish: bool) -> str:
    if not publish:
        return pick("已存为停用的草稿。", "Kept as a draft that answers nobody.")
    if SopSet.objects.filter(active=True).exists():
        return pick(
            "已保存。现在的发布冻结了标准应答：下一个发布带上它，顾客才会听到。",
            "Saved. The release in force has frozen its SOPs: customers hear it with the next one.",
        )
    return pick("已发布，立即生效。", "Published; it answers from now on.")
