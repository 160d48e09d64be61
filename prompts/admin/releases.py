"""Releases in the admin: made once, then gated, tried, published and rolled back from their page."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from prompts import example_sets, releases, retrieval
from prompts.admin import evaluation_pages, release_report
from prompts.admin.release_words import COLOURS, HELP, LABELS, STATUSES, WORDS
from prompts.admin.wording import both, pick
from prompts.evaluation import running
from prompts.llm.canary import BUCKETS
from prompts.models import PromptVersion, Release
from prompts.releases import BadStages, stages

VERSIONS_SHOWN = 200
# What the page itself says in words.
ASKED_ONCE = {"versions", "freeze_sops", "stages", "first_bucket", "last_bucket"}
GUARD = [
    "automatic",
    "min_samples",
    "max_error_points",
    "max_negative_points",
    "max_takeover_points",
    "max_p99_factor",
]


class ReleaseForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    """What a release holds, said once."""

    freeze_sops = forms.BooleanField(
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        label=LABELS["freeze_sops"],
        help_text=HELP["freeze_sops"],
    )

    stages = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        initial="5% 30m, 20% 2h",
        max_length=200,
        label=LABELS["stages"],
        help_text=HELP["stages"],
    )

    class Meta:
        labels = LABELS
        help_texts = HELP

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "versions" in self.fields:
            newest = PromptVersion.objects.order_by("-pk").values("pk")[:VERSIONS_SHOWN]
            rows = PromptVersion.objects.filter(pk__in=newest).select_related("prompt__guarded_by")
            self.fields["versions"].widget = UnfoldAdminSelect2MultipleWidget()
            # Without Django's word on keys to hold, which a list that is searched does not need.
            self.fields["versions"].help_text = HELP["versions"]
            self.fields["versions"].queryset = rows.order_by(  # type: ignore[attr-defined]
                "prompt__purpose", "prompt__language", "-number"
            )

    def clean_stages(self) -> list[list[int]]:
        try:
            return stages.read(self.cleaned_data["stages"])
        except BadStages as error:
            raise forms.ValidationError(str(WORDS[str(error)])) from None

    def clean(self) -> dict[str, Any]:
        """The first stage decides how many tails the canary begins with; the last one has to find its tails."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        steps, first = cleaned.get("stages"), cleaned.get("first_bucket")
        if steps and first is not None:
            if first + steps[-1][0] > BUCKETS:
                self.add_error("stages", str(WORDS["stages_beyond"]))
            last = min(first + steps[0][0], BUCKETS) - 1
            if "last_bucket" in self.changed_data and cleaned.get("last_bucket") not in (
                last,
                None,
            ):
                self.add_error("last_bucket", decided_by_stages(first, last))
            cleaned["last_bucket"] = last
        if not cleaned.get("versions") and not cleaned.get("freeze_sops"):
            self.add_error("versions", str(WORDS["empty"]))
        chosen = cleaned.get("eval_set")
        for version in cleaned.get("versions") or []:
            guard = version.prompt.guarded_by
            if guard is not None and chosen is not None and guard != chosen:
                self.add_error(
                    "eval_set",
                    pick(
                        f"{version.prompt} 由「{guard}」把关。",
                        f"{version.prompt} is guarded by “{guard}”.",
                    ),
                )
        return cleaned

    def clean_versions(self) -> Any:
        chosen = self.cleaned_data["versions"]
        prompts = [version.prompt_id for version in chosen]
        if len(set(prompts)) < len(prompts):
            raise forms.ValidationError(
                pick("同一个提示词只能选一个版本。", "Choose one version of a prompt only.")
            )
        return chosen


class ShadowForm(forms.Form):
    percent = forms.IntegerField(min_value=0, max_value=100)
    per_day = forms.DecimalField(min_value=0, max_digits=8, decimal_places=2)


def decided_by_stages(first: int, last: int) -> str:
    return pick(
        f"第一个灰度阶段决定尾号：{first:02d}–{last:02d}。请改阶段，或清空阶段自己定范围。",
        f"The first stage decides the tails: {first:02d}–{last:02d}. Change the stages, or empty them to choose the range.",
    )


