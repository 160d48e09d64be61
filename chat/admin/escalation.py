"""The admin of escalation: when a person takes over, and every wait for one with its reasons."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextareaWidget

from chat.escalation.decide import DEFAULT_POINTS, DEFAULT_RESTRICTED, Action, Reason
from chat.models import Escalation, EscalationPolicy
from prompts.admin.rows import AnnouncedAdmin, ReadOnlyAdmin
from prompts.admin.wording import both, pick

ONLY_ROW = 1
POINTS_MOST = 10.0
REASONS = {
    Reason.ASKED: both("要求人工", "asked for a person"),
    Reason.TRANSFERRED: both("转交给团队", "passed to a team"),
    Reason.AGENT_GONE: both("坐席掉线", "the agent was gone"),
    Reason.PROMISED: both("许诺了没办的事", "promised what nobody has done"),
    Reason.RECEPTION: both("接待方式", "how the inbox receives"),
    Reason.RESTRICTED: both("只由人工处理的话题", "a topic kept to people"),
    Reason.AMOUNT: both("退款金额超限", "money back above the limit"),
    Reason.FURIOUS: both("非常生气", "furious"),
    Reason.DISPLEASED: both("不满", "displeased"),
    Reason.LASTING: both("持续不满", "displeased for some time"),
    Reason.WORSENING: both("情绪变差", "mood gets worse"),
    Reason.IRONIC: both("反话", "irony"),
    Reason.REPEATED: both("重复提问", "the same question again"),
    Reason.FAILED: both("没答上来（每次）", "an answer that was none (each)"),
    Reason.CONFUSED: both("听不懂（第二句起，每句）", "not understood (each from the second)"),
    Reason.NO_KNOWLEDGE: both("资料里没有", "nothing known about it"),
    Reason.TOOL_FAILED: both("工具失败", "a tool failed"),
    Reason.MODEL_FAILED: both("模型失败", "the models failed"),
    Reason.BUDGET: both("预算用完", "the budget is spent"),
    Reason.VIP: both("VIP（只在有其他原因时计）", "a VIP (beside another reason)"),
}
ACTIONS = {
    Action.ANSWER: both("小助手回答", "the bot answers"),
    Action.OFFER: both("回答并提供人工", "the bot answers and offers a person"),
    Action.HAND_OVER: both("转人工", "to a person"),
}
LABELS = {
    "hand_over_at": both("达到多少分转人工", "Points that call a person"),
    "offer_at": both("达到多少分提供人工", "Points that offer a person"),
    "furious_from": both(
        "「非常生气」的把握（0 到 1）", "How sure of the bad mood is furious (0 to 1)"
    ),
    "amount_limit": both("退款金额上限", "Limit of money back"),
    "restricted": both("只由人工处理的词", "Words kept to people"),
}
HELP = {
    "amount_limit": both("超过就转人工；0 表示不限", "Above it a person is called; 0: no limit"),
    "restricted": both(
        "每行一个，出现就转人工。清空则恢复默认。",
        "One a line; a message that has one goes to a person. Emptied, the defaults come back.",
    ),
}


def points_field(reason: Reason) -> forms.FloatField:
    return forms.FloatField(
        label=REASONS[reason],
        min_value=0.0,
        max_value=POINTS_MOST,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.1"}),
    )


POINT_FIELDS = [f"points_{name}" for name in DEFAULT_POINTS]
# Three beside each other.
ROWS_OF_POINTS = [tuple(POINT_FIELDS[at : at + 3]) for at in range(0, len(POINT_FIELDS), 3)]
# A class statement cannot have a field for each reason, so that none is forgotten.
PointsForm: Any = type(
    "PointsForm",
    (forms.ModelForm,),
    {f"points_{name}": points_field(Reason(name)) for name in DEFAULT_POINTS},
)


class PolicyForm(PointsForm):
    """Thresholds and words, and a number for the points of each reason that adds up."""

    class Meta:
        model = EscalationPolicy
        fields = ["hand_over_at", "offer_at", "furious_from", "amount_limit", "restricted"]
        labels = LABELS
        help_texts = HELP
        widgets = {"restricted": UnfoldAdminTextareaWidget(attrs={"rows": 12})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        points = DEFAULT_POINTS | self.instance.points
        for name in POINT_FIELDS:
            self.fields[name].initial = points[name.removeprefix("points_")]
        if not self.instance.restricted:
            self.initial["restricted"] = "\n".join(DEFAULT_RESTRICTED)
        for name in ("hand_over_at", "offer_at", "furious_from"):
            self.fields[name].min_value = 0.0

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        if self.errors:
            return fields
        if not 0 < fields["offer_at"] <= fields["hand_over_at"]:
            self.add_error(
                "offer_at",
                pick(
                    "应大于 0，且不高于「转人工」的分数。",
                    "Must be above 0 and not above the points that call a person.",
                ),
            )
        if not 0 < fields["furious_from"] <= 1:
            self.add_error("furious_from", pick("应在 0 和 1 之间。", "Must be between 0 and 1."))
        if fields["amount_limit"] < 0:
            self.add_error("amount_limit", pick("不能是负数。", "Must not be negative."))
        return fields

    def clean_restricted(self) -> str:
        """The words, nothing where they are those that ship: then later defaults hold as well."""
        lines = (line.strip() for line in self.cleaned_data["restricted"].splitlines())
        words = [line for line in lines if line]
        return "" if words == list(DEFAULT_RESTRICTED) else "\n".join(words)

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002  # as Django calls it
        given = {name.removeprefix("points_"): self.cleaned_data[name] for name in POINT_FIELDS}
        self.instance.points = {k: v for k, v in given.items() if v != DEFAULT_POINTS[k]}
        return super().save(commit)


@admin.register(EscalationPolicy)
class EscalationPolicyAdmin(AnnouncedAdmin):
    """The one row; its list leads to it."""

    form = PolicyForm
    fieldsets = [
        (both("何时", "When"), {"fields": ["hand_over_at", "offer_at", "furious_from"]}),
        (both("直接转人工", "To a person at once"), {"fields": ["restricted", "amount_limit"]}),
        (both("每个原因的分数", "Points of each reason"), {"fields": ROWS_OF_POINTS}),
    ]  # fmt: skip

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        # The factory knows the row's own fields only; the points come with the form.
        kwargs["fields"] = PolicyForm.Meta.fields
        return super().get_form(request, obj, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        EscalationPolicy.objects.get_or_create(pk=ONLY_ROW)
        return redirect(reverse("admin:chat_escalationpolicy_change", args=[ONLY_ROW]))


@admin.register(Escalation)
class EscalationAdmin(ReadOnlyAdmin):
    """Every wait for a person."""

    list_display = ["opened_at", "why", "end", "agent", "waited", "conversation"]
    list_filter = ["end", "opened_at"]
    list_select_related = ["agent", "conversation"]
    ordering = ["-opened_at"]
    show_full_result_count = False
    fields = ["conversation", "opened_at", "why", "end", "agent", "ended_at", "waited"]

    @admin.display(description=both("原因", "Reasons"))
    def why(self, row: Escalation) -> str:
        return reasons_text(row.reasons)

    @admin.display(description=both("等待", "Waited"))
    def waited(self, row: Escalation) -> str:
        if row.ended_at is None:
            return "—"
        seconds = round((row.ended_at - row.opened_at).total_seconds())
        return f"{seconds // 60}:{seconds % 60:02d}"


def reasons_text(reasons: list[dict[str, Any]]) -> str:
    """The stored reasons as staff read them: "非常生气 0.7, 持续不满 0.4"."""
    names: dict[str, Any] = {reason.value: name for reason, name in REASONS.items()}
    listed = ", ".join(
        f"{names.get(each['code'], each['code'])} {each['points']:g}" for each in reasons
    )
    return listed or "—"


def explain(verdict: Any) -> dict[str, Any]:
    """What a turn's page shows of its verdict; empty for a turn without one."""
    if not isinstance(verdict, dict):
        return {}
    return {
        "action": ACTIONS[Action(verdict["action"])],
        "score": f"{verdict['score']:g}",
        "reasons": reasons_text(verdict["reasons"]),
        "called": verdict["action"] == Action.HAND_OVER,
    }
