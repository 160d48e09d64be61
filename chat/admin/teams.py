"""The admin of teams and of the replies kept ready."""

from typing import Any

from django import forms
from django.contrib import admin
from unfold.admin import ModelAdmin

from chat.actions.canned import tidied
from chat.models import CannedReply, Team
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
    filter_horizontal = ["agents"]
    search_fields = ["name"]
