"""Evaluation sets and their cases in the admin."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin
from unfold.decorators import display

from prompts.admin import evaluation_pages
from prompts.admin.evaluation_words import HELP, LABELS, SOURCES, STATES, WORDS
from prompts.admin.lines import DialogueField, LineList, name_written
from prompts.admin.rows import ReadOnlyAdmin, RowPageAdmin
from prompts.admin.seen import SeenAdmin, SeenForm
from prompts.admin.wording import both, pick
from prompts.evaluation import reading
from prompts.models import EvalCase, EvalRun, EvalSet
from prompts.models.evaluation import CASE_CHARS
from prompts.redaction.spans import RedactionFailed


class CaseForm(SeenForm):
    """A case in which nobody's data is left."""

    history = DialogueField(rows=4)
    must_contain = LineList()
    must_not_contain = LineList()

    class Meta:
        labels = LABELS
        help_texts = HELP

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_written(self)

    def clean_history(self) -> Any:
        lines = self.cleaned_data["history"]
        if len(lines) > reading.LINES or any(len(text) > CASE_CHARS for _, text in lines):
            raise forms.ValidationError(
                pick(
                    f"最多 {reading.LINES} 句，每句最多 {CASE_CHARS} 字。",
                    f"At most {reading.LINES} lines of {CASE_CHARS} characters.",
                )
            )
        return lines

    def clean_slots(self) -> Any:
        return checked_texts(self.cleaned_data["slots"])

    def clean_tool_arguments(self) -> Any:
        return checked_texts(self.cleaned_data["tool_arguments"])

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        history, text = said.get("history"), said.get("text")
        if self.errors or history is None or not text:
            return said
        try:
            lines = reading.masked(
                [said.get("reference", ""), *(line for _, line in history), text],
                language=said.get("language", "zh"),
            )
        except RedactionFailed:
            self.add_error(
                "text",
                pick("无法检查隐私数据，请改短。", "It could not be examined: make it shorter."),
            )
            return said
        said["reference"], said["text"] = lines[0], lines[-1]
        said["history"] = [[role, t] for (role, _), t in zip(history, lines[1:], strict=False)]
        return said


