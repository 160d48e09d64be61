"""The playground: one conversation with up to four wordings and endpoints beside each other."""

import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, ExpressionWrapper, F, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from unfold.admin import ModelAdmin

from prompts import playground, snapshot
from prompts.admin.trying import ERRORS, as_reply
from prompts.admin.wording import both, pick
from prompts.models import EMOTIONS, ModelEndpoint, PromptDraft, PromptVersion, Wording
from prompts.playground import HISTORY_LINES, QUESTION_CHARS, Answered
from prompts.redaction.spans import RedactionFailed

COLUMNS, VERSIONS_SHOWN = 4, 100
PURPOSES = ("answer", "draft")
WORDS = {
    "title": both("试用场", "Playground"),
    "intro": both(
        "同一句话，最多 4 列，各用任意版本 × 任意模型。每次都是真实调用，会计费、记入台账；不影响顾客。",
        "One message to as many as 4 columns, each any version at any endpoint. Calls are real, cost money and are on record; customers see none of it.",
    ),
    "message": both("顾客的话", "What the customer says"),
    "send": both("发送", "Send"),
    "restart": both("重新开始", "Start over"),
    "version": both("版本", "Version"),
    "endpoint": both("模型", "Endpoint"),
    "sop": both("不用模型（标准应答）", "no model (SOPs)"),
    "add": both("加一列", "Add a column"),
    "remove": both("移除", "Remove"),
    "mood": both("情绪", "Mood"),
    "auto": both("自动判断", "as heard"),
    "shop_name": both("店名", "Shop's name"),
    "empty": both("还没有消息", "Nothing said yet"),
    "waiting": both("正在等待回答…", "Waiting for the answer…"),
    "details": both("为什么这样答", "Why this answer"),
    "asked": both("模型看到的消息（已脱敏）", "The message as the model reads it (masked)"),
    "prompt": both("完整提示词", "The whole prompt"),
    "hits": both("命中的标准应答", "SOPs found"),
    "examples": both("示例", "Examples"),
    "decision": both("线上会怎么选模型", "Whom the router would choose"),
    "intent": both("意图 / 情绪", "Intent / mood"),
    "first_token": both("首字", "First token"),
    "total": both("总时长", "Total"),
    "tokens": both("token 入 / 出", "Tokens in / out"),
    "cost": both("费用", "Cost"),
    "failed": both(
        "没有连上本平台。请检查网络后再试。",
        "This platform did not answer. Check the connection and try again.",
    ),
    "none": both("无", "none"),
    "no_version": both("还没有回答顾客的版本。", "There is no version that answers customers yet."),
    "back": both("返回提示词", "Back to the prompts"),
    "draft": both("草稿", "draft"),
    "current": both("生效中", "in force"),
}


def page(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    """The form and its columns; `?version=` or `?prompt=` puts that one beside the one in force."""
    if not may_play(request):
        raise PermissionDenied
    versions, endpoints = version_choices(), endpoint_choices()
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": WORDS["title"],
        "t": WORDS,
        "chars": QUESTION_CHARS,
        "emotions": EMOTIONS,
        "board": {
            "versions": versions,
            "endpoints": endpoints,
            "columns": first_columns(request, versions, endpoints),
            "most": COLUMNS,
            "history": HISTORY_LINES,
            "words": {name: str(text) for name, text in WORDS.items()},
        },
    }
    return render(request, "admin/prompts/prompt/playground.html", context)


def may_play(request: HttpRequest) -> bool:
    """Calls cost money: looking at prompts is not enough."""
    return request.user.has_perm("prompts.change_prompt")


def version_choices() -> list[dict[str, str]]:
    """What a column may say: versions in force first, drafts, then the newest of the rest."""
    rows = (
        PromptVersion.objects.filter(prompt__purpose__in=PURPOSES)
        .select_related("prompt")
        .only("number", "note", "prompt__purpose", "prompt__language", "prompt__current_id")
        .annotate(speaks=ExpressionWrapper(Q(pk=F("prompt__current_id")), BooleanField()))
        .order_by("-speaks", "-created_at", "-pk")[:VERSIONS_SHOWN]
    )
    drafts = PromptDraft.objects.filter(prompt__purpose__in=PURPOSES).select_related("prompt")
    found = [
        {
            "value": str(row.pk),
            "text": f"{row.prompt} v{row.number}{current(row)} {row.note}".strip(),
            "prompt": str(row.prompt_id),
        }
        for row in rows
    ]
    return [*found, *(as_choice(draft) for draft in drafts)]


def current(row: PromptVersion) -> str:
    return f" ({WORDS['current']})" if row.prompt.current_id == row.pk else ""


def as_choice(draft: PromptDraft) -> dict[str, str]:
    return {
        "value": f"draft-{draft.pk}",
        "text": f"{draft.prompt} ({WORDS['draft']})",
        "prompt": str(draft.prompt_id),
    }


