"""The radar: SOPs that ask nearly the same, in conflict or near-duplicates."""

from typing import Any

import structlog
from celery import current_app
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from kombu.exceptions import OperationalError
from unfold.decorators import display

from prompts.admin.rows import ReadOnlyAdmin
from prompts.admin.sop_pages import LIST_WORDS
from prompts.admin.wording import as_percent, both, pick
from prompts.models import Sop, SopFinding

log = structlog.get_logger(__name__)

TASK = "prompts.tasks.look_for_clashes"
KINDS = {"conflict": both("冲突", "conflict"), "duplicate": both("近似重复", "near-duplicate")}


@admin.register(SopFinding)
class SopFindingAdmin(ReadOnlyAdmin):
    list_display = ["what", "one", "two", "alike", "answers", "passed_over", "seen"]
    list_display_links = None
    list_filter = ["kind", "ignored", "sop__language", "sop__intent"]
    list_select_related = ["sop", "other"]
    list_before_template = "admin/prompts/sopfinding/radar.html"
    search_fields = ["wording", "other_wording", "sop__title", "other__title"]
    actions = ["ignore", "mind"]
    list_per_page = 50
    show_full_result_count = False

    def get_urls(self) -> list[URLPattern]:
        own = path("look/", self.admin_site.admin_view(self.look), name="prompts_sopfinding_look")
        return [own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {"t": LIST_WORDS, "may_look": may_judge(request)}
        shown: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **context})
        return shown

    def look(self, request: HttpRequest) -> HttpResponse:
        """Asks a worker to look anew."""
        if request.method != "POST" or not may_judge(request):
            raise PermissionDenied
        try:
            current_app.send_task(TASK)
            messages.success(
                request, pick("正在检查，稍后刷新本页。", "Looking; reload this page in a moment.")
            )
        except (OperationalError, OSError) as error:
            log.warning("radar_not_rung", error=type(error).__name__)
            messages.error(
                request, pick("Redis 没有应答，请重试。", "Redis does not answer. Try again.")
            )
        return redirect("admin:prompts_sopfinding_changelist")

    @display(
        description=both("类型", "kind"),
        ordering="kind",
        label={"conflict": "danger", "duplicate": "warning"},
    )  # type: ignore[untyped-decorator]
    def what(self, row: SopFinding) -> tuple[str, Any]:
        return row.kind, KINDS[row.kind]

    @admin.display(description=both("标准应答", "SOP"))
    def one(self, row: SopFinding) -> str:
        return linked(row.sop, row.wording)

    @admin.display(description=both("另一条", "the other"))
    def two(self, row: SopFinding) -> str:
        return linked(row.other, row.other_wording)

    @admin.display(description=both("问法相似", "wordings alike"), ordering="score")
    def alike(self, row: SopFinding) -> str:
        return as_percent(row.score, digits=0)

    @admin.display(description=both("回答相似", "answers alike"), ordering="answers_alike")
    def answers(self, row: SopFinding) -> str:
        return as_percent(row.answers_alike, digits=0)

    @admin.display(description=both("已忽略", "ignored"), ordering="ignored", boolean=True)
    def passed_over(self, row: SopFinding) -> bool:
        return row.ignored

    @admin.display(description=both("发现时间", "found"), ordering="found_at")
    def seen(self, row: SopFinding) -> Any:
        return row.found_at

    @admin.action(description=both("忽略所选", "Ignore selected"), permissions=["judge"])
    def ignore(self, request: HttpRequest, chosen: models.QuerySet[SopFinding]) -> None:
        chosen.order_by().update(ignored=True)

    @admin.action(description=both("不再忽略", "Mind again"), permissions=["judge"])
    def mind(self, request: HttpRequest, chosen: models.QuerySet[SopFinding]) -> None:
        chosen.order_by().update(ignored=False)

    def has_judge_permission(self, request: HttpRequest) -> bool:
        return may_judge(request)


# The rows are the platform's, so that the permission asked for is that of SOPs.
def may_judge(request: HttpRequest) -> bool:
    return request.user.has_perm("prompts.change_sop")


def linked(sop: Sop, wording: str) -> str:
    url = reverse("admin:prompts_sop_change", args=[sop.pk])
    return format_html('<span><a href="{}">{}</a><br>{}</span>', url, sop.title, wording)
