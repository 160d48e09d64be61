"""A waiting conversation, and a model at the provider fake that says what a test wants of it."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from chat import transcript
from chat.actions import visitor as visitor_actions
from chat.models import Conversation
from chat.states import Role
from prompts import completion
from prompts.models import Prompt, PromptVersion
from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency
from tests.prompts.rows import KEYS, endpoint

TEXTS = {
    "brief": "写交接说明。主题 {{topic}} 心情 {{mood}} 信息 {{slots}} {{thread}}",
    "summary": "写小结。{{topic}} {{slots}}",
    "rewrite": "改写：{{style}}",
    "translate": "翻译成中文",
    "draft": "起草。资料 {{knowledge}} 信息 {{slots}}",
    "first_reply": "您好，我是{{agent}}，{{topic}}的事我来办",
    "first_reply_open": "您好，我是{{agent}}",
}
SAID = {
    "need": "想知道订单什么时候到",
    "tried": ["小助手说在路上"],
    "team": "",
    "priority": "normal",
    "reply": "您好，让您久等了，我马上为您核实物流。",
}
Says = Callable[..., None]


@pytest.fixture(scope="session")
def provider_process() -> Iterator[ProviderControl]:
    with running(ProviderOptions(Latency(ttft_ms=5, interval_ms=1))) as control:
        yield control


@pytest.fixture
def wordings(texts: None) -> None:
    """The texts of what models do for agents, beside those chat speaks."""
    for purpose, text in TEXTS.items():
        prompt = Prompt.objects.create(purpose=purpose, language="zh", title=purpose)
        prompt.current = PromptVersion.objects.create(prompt=prompt, number=1, text=text)
        prompt.save()
    english = Prompt.objects.create(purpose="translate_reply", language="en", title="translate")
    said = "Translate into English"
    english.current = PromptVersion.objects.create(prompt=english, number=1, text=said)
    english.save()
    completion.CACHE.clear()


@pytest.fixture
def model(
    provider_process: ProviderControl, wordings: None, settings: Any
) -> Iterator[ProviderControl]:
    """An endpoint that counts, at a fake without a scenario and with an empty log."""
    provider_process.reset()
    settings.MODEL_API_KEYS = KEYS
    endpoint(provider_process, "main")
    yield provider_process
    completion.CACHE.clear()


def says(provider: ProviderControl, answer: Any, **more: Any) -> None:
    """From now on every request gets this answer, or this fault."""
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    provider.set_scenario([{"answer": text, "times": 0, **more}])


def fails(provider: ProviderControl, fault: str, **more: Any) -> None:
    provider.set_scenario([{"fault": fault, "times": 0, **more}])


def said(conversation: Conversation, *lines: tuple[Role, str]) -> None:
    with transaction.atomic():
        locked = transcript.lock(conversation.pk)
        for role, text in lines:
            transcript.append(locked, role=role, text=text)


def post(visitor: Any, text: str) -> Conversation:
    """A line of the visitor's, as their browser sends it: masked on its way in."""
    posted = visitor_actions.post_message(
        visitor, client_id=uuid4(), text=text, address="127.0.0.1"
    )
    return Conversation.objects.get(pk=posted.conversation_id)


def waiting(
    visitor: Any, text: str = "我的订单20240501123怎么还没到?打13812345678"
) -> Conversation:
    """A conversation whose visitor waits for a person."""
    conversation = post(visitor, text)
    visitor_actions.request_human(visitor)
    conversation.refresh_from_db()
    return conversation


def bodies(provider: ProviderControl) -> str:
    """Everything the model was sent, as one text."""
    asked = [request["body"] for request in provider.requests()]
    return json.dumps(asked, ensure_ascii=False)