def endpoint_choices() -> list[dict[str, str]]:
    rows = (
        ModelEndpoint.objects.filter(enabled=True)
        .exclude(provider="sop")
        .order_by("priority", "name")
    )
    keyed = [{"value": str(row.pk), "text": row.name} for row in rows if snapshot.key_of(row)]
    return [*keyed, {"value": "", "text": str(WORDS["sop"])}]


def first_columns(
    request: HttpRequest, versions: list[dict[str, str]], endpoints: list[dict[str, str]]
) -> list[dict[str, str]]:
    """The version in force, and beside it the one the address names."""
    asked, prompt = request.GET.get("version", ""), request.GET.get("prompt", "")
    drafts = [
        row for row in versions if row["prompt"] == prompt and row["value"].startswith("draft-")
    ]
    wanted = next((row for row in versions if row["value"] == asked), drafts[0] if drafts else None)
    about = wanted["prompt"] if wanted else prompt
    usual = next((row for row in versions if not about or row["prompt"] == about), None)
    chosen = [row for row in (usual, wanted) if row]
    values = list(dict.fromkeys(row["value"] for row in chosen))
    return [{"version": value, "endpoint": endpoints[0]["value"]} for value in values]


def ask(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    """Asks one column the posted message and replies as JSON. Raises PermissionDenied."""
    if request.method != "POST" or not may_play(request):
        raise PermissionDenied
    text = request.POST.get("message", "").strip()
    wording, endpoint = find_wording(request.POST.get("version", "")), None
    if not text or len(text) > QUESTION_CHARS or wording is None:
        return refused(
            pick(
                f"请填写消息，最多 {QUESTION_CHARS} 个字，并选择版本。",
                f"Write a message of at most {QUESTION_CHARS} characters and choose a version.",
            )
        )
    if wanted := request.POST.get("endpoint", ""):
        endpoint = (
            ModelEndpoint.objects.filter(pk=wanted, enabled=True).first()
            if wanted.isdecimal()
            else None
        )
        if endpoint is None:
            return refused(pick("没有这个模型。", "There is no such endpoint."))
    try:
        question = as_question(request, text, wording)
    except (RedactionFailed, ValueError):
        return refused(
            pick(
                "这条消息无法检查隐私数据，没有发送。",
                "The message could not be examined for personal data and was not sent.",
            )
        )
    return JsonResponse(as_json(playground.answer(question, wording=wording, endpoint=endpoint)))


def refused(sentence: str) -> JsonResponse:
    return JsonResponse({"ok": False, "sentence": sentence}, status=400)


def as_question(request: HttpRequest, text: str, wording: Wording) -> Any:
    """Raises RedactionFailed, and ValueError for a history that is none."""
    mood = request.POST.get("mood", "")
    return playground.understood(
        playground.masked(text),
        read_history(request.POST.get("history", "[]")),
        language=wording.prompt.language,  # type: ignore[attr-defined]  # versions and drafts have one
        mood=mood if mood in dict(EMOTIONS) else None,  # type: ignore[arg-type]  # one of them
        shop_name=request.POST.get("shop_name", "")[:100],
    )


def read_history(raw: str) -> list[tuple[str, str]]:
    """The lines before, as the page kept them: masked already, or the bot's. Raises ValueError."""
    said = json.loads(raw[: 4 * QUESTION_CHARS * HISTORY_LINES])
    if not isinstance(said, list):
        raise ValueError("history")
    lines = [(str(role), str(text)[: 4 * QUESTION_CHARS]) for role, text in said[-HISTORY_LINES:]]
    if any(role not in ("visitor", "bot") for role, _ in lines):
        raise ValueError("role")
    return lines


def find_wording(name: str) -> Wording | None:
    """A version by its id, or a draft as draft-3."""
    draft = name.removeprefix("draft-")
    if name != draft:
        rows = PromptDraft.objects.select_related("prompt").filter(prompt__purpose__in=PURPOSES)
        return rows.filter(pk=draft).first() if draft.isdecimal() else None
    versions = PromptVersion.objects.select_related("prompt").filter(prompt__purpose__in=PURPOSES)
    return versions.filter(pk=name).first() if name.isdecimal() else None


def as_json(answered: Answered) -> dict[str, Any]:
    """What a column shows: texts in the language of the request."""
    return {
        **as_reply(answered.trial),
        "sentence": str(ERRORS.get(answered.trial.error_class, "")),
        "asked": answered.asked,
        "prompt": answered.system,
        "hits": [
            {"title": hit.title, "score": hit.score, "confident": playground.is_confident(hit)}
            for hit in answered.hits
        ],
        "examples": list(answered.examples),
        "decision": f"{answered.decision['cause']}: {' → '.join(answered.decision['plan'])}",
        "intent": f"{answered.intent} / {answered.emotion}",
    }
