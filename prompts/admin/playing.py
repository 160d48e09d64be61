"""The playground: one conversation with up to four wordings and endpoints beside each other."""

import json
from dataclasses import replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from unfold.admin import ModelAdmin

from prompts import playground, purposes, snapshot
from prompts.admin import version_choice
from prompts.admin.candidates import MOODS
from prompts.admin.trying import ERRORS, as_reply
from prompts.admin.waterfall import cause_of
from prompts.admin.wording import both, pick
from prompts.evaluation import asking, shops
from prompts.evaluation.asking import Asked, NoShop
from prompts.models import (
    EvalCase,
    EvalSet,
    ModelEndpoint,
    Prompt,
    PromptDraft,
    PromptVersion,
    Wording,
)
from prompts.playground import HISTORY_LINES, QUESTION_CHARS, Answered
from prompts.redaction.spans import RedactionFailed

COLUMNS, VERSIONS_SHOWN = 4, 100
PURPOSES = purposes.ANSWERS
SKU_CHARS = 64
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
    "inbox": both("店铺（接入点）", "Shop (inbox)"),
    "no_inbox": both("不限店铺，不带工具", "no shop and no tools"),
    "inbox_help": both(
        "选了店铺，就像该店铺的顾客那样提问：用它的标准应答和工具。查询类工具会真实调用，写操作只记录、绝不执行。",
        "With a shop the message is asked as its visitors ask: its SOPs and tools hold. Tools that read are really called, writes are noted and never done.",
    ),
    "sku": both("SKU", "SKU"),
    "shop_name": both("店名（留空用店铺的）", "Shop's name (empty: the inbox's)"),
    "other_purpose": both(
        "试用场只能试回答顾客的提示词（answer）和为坐席起草的提示词（draft）。你要试的属于其他用途，这里没有它的列。",
        "Only prompts that answer a customer (answer) or draft for an agent (draft) can be tried here. What you came from has another purpose, and no column.",
    ),
    "slots": both("槽位", "Slots"),
    "calls": both("工具", "Tools"),
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
    versions, endpoints = version_choices(request.GET.get("version", "")), endpoint_choices()
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": WORDS["title"],
        "t": WORDS,
        "chars": QUESTION_CHARS,
        "emotions": MOODS.items(),
        "inboxes": shops.inboxes(),
        "sku_chars": SKU_CHARS,
        "is_other": is_other(request),
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


def is_other(request: HttpRequest) -> bool:
    """Whether the address names a version or a prompt that cannot be tried here."""
    named, prompt = request.GET.get("version", ""), request.GET.get("prompt", "")
    rows = Prompt.objects.exclude(purpose__in=PURPOSES)
    if named.isdecimal():
        return rows.filter(versions__pk=named).exists()
    return prompt.isdecimal() and rows.filter(pk=prompt).exists()


def version_choices(asked: str = "") -> list[dict[str, str]]:
    """What a column may say: versions in force first, then the newest, and the one that was `asked` for; then drafts."""
    rows = PromptVersion.objects.filter(prompt__purpose__in=PURPOSES).only(
        "number", "note", "prompt__purpose", "prompt__language", "prompt__current_id"
    )
    found = version_choice.newest(rows, most=VERSIONS_SHOWN, asked=[asked])
    drafts = PromptDraft.objects.filter(prompt__purpose__in=PURPOSES).select_related("prompt")
    listed = [
        {
            "value": str(row.pk),
            "text": f"{row.prompt} v{row.number}{current(row)} {row.note}".strip(),
            "prompt": str(row.prompt_id),
        }
        for row in sorted(found, key=lambda row: row.pk != row.prompt.current_id)
    ]
    return [*listed, *(as_choice(draft) for draft in drafts)]


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
        asked = as_asked(request, text, wording)
    except (RedactionFailed, ValueError):
        return refused(
            pick(
                "这条消息无法检查隐私数据，没有发送。",
                "The message could not be examined for personal data and was not sent.",
            )
        )
    except NoShop:
        return refused(pick("没有这个接入点。", "There is no such inbox."))
    answered = playground.answer(asked.question, wording=wording, endpoint=endpoint)
    calls = "\n".join(map(str, asked.calls))
    return JsonResponse({**as_json(answered), "calls": calls})


def refused(sentence: str) -> JsonResponse:
    return JsonResponse({"ok": False, "sentence": sentence}, status=400)


def as_asked(request: HttpRequest, text: str, wording: Wording) -> Asked:
    """The message as production would ask it in the chosen shop, with slots found in it and in the customer's lines before.

    Raises RedactionFailed, NoShop, and ValueError for a history that is none.
    """
    case = EvalCase(
        set=EvalSet(inbox=request.POST.get("inbox", "")[:64]),
        language=wording.prompt.language,  # type: ignore[attr-defined]  # versions and drafts have one
        history=read_history(request.POST.get("history", "[]")),
        text=playground.masked(text),
    )
    asked = asking.asked(case, trace_id="trial")
    return replace(asked, question=replace(asked.question, **said_beside(request, asked)))


def said_beside(request: HttpRequest, asked: Asked) -> dict[str, Any]:
    """What the page says of the customer, in the place of what was heard."""
    mood, question = request.POST.get("mood", ""), asked.question
    sku = request.POST.get("sku", "").strip()[:SKU_CHARS]
    return {
        "user": "staff",
        "emotion": mood if mood in MOODS else question.emotion,
        "shop_name": request.POST.get("shop_name", "")[:100] or question.shop_name,
        "slots": {**question.slots, "sku": sku} if sku else question.slots,
    }


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
        "decision": f"{cause_of(answered.decision)}: {' → '.join(answered.decision['plan'])}",
        "intent": f"{answered.intent} / {MOODS.get(answered.emotion, answered.emotion)}",
        "slots": answered.slots,
        "calls": "",
    }