def checked_texts(value: Any) -> Any:
    """An object of names and texts, empty where nothing was written. Raises ValidationError."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise forms.ValidationError(
            pick("要的是名称到文字的对象。", "An object of names and texts is wanted.")
        )
    return value


class SetForm(SeenForm):
    class Meta:
        labels = LABELS
        help_texts = HELP


class WithPages(ModelAdmin):
    """Gives pages that are plain functions their admin beside the request."""

    # The views by name; each page is about one row.
    pages: Mapping[str, Callable[..., HttpResponse]] = {}

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(self.with_admin(view)),
                name=f"prompts_{self.opts.model_name}_{name}",
            )
            for name, view in self.pages.items()
        ]
        return [*own, *super().get_urls()]

    def with_admin(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        def shown(request: HttpRequest, **parts: Any) -> HttpResponse:
            return view(request, self, **parts)

        return shown


@admin.register(EvalSet)
class EvalSetAdmin(SeenAdmin, WithPages):
    form = SetForm
    pages = {
        "run": evaluation_pages.start,
        "import": evaluation_pages.take_file,
        "export": evaluation_pages.export,
    }
    list_display = ["shown_title", "name", "case_count", "wanted", "last_run"]
    search_fields = ["name", "title"]
    change_form_outer_before_template = "admin/prompts/evalset/watch.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvalSet]:
        latest = EvalRun.objects.filter(set=OuterRef("pk")).order_by("-pk")
        found: QuerySet[EvalSet] = super().get_queryset(request)
        return found.annotate(
            counted=Count("cases", filter=Q(cases__enabled=True)),
            last_state=Subquery(latest.values("state")[:1]),
            last_passed=Subquery(latest.values("passed")[:1]),
            last_total=Subquery(latest.values("total")[:1]),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = evaluation_pages.set_context(request, self, row) if row else {}
        shown: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )
        return shown

    @admin.display(description=LABELS["title"], ordering="title")
    def shown_title(self, row: EvalSet) -> str:
        return row.title

    @admin.display(description=LABELS["threshold"], ordering="threshold")
    def wanted(self, row: EvalSet) -> str:
        return f"{row.threshold:g}"

    @admin.display(description=both("用例", "cases"), ordering="counted")
    def case_count(self, row: Any) -> int:
        count: int = row.counted
        return count

    @admin.display(description=both("上次评测", "last run"))
    def last_run(self, row: Any) -> str:
        if not row.last_state:
            return "—"
        if row.last_state == EvalRun.State.DONE:
            return f"{row.last_passed} / {row.last_total}"
        return str(STATES[row.last_state])


@admin.register(EvalCase)
class EvalCaseAdmin(SeenAdmin):
    form = CaseForm
    list_display = ["key", "of_set", "shown_text", "language", "origin", "marked", "enabled"]
    list_filter = ["set", "language", "source", "critical", "enabled"]
    list_select_related = ["set"]
    list_per_page = 50
    search_fields = ["key", "text"]
    show_full_result_count = False
    fieldsets = [
        (None, {"fields": ["set", "key", "language", "history", "text"]}),
        (
            both("检查", "Checks"),
            {
                "fields": [
                    "intent",
                    "emotion",
                    "slots",
                    "sop",
                    "must_contain",
                    "must_not_contain",
                    "max_chars",
                    "apology_first",
                    "no_personal_data",
                    "valid_json",
                    ("tool", "tool_arguments"),
                    "critical",
                    "enabled",
                ]
            },
        ),
        (both("裁判", "Judge"), {"fields": ["rubric", "reference"]}),
    ]

    @admin.display(description=LABELS["set"], ordering="set")
    def of_set(self, row: EvalCase) -> str:
        return str(row.set)

    @admin.display(description=both("来源", "source"), ordering="source")
    def origin(self, row: EvalCase) -> str:
        return str(SOURCES[row.source])

    @admin.display(description=both("顾客的话", "what the customer says"))
    def shown_text(self, row: EvalCase) -> str:
        return row.text if len(row.text) <= 40 else f"{row.text[:40]}…"

    @display(description=both("关键", "critical"), label="danger")  # type: ignore[untyped-decorator]
    def marked(self, row: EvalCase) -> str:
        return pick("关键", "critical") if row.critical else ""


@admin.register(EvalRun)
class EvalRunAdmin(RowPageAdmin, WithPages, ReadOnlyAdmin):
    pages = {
        "progress": evaluation_pages.progress,
        "cancel": evaluation_pages.cancel,
        "again": evaluation_pages.again,
    }
    list_display = ["__str__", "spoke", "stands", "share", "begun", "by"]
    list_filter = ["set", "state"]
    list_select_related = ["set", "created_by"]
    list_per_page = 50
    show_full_result_count = False

    def row_page(self, request: HttpRequest, row: EvalRun) -> HttpResponse:
        return evaluation_pages.run_page(request, self, row=row)

    @admin.display(description=WORDS["run_of"], ordering="subject")
    def spoke(self, row: EvalRun) -> str:
        return row.subject or str(WORDS["in_force"])

    @admin.display(description=WORDS["state"], ordering="state")
    def stands(self, row: EvalRun) -> str:
        return str(STATES[row.state])

    @admin.display(description=WORDS["passed"], ordering="passed")
    def share(self, row: EvalRun) -> str:
        return f"{row.passed} / {row.total}"

    @admin.display(description=WORDS["started"], ordering="created_at")
    def begun(self, row: EvalRun) -> Any:
        return row.created_at

    @admin.display(description=WORDS["by"], ordering="created_by")
    def by(self, row: EvalRun) -> str:
        return str(row.created_by or "—")
