"""The page that reruns a past conversation: from turn k on, under another version, at another endpoint."""

import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from unfold.admin import ModelAdmin

from chat import rerun
from chat.models import Conversation
from chat.rerun import Past
from prompts import playground
from prompts.admin import playing
from prompts.admin.wording import both, pick
from prompts.models import ModelEndpoint

ANSWERS_CHARS = 200_000
WORDS = {
    "title": both("重跑这段会话", "Rerun this conversation"),
    "intro": both(
        "从选定的一轮起，用另一个版本和模型重新回答，顾客的话不变。调用真实、会计费；顾客看不到，什么也不会保存。",
        "From the chosen turn on another version and endpoint answer the same words. Calls are real and cost money; "
        "the customer sees none of it and nothing is stored.",
    ),
    "from": both("从这一轮开始", "From this turn"),
    "go": both("重跑", "Rerun"),
    "asked": both("顾客", "Customer"),
    "then": both("当时的回答", "Answered then"),
    "now": both("重跑的回答", "Answered now"),
    "none": both("这段会话还没有回答过的轮次。", "No turn of this conversation was answered."),
    "example": both("存为示例", "Keep as an example"),
    "back": both("返回会话", "Back to the conversation"),
    "turn": both("轮次", "Turn"),
    "open": both("重跑…", "Rerun…"),
}


def page(request: HttpRequest, *, model_admin: ModelAdmin, pk: UUID) -> HttpResponse:
    """The conversation's turns, and what to rerun them with."""
    conversation = found(request, model_admin, pk=pk)
    versions, endpoints = playing.version_choices(), playing.endpoint_choices()
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": WORDS["title"],
        "t": {**playing.WORDS, **WORDS},
        "conversation": conversation,
        "turns": [(past, example_url(past)) for past in rerun.turns(conversation)],
        "versions": versions,
        "endpoints": endpoints,
        "words": {name: str(text) for name, text in {**playing.WORDS, **WORDS}.items()},
    }
    return render(request, "admin/chat/conversation/rerun.html", context)


def found(request: HttpRequest, model_admin: ModelAdmin, *, pk: UUID) -> Conversation:
    """Raises PermissionDenied, Http404."""
    conversation = get_object_or_404(Conversation, pk=pk)
    if not model_admin.has_view_permission(request, conversation) or not playing.may_play(request):
        raise PermissionDenied
    return conversation


def example_url(past: Past) -> str:
    """The form of a few-shot example, filled with this turn."""
    lines = [{"role": "visitor", "text": past.asked}, {"role": "bot", "text": past.answered}]
    features = past.turn.decision.get("features") or {}
    filled = {
        "key": f"turn-{past.turn.pk.hex[:12]}",
        "language": past.turn.conversation.visitor.language,
        "intent": features.get("intent", ""),
        "emotion": features.get("emotion", "neutral"),
        "source": "conversation",
        "messages": json.dumps(lines, ensure_ascii=False),
    }
    return f"{reverse('admin:prompts_fewshotexample_add')}?{urlencode(filled)}"


def ask(request: HttpRequest, *, model_admin: ModelAdmin, pk: UUID) -> HttpResponse:
    """What one turn would be answered now, given the new answers to those before it; as JSON."""
    conversation = found(request, model_admin, pk=pk)
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    number, wanted = request.POST.get("number", ""), request.POST.get("endpoint", "")
    wording = playing.find_wording(request.POST.get("version", ""))
    endpoint = (
        ModelEndpoint.objects.filter(pk=wanted, enabled=True).first()
        if wanted.isdecimal()
        else None
    )
    try:
        answers = read_answers(request.POST.get("answers", "{}"))
    except ValueError:
        answers = None
    if (
        wording is None
        or answers is None
        or not number.isdecimal()
        or (wanted and endpoint is None)
    ):
        return playing.refused(pick("请选择版本和模型。", "Choose a version and an endpoint."))
    question = rerun.build(conversation, number=int(number), answers=answers)
    if question is None:
        raise Http404
    if not question.readable:
        return playing.refused(
            pick(
                "这一轮无法检查隐私数据，不会发送给模型。",
                "This turn could not be examined for personal data and goes to no model.",
            )
        )
    return JsonResponse(
        playing.as_json(playground.answer(question, wording=wording, endpoint=endpoint))
    )


def read_answers(raw: str) -> dict[UUID, str]:
    """New answers by turn. Raises ValueError."""
    said: Any = json.loads(raw[:ANSWERS_CHARS])
    if not isinstance(said, dict):
        raise ValueError("answers")
    return {UUID(str(turn)): str(text) for turn, text in said.items()}
