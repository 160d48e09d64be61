"""Pages about SOPs: what production would retrieve for a question, and which intents have how many answers."""

import time as clock
from collections import defaultdict
from datetime import date, datetime, time
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from unfold.admin import ModelAdmin

from prompts import release_trials, retrieval
from prompts.admin.wording import as_ms, both, in_chinese
from prompts.composing import KNOWLEDGE_LIMIT
from prompts.evaluation import shops
from prompts.models import LANGUAGES, Intent, Sop, SopFinding
from prompts.nlu import segment
from prompts.retrieval import Scope

SHOWN = 10
QUERY_CHARS = 500
WORDS = {
    "retrieval": both("检索测试", "Retrieval test"),
    "retrieval_help": both(
        "与线上完全相同的检索：前 3 条会进入提示词；达到分数线的会被当作答案。",
        "The very retrieval of production: the first 3 go into the prompt; those above the line count as answers.",
    ),
    "question": both("顾客的话", "What the customer says"),
    "language": both("语言", "Language"),
    "auto": both("自动", "by the words"),
    "shop": both("店铺（接入点）", "Shop (inbox)"),
    "every_shop": both("不限店铺", "no shop"),
    "sku": both("SKU", "SKU"),
    "channel": both("渠道", "Channel"),
    "search": both("检索", "Search"),
    "score": both("分数", "Score"),
    "line": both("分数线", "Line"),
    "sop": both("标准应答", "SOP"),
    "wording": both("最接近的问法", "Nearest wording"),
    "intent": both("意图", "Intent"),
    "used": both("线上会用", "used in production"),
    "which": both("标准应答的来源", "Which SOPs"),
    "heard": both("线上的（发布冻结的）", "as customers hear them (frozen)"),
    "edited": both("正在编辑的", "as they are edited"),
    "confident": both("可作答案", "counts as an answer"),
    "nothing": both(
        "没有命中。换个说法，或给标准应答补充问法。",
        "Nothing was found. Try other words, or add wordings to an SOP.",
    ),
    "took": both("用时", "Took"),
    "terms": both("检索词", "Search terms"),
    "coverage": both("意图覆盖", "Coverage by intent"),
    "coverage_help": both(
        "每个意图有多少生效的标准应答。红色：一条也没有，机器人只能靠模型或转人工。",
        "How many SOPs in force each intent has. Red: none, so that only a model or a person can answer.",
    ),
    "wordings": both("问法", "Wordings"),
    "soon": both("即将过期", "Expire soon"),
    "clashes": both("冲突", "Conflicts"),
    "none": both("没有", "none"),
    "back": both("返回标准应答", "Back to the SOPs"),
}

LIST_WORDS = {
    "tools": both("标准应答工具", "Tools for SOPs"),
    "retrieval": WORDS["retrieval"],
    "coverage": WORDS["coverage"],
    "radar": both("冲突雷达", "Conflict radar"),
    "radar_help": both(
        "问法几乎一样的标准应答：回答不同的是冲突，顾客可能得到任何一个；回答也相同的是近似重复。每晚自动检查。",
        "SOPs that ask nearly the same. Where the answers differ they are in conflict: a customer may get either. Looked for every night.",
    ),
    "look": both("立即检查", "Look now"),
    "import": both("导入", "Import"),
    "export": both("导出", "Export"),
    "back": WORDS["back"],
}


def context(request: HttpRequest, model_admin: ModelAdmin, *, title: Any) -> dict[str, Any]:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    site = model_admin.admin_site.each_context(request)
    return {**site, "opts": model_admin.model._meta, "title": title, "t": WORDS}


