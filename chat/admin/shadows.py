"""The board of shadows: what a release would have said, beside what was said, and where the two differ."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Avg, Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from chat.admin.rows import ReadOnly
from chat.models import ShadowAnswer
from prompts import worddiff
from prompts.admin.wording import as_money, as_ms, as_percent, both, pick
from prompts.evaluation import intervals

DIFFERENCES = {
    "words": both("措辞", "wording"),
    "length": both("长度", "length"),
    "sops": both("引用的标准应答", "SOPs cited"),
    "endpoint": both("模型", "model"),
    "knows": both("是否会答", "whether it knows"),
    "offers": both("是否提出转人工", "offer of a person"),
    "apology": both("先道歉", "apology first"),
}
WORDS = {
    "board": both("影子回答与实际回答", "Silent answers beside those given"),
    "help": both(
        "影子发布在顾客得到回答之后悄悄再答一遍，顾客看不到。依赖店铺工具的轮次、负载高或预算用完时不影子。",
        "A shadowing release answers once more, silently, after the customer was answered. Turns that rest on the shop's "
        "tools are left out, as is everything while there is load or a budget is used up.",
    ),
    "none": both(
        "还没有影子回答。在一个草稿发布的页面上设置影子比例，这里就会出现对比。",
        "There are no silent answers yet. Set a share of turns on the page of a draft release, and they are compared here.",
    ),
    "alike": both("平均相似度", "Mean similarity"),
    "same": both("没有差别", "no difference"),
    "said": both("顾客得到的回答", "What was said"),
    "would": both("影子回答", "What it would have said"),
    "asked": both("顾客的话", "What was asked"),
    "measure": both("比较", "Compared"),
    "endpoint": both("模型", "Model"),
    "sops": both("引用的标准应答", "SOPs cited"),
    "knows": both("会答", "Knows"),
    "offers": both("提出转人工", "Offers a person"),
    "length": both("字数", "Characters"),
    "time": both("用时", "Time"),
    "cost": both("费用", "Cost"),
    "differs": both("差别", "Differs in"),
    "turn": both("打开这一轮", "Open the turn"),
    "similarity": both("相似度", "similarity"),
    "at": both("时间", "time"),
    "verdict": both("评判", "Verdict"),
    "judge": both("影子回答和顾客得到的回答相比", "The silent answer, beside what was said, is"),
    "judged_by": both("评判人", "Judged by"),
    "keys": both("按 1、2、3 评判，并打开下一条。", "Press 1, 2 or 3; the next one opens."),
    "judged": both("已评判", "Judged"),
    "share": both("影子更好的比例（不计一样好）", "Better, of those that differ"),
    "none_left": both(
        "这个发布的影子回答都评判过了。", "Every silent answer of this release is judged."
    ),
}
VERDICTS = {
    "better": both("更好", "better"),
    "same": both("一样好", "as good"),
    "worse": both("更差", "worse"),
}
SHOWN_CHARS = 60
COUNTED_DAYS = 30


class DifferenceFilter(admin.SimpleListFilter):
    """By what differs."""

    title = both("差别", "difference")
    parameter_name = "differs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*DIFFERENCES.items(), ("nothing", WORDS["same"])]

    def queryset(
        self, request: HttpRequest, rows: models.QuerySet[ShadowAnswer]
    ) -> models.QuerySet[ShadowAnswer]:
        chosen = self.value()
        if chosen == "nothing":
            return rows.filter(differs=[])
        return rows.filter(differs__contains=[chosen]) if chosen in DIFFERENCES else rows


class VerdictFilter(admin.SimpleListFilter):
    title = WORDS["verdict"]
    parameter_name = "verdict"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("none", both("未评判", "not judged")), *VERDICTS.items()]

    def queryset(
        self, request: HttpRequest, rows: models.QuerySet[ShadowAnswer]
    ) -> models.QuerySet[ShadowAnswer]:
        chosen = self.value()
        if chosen == "none":
            return rows.filter(verdict="")
        return rows.filter(verdict=chosen) if chosen in VERDICTS else rows


@admin.register(ShadowAnswer)
class ShadowAnswerAdmin(ReadOnly, ModelAdmin):
    list_display = [
        "at",
        "release",
        "asked_shown",
        "said_shown",
        "would_shown",
        "likeness",
        "different",
        "opinion",
    ]
    list_filter = ["release", VerdictFilter, DifferenceFilter, "at"]
    list_select_related = ["release", "judged_by"]
    list_before_template = "admin/chat/shadowanswer/board.html"
    list_per_page = 50
    show_full_result_count = False
    change_form_outer_before_template = "admin/chat/shadowanswer/pair.html"
    # The page above says it all.
    fieldsets: list[Any] = [(None, {"fields": []})]

    @admin.display(description=WORDS["asked"])
    def asked_shown(self, row: ShadowAnswer) -> str:
        return short(row.asked)

    @admin.display(description=WORDS["said"])
    def said_shown(self, row: ShadowAnswer) -> str:
        return short(row.said["text"])

    @admin.display(description=WORDS["would"])
    def would_shown(self, row: ShadowAnswer) -> str:
        return short(row.would_say["text"])

    @admin.display(description=WORDS["similarity"], ordering="similarity")
    def likeness(self, row: ShadowAnswer) -> str:
        return as_percent(row.similarity, digits=0)

    @display(description=WORDS["differs"])  # type: ignore[untyped-decorator]
    def different(self, row: ShadowAnswer) -> str:
        return names(row) or str(WORDS["same"])

    @admin.display(description=WORDS["verdict"], ordering="verdict")
    def opinion(self, row: ShadowAnswer) -> str:
        return str(VERDICTS.get(row.verdict, "—"))

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<uuid:pk>/judge/",
            self.admin_site.admin_view(self.judge),
            name="chat_shadowanswer_judge",
        )
        return [own, *super().get_urls()]

    def may_judge(self, request: HttpRequest) -> bool:
        # As with cases of an evaluation set: who may write those may say what is good.
        return self.has_view_permission(request) and request.user.has_perm("prompts.add_evalcase")

    def judge(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Keeps what somebody thinks of one, and goes on to the next of its release that nobody judged."""
        verdict = request.POST.get("verdict", "")
        if request.method != "POST" or not self.may_judge(request):
            raise PermissionDenied
        if verdict not in VERDICTS:
            return HttpResponseBadRequest(str(WORDS["verdict"]))
        row = get_object_or_404(ShadowAnswer.objects.only("release_id", "at"), pk=pk)
        ShadowAnswer.objects.filter(pk=pk).update(
            verdict=verdict, judged_by=request.user.pk, judged_at=timezone.now()
        )
        left = ShadowAnswer.objects.filter(release=row.release_id, verdict="").exclude(pk=pk)
        following = left.filter(at__lte=row.at).first() or left.first()
        if following:
            return redirect("admin:chat_shadowanswer_change", following.pk)
        messages.success(request, WORDS["none_left"])
        board = reverse("admin:chat_shadowanswer_changelist")
        return redirect(f"{board}?release__id__exact={row.release_id}")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        chosen = request.GET.get("release__id__exact", "")
        context = {
            "t": WORDS,
            "figures": figures(int(chosen) if chosen.isdecimal() else None),
            "is_empty": not ShadowAnswer.objects.exists(),
        }
        shown: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **context})
        return shown

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = {**pair(row), "may_judge": self.may_judge(request)} if row else {}
        shown: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )
        return shown


