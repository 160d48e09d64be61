"""Few-shot examples in the admin: personal data is masked before they are kept, and each shows what came of it."""

import json
import secrets
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from prompts import snapshot
from prompts.admin.lines import DialogueField, LineList, name_written
from prompts.admin.rows import AnnouncedAdmin, DefaultsStay, containing
from prompts.admin.seen import SeenAdmin, SeenForm
from prompts.admin.wording import as_percent, both, pick
from prompts.models import FewShotExample
from prompts.redaction import engine
from prompts.redaction.engine import Language
from prompts.redaction.placeholders import Placeholders
from prompts.redaction.spans import RedactionFailed

LINES, LINE_CHARS = 20, 1000
SOURCES = {
    "default": both("出厂", "shipped"),
    "hand": both("手写", "by hand"),
    "conversation": both("来自会话", "from a conversation"),
}


class ExampleForm(SeenForm):
    """A dialogue of a customer and the bot, in which nobody's data is left."""

    messages = DialogueField(rows=6, required=True)
    tags = LineList(longest=40, rows=2)

    class Meta:
        labels = {
            "key": both("编号", "Key"),
            "language": both("语言", "Language"),
            "intent": both("意图", "Intent"),
            "emotion": both("情绪", "Mood"),
            "messages": both("对话", "Dialogue"),
            "tags": both("标签", "Tags"),
            "source": both("来源", "Source"),
            "enabled": both("启用", "Enabled"),
        }
        help_texts = {
            "messages": both(
                "每句一行，「顾客：」或「客服：」开头，顾客先说；保存时自动脱敏",
                "A line each, beginning with “Customer:” or “Bot:”, the customer first; personal data is masked when it is saved",
            ),
            "tags": both("每行一个，如 安抚", "One a line, as soothing"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_written(self)

    def clean_messages(self) -> Any:
        lines = self.cleaned_data["messages"]
        if not is_dialogue(lines):
            raise forms.ValidationError(
                pick(
                    f"要的是 2 到 {LINES} 句对话，每句最多 {LINE_CHARS} 字，第一句是顾客的。",
                    f"2 to {LINES} lines of at most {LINE_CHARS} characters are wanted; the customer's is first.",
                )
            )
        book = Placeholders(secrets.token_bytes(16))
        language: Language = "en" if self.data.get("language") == "en" else "zh"
        try:
            return [
                {"role": role, "text": engine.mask(text, language=language, book=book).text}
                for role, text in lines
            ]
        except RedactionFailed:
            raise forms.ValidationError(
                pick(
                    "这段对话无法检查隐私数据，请改短。",
                    "The dialogue could not be examined for personal data: make it shorter.",
                )
            ) from None


def is_dialogue(lines: Sequence[tuple[str, str]]) -> bool:
    return (
        2 <= len(lines) <= LINES
        and all(len(text) <= LINE_CHARS for _, text in lines)
        and lines[0][0] == "visitor"
    )


@admin.register(FewShotExample)
class FewShotExampleAdmin(SeenAdmin, DefaultsStay, AnnouncedAdmin):
    form = ExampleForm
    list_display = ["key", "language", "intent", "emotion", "origin", "shown", "good", "enabled"]
    list_filter = ["language", "intent", "emotion", "source", "enabled"]
    list_select_related = ["use"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["key"]
    fields = [
        "key",
        ("language", "intent", "emotion"),
        "messages",
        "tags",
        "source",
        "enabled",
        "masked",
    ]
    readonly_fields = ["masked"]
    actions = ["enable", "disable"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What the address fills in, the dialogue as JSON among it."""
        filled: dict[str, Any] = super().get_changeform_initial_data(request)
        try:
            filled["messages"] = json.loads(filled.get("messages") or "[]")
        except ValueError:
            filled.pop("messages")
        return filled

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST":
            engine.warm()  # before the transaction, which would wait for it
        return super().changeform_view(request, *args, **kwargs)

    def get_search_results(self, request: HttpRequest, rows: Any, term: str) -> tuple[Any, bool]:
        """By key, intent, and what is said in it."""
        if not term.strip():
            return rows, False
        texts = rows.annotate(said=Cast("messages", models.TextField()))
        places = [(f"{name}__{containing(term)}", term) for name in ("key", "intent", "said")]
        return texts.filter(models.Q(*places, _connector=models.Q.OR)), False

    @display(  # type: ignore[untyped-decorator]
        description=both("来源", "source"),
        ordering="source",
        label={"conversation": "info", "hand": "success", "default": None},
    )
    def origin(self, example: FewShotExample) -> tuple[str, Any]:
        return example.source, SOURCES.get(example.source, example.source)

    @admin.display(description=both("两周内用过", "shown in 14 days"), ordering="use__shown")
    def shown(self, example: FewShotExample) -> int:
        use = getattr(example, "use", None)
        return use.shown if use else 0

    @admin.display(description=both("好回答", "good answers"), ordering="use__good")
    def good(self, example: FewShotExample) -> str:
        use = getattr(example, "use", None)
        return as_percent(use.good / use.shown if use and use.shown else None, digits=0)

    def save_model(
        self, request: HttpRequest, obj: FewShotExample, form: Any, change: object
    ) -> None:
        obj.masked = True
        super().save_model(request, obj, form, change)

    @admin.action(description=both("启用所选", "Enable selected"), permissions=["change"])
    def enable(self, request: HttpRequest, chosen: models.QuerySet[FewShotExample]) -> None:
        self.switch(request, chosen, enabled=True)

    @admin.action(description=both("停用所选", "Disable selected"), permissions=["change"])
    def disable(self, request: HttpRequest, chosen: models.QuerySet[FewShotExample]) -> None:
        self.switch(request, chosen, enabled=False)

    def switch(
        self, request: HttpRequest, chosen: models.QuerySet[FewShotExample], *, enabled: bool
    ) -> None:
        rows = FewShotExample.objects.filter(pk__in=chosen.values("pk"))
        count = rows.update(enabled=enabled, updated_at=timezone.now())
        snapshot.announce()
        messages.success(request, pick(f"已修改 {count} 条。", f"{count} changed."))
