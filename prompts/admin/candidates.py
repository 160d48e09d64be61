"""The admin of candidates: words of which classifier and model made different things, for staff to judge."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import ActionForm
from unfold.widgets import UnfoldAdminSelectWidget

from prompts.admin.wording import as_percent, both, in_chinese, pick
from prompts.models import Candidate, Intent, IntentExample

MOODS = {
    "negative": both("不满", "negative"),
    "neutral": both("平静", "neutral"),
    "positive": both("满意", "positive"),
}
STATES = {"waiting": both("待确认", "waiting"), "dismissed": both("已忽略", "dismissed")}
NOTHING = both("听不懂", "unknown")


class IntentChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic only in its stubs
    def label_from_instance(self, intent: Any) -> str:
        return f"{intent.name} · {(intent.title_zh if in_chinese() else intent.title_en) or intent.name}"


class CandidateActionForm(ActionForm):
    """The intent that "accept as" means."""

    intent = IntentChoice(
        queryset=Intent.objects.filter(enabled=True),
        required=False,
        label="",
        empty_label=both("（选择意图）", "(choose an intent)"),
        widget=UnfoldAdminSelectWidget({"aria-label": both("意图", "Intent")}),
    )


class CandidateForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    class Meta:
        labels = {
            "intent": both("意图", "Intent"),
            "emotion": both("情绪", "Mood"),
            "text": both("顾客的话（已脱敏）", "Words of a customer, masked"),
            "enabled": both("待确认", "Waits to be judged"),
        }
        help_texts = {
            "text": both(
                "接受前可以改写，去掉只与这位顾客有关的内容",
                "Reword it before accepting: leave out what concerns this customer alone",
            ),
            "enabled": both("关闭即忽略", "Switched off, it is dismissed"),
        }


class WaitingFilter(admin.SimpleListFilter):
    """Those that wait, unless staff ask for the others."""

    title = both("状态", "state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(STATES.items())

    def choices(self, changelist: Any) -> Any:
        chosen = self.value() or "waiting"
        for name, title in self.lookup_choices:
            yield {
                "selected": name == chosen,
                "query_string": changelist.get_query_string({self.parameter_name: name}),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(enabled=self.value() != "dismissed")


@admin.register(Candidate)
class CandidateAdmin(ModelAdmin):
    """Rows come from turns only; accepted, a row is an example like any other."""

    form = CandidateForm
    action_form = CandidateActionForm
    list_display = ["text", "local", "model_says", "proposed", "mood", "created_at"]
    list_filter = [WaitingFilter, "intent", "language"]
    list_select_related = ["intent"]
    search_fields = ["text"]
    readonly_fields = ["local", "model_says", "asked", "turn", "created_at"]
    fields = ["text", "intent", "emotion", "enabled", *readonly_fields]
    actions = ["accept", "accept_as", "dismiss", "restore"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Candidate]:
        rows: models.QuerySet[Candidate] = super().get_queryset(request)
        return rows.filter(source=IntentExample.Source.CANDIDATE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_accept_permission(self, request: HttpRequest) -> bool:
        # What it becomes is an example: who may change those may accept it.
        return request.user.has_perm("prompts.change_intentexample")

    @admin.display(description=both("分类器说", "classifier says"))
    def local(self, row: Candidate) -> str:
        said = row.opinions.get("local") or []
        return ", ".join(f"{name} {as_percent(p, digits=0)}" for name, p in said) or str(NOTHING)

    @admin.display(description=both("模型说", "model says"))
    def model_says(self, row: Candidate) -> str:
        return ", ".join(row.opinions.get("model") or []) or str(NOTHING)

    @display(description=both("将作为", "becomes"), ordering="intent", label="info")  # type: ignore[untyped-decorator]
    def proposed(self, row: Candidate) -> str:
        return row.intent.name

    @admin.display(description=both("情绪", "mood"), ordering="emotion")
    def mood(self, row: Candidate) -> str:
        before = MOODS.get(row.opinions.get("local_emotion", ""), "")
        after = MOODS.get(row.emotion, row.emotion)
        return str(after) if not before or before == after else f"{before} → {after}"

    @admin.display(description=both("问了哪个模型", "asked"))
    def asked(self, row: Candidate) -> str:
        return str(row.opinions.get("endpoint", "")) or "—"

    @admin.display(description=both("出自", "said in"))
    def turn(self, row: Candidate) -> str:
        if not row.trace_id:
            return "—"
        url = reverse("admin:chat_turn_change", args=[row.trace_id])
        return format_html('<a href="{}">{}</a>', url, pick("打开这一轮", "open the turn"))

    @admin.action(description=both("接受", "Accept"), permissions=["accept"])
    def accept(self, request: HttpRequest, chosen: models.QuerySet[Candidate]) -> None:
        self.take(request, chosen)

    @admin.action(
        description=both("接受为所选意图", "Accept as the chosen intent"), permissions=["accept"]
    )
    def accept_as(self, request: HttpRequest, chosen: models.QuerySet[Candidate]) -> None:
        key = request.POST.get("intent", "")
        intent = Intent.objects.filter(pk=key).first() if key.isdecimal() else None
        if intent is None:
            messages.error(request, pick("请先选择意图。", "Choose an intent first."))
            return
        self.take(request, chosen, intent=intent)

    def take(
        self, request: HttpRequest, chosen: models.QuerySet[Candidate], **changes: Any
    ) -> None:
        count = chosen.update(
            source=IntentExample.Source.STAFF, enabled=True, trace_id="", **changes
        )
        messages.success(
            request,
            pick(
                f"接受了 {count} 条，下次训练起生效。",
                f"{count} accepted; they count from the next training on.",
            ),
        )

    @admin.action(description=both("忽略", "Dismiss"), permissions=["change"])
    def dismiss(self, request: HttpRequest, chosen: models.QuerySet[Candidate]) -> None:
        count = chosen.update(enabled=False)
        messages.success(
            request,
            pick(f"忽略了 {count} 条，不会再出现。", f"{count} dismissed; they do not come back."),
        )

    @admin.action(description=both("恢复为待确认", "Put back to waiting"), permissions=["change"])
    def restore(self, request: HttpRequest, chosen: models.QuerySet[Candidate]) -> None:
        count = chosen.update(enabled=True)
        messages.success(request, pick(f"恢复了 {count} 条。", f"{count} put back."))


def waiting() -> int:
    """How many wait to be judged."""
    return Candidate.objects.filter(source=IntentExample.Source.CANDIDATE, enabled=True).count()