def retrieval_page(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    """What production finds for `q`, with scores and the nearest wordings."""
    shown = context(request, model_admin, title=WORDS["retrieval"])
    asked = request.GET.get("q", "").strip()[:QUERY_CHARS]
    language = request.GET.get("language", "")
    scope = Scope(
        shop=request.GET.get("shop", "").strip()[:64],
        sku=request.GET.get("sku", "").strip()[:64],
        channel=request.GET.get("channel", "widget").strip()[:40],
    )
    # Not from the snapshot: a process that has none reads all that staff edit, for this one id.
    heard = release_trials.sops_in_force()
    edited = request.GET.get("which") == "edited"
    sop_set = retrieval.AS_EDITED if edited else heard
    found = searched(asked, language=language, scope=scope, sop_set=sop_set) if asked else {}
    return render(
        request,
        "admin/prompts/sop/retrieval.html",
        {
            **shown,
            **found,
            "asked": asked,
            "language": language,
            "scope": scope,
            "languages": LANGUAGES,
            "inboxes": inbox_choices(scope.shop),
            "heard": heard,
            "sop_set": sop_set,
        },
    )


def inbox_choices(chosen: str) -> list[tuple[str, str]]:
    """The inboxes there are, and the `chosen` key where it is none of them."""
    known = [(key, f"{name} ({key})") for key, name in shops.inboxes()]
    return known if not chosen or chosen in dict(known) else [*known, (chosen, chosen)]


def searched(asked: str, *, language: str, scope: Scope, sop_set: int) -> dict[str, Any]:
    spoken = language if language in dict(LANGUAGES) else segment.language_of(asked)
    # Once in a while the first search of a process also reads the statistics.
    retrieval.statistics(sop_set)
    started = clock.perf_counter()
    hits = retrieval.search(asked, language=spoken, limit=SHOWN, scope=scope, sop_set=sop_set)
    took = as_ms((clock.perf_counter() - started) * 1000)
    rows = [
        {
            "hit": hit,
            "used": place < KNOWLEDGE_LIMIT,
            "confident": hit.score >= retrieval.CONFIDENT,
            "percent": round(hit.score * 100, 1),
        }
        for place, hit in enumerate(hits)
    ]
    return {
        "rows": rows,
        "searched": True,
        "took": took,
        "spoken": dict(LANGUAGES)[spoken],
        "line": retrieval.CONFIDENT,
        "terms": [term[1:] for term in segment.terms(asked) if term[0] == segment.WORD],
    }


def coverage_page(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    """Every intent with its SOPs in force by language."""
    shown = context(request, model_admin, title=WORDS["coverage"])
    return render(
        request,
        "admin/prompts/sop/coverage.html",
        {**shown, "rows": coverage(), "languages": LANGUAGES},
    )


def coverage() -> list[dict[str, Any]]:
    now = timezone.now()
    in_force = Sop.objects.filter(
        Q(valid_from=None) | Q(valid_from__lte=now),
        Q(valid_to=None) | Q(valid_to__gt=now),
        enabled=True,
    )
    counted: dict[str, dict[str, int]] = defaultdict(dict)
    wordings: dict[str, int] = defaultdict(int)
    for row in (
        in_force.order_by()
        .values("intent", "language")
        .annotate(sops=Count("pk", distinct=True), asked=Count("questions"))
    ):
        counted[row["intent"]][row["language"]] = row["sops"]
        wordings[row["intent"]] += row["asked"]
    clashing = SopFinding.objects.filter(ignored=False, kind="conflict").order_by()
    clashes = {
        row["sop__intent"]: row["n"]
        for row in clashing.values("sop__intent").annotate(n=Count("pk"))
    }
    known = dict(Intent.objects.values_list("name", "title_zh" if in_chinese() else "title_en"))
    names = sorted({*known, *counted})
    return [
        {
            "intent": name,
            "title": known.get(name, ""),
            "counts": [counted.get(name, {}).get(code, 0) for code, _ in LANGUAGES],
            "labelled": [(text, counted.get(name, {}).get(code, 0)) for code, text in LANGUAGES],
            "wordings": wordings.get(name, 0),
            "clashes": clashes.get(name, 0),
            "empty": not counted.get(name),
        }
        for name in names
    ]


def as_day(text: str, field: str) -> date | datetime | None:
    """A day people typed, as the field wants it: a last day ends with its last moment. Raises ValueError."""
    if not text.strip():
        return None
    day = date.fromisoformat(text.strip().replace("/", "-"))
    if field == "review_on":
        return day
    return timezone.make_aware(datetime.combine(day, time.max))
