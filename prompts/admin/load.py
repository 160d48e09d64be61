"""The admin of load: what happens when much is asked at once, how things stand now, and rehearsals by hand."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from prompts import controls
from prompts.admin.rows import EditedFieldsAdmin
from prompts.admin.trying import BREAKERS
from prompts.admin.wording import both, pick
from prompts.llm.load import Thresholds
from prompts.models import LoadPolicy

ONLY_ROW = 1
MINUTES_MOST = 240
LEVELS = {
    0: both("正常：人人使用常用模型", "Normal: everybody gets the usual model"),
    1: both("轻量：非 VIP 使用轻量模型", "Light: others than VIPs get light models"),
    2: both("标准答案：非 VIP 只得到 SOP 答案", "SOP: others than VIPs get SOP answers only"),
    3: both("排队：非 VIP 需要等待", "Queue: others than VIPs wait"),
}
WORDS = {
    "now": both("现在", "Now"),
    "level": both("级别", "Level"),
    "rate": both("每秒请求（全部进程）", "Requests per second, all processes"),
    "forced": both("手动设置", "Set by hand"),
    "as_of": both("更新于", "As of"),
    "stale": both("暂时读不到最新数据，正在重试…", "No fresh figures, trying again…"),
    "rehearse": both("演练：手动设置级别", "Rehearsal: set the level by hand"),
    "rehearse_help": both(
        "到时间后自动恢复。演练期间，真实顾客也会受影响。",
        "It ends by itself. Real customers are affected while it lasts.",
    ),
    "minutes": both("分钟", "Minutes"),
    "force": both("设置级别…", "Set the level…"),
    "force_sure": both("确认设置", "Yes, set it"),
    "automatic": both("恢复自动", "Back to automatic"),
    "breakers": both("熔断器", "Circuit breakers"),
    "endpoint": both("模型", "Model"),
    "state": both("状态", "State"),
    "tokens_left": both("本分钟剩余 token", "Tokens left this minute"),
    "close": both("立即恢复", "Close now"),
    "none": both("没有启用的模型。", "No model is enabled."),
}


class LoadPolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    """Thresholds that ascend, each left below where it is entered."""

    class Meta:
        labels = {
            "enter_light": both("进入轻量（次/秒）", "Enter light (per second)"),
            "enter_sop": both("进入标准答案（次/秒）", "Enter SOP (per second)"),
            "enter_queue": both("进入排队（次/秒）", "Enter queue (per second)"),
            "leave_light": both("离开轻量（次/秒）", "Leave light (per second)"),
            "leave_sop": both("离开标准答案（次/秒）", "Leave SOP (per second)"),
            "leave_queue": both("离开排队（次/秒）", "Leave queue (per second)"),
            "hold_seconds": both("保持秒数", "Hold seconds"),
            "mean_seconds": both("平均秒数", "Mean seconds"),
        }
        help_texts = {
            "enter_light": both(
                "高于它：非 VIP 使用轻量模型", "Above: others than VIPs get light models"
            ),
            "enter_sop": both("高于它：他们只得到 SOP 答案", "Above: they get SOP answers"),
            "enter_queue": both("高于它：他们排队", "Above: they wait"),
            "hold_seconds": both(
                "请求数要低于离开值多久，才降一级",
                "How long the rate must stay below before a level is left",
            ),
            "mean_seconds": both(
                "请求数取最近几秒的平均", "The rate is the mean over so many seconds"
            ),
        }

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        if self.errors:
            return fields
        for sentence in as_thresholds(fields).check():
            name = sentence.split()[0]
            self.add_error(name if name in self.fields else None, sentence)
        return fields


def as_thresholds(fields: dict[str, Any]) -> Thresholds:
    return Thresholds(
        enter=(fields["enter_light"], fields["enter_sop"], fields["enter_queue"]),
        leave=(fields["leave_light"], fields["leave_sop"], fields["leave_queue"]),
        hold_seconds=fields["hold_seconds"],
        mean_seconds=fields["mean_seconds"],
    )


@admin.register(LoadPolicy)
class LoadPolicyAdmin(EditedFieldsAdmin):
    """The one row; its list leads to it."""

    form = LoadPolicyForm
    change_form_outer_before_template = "admin/prompts/loadpolicy/now.html"
    fieldsets = [
        (both("进入", "Enter"), {"fields": ["enter_light", "enter_sop", "enter_queue"]}),
        (both("离开", "Leave"), {"fields": ["leave_light", "leave_sop", "leave_queue"]}),
        (both("测量", "Measuring"), {"fields": ["mean_seconds", "hold_seconds"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        views = {"now": self.now, "force": self.force, "close": self.close}
        own = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"prompts_loadpolicy_{name}")
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        controls.load_policy()
        return redirect(row_url())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        controls.load_policy()
        context = {
            "t": WORDS,
            "now": standing(),
            "levels": LEVELS,
            "minutes_most": MINUTES_MOST,
            "may_change": self.has_change_permission(request),
        }
        shown: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )
        return shown

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        return HttpResponseRedirect(row_url())

    def now(self, request: HttpRequest) -> HttpResponse:
        """How things stand, as JSON; the page asks every two seconds."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return JsonResponse(standing())

    def force(self, request: HttpRequest) -> HttpResponse:
        """Sets the posted level for the posted minutes; an empty level goes back to automatic."""
        self.check_write(request)
        level, minutes = request.POST.get("level", ""), request.POST.get("minutes", "0")
        if not level:
            controls.force_level(None, minutes=0)
            messages.success(request, pick("已恢复自动。", "Automatic again."))
        elif level in map(str, LEVELS) and minutes.isdecimal() and 0 < int(minutes) <= MINUTES_MOST:
            controls.force_level(int(level), minutes=int(minutes))
            messages.success(request, f"{LEVELS[int(level)]} ({minutes} min)")
        else:
            sentence = pick(
                f"分钟应为 1 到 {MINUTES_MOST} 的整数，级别应为 0 到 3。",
                f"Minutes must be a whole number from 1 to {MINUTES_MOST}, the level 0 to 3.",
            )
            messages.error(request, sentence)
        return redirect(row_url())

    def close(self, request: HttpRequest) -> HttpResponse:
        """Closes the breaker of the posted endpoint."""
        self.check_write(request)
        name = request.POST.get("name", "")
        if name not in controls.board().breakers:
            messages.error(request, pick("没有这个模型。", "There is no such model."))
        elif controls.close_breaker(name):
            messages.success(request, pick(f"{name} 已恢复。", f"{name} is asked again."))
        else:
            messages.error(
                request, pick("Redis 没有应答，请重试。", "Redis does not answer. Try again.")
            )
        return redirect(row_url())

    def check_write(self, request: HttpRequest) -> None:
        """Raises PermissionDenied unless it is a POST of someone who may change the row."""
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied


