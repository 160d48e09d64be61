"""The admin's first page: the ways to the other pages, and what waits for somebody, each with the list that shows it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from analytics import access
from chat.models import Agent, Conversation, Gap
from chat.states import Owner
from prompts.admin.sops import SOON_DAYS
from prompts.bilingual import both
from prompts.models import Candidate, Release, Sop, SopFinding

WORDS = {
    "places": both("去哪里", "Places"),
    "waiting": both("等人处理", "What waits"),
    "nothing": both("现在没有等人处理的事。", "Nothing waits for anybody."),
    "everything": both("全部内容", "Everything"),
    "console": both("坐席工作台", "Agent console"),
    "analytics": both("数据分析", "Analytics"),
    "shop": both("演示店铺", "Demo shop"),
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """What may wait: who sees it, what it is called, how much there is, and where it is listed."""

    right: str
    name: Any
    count: Callable[[], int]
    page: str
    query: str = ""


def expiring() -> int:
    now = timezone.now()
    soon = Q(valid_to__gt=now, valid_to__lte=now + timedelta(days=SOON_DAYS))
    return Sop.objects.filter(soon).count()


WAITING = [
    Waiting(
        "chat.view_conversation", both("排队等人工的会话", "Conversations in the queue"),
        lambda: Conversation.objects.filter(owner=Owner.QUEUE, resolved_at=None).count(),
        "admin:chat_conversation_changelist", "owner__exact=queue&resolved_at__isnull=True",
    ),
    Waiting(
        "prompts.view_release", both("灰度中的发布", "Releases on canary"),
        lambda: Release.objects.filter(status="canary").count(),
        "admin:prompts_release_changelist", "status__exact=canary",
    ),
    Waiting(
        "chat.view_gap", both("没人答得上的问题", "Questions nobody could answer"),
        lambda: Gap.objects.filter(state=Gap.State.OPEN).count(),
        "admin:chat_gap_changelist", "state__exact=open",
    ),
    Waiting(
        "prompts.view_sopfinding", both("重复或冲突的标准应答", "SOPs that clash or repeat"),
        lambda: SopFinding.objects.filter(ignored=False).count(),
        "admin:prompts_sopfinding_changelist", "ignored__exact=0",
    ),
    Waiting(
        "prompts.view_sop", both("即将过期的标准应答", "SOPs that expire soon"),
        expiring, "admin:prompts_sop_changelist", "time=soon",
    ),
    Waiting(
        "prompts.view_sop", both("该复核的标准应答", "SOPs due for review"),
        lambda: Sop.objects.filter(review_on__lte=timezone.localdate()).count(),
        "admin:prompts_sop_changelist", "time=review",
    ),
    Waiting(
        "prompts.view_candidate", both("待确认的例句", "Example sentences to judge"),
        lambda: Candidate.objects.filter(source="candidate", enabled=True).count(),
        "admin:prompts_candidate_changelist",
    ),
]  # fmt: skip


def context(request: HttpRequest, shown: dict[str, Any]) -> dict[str, Any]:
    """What the page shows beside the list of rows, for whoever asks."""
    return {
        **shown,
        "t": WORDS,
        "places": list(places(request)),
        "waiting": [each for each in map(counted, allowed(request)) if each["count"]],
    }


def places(request: HttpRequest) -> Iterator[tuple[str, Any]]:
    name = request.user.get_username()
    if request.user.is_superuser or Agent.objects.filter(user__username=name).exists():
        yield "/console/", WORDS["console"]
    if access.may_view(request.user):
        yield "/analytics/", WORDS["analytics"]
    yield "/", WORDS["shop"]


def allowed(request: HttpRequest) -> list[Waiting]:
    return [each for each in WAITING if request.user.has_perm(each.right)]


def counted(each: Waiting) -> dict[str, Any]:
    query = f"?{each.query}" if each.query else ""
    return {"name": each.name, "count": each.count(), "url": f"{reverse(each.page)}{query}"}
