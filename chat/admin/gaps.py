"""The learning loop in the admin: what nobody could answer, and what becomes of it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.decorators import display

from chat.admin import gap_pages as pages
from chat.admin.gap_words import COLOURS, STATES, WORDS
from chat.admin.rows import ReadOnly
from chat.models import Gap
from prompts.admin.rows import RowPageAdmin
from prompts.admin.wording import both


@admin.register(Gap)
class GapAdmin(ReadOnly, RowPageAdmin):
    """A gap's page is where it is closed; its rows are written by searches alone."""

    list_display = ["title", "language", "intent", "size", "conversations", "saves", "shown_state"]
    list_filter = ["state", "language", "intent"]
    list_before_template = "admin/chat/gap/search.html"
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["title", "intent"]

    def get_urls(self) -> list[URLPattern]:
        views = {
            "search": ("search/", pages.start),
            "progress": ("search/<int:pk>/progress/", pages.progress),
            "again": ("search/<int:pk>/again/", pages.again),
        }
        own = [
            path(place, self.admin_site.admin_view(self.with_admin(view)), name=f"chat_gap_{name}")
            for name, (place, view) in views.items()
        ]
        return [*own, *super().get_urls()]

    def with_admin(self, view: Any) -> Any:
        """The view, given this admin beside the request."""

        def shown(request: HttpRequest, **parts: Any) -> HttpResponse:
            answer: HttpResponse = view(request, self, **parts)
            return answer

        return shown

    def get_queryset(self, request: HttpRequest) -> QuerySet[Gap]:
        found: QuerySet[Gap] = super().get_queryset(request)
        return found.defer("questions", "answers")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = pages.list_context(request)
        shown: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **context})
        return shown

    def row_page(self, request: HttpRequest, row: Gap) -> HttpResponse:
        return pages.gap_page(request, self, gap=row)

    @admin.display(description=WORDS["takeovers"], ordering="takeovers")
    def saves(self, gap: Gap) -> int:
        return gap.takeovers

    @display(description=both("状态", "state"), ordering="state", label=COLOURS)  # type: ignore[untyped-decorator]
    def shown_state(self, gap: Gap) -> tuple[str, Any]:
        return gap.state, STATES[gap.state]