def row_url() -> str:
    return reverse("admin:prompts_loadpolicy_change", args=[ONLY_ROW])


def standing() -> dict[str, Any]:
    """The level, the rate and the breakers, as texts."""
    board = controls.board()
    row = LoadPolicy.objects.filter(pk=ONLY_ROW).first()
    return {
        "level": int(board.load),
        "level_text": str(LEVELS[int(board.load)]),
        "rate": f"{board.rate:.1f}",
        "forced": forced_text(row),
        "at": timezone.localtime().strftime("%H:%M:%S"),
        "breakers": [
            {
                "name": name,
                "state": state,
                "state_text": str(BREAKERS.get(state, state)),
                "tokens_left": left_text(board.tokens_left.get(name)),
            }
            for name, state in sorted(board.breakers.items())
        ],
    }


def forced_text(row: LoadPolicy | None) -> str:
    if row is None or row.forced_level is None or row.forced_until is None:
        return pick("否", "no")
    if row.forced_until <= timezone.now():
        return pick("否", "no")
    until = timezone.localtime(row.forced_until).strftime("%H:%M")
    return pick(f"级别 {row.forced_level}，到 {until}", f"level {row.forced_level}, until {until}")


def left_text(tokens: int | None) -> str:
    return "—" if tokens is None else f"{tokens:,}"
