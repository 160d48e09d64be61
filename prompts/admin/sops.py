"""SOPs in the admin: searchable as soon as they are saved, edited in bulk, watched for their times."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.forms import ActionForm

from prompts import retrieval, snapshot, transfer
from prompts.admin import sop_files, sop_pages, sops_heard
from prompts.admin.rows import AnnouncedAdmin, DefaultsStay
from prompts.admin.seen import SeenAdmin
from prompts.admin.sop_form import SopForm, WordingForm
from prompts.admin.sop_list import SopChangeList, holding
from prompts.admin.wording import both, pick
from prompts.models import Sop, SopQuestion

SOON_DAYS = 14
STATES = {
    "off": both("停用", "off"),
    "early": both("未生效", "not yet"),
    "over": both("已过期", "expired"),
    "soon": both("即将过期", "expires soon"),
    "on": both("生效中", "in force"),
}


class SopQuestionInline(TabularInline):
    model = SopQuestion
    form = WordingForm
    fields = ["text"]
    extra = 1


class TimeFilter(admin.SimpleListFilter):
    """By whether an SOP is in force now, will be over soon, or waits for its review."""

    title = both("有效期", "time")
    parameter_name = "time"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        waiting = ("review", both("该复核了", "due for review"))
        return [*((name, text) for name, text in STATES.items() if name != "off"), waiting]

    def queryset(self, request: HttpRequest, rows: models.QuerySet[Sop]) -> models.QuerySet[Sop]:
        now = timezone.now()
        wanted = {
            "early": models.Q(valid_from__gt=now),
            "over": models.Q(valid_to__lte=now),
            "soon": models.Q(valid_to__gt=now, valid_to__lte=now + timedelta(days=SOON_DAYS)),
            "on": models.Q(enabled=True)
            & (models.Q(valid_from=None) | models.Q(valid_from__lte=now))
            & (models.Q(valid_to=None) | models.Q(valid_to__gt=now)),
            "review": models.Q(review_on__lte=timezone.localdate()),
        }.get(self.value() or "")
        return rows.filter(wanted) if wanted is not None else rows


class BulkForm(ActionForm):
    """What the bulk edits set."""

    value = forms.CharField(
        required=False,
        max_length=40,
        label=both("新值", "New value"),
        widget=forms.TextInput(
            attrs={
                "class": "yd-bulk",
                "placeholder": both("分类 / 意图 / 日期", "category, intent or date"),
            }
        ),
    )


@admin.register(Sop)
class SopAdmin(SeenAdmin, DefaultsStay, AnnouncedAdmin):
    form = SopForm
    list_display = [
        "title",
        "language",
        "category",
        "intent",
        "state",
        "paired",
        "owner",
        "updated_at",
    ]
    list_filter = ["language", TimeFilter, "enabled", "category", "intent"]
    list_select_related = ["owner"]
    list_before_template = "admin/prompts/sop/tools.html"
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["key"]  # that there is a field; what it looks at says `holding`
    autocomplete_fields = ["owner"]
    inlines = [SopQuestionInline]
    actions = [
        "enable",
        "disable",
        "set_category",
        "set_intent",
        "set_valid_to",
        "set_review",
        "export_csv",
        "export_xlsx",
    ]
    action_form = BulkForm
    fieldsets = [
        (
            None,
            {"fields": ["title", ("key", "language"), ("category", "intent"), "answer", "enabled"]},
        ),
        (both("办理", "Handling"), {"fields": ["steps", "required_slots", "tool"]}),
        (both("适用范围", "Scope"), {"fields": ["shops", "skus", "channels"]}),
        (
            both("有效期与责任", "Time and owner"),
            {"fields": ["valid_from", "valid_to", ("owner", "review_on")]},
        ),
    ]

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "import": ("import/", sop_files.upload_page),
            "import_job": ("import/<int:pk>/", sop_files.job_page),
            "import_progress": ("import/<int:pk>/progress/", sop_files.progress),
            "import_apply": ("import/<int:pk>/apply/", sop_files.apply),
            "import_again": ("import/<int:pk>/again/", sop_files.again),
            "export": ("export/<str:kind>/", sop_files.export),
            "retrieval": ("retrieval/", sop_pages.retrieval_page),
            "coverage": ("coverage/", sop_pages.coverage_page),
            "heard": ("heard/", sops_heard.page),
        }
        own = [
            path(
                place, self.admin_site.admin_view(self.with_admin(view)), name=f"prompts_sop_{name}"
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

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        words = {"t": sop_pages.LIST_WORDS, "kinds": list(transfer.FORMATS)}
        context = {**words, **sops_heard.banner()}
        shown: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **context})
        return shown

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SopChangeList]:
        return SopChangeList

    def get_search_results(self, request: HttpRequest, rows: Any, term: str) -> tuple[Any, bool]:
        return holding(rows, term), False

    @display(  # type: ignore[untyped-decorator]
        description=both("状态", "state"),
        label={"on": "success", "soon": "warning", "early": "info", "over": "danger"},
    )
    def state(self, sop: Sop) -> tuple[str, Any]:
        name = state_of(sop)
        return name, STATES[name]

    @admin.display(description=both("另一语言", "other language"))
    def paired(self, sop: Any) -> str:
        if sop.pair_updated_at is None:
            return pick("缺", "missing")
        older = sop.pair_updated_at < sop.updated_at - timedelta(days=1)
        return pick("可能过时", "may be stale") if older else pick("有", "there")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: object) -> None:
        super().save_related(request, form, formsets, change)
        retrieval.index_sop(form.instance)

    @admin.action(description=both("启用所选", "Enable selected"), permissions=["change"])
    def enable(self, request: HttpRequest, chosen: models.QuerySet[Sop]) -> None:
        self.set_all(request, chosen, enabled=True)

    @admin.action(description=both("停用所选", "Disable selected"), permissions=["change"])
    def disable(self, request: HttpRequest, chosen: models.QuerySet[Sop]) -> None:
        self.set_all(request, chosen, enabled=False)

    @admin.action(
        description=both("改分类为新值", "Set category to the new value"), permissions=["change"]
    )
    def set_category(self, request: HttpRequest, chosen: models.QuerySet[Sop]) -> None:
        self.set_word(request, chosen, "category")

    @admin.action(
        description=both("改意图为新值", "Set intent to the new value"), permissions=["change"]
    )
    def set_intent(self, request: HttpRequest, chosen: models.QuerySet[Sop]) -> None:
        self.set_word(request, chosen, "intent")

    @admin.action(
        description=both("改失效日期为新值", "Set the last day to the new value"),
        permissions=["change"],
    )
    def set_valid_to(self, request: HttpRequest, chosen: models.QuerySet[Sop]) -> None:
        self.set_day(request, chosen, "valid_to")

    @admin.action(
        description=both("改复核日期为新值", "Set the review day to the new value"),
        permissions=["change"],
    )
    def set_review(self, request: HttpRequest, chosen: models.QuerySet[Sop]) -> None:
        self.set_day(request, chosen, "review_on")

    @admin.action(
        description=both("导出所选为 CSV", "Export selected as CSV"), permissions=["view"]
    )
    def export_csv(self, request: HttpRequest, chosen: models.QuerySet[Sop]) -> HttpResponse:
        return sop_files.as_file(chosen, kind="csv")

    @admin.action(
        description=both("导出所选为 XLSX", "Export selected as XLSX"), permissions=["view"]
    )
    def export_xlsx(self, request: HttpRequest, chosen: models.QuerySet[Sop]) -> HttpResponse:
        return sop_files.as_file(chosen, kind="xlsx")

    def set_word(self, request: HttpRequest, chosen: models.QuerySet[Sop], field: str) -> None:
        value = request.POST.get("value", "").strip()
        if not value or any(map(str.isspace, value)):
            messages.error(
                request,
                pick("请先填写新值，不含空格。", "Write the new value first, without blanks."),
            )
            return
        self.set_all(request, chosen, **{field: value})

    def set_day(self, request: HttpRequest, chosen: models.QuerySet[Sop], field: str) -> None:
        try:
            self.set_all(
                request, chosen, **{field: sop_pages.as_day(request.POST.get("value", ""), field)}
            )
        except ValueError:
            messages.error(
                request,
                pick(
                    "请填写日期，如 2026-12-31；留空则清除。",
                    "Write a day as 2026-12-31, or nothing to clear it.",
                ),
            )

    def set_all(self, request: HttpRequest, chosen: models.QuerySet[Sop], **values: Any) -> None:
        """One statement for all that were chosen; a time that ends before it begins stays as it was."""
        rows = Sop.objects.filter(pk__in=chosen.values("pk"))
        if values.get("valid_to"):
            rows = rows.filter(
                models.Q(valid_from=None) | models.Q(valid_from__lt=values["valid_to"])
            )
        count = rows.update(**values, updated_at=timezone.now())
        snapshot.announce()
        messages.success(request, pick(f"已修改 {count} 条。", f"{count} changed."))


def state_of(sop: Sop) -> str:
    """A key of STATES."""
    now = timezone.now()
    if not sop.enabled:
        return "off"
    if sop.valid_from and sop.valid_from > now:
        return "early"
    if sop.valid_to and sop.valid_to <= now:
        return "over"
    return "soon" if sop.valid_to and sop.valid_to <= now + timedelta(days=SOON_DAYS) else "on"
