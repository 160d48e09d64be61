"""The admin of route policies: versions are added and activated, never changed. Going back is activating an older one."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import connection, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from prompts import snapshot
from prompts.admin import policy_texts
from prompts.admin.rows import AnnouncedAdmin
from prompts.admin.wording import both, in_chinese, pick
from prompts.llm.conditions import FIELDS, Problem
from prompts.llm.router import Policy, PolicyError
from prompts.locks import Lock
from prompts.models import ModelEndpoint, RoutePolicy

# Numbers of versions are given, and the active one is switched, by one at a time.
NUMBERS = (
    "quality_standard",
    "quality_vip",
    "quality_angry_adds",
    "latency_weight",
    "uncertain_margin",
    "epsilon",
    "dispatch_share",
    "explore",
    "prior_mass",
    "answer_tokens",
)


def number_field(name: str) -> forms.FloatField:
    label, help_text = policy_texts.NUMBERS[name]
    widget = UnfoldAdminDecimalFieldWidget(attrs={"step": "any"})
    return forms.FloatField(label=label, help_text=help_text, widget=widget)


class RoutePolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    """A policy that the router can work with, where these endpoints exist."""

    quality_standard = number_field("quality_standard")
    quality_vip = number_field("quality_vip")
    quality_angry_adds = number_field("quality_angry_adds")
    latency_weight = number_field("latency_weight")
    uncertain_margin = number_field("uncertain_margin")
    epsilon = number_field("epsilon")
    dispatch_share = number_field("dispatch_share")
    explore = number_field("explore")
    prior_mass = number_field("prior_mass")
    answer_tokens = number_field("answer_tokens")
    sticky = forms.BooleanField(
        required=False,
        label=policy_texts.STICKY[0],
        help_text=policy_texts.STICKY[1],
        widget=UnfoldBooleanSwitchWidget,
    )
    rules = forms.CharField(
        required=False,
        label=policy_texts.RULES[0],
        help_text=policy_texts.RULES[1],
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 12, "spellcheck": "false", "data-rules": ""}
        ),
    )

    class Meta:
        labels = {"note": both("说明", "Note")}
        help_texts = {"note": both("这一版改了什么", "What this version changes")}

    def clean_rules(self) -> Any:
        try:
            return json.loads(self.cleaned_data["rules"] or "[]")
        except ValueError as error:
            where = str(error)
            raise forms.ValidationError(
                pick(f"规则不是有效的 JSON：{where}", f"The rules are no valid JSON: {where}")
            ) from None

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        if self.errors:
            return fields
        raw = {name: fields[name] for name in (*NUMBERS, "sticky", "rules")}
        try:
            policy = Policy.from_json(raw)
        except PolicyError as error:
            self.refuse(error.problems)
            return fields
        names = list(ModelEndpoint.objects.values_list("name", flat=True))
        self.refuse(policy.check(names))
        self.instance.content = content_of(policy)
        return fields

    def refuse(self, problems: Iterable[Problem]) -> None:
        """Every problem at the field it is about, in the language of the request."""
        for problem in problems:
            name = problem.path.partition("[")[0].partition(".")[0]
            message = problem.message_zh if in_chinese() else problem.message_en
            self.add_error(name if name in self.fields else None, message)


def content_of(policy: Policy) -> dict[str, Any]:
    """What is stored; the version is the row's number."""
    content = json.loads(json.dumps(policy.as_json()))
    content.pop("version", None)
    return dict(content)