def short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"


def names(row: ShadowAnswer) -> str:
    return pick("、", ", ").join(str(DIFFERENCES[name]) for name in row.differs)


def figures(release: int | None) -> list[tuple[Any, str]]:
    """How many there are of late, how alike they are, and how many differ in what; of one release, or of all."""
    days = min(COUNTED_DAYS, settings.SHADOW_DAYS)
    rows = ShadowAnswer.objects.filter(at__gte=timezone.now() - timedelta(days=days))
    if release:
        rows = rows.filter(release=release)
    wanted = {name: Count("pk", filter=Q(differs__contains=[name])) for name in DIFFERENCES}
    none = Count("pk", filter=Q(differs=[]))
    opinions = {f"v_{name}": Count("pk", filter=Q(verdict=name)) for name in VERDICTS}
    found = rows.order_by().aggregate(
        n=Count("pk"), alike=Avg("similarity"), same=none, **wanted, **opinions
    )
    return [
        (pick(f"影子轮次（近 {days} 天）", f"Shadowed turns, {days} days"), f"{found['n']:,}"),
        (WORDS["alike"], as_percent(found["alike"], digits=0)),
        (WORDS["same"], f"{found['same']:,}"),
        *((DIFFERENCES[name], f"{found[name]:,}") for name in DIFFERENCES),
        (WORDS["judged"], f"{sum(found[f'v_{name}'] for name in VERDICTS):,}"),
        (WORDS["share"], better_text(found["v_better"], found["v_worse"])),
    ]


def better_text(better: int, worse: int) -> str:
    """As "60 % (12 / 20), 95 %: 39-78": the score interval says how sure it is."""
    total = better + worse
    if not total:
        return "—"
    low, high = intervals.wilson(better, total)
    share = as_percent(better / total, digits=0)
    return f"{share} ({better} / {total}), 95%: {low * 100:.0f}–{high * 100:.0f}%"


def pair(row: ShadowAnswer) -> dict[str, Any]:
    """Both answers, word by word, and what else is compared."""
    left, right = shown(row.said), shown(row.would_say)
    return {
        "t": WORDS,
        "row": row,
        "lines": [(name, left[name], right[name]) for name in left],
        "rows": worddiff.rows(row.said["text"], row.would_say["text"]),
        "names": names(row),
        "alike": as_percent(row.similarity, digits=0),
        "verdicts": [(name, text, row.verdict == name) for name, text in VERDICTS.items()],
    }


def shown(said: Mapping[str, Any]) -> dict[Any, str]:
    yes, no = pick("是", "yes"), pick("否", "no")
    return {
        WORDS["endpoint"]: said["endpoint"] or "—",
        WORDS["sops"]: ", ".join(said["sops"]) or "—",
        WORDS["knows"]: yes if said["knows"] else no,
        WORDS["offers"]: yes if said["offers"] else no,
        WORDS["length"]: str(len(said["text"])),
        WORDS["time"]: as_ms(said["ms"]),
        WORDS["cost"]: as_money(Decimal(said["cny"]), "CNY"),
    }
