"""The admin of understanding: intents, the examples they are learned from, and the classifiers trained from those."""

from typing import Any

import structlog
from celery import current_app
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from kombu.exceptions import OperationalError
from unfold.admin import ModelAdmin
from unfold.decorators import display

from prompts import understanding
from prompts.admin import candidates, nlu_report
from prompts.admin.rows import DefaultsStay, ReadOnlyAdmin
from prompts.admin.wording import Chip, as_percent, both, in_chinese, pick
from prompts.models import Intent, IntentExample, NluModel

log = structlog.get_logger(__name__)

# By its name: tasks stand beside the admin, so that it imports none.
TASK = "prompts.tasks.train_nlu"
# Enough to tell versions apart, and no wider than a phone.
DIGEST_CHARS = 16
CANDIDATE = IntentExample.Source.CANDIDATE
SOURCES = {
    "default": both("自带", "shipped"),
    "staff": both("员工", "staff"),
    "candidate": both("候选", "candidate"),
}
STATES = {"active": nlu_report.WORDS["active"], "idle": nlu_report.WORDS["idle"]}


class IntentForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    class Meta:
        labels = {
            "name": both("名称", "Name"),
            "title_zh": both("中文标题", "Chinese title"),
            "title_en": both("英文标题", "English title"),
            "enabled": both("启用", "Enabled"),
        }
        help_texts = {
            "name": both(
                "小写英文与下划线；规则和 SOP 用它指代这个意图",
                "Lower case and underscores; rules and SOPs mean the intent by it",
            ),
            "enabled": both(
                "停用后，下次训练不再用它的例句",
                "Switched off, its examples are left out of the next training",
            ),
        }


