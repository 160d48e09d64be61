"""The audit in the admin: who changed what and when, by object, person and time, field by field."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from unfold.decorators import display

from prompts import worddiff
from prompts.admin.audit_words import ACTS, COLOURS, DAYS, WORDS
from prompts.admin.rows import ReadOnlyAdmin, RowPageAdmin
from prompts.admin.wording import pick
from prompts.bilingual import in_chinese
from prompts.bundle import masking
from prompts.field_words import FIELDS
from prompts.models import AuditEntry
from prompts.redaction.spans import RedactionFailed

AUDITED = (
    "prompts.prompt", "prompts.promptversion", "prompts.promptdraft", "prompts.fewshotexample", "prompts.sop",
    "prompts.evalset", "prompts.evalcase", "prompts.release", "prompts.canary", "prompts.routepolicy",
    "prompts.modelendpoint", "prompts.loadpolicy", "prompts.intent", "chat.inbox", "chat.tool",
    "chat.escalationpolicy", "chat.webhookendpoint", "auth.user", "auth.group",
)  # fmt: skip
SUMMARY_FIELDS, TOGETHER_SHOWN = 4, 20
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


def readable(request: HttpRequest) -> list[str]:
    """The kinds of rows whose changes the user may see: those they may look at."""
    return [name for name in AUDITED if request.user.has_perm("{}.view_{}".format(*name.split(".")))]  # fmt: skip


def kind(name: str) -> str:
    """What a kind of row is called in the language of the request."""
    try:
        return str(apps.get_model(name)._meta.verbose_name)
    except LookupError:
        return name


class KindFilter(admin.SimpleListFilter):
    title = WORDS["kind"]
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, kind(name)) for name in readable(request)]

    def queryset(self, request: HttpRequest, rows: Any) -> Any:
        return rows.filter(model=self.value()) if self.value() else rows


class TimeFilter(admin.SimpleListFilter):
    title = WORDS["when"]
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(days), text) for days, text in DAYS.items()]

    def queryset(self, request: HttpRequest, rows: Any) -> Any:
        given = self.value() or ""
        known = given.isdecimal() and int(given) in DAYS
        return rows.filter(at__gte=timezone.now() - timedelta(days=int(given))) if known else rows


class PersonFilter(admin.SimpleListFilter):
    """By who did it: those who did something lately, and the platform itself."""

    title = WORDS["who"]
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        latest = AuditEntry.objects.order_by("-pk").values("actor")[:1000]
        names = AuditEntry.objects.filter(pk__in=latest.values("pk")).order_by()
        found = sorted(set(names.values_list("actor", flat=True)))
        return [(name or "-", name or WORDS["platform"]) for name in found]

    def queryset(self, request: HttpRequest, rows: Any) -> Any:
        if not self.value():
            return rows
        return rows.filter(actor="" if self.value() == "-" else self.value())


@admin.register(AuditEntry)
class AuditEntryAdmin(RowPageAdmin, ReadOnlyAdmin):
    words = WORDS
    list_display = ["at", "who", "did", "what", "label", "fields_changed"]
    list_filter = [KindFilter, PersonFilter, TimeFilter, "act"]
    list_before_template = "admin/prompts/auditentry/about.html"
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["label", "object_pk", "actor"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        found: QuerySet[AuditEntry] = super().get_queryset(request)
        return found.filter(model__in=readable(request))

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        # From links: the changes of one row.
        allowed: bool = super().lookup_allowed(lookup, value, request)
        return lookup in ("object_pk", "model") or allowed

    def row_page(self, request: HttpRequest, row: AuditEntry) -> HttpResponse:
        return entry_page(request, self, row)

    @admin.display(description=WORDS["who"], ordering="actor")
    def who(self, entry: AuditEntry) -> str:
        return entry.actor or str(WORDS["platform"])

    @display(description=WORDS["act"], ordering="act", label=COLOURS)  # type: ignore[untyped-decorator]
    def did(self, entry: AuditEntry) -> tuple[str, Any]:
        return entry.act, ACTS[entry.act]

    @admin.display(description=WORDS["kind"], ordering="model")
    def what(self, entry: AuditEntry) -> str:
        return kind(entry.model)

    @admin.display(description=WORDS["fields"])
    def fields_changed(self, entry: AuditEntry) -> str:
        names = [field_name(name) for name in entry.changes]
        more = len(names) - SUMMARY_FIELDS
        shown = ("、" if in_chinese() else ", ").join(names[:SUMMARY_FIELDS])
        return f"{shown} +{more}" if more > 0 else shown


def entry_page(request: HttpRequest, model_admin: Any, entry: AuditEntry) -> HttpResponse:
    """One change, each field before and after; and what else was changed with it."""
    rows = model_admin.get_queryset(request)
    together = rows.filter(together=entry.together).exclude(pk=entry.pk)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": f"{kind(entry.model)} · {entry.label}",
        "t": WORDS,
        "entry": entry,
        "who": entry.actor or WORDS["platform"],
        "act": ACTS[entry.act],
        "kind": kind(entry.model),
        "fields": list(shown_fields(entry)),
        "object_url": object_url(entry),
        "together": [
            (each, kind(each.model), ACTS[each.act]) for each in together[:TOGETHER_SHOWN]
        ],
        "before": rows.filter(
            model=entry.model, object_pk=entry.object_pk, pk__lt=entry.pk
        ).first(),
        "after": rows.filter(model=entry.model, object_pk=entry.object_pk, pk__gt=entry.pk).last(),
    }
    return render(request, "admin/prompts/auditentry/entry.html", context)


def shown_fields(entry: AuditEntry) -> Any:
    """Each field with its lines side by side, personal data masked."""
    for name, (before, after) in sorted(entry.changes.items()):
        one, other = masked(as_text(before)), masked(as_text(after))
        yield {"label": field_name(name), "rows": worddiff.rows(one, other)}


def as_text(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return pick("是", "yes") if value else pick("否", "no")
    if isinstance(value, list):
        return "\n".join(as_line(each) for each in value)
    if isinstance(value, dict):
        return "\n".join(f"{name}: {as_line(each)}" for name, each in value.items())
    return as_time(value) if isinstance(value, str) and MOMENT.match(value) else str(value)


def as_time(text: str) -> str:
    """A stored moment by the shop's clock; what is none stays as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S") if moment.tzinfo else text


def as_line(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    return ": ".join(map(str, value)) if isinstance(value, list) else str(value)


def masked(text: str) -> str:
    """Placeholders stay as they are; what nobody could examine is not shown at all."""
    try:
        said: str = masking.masked({"text": text}, ("text",), language="zh")[0]["text"]
    except RedactionFailed:
        return pick("（无法检查隐私数据，不显示）", "(could not be examined for personal data)")
    return said


def field_name(name: str) -> str:
    """What a field is called; columns of other rows without their ending."""
    bare = name.removesuffix("_id")
    if not in_chinese():
        return bare.replace("_", " ")
    return FIELDS.get(bare) or bare


def object_url(entry: AuditEntry) -> str:
    """The row's own page; empty where it is gone or has none."""
    app, model = entry.model.split(".")
    if entry.act == AuditEntry.Act.DELETED:
        return ""
    try:
        return reverse(f"admin:{app}_{model}_change", args=[entry.object_pk])
    except NoReverseMatch:
        return ""