@admin.register(RoutePolicy)
class RoutePolicyAdmin(AnnouncedAdmin):
    form = RoutePolicyForm
    list_display = ["version", "active", "note", "created_by", "created_at"]
    list_filter = ["active"]
    list_select_related = ["created_by"]
    search_fields = ["note"]
    actions = ["activate_chosen"]
    change_form_outer_before_template = "admin/prompts/routepolicy/version.html"
    # Labels above their fields: the rules need the page's whole width.
    compressed_fields = False
    add_fieldsets = [
        (None, {"fields": ["note"]}),
        (
            both("质量要求", "Quality wanted"),
            {"fields": [("quality_standard", "quality_vip", "quality_angry_adds")]},
        ),
        (
            both("取舍", "Trade-offs"),
            {
                "fields": [
                    ("latency_weight", "epsilon", "answer_tokens"),
                    ("uncertain_margin", "dispatch_share", "prior_mass"),
                    ("explore", "sticky"),
                ]
            },
        ),
        (policy_texts.RULES[0], {"fields": ["rules"]}),
    ]
    fieldsets = [(None, {"fields": ["number", "active", "note", "created_by", "created_at"]})]

    def get_urls(self) -> list[URLPattern]:
        one = path(
            "<int:pk>/activate/",
            self.admin_site.admin_view(self.activate_one),
            name="prompts_routepolicy_activate",
        )
        return [one, *super().get_urls()]

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        if obj is not None:
            # Nothing of a version can be edited, so its page needs no field.
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and obj is None

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The version named by `?from=3`, or the active one, or the defaults."""
        number = request.GET.get("from", "")
        rows = RoutePolicy.objects.all()
        row = rows.filter(number=number).first() if number.isdecimal() else None
        row = row or rows.filter(active=True).first()
        content = {**Policy().as_json(), **(row.content if row else {})}
        initial = {name: content[name] for name in (*NUMBERS, "sticky")}
        initial["rules"] = json.dumps(content["rules"], ensure_ascii=False, indent=2)
        return initial

    @admin.display(description=both("版本", "version"), ordering="number")
    def version(self, row: RoutePolicy) -> str:
        return str(row.number)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {
            "t": policy_texts.WORDS,
            "editor": editor(),
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
        }
        shown: HttpResponse = super().add_view(
            request, form_url, {**(extra_context or {}), **context}
        )
        return shown

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = {
            "t": policy_texts.WORDS,
            "version": policy_texts.shown(row.content) if row else None,
            "may_activate": self.has_change_permission(request),
            "may_add": self.has_add_permission(request),
        }
        shown: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )
        return shown

    def save_model(self, request: HttpRequest, obj: RoutePolicy, form: Any, change: object) -> None:
        """Numbers and signs the new version. It counts once it is activated."""
        lock_versions()
        last = RoutePolicy.objects.order_by("-number").first()
        obj.number = last.number + 1 if last else 1
        obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)

    def response_post_save_add(
        self, request: HttpRequest, obj: RoutePolicy
    ) -> HttpResponseRedirect:
        return HttpResponseRedirect(version_url(obj))

    @admin.action(
        description=both("启用所选版本", "Activate the selected version"), permissions=["change"]
    )
    def activate_chosen(self, request: HttpRequest, chosen: models.QuerySet[RoutePolicy]) -> None:
        rows = list(chosen[:2])
        if len(rows) == 1:
            self.put_to_work(request, rows[0])
        else:
            messages.error(request, pick("请只选一个版本。", "Select one version only."))

    def activate_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = get_object_or_404(RoutePolicy, pk=pk)
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        self.put_to_work(request, row)
        return redirect(version_url(row))

    def put_to_work(self, request: HttpRequest, row: RoutePolicy) -> None:
        """Activates a version that the router can read, and says what came of it."""
        try:
            policy = snapshot.as_policy(row)
        except ValueError as error:
            reason = pick(f"版本 {row.number} 无法读取：", f"Version {row.number} cannot be read: ")
            messages.error(request, f"{reason}{error}")
            return
        if not activate(row):
            messages.info(request, pick("它已经在生效。", "It is active already."))
            return
        self.log_change(request, row, "activated")
        messages.success(
            request,
            pick(f"版本 {row.number} 已生效。", f"Version {row.number} is active."),
        )
        # An older version may name what was removed since; going back to it must still be possible.
        for problem in policy.check(list(ModelEndpoint.objects.values_list("name", flat=True))):
            messages.warning(request, problem.message_zh if in_chinese() else problem.message_en)


def activate(row: RoutePolicy) -> bool:
    """Makes the row the one active version; False when it was already."""
    with transaction.atomic():
        lock_versions()
        RoutePolicy.objects.filter(active=True).exclude(pk=row.pk).update(active=False)
        switched = RoutePolicy.objects.filter(pk=row.pk, active=False).update(active=True)
        if switched:
            snapshot.announce()
    return bool(switched)


def lock_versions() -> None:
    """Until the transaction ends nobody else numbers or activates a version."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.NUMBERING_POLICIES])


def version_url(row: RoutePolicy) -> str:
    return reverse("admin:prompts_routepolicy_change", args=[row.pk])


def editor() -> Mapping[str, Any]:
    """What the editor of rules is built from: fields with their operators and values, endpoints, words."""
    endpoints = ModelEndpoint.objects.order_by("name").values_list("name", flat=True)
    return {
        "fields": [
            {
                "name": field.name,
                "label": field.label_zh if in_chinese() else field.label_en,
                "kind": field.kind,
                "operators": list(field.operators),
                "values": list(field.values),
                "low": field.low if abs(field.low) != float("inf") else None,
                "high": field.high if abs(field.high) != float("inf") else None,
            }
            for field in FIELDS.values()
        ],
        "endpoints": list(endpoints),
        "words": {name: str(text) for name, text in policy_texts.EDITOR.items()},
    }