@admin.register(Intent)
class IntentAdmin(DefaultsStay, ModelAdmin):
    form = IntentForm
    list_display = ["name", "title", "examples_used", "candidates", "enabled"]
    list_filter = ["enabled"]
    search_fields = ["name", "title_zh", "title_en"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Intent]:
        used = models.Q(examples__enabled=True) & ~models.Q(examples__source=CANDIDATE)
        waiting = models.Q(examples__source=CANDIDATE, examples__enabled=True)
        rows: models.QuerySet[Intent] = super().get_queryset(request)
        return rows.annotate(
            used=models.Count("examples", filter=used),
            waiting=models.Count("examples", filter=waiting),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["name", "examples_used", "candidates"] if obj else []

    @admin.display(description=both("标题", "title"))
    def title(self, intent: Intent) -> str:
        return (intent.title_zh if in_chinese() else intent.title_en) or intent.name

    @admin.display(description=both("使用中的例句", "examples in use"), ordering="used")
    def examples_used(self, intent: Any) -> str:
        return format_html('<a href="{}">{}</a>', examples_url(intent), intent.used)

    @admin.display(description=both("候选", "candidates"), ordering="waiting")
    def candidates(self, intent: Any) -> str:
        url = f"{reverse('admin:prompts_candidate_changelist')}?intent__id__exact={intent.pk}"
        return format_html('<a href="{}">{}</a>', url, intent.waiting) if intent.waiting else "—"


class IntentExampleForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in its stubs
    class Meta:
        labels = {
            "intent": both("意图", "Intent"),
            "language": both("语言", "Language"),
            "text": both("顾客的话", "Words of a customer"),
            "emotion": both("情绪", "Mood"),
            "enabled": both("启用", "Enabled"),
        }
        help_texts = {
            "text": both(
                "不要写真实的电话、姓名或地址", "Without anybody's phone number, name or address"
            ),
            "enabled": both("下次训练起生效", "Counts from the next training on"),
        }


@admin.register(IntentExample)
class IntentExampleAdmin(ModelAdmin):
    form = IntentExampleForm
    list_display = ["text", "meaning", "language", "mood", "origin", "enabled"]
    list_filter = ["intent", "language", "emotion", "source", "enabled"]
    list_select_related = ["intent"]
    search_fields = ["text"]
    readonly_fields = ["origin", "created_at"]
    fields = ["intent", "language", "text", "emotion", "enabled", *readonly_fields]
    actions = ["accept", "enable", "disable"]

    @admin.display(description=both("意图", "intent"), ordering="intent")
    def meaning(self, example: IntentExample) -> str:
        return nlu_report.with_title(example.intent)

    @admin.display(description=both("情绪", "mood"), ordering="emotion")
    def mood(self, example: IntentExample) -> str:
        return str(candidates.MOODS.get(example.emotion, example.emotion))

    @display(  # type: ignore[untyped-decorator]
        description=both("来源", "source"),
        ordering="source",
        # Unfold shows the word of a kind that is named here only.
        label={"candidate": "warning", "staff": "info", "default": None},
    )
    def origin(self, example: IntentExample) -> Chip:
        return Chip(example.source, SOURCES.get(example.source, example.source))

    @admin.action(
        description=both("接受选中的候选例句", "Accept selected candidates"),
        permissions=["change"],
    )
    def accept(self, request: HttpRequest, chosen: models.QuerySet[IntentExample]) -> None:
        waiting = chosen.filter(source=CANDIDATE)
        count = waiting.update(source=IntentExample.Source.STAFF, enabled=True)
        self.tell(request, pick(f"接受了 {count} 条。", f"{count} accepted."))

    @admin.action(
        description=both("启用选中的例句", "Enable selected examples"), permissions=["change"]
    )
    def enable(self, request: HttpRequest, chosen: models.QuerySet[IntentExample]) -> None:
        count = chosen.update(enabled=True)
        self.tell(request, pick(f"启用了 {count} 条。", f"{count} enabled."))

    @admin.action(
        description=both("停用选中的例句", "Disable selected examples"), permissions=["change"]
    )
    def disable(self, request: HttpRequest, chosen: models.QuerySet[IntentExample]) -> None:
        count = chosen.update(enabled=False)
        self.tell(request, pick(f"停用了 {count} 条。", f"{count} disabled."))

    def tell(self, request: HttpRequest, done: str) -> None:
        later = pick("下次训练起生效。", "It counts from the next training on.")
        messages.success(request, f"{done} {later}")


@admin.register(NluModel)
class NluModelAdmin(ReadOnlyAdmin):
    """Versions are made by training only; which one speaks is said by a person, or by being no worse."""

    list_display = [
        "number",
        "state",
        "examples",
        "right",
        "f1",
        "took",
        "note",
        "created_by",
        "created_at",
    ]
    list_display_links = ["number"]
    list_select_related = ["created_by"]
    fields = ["number", "note", "fingerprint", "created_by", "created_at"]
    readonly_fields = ["fingerprint"]
    list_before_template = "admin/prompts/nlumodel/train.html"
    change_form_outer_before_template = "admin/prompts/nlumodel/report.html"

    def get_urls(self) -> list[URLPattern]:
        views = {
            "train": ("train/", self.train),
            "progress": ("progress/", self.progress),
            "activate": ("<int:pk>/activate/", self.activate),
        }
        own = [
            path(place, self.admin_site.admin_view(view), name=f"prompts_nlumodel_{name}")
            for name, (place, view) in views.items()
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[NluModel]:
        # Megabytes that no page shows.
        rows: models.QuerySet[NluModel] = super().get_queryset(request)
        return rows.defer("weights")

    @display(  # type: ignore[untyped-decorator]
        description=both("状态", "state"),
        ordering="active",
        label={"active": "success", "idle": None},
    )
    def state(self, row: NluModel) -> tuple[str, Any]:
        name = "active" if row.active else "idle"
        return name, STATES[name]

    @admin.display(description=both("指纹", "digest"))
    def fingerprint(self, row: NluModel) -> str:
        return row.digest[:DIGEST_CHARS]

    @admin.display(description=both("准确率", "accuracy"), ordering="accuracy")
    def right(self, row: NluModel) -> str:
        return as_percent(row.accuracy)

    @admin.display(description=nlu_report.WORDS["macro_f1"], ordering="macro_f1")
    def f1(self, row: NluModel) -> str:
        return as_percent(row.macro_f1)

    @admin.display(description=both("用时", "took"), ordering="seconds")
    def took(self, row: NluModel) -> str:
        return f"{row.seconds:.0f} s"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {
            "t": nlu_report.WORDS,
            "now": nlu_report.standing(),
            "newest": newest_number(),
            "waiting": candidates.waiting(),
            "may_train": may_train(request),
        }
        shown: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **context})
        return shown

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = self.shown(request, row) if row else {}
        page: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )
        return page

    def shown(self, request: HttpRequest, row: NluModel) -> dict[str, Any]:
        return {
            "t": nlu_report.WORDS,
            "report": nlu_report.figures(row.report),
            "accuracy": self.right(row),
            "macro_f1": self.f1(row),
            "took": self.took(row),
            "worse": understanding.is_worse(row),
            "may_activate": may_activate(request),
        }

    def progress(self, request: HttpRequest) -> HttpResponse:
        """How the training is, as JSON; the page asks every second."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return JsonResponse({**nlu_report.standing(), "newest": newest_number()})

    def train(self, request: HttpRequest) -> HttpResponse:
        """Asks a worker to train."""
        if request.method != "POST" or not may_train(request):
            raise PermissionDenied
        if nlu_report.standing()["running"]:
            messages.error(request, pick("已经有训练在进行。", "A training runs already."))
        elif ring(request.user.pk):
            messages.success(request, pick("训练已开始。", "The training begins."))
        else:
            messages.error(
                request, pick("Redis 没有应答，请重试。", "Redis does not answer. Try again.")
            )
        return redirect("admin:prompts_nlumodel_changelist")

    def activate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Puts a version in force; a worse one only when the person was told and said so."""
        if request.method != "POST" or not may_activate(request):
            raise PermissionDenied
        row = get_object_or_404(NluModel.objects.defer("weights"), pk=pk)
        if understanding.load(row.number) is None:
            messages.error(
                request, pick("这个版本已损坏，不能启用。", "This version cannot be read.")
            )
        elif understanding.is_worse(row) and "worse" not in request.POST:
            messages.error(request, nlu_report.WORDS["activate_worse"])
        else:
            understanding.activate(row)
            self.log_change(request, row, "put in force")
            messages.success(
                request, pick(f"版本 {row.number} 已生效。", f"Version {row.number} is in force.")
            )
        return redirect("admin:prompts_nlumodel_change", pk)


def ring(user_id: int | None) -> bool:
    """Asks a worker to train; False when the broker does not answer."""
    understanding.tell(understanding.QUEUED, 0, 0)
    try:
        current_app.send_task(TASK, kwargs={"user_id": user_id})
    except (OperationalError, OSError) as error:
        log.warning("training_not_rung", error=type(error).__name__)
        understanding.tell("", 0, 0)
        return False
    return True


# Rows of classifiers are read-only for everybody, so that the permissions are asked for directly.
def may_train(request: HttpRequest) -> bool:
    return request.user.has_perm("prompts.add_nlumodel")


def may_activate(request: HttpRequest) -> bool:
    return request.user.has_perm("prompts.change_nlumodel")


def newest_number() -> int:
    return NluModel.objects.aggregate(newest=models.Max("number"))["newest"] or 0


def examples_url(intent: Intent) -> str:
    """The list of the intent's examples."""
    return f"{reverse('admin:prompts_intentexample_changelist')}?intent__id__exact={intent.pk}"
