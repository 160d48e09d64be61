"""Prompts in the admin: the studio where a draft is written, compared and published, and the list of versions."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, F, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from prompts.admin import differences, holding, playing, studio
from prompts.admin.rows import AnnouncedAdmin, ReadOnlyAdmin, RowPageAdmin
from prompts.admin.studio_words import WORDS
from prompts.admin.wording import both
from prompts.models import Prompt, PromptVersion

# What is edited most stands first; sentences for rare moments follow by name.
FIRST = ["answer", "draft", "analyse", "resume", "summary", "brief", "dispatch"]


@admin.register(Prompt)
class PromptAdmin(RowPageAdmin, AnnouncedAdmin):
    """A prompt's page is its studio; only its purpose, language and title are a form, and only once."""

    words = WORDS
    list_display = ["title", "purpose", "language", "in_force", "drafted"]
    list_filter = ["purpose", "language"]
    list_select_related = ["current", "draft__updated_by"]
    list_before_template = "admin/prompts/prompt/tools.html"
    search_fields = ["purpose", "title"]
    fields = ["purpose", "language", "title"]

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        places = [When(purpose=name, then=Value(at)) for at, name in enumerate(FIRST)]
        return [Case(*places, default=Value(len(FIRST))), "purpose", F("language").desc()]

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "diff": ("<int:pk>/diff/", differences.page),
            "hold": ("<int:pk>/hold/", holding.hold),
            "playground": ("playground/", playing.page),
            "ask": ("playground/ask/", playing.ask),
        }
        own = [
            path(
                place,
                self.admin_site.admin_view(self.with_admin(view)),
                name=f"prompts_prompt_{name}",
            )
            for name, (place, view) in pages.items()
        ]
        return [*own, *super().get_urls()]

    def with_admin(self, view: Any) -> Any:
        """The view, given this admin beside the request."""

        def shown(request: HttpRequest, **parts: Any) -> HttpResponse:
            answer: HttpResponse = view(request, self, **parts)
            return answer

        return shown

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def row_page(self, request: HttpRequest, row: Prompt) -> HttpResponse:
        return studio.page(request, self, prompt=row)

    def response_post_save_add(self, request: HttpRequest, obj: Prompt) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:prompts_prompt_change", args=[obj.pk]))

    @admin.display(description=both("生效版本", "in force"))
    def in_force(self, prompt: Prompt) -> str:
        return f"v{prompt.current.number}" if prompt.current else "—"

    @display(description=both("草稿", "draft"), label="warning")  # type: ignore[untyped-decorator]
    def drafted(self, prompt: Prompt) -> str:
        draft = getattr(prompt, "draft", None)
        return str(draft.updated_by or "✎") if draft else ""


@admin.register(PromptVersion)
class PromptVersionAdmin(RowPageAdmin, ReadOnlyAdmin):
    """Versions come from drafts and are never changed: what was said to customers stays explainable."""

    list_display = ["label", "in_force", "note", "created_by", "created_at"]
    list_filter = ["prompt__purpose", "prompt__language"]
    list_select_related = ["prompt__current", "created_by"]
    search_fields = ["prompt__purpose", "prompt__title", "note", "text", "persona", "rules"]
    list_per_page = 50
    show_full_result_count = False

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<int:pk>/publish/",
            self.admin_site.admin_view(self.publish),
            name="prompts_promptversion_publish",
        )
        acts = {"ask": holding.ask, "agree": holding.agree}
        others = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(partial(act, model_admin=self)),
                name=f"prompts_promptversion_{name}",
            )
            for name, act in acts.items()
        ]
        return [own, *others, *super().get_urls()]

    def row_page(self, request: HttpRequest, row: PromptVersion) -> HttpResponse:
        return studio.version_page(request, self, version=row)

    def publish(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Lets a version speak; so one goes back as well."""
        if request.method != "POST" or not may_publish(request):
            raise PermissionDenied
        studio.publish(request, self, pk=pk)
        return redirect("admin:prompts_promptversion_change", pk)

    @admin.display(description=both("版本", "version"), ordering="number")
    def label(self, version: PromptVersion) -> str:
        return str(version)

    @display(description=both("生效", "in force"), label="success")  # type: ignore[untyped-decorator]
    def in_force(self, version: PromptVersion) -> str:
        return str(WORDS["current"]) if version.prompt.current_id == version.pk else ""


def may_publish(request: HttpRequest) -> bool:
    return request.user.has_perm("prompts.publish_release")
