"""Prompts, examples and SOPs: texts are versioned, SOPs searchable as soon as they are saved."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.admin import TabularInline

from prompts import versions
from prompts.admin.rows import AnnouncedAdmin, DefaultsStay
from prompts.admin.wording import in_chinese
from prompts.models import FewShotExample, Prompt, PromptVersion


class PromptVersionForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    """A text may only use variables it declares."""

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        prompt = fields.get("prompt")
        if prompt is None or self.errors:
            return fields
        said = {name: fields[name] for name in versions.WORDING_FIELDS if name in fields}
        for problem in versions.problems(PromptVersion(**said), prompt):
            message = problem.message_zh if in_chinese() else problem.message_en
            self.add_error(problem.field if problem.field in self.fields else None, message)
        return fields


@admin.register(PromptVersion)
class PromptVersionAdmin(AnnouncedAdmin):
    """Versions are added, never changed: what was said to customers stays explainable."""

    form = PromptVersionForm
    list_display = ["prompt", "number", "note", "created_at"]
    list_filter = ["prompt__purpose", "prompt__language"]
    list_select_related = ["prompt"]
    exclude = ["number"]
    autocomplete_fields = ["prompt"]
    search_fields = ["prompt__purpose", "note", "text"]

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: PromptVersion, form: Any, change: object
    ) -> None:
        """Numbers the new version. It is used once it is chosen as its prompt's current one."""
        # Locked, so that two editors who save at once get two numbers.
        Prompt.objects.select_for_update(no_key=True).get(pk=obj.prompt_id)
        last = PromptVersion.objects.filter(prompt=obj.prompt_id).order_by("-number").first()
        obj.number = last.number + 1 if last else 1
        obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)


class PromptVersionInline(TabularInline):
    """The history under its prompt, newest first."""

    model = PromptVersion
    fields = ["number", "text", "note", "created_at"]
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(Prompt)
class PromptAdmin(AnnouncedAdmin):
    list_display = ["title", "purpose", "language", "current"]
    list_filter = ["language"]
    list_select_related = ["current__prompt"]
    search_fields = ["purpose", "title"]
    inlines = [PromptVersionInline]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["purpose", "language"] if obj else []

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only a prompt's own versions can be its current one."""
        match = request.resolver_match
        pk = match.kwargs.get("object_id") if match else None
        if db_field.name == "current":
            kwargs["queryset"] = PromptVersion.objects.filter(prompt=pk).select_related("prompt")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(FewShotExample)
class FewShotExampleAdmin(DefaultsStay, AnnouncedAdmin):
    list_display = ["key", "language", "intent", "emotion", "enabled"]
    list_filter = ["language", "intent", "emotion", "enabled"]
    search_fields = ["key", "intent"]
