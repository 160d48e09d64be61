"""The admin of teams, skills, how the queue is given out, and of the replies kept ready."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from chat.actions.canned import tidied
from chat.models import CannedReply, IntakePolicy, Skill, Team
from prompts.admin.lines import LineList, name_written
from prompts.admin.rows import AnnouncedAdmin
from prompts.admin.wording import both, pick

LABELS = {
    "folder": both("文件夹", "Folder"),
    "title": both("标题", "Title"),
    "text": both("内容", "Text"),
    "agent": both("属于坐席", "Of this agent"),
    "team": both("属于团队", "Of this team"),
}
HELP = {
    "folder": both("用 / 分级，如 售后/退货", "Levels by /, as after-sales/returns"),
    "text": both(
        "可用 {{customer}}、{{order}}、{{agent}}、{{shop}}",
        "{{customer}}, {{order}}, {{agent}} and {{shop}} are filled in",
    ),
    "agent": both("坐席和团队都留空时，所有人可用", "Neither agent nor team: everybody may use it"),
}


class CannedReplyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    class Meta:
        model = CannedReply
        fields = ["folder", "title", "text", "agent", "team"]
        labels = LABELS
        help_texts = HELP

    def clean_folder(self) -> str:
        return tidied(self.cleaned_data["folder"])

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("agent") and found.get("team"):
            self.add_error(
                "team", pick("坐席和团队只能选一个。", "Choose an agent or a team, not both.")
            )
        return found


@admin.register(CannedReply)
class CannedReplyAdmin(ModelAdmin):
    form = CannedReplyForm
    list_display = ["title", "folder", "agent", "team"]
    list_filter = ["team", "folder"]
    list_select_related = ["agent", "team"]
    search_fields = ["title", "folder", "text"]
    ordering = ["folder", "title"]


@admin.register(Team)
class TeamAdmin(ModelAdmin):
    list_display = ["name"]
    autocomplete_fields = ["agents"]
    search_fields = ["name"]


class SkillForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    intents = LineList(most=50, longest=40)

    class Meta:
        model = Skill
        fields = ["name", "inbox", "intents", "agents"]
        labels = {"intents": both("意图", "Intents")}
        help_texts = {
            "intents": both(
                "每行一个，如 refund；留空表示不看意图",
                "One a line, as refund; empty: whatever the intent",
            )
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_written(self)


@admin.register(Skill)
class SkillAdmin(ModelAdmin):
    form = SkillForm
    list_display = ["name", "inbox", "about"]
    list_select_related = ["inbox"]
    autocomplete_fields = ["agents"]

    @admin.display(description=both("意图", "intents"))
    def about(self, skill: Skill) -> str:
        return ", ".join(skill.intents) or "—"


INTAKE_LABELS = {
    "mode": both("分配方式（pull 自行接入，push 自动派单）", "How (pull: agents take them; push: they are given)"),
    "paused": both("暂停进线", "Intake paused"),
    "ring_seconds": both("振铃多久算未接（秒）", "Seconds until the next agent is asked"),
    "misses_most": both("连续几次未接就设为离开", "Misses in a row that mean away"),
    "affinity": both("老顾客优先派给上次的坐席", "Customers who return go to the agent they know"),
    "over_capacity": both("转交可以超过对方的接待上限", "A transfer may exceed what an agent can take"),
}  # fmt: skip


class IntakeForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    class Meta:
        model = IntakePolicy
        fields = list(INTAKE_LABELS)
        labels = INTAKE_LABELS


@admin.register(IntakePolicy)
class IntakePolicyAdmin(AnnouncedAdmin):
    """One row, which is there as soon as somebody looks for it."""

    form = IntakeForm

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list of one row is that row."""
        IntakePolicy.objects.get_or_create(pk=1)
        return redirect(reverse("admin:chat_intakepolicy_change", args=[1]))
