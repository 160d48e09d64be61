"""Which SOPs customers hear: as they are edited, or those of a release; how the two differ, and the way back."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from unfold.admin import ModelAdmin

from prompts import releases, retrieval
from prompts.admin.release_words import DIFFERENCES
from prompts.admin.wording import both
from prompts.models import Release, SopSet
from prompts.retrieval import Difference

SHOWN = 200
WORDS = {
    "title": both("线上的标准应答", "SOPs that customers hear"),
    "edited": both(
        "标准应答随编辑立即生效。",
        "SOPs hold as soon as they are saved, for everybody outside a release.",
    ),
    "frozen": both(
        "顾客听到的是冻结的标准应答；这里的编辑等下一个发布才生效。",
        "Customers hear frozen SOPs: what is edited here waits for the next release.",
    ),
    "since": both("冻结于", "Frozen at"),
    "release": both("来自发布", "By the release"),
    "restored": both(
        "发布回滚后恢复的内容", "What was heard before a release that was rolled back"
    ),
    "differs": both("编辑与线上的不同", "What was edited since"),
    "nothing": both("没有不同。", "Nothing differs."),
    "more": both("还有", "more:"),
    "sop": both("标准应答", "SOP"),
    "how": both("改动", "Change"),
    "next": both("新建发布，带上这些改动", "Make a release that takes them along"),
    "follow": both("改为随编辑立即生效…", "Let edits hold at once…"),
    "follow_sure": both(
        "上面的改动几秒内对所有不在灰度中的顾客生效，不经过评测。",
        "Within seconds everybody outside a canary hears the changes above; no evaluation set has run on them.",
    ),
    "reason": both("原因", "Reason"),
    "follow_yes": both("确认", "Yes"),
    "asks": both("申请随编辑立即生效：", "asks to let edits hold at once: "),
    "agree": both("同意", "Agree"),
    "agree_help": both(
        "需要另一位有发布权限的人同意。", "Another person who may publish has to agree."
    ),
    "look": both("查看", "Look"),
    "back": both("返回标准应答", "Back to the SOPs"),
}

OUTCOMES = {
    "done": WORDS["edited"],
    "asked": both("已申请，等另一位同意。", "Asked: another person has to agree."),
    "no": both("没有可以申请或同意的。", "There is nothing to ask or to agree to."),
    "": both("请写明原因。", "Say why."),
}


def page(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    """The page; posting lets edits hold at once again."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    if request.method == "POST":
        return followed(request)
    rows = SopSet.objects.filter(active=True).select_related("follow_asked_by")
    heard = rows.defer("members", "terms").first()
    found = retrieval.differences(heard.pk) if heard else []
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": WORDS["title"],
        "t": WORDS,
        "heard": heard,
        "release": release_of(heard),
        "rows": [(each, DIFFERENCES[how(each)]) for each in found[:SHOWN]],
        "count": len(found),
        "left_out": max(0, len(found) - SHOWN),
        "is_asker": heard is not None and heard.follow_asked_by_id == request.user.pk,
        "may_publish": request.user.has_perm("prompts.publish_release"),
        "may_make": request.user.has_perm("prompts.add_release"),
    }
    return render(request, "admin/prompts/sop/heard.html", context)


def release_of(heard: SopSet | None) -> Release | None:
    return (
        Release.objects.filter(status=Release.Status.PUBLISHED, sop_set=heard).first()
        if heard
        else None
    )


def how(each: Difference) -> str:
    """A key of DIFFERENCES."""
    if not each.held:
        return "added"
    return "changed" if each.live else "removed"


def followed(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("prompts.publish_release"):
        raise PermissionDenied
    reason = request.POST.get("reason", "").strip()[:200]
    if "agree" in request.POST:
        done = "done" if releases.agree_to_follow(by=request.user.pk or 0) else "no"
    else:
        done = releases.follow_edits(reason=reason, by=request.user.pk) if reason else ""
    level = messages.SUCCESS if done in ("done", "asked") else messages.ERROR
    messages.add_message(request, level, OUTCOMES[done])
    return redirect("admin:prompts_sop_heard")


def banner() -> dict[str, Any]:
    """What the list of SOPs says where edits do not hold at once."""
    if not SopSet.objects.filter(active=True).exists():
        return {}
    return {"frozen": WORDS["frozen"], "look": WORDS["look"]}
