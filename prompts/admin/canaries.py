"""The admin of canaries: drafts are edited, running ones watched and rolled back, ended ones read."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from prompts import canaries, snapshot
from prompts.admin import canary_report
from prompts.admin.rows import EditedFieldsAdmin
from prompts.admin.wording import both, pick
from prompts.models import Canary

TAILS_DAYS = 30
STATUSES = {
    "draft": both("草稿", "draft"),
    "running": both("进行中", "running"),
    "rolled_back": both("已回滚", "rolled back"),
    "finished": both("已结束", "finished"),
}
COLOURS = {"running": "success", "rolled_back": "danger", "finished": "info", "draft": "warning"}


class CanaryForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    """A draft. That nothing else runs in its range, and that its endpoint works, is asked at the start."""

    class Meta:
        labels = {
            "name": both("名称", "Name"),
            "endpoint": both("灰度模型", "Endpoint"),
            "first_bucket": both("起始尾号", "First tail"),
            "last_bucket": both("结束尾号", "Last tail"),
            "automatic": both("自动回滚", "Roll back by itself"),
            "min_samples": both("最少样本", "Least samples"),
            "max_error_points": both("失败率最多高出（百分点）", "Failed calls, points above"),
            "max_json_points": both("JSON 失败率最多高出（百分点）", "JSON failures, points above"),
            "max_takeover_points": both("人工接管率最多高出（百分点）", "Takeovers, points above"),
            "max_p99_factor": both("p99 最多几倍", "p99, times the control's"),
        }
        help_texts = {
            "first_bucket": both(
                "订单号末两位，0 到 99；没有订单号时按会话分配",
                "Last two digits of the order number, 0 to 99; without one, by the conversation",
            ),
            "last_bucket": both("包含在内", "Included"),
            "automatic": both("护栏被突破时", "When a guard is broken"),
            "min_samples": both("达到之前护栏不判断", "Before that no guard speaks"),
            "max_error_points": both("与对照组相比", "Compared with the control"),
            "max_json_points": both("与对照组相比", "Compared with the control"),
            "max_takeover_points": both("与对照组相比", "Compared with the control"),
            "max_p99_factor": both("与对照组相比", "Compared with the control"),
        }


@admin.register(Canary)
class CanaryAdmin(EditedFieldsAdmin):
    form = CanaryForm
    list_display = ["name", "state", "tails", "endpoint", "started_at", "ended_at", "reason"]
    list_filter = ["status"]
    list_select_related = ["endpoint"]
    search_fields = ["name", "endpoint__name"]
    change_form_outer_before_template = "admin/prompts/canary/watch.html"
    fieldsets = [
        (None, {"fields": ["name", "endpoint", "first_bucket", "last_bucket"]}),
        (
            both("护栏", "Guard"),
            {
                "fields": [
                    "automatic",
                    "min_samples",
                    "max_error_points",
                    "max_json_points",
                    "max_takeover_points",
                    "max_p99_factor",
                ]
            },
        ),
    ]

    def get_urls(self) -> list[URLPattern]:
        views = {"start": self.start, "roll_back": self.roll_back, "finish": self.finish}
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"prompts_canary_{name}",
            )
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    @display(description=both("状态", "status"), ordering="status", label=COLOURS)  # type: ignore[untyped-decorator]
    def state(self, row: Canary) -> tuple[str, Any]:
        return row.status, STATUSES[row.status]

    @admin.display(description=both("尾号", "tails"), ordering="first_bucket")
    def tails(self, row: Canary) -> str:
        return canary_report.range_text(row)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and is_draft(obj)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        # Not from the list: what ran is kept, it explains answers.
        return allowed and obj is not None and is_draft(obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = self.report(request, row) if row else {}
        shown: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )
        return shown

    def report(self, request: HttpRequest, row: Canary) -> dict[str, Any]:
        """What the page shows above the form."""
        wants_tails = row.status == Canary.Status.DRAFT or "tails" in request.GET
        return {
            "t": canary_report.WORDS,
            "status_text": STATUSES[row.status],
            "range": canary_report.range_text(row),
            "arms": canary_report.arms(canaries.statistics(row)) if row.started_at else None,
            "tails": canary_report.tails(canaries.tails(days=TAILS_DAYS), row)
            if wants_tails
            else None,
            "may_act": self.has_change_permission(request),
        }

    def start(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self.row_to_change(request, pk)
        refusal = refusal_to_start(row)
        if refusal:
            messages.error(request, refusal)
        elif canaries.start(row):
            self.succeed(request, row, said=pick("灰度已开始。", "The canary runs."), did="started")
        else:
            # Somebody was quicker: with this canary, or with another in its range.
            messages.error(request, refusal_to_start(row) or not_now(pk))
        return redirect(row_url(row))

    def roll_back(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self.row_to_change(request, pk)
        reason = request.POST.get("reason", "").strip()[:200]
        if canaries.roll_back(row, reason or pick("手动回滚", "rolled back by hand")):
            said = pick("已回滚：所有会话回到对照组。", "Rolled back: everybody is in the control.")
            self.succeed(request, row, said=said, did="rolled back")
        else:
            messages.error(request, not_now(pk))
        return redirect(row_url(row))

    def finish(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self.row_to_change(request, pk)
        if canaries.finish(row):
            self.succeed(
                request, row, said=pick("灰度已结束。", "The canary ended."), did="finished"
            )
        else:
            messages.error(request, not_now(pk))
        return redirect(row_url(row))

    def row_to_change(self, request: HttpRequest, pk: int) -> Canary:
        """The row a POST may act on. Raises PermissionDenied and Http404."""
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(Canary.objects.select_related("endpoint"), pk=pk)

    def succeed(self, request: HttpRequest, row: Canary, *, said: str, did: str) -> None:
        self.log_change(request, row, did)
        messages.success(request, said)


def refusal_to_start(row: Canary) -> str:
    """Why the canary cannot start, or an empty string."""
    name = row.endpoint.name
    if not row.endpoint.enabled:
        return pick(f"模型 {name} 没有启用。", f"The endpoint {name} is switched off.")
    if not snapshot.key_of(row.endpoint):
        variable = row.endpoint.api_key_env
        return pick(
            f"模型 {name} 没有密钥：环境变量 {variable} 没有设置。",
            f"The endpoint {name} has no key: the variable {variable} is not set.",
        )
    other = canaries.overlapping(row)
    if other is not None:
        tails = canary_report.range_text(other)
        return pick(
            f"与进行中的灰度「{other.name}」重叠（尾号 {tails}）。",
            f"It overlaps with the running canary “{other.name}” (tails {tails}).",
        )
    return ""


def not_now(pk: int) -> str:
    """The row was moved by somebody else, or is in a state from which this is no way."""
    status = STATUSES[Canary.objects.get(pk=pk).status]
    return pick(f"现在不行：灰度的状态是「{status}」。", f"Not now: the canary is {status}.")


def is_draft(obj: Any) -> bool:
    return obj is None or obj.status == Canary.Status.DRAFT


def row_url(row: Canary) -> str:
    return reverse("admin:prompts_canary_change", args=[row.pk])