@admin.register(Release)
class ReleaseAdmin(ModelAdmin):
    form = ReleaseForm
    list_display = ["name", "state", "range", "note", "eval_set", "created_by", "started_at"]
    list_filter = ["status"]
    list_select_related = ["eval_set", "created_by"]
    search_fields = ["name", "note"]
    change_form_outer_before_template = "admin/prompts/release/watch.html"
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "name",
                    "note",
                    "versions",
                    "freeze_sops",
                    "policy",
                    "eval_set",
                ]
            },
        ),
        (
            both("灰度", "Canary"),
            {"fields": ["stages", "stage_samples", "first_bucket", "last_bucket"]},
        ),
        (both("护栏", "Guard"), {"fields": GUARD}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Release | None = None) -> Any:
        """What is only asked when it is made is not shown later: the page itself says it."""
        sets = super().get_fieldsets(request, obj)
        if obj is None:
            return sets
        return [
            (title, {"fields": [name for name in parts["fields"] if name not in ASKED_ONCE]})
            for title, parts in sets
        ]

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., HttpResponse]] = {
            "evaluate": self.evaluate,
            "ask": self.ask,
            "agree": self.agree,
            "start": self.start,
            "widen": self.widen,
            "pause": self.pause,
            "shadow": self.shadow,
            "resume": self.resume,
            "publish": self.publish,
            "roll_back": self.roll_back,
        }
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(view),
                name=f"prompts_release_{name}",
            )
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Release, form: Any, change: object) -> None:
        obj.created_by_id = request.user.pk
        if form.cleaned_data.get("freeze_sops"):
            obj.sop_set = retrieval.freeze()
        obj.example_set = example_sets.freeze(form.cleaned_data["versions"])
        super().save_model(request, obj, form, change)
        draft = Release.Status.DRAFT
        releases.note(obj, "make", before="", after=draft, by=request.user.pk, detail=obj.note)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Release]:
        """A page has the count of its SOPs with its row; a list need not open their sets for that."""
        found: models.QuerySet[Release] = super().get_queryset(request)
        shown = found.select_related("eval_set", "example_set")
        is_one = request.resolver_match and "object_id" in request.resolver_match.kwargs
        size = models.Func("sop_set__members", function="cardinality")
        return shown.annotate(sop_count=size) if is_one else shown

    @display(description=both("状态", "status"), ordering="status", label=COLOURS)  # type: ignore[untyped-decorator]
    def state(self, row: Release) -> tuple[str, Any]:
        return row.status, STATUSES[row.status]

    @admin.display(description=both("灰度尾号", "canary tails"), ordering="first_bucket")
    def range(self, row: Release) -> str:
        return releases.range_text(row)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        shown: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        if isinstance(shown, TemplateResponse) and shown.context_data:
            row = shown.context_data["original"]
            shown.context_data.update(release_report.context(request, row))
        return shown

    def evaluate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Runs the release's set on it."""
        row = chosen(request, pk, right="prompts.change_evalset")
        run = running.begin(row.eval_set, release=row, user_id=request.user.pk)
        self.log_change(request, row, f"evaluated by run {run.pk}")
        evaluation_pages.ring(request, run.pk)
        return redirect("admin:prompts_evalrun_change", run.pk)

    def ask(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = chosen(request, pk, right="prompts.add_release")
        reason = request.POST.get("reason", "")
        done = releases.ask_to_override(row, reason=reason, user_id=request.user.pk or 0)
        return self.told(request, row, done=done, did=f"asked to override: {reason.strip()[:200]}")

    def agree(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = chosen(request, pk)
        done = releases.agree_to_override(row, user_id=request.user.pk or 0)
        return self.told(request, row, done=done, did="agreed to override")

    def start(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = chosen(request, pk)
        tails = releases.range_text(row)
        return self.told(
            request,
            row,
            done=releases.start(row, by=request.user.pk),
            did=f"canary started: {tails}",
        )

    def widen(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = chosen(request, pk)
        given = [request.POST.get(name, "") for name in ("first", "last")]
        first, last = (int(text) if text.isdecimal() and len(text) < 3 else -1 for text in given)
        was = releases.range_text(row)
        done = releases.widen(row, first=first, last=last, by=request.user.pk)
        wanted = Release(pk=row.pk, first_bucket=first, last_bucket=last)
        did = f"tails {was} became {first:02d}–{last:02d}"
        return self.told(request, row, done=done, did=did, wanted=wanted)

    def shadow(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Sets how many turns a draft answers silently, and what that may cost in a day."""
        row, form = chosen(request, pk), ShadowForm(request.POST)
        if not form.is_valid():
            messages.error(
                request,
                pick(
                    "比例是 0 到 100，费用不小于 0。", "0 to 100 percent, and no less than CNY 0."
                ),
            )
            return redirect("admin:prompts_release_change", row.pk)
        wanted = form.cleaned_data
        done = releases.shadow(row, **wanted, by=request.user.pk)
        did = f"shadows {wanted['percent']} %, CNY {wanted['per_day']} a day"
        return self.told(request, row, done=done, did=did)

    def pause(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = chosen(request, pk)
        done = releases.pause(row, by=request.user.pk)
        return self.told(request, row, done=done, did="stages paused")

    def resume(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = chosen(request, pk)
        done = releases.resume(row, by=request.user.pk)
        return self.told(request, row, done=done, did="stages resumed")

    def publish(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = chosen(request, pk)
        over = [int(pk) for pk in request.POST.getlist("over") if pk.isdecimal()]
        done = releases.publish(row, by=request.user.pk, over=over)
        return self.told(request, row, done=done, did="published")

    def roll_back(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = chosen(request, pk)
        reason = request.POST.get("reason", "").strip() or pick("手动回滚", "by hand")
        done = releases.roll_back(row, reason, by=request.user.pk)
        return self.told(request, row, done=done, did=f"rolled back: {reason[:200]}")

    def told(
        self,
        request: HttpRequest,
        row: Release,
        *,
        done: bool,
        did: str,
        wanted: Release | None = None,
    ) -> HttpResponse:
        """Writes what was done into the history, from which status to which, or says why it was not."""
        before, now = row.status, Release.objects.only("status").get(pk=row.pk).status
        if done:
            self.log_change(request, row, f"{did} ({before} → {now})")
            messages.success(request, f"{row.name}: {STATUSES[now]}")
        else:
            messages.error(request, release_report.refusal(row, wanted, by=request.user.pk))
        return redirect("admin:prompts_release_change", row.pk)


def chosen(request: HttpRequest, pk: int, *, right: str = "prompts.publish_release") -> Release:
    """The release a POST may act on. Raises PermissionDenied and Http404."""
    if request.method != "POST" or not request.user.has_perm(right):
        raise PermissionDenied
    return get_object_or_404(Release.objects.select_related("eval_set"), pk=pk)
