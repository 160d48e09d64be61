"""Rows that tests of prompts start from: endpoints at the provider fake, texts, an SOP, planted calls."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from prompts import completion, retrieval
from prompts.models import ModelCall, ModelEndpoint, Prompt, PromptVersion, Sop, SopQuestion
from prompts.routing import Question
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import KEY

ASKED = "我的订单怎么还没到?"
SOP_ANSWER = "亲,别着急,已帮您催促物流。"
KEYS = {f"{vendor}_API_KEY": KEY for vendor in ("OPENAI", "ANTHROPIC", "DASHSCOPE")}
TEXTS = {
    ("answer", "zh"): "资料:{{knowledge}}",
    ("answer", "en"): "Facts: {{knowledge}}",
    ("unknown", "zh"): "这个问题我还不清楚",
    ("dispatch", "zh"): "这个问题有多难(difficulty: light, standard, strong)?",
}


def write_texts() -> None:
    """The prompts, and one SOP that answers ASKED with SOP_ANSWER."""
    for (purpose, language), text in TEXTS.items():
        prompt = Prompt.objects.create(purpose=purpose, language=language, title=purpose)
        prompt.current = PromptVersion.objects.create(prompt=prompt, number=1, text=text)
        prompt.save()
    sop = Sop.objects.create(
        key="late", language="zh", title="催单", intent="track", answer=SOP_ANSWER
    )
    retrieval.reindex([SopQuestion.objects.create(sop=sop, text=ASKED)])
    completion.CACHE.clear()


def forget_texts() -> None:
    completion.CACHE.clear()
    retrieval.forget()


def base_url(provider: ProviderControl, vendor: str) -> str:
    return {
        "openai": provider.base_url,
        "anthropic": provider.anthropic_base_url,
        "dashscope": provider.dashscope_base_url,
    }[vendor]


def build_endpoint(
    provider: ProviderControl, name: str, *, vendor: str = "openai", **changes: Any
) -> ModelEndpoint:
    """An endpoint of a vendor at the fake, not saved; its key is one of KEYS."""
    fields: dict[str, Any] = {
        "provider": vendor,
        "model": f"fake-{name}",
        "base_url": base_url(provider, vendor),
        "api_key_env": f"{vendor.upper()}_API_KEY",
        "context_tokens": 100_000,
        "capabilities": {"json_schema": True},
        "currency": "CNY",
        "timeout_seconds": 3.0,
    }
    return ModelEndpoint(name=name, **{**fields, **changes})


def endpoint(
    provider: ProviderControl, name: str, *, vendor: str = "openai", **changes: Any
) -> ModelEndpoint:
    row = build_endpoint(provider, name, vendor=vendor, **changes)
    row.save()
    completion.CACHE.clear()
    return row


def question(text: str = ASKED, **changes: Any) -> Question:
    fields = {"trace_id": str(uuid4()), "language": "zh", "user": "pseudonym"}
    return Question(text=text, **{**fields, **changes})


def call(**changes: Any) -> ModelCall:
    """A call on record; `ago` is a timedelta."""
    ago = changes.pop("ago", timedelta(0))
    fields = {"trace_id": str(uuid4()), "purpose": "answer", "endpoint": "main", "intent": "track"}
    fields |= {"emotion": "neutral", "length": "short", "at": timezone.now() - ago}
    return ModelCall.objects.create(**{**fields, **changes})


def calls(count: int, **changes: Any) -> None:
    """So many calls, each of a turn of its own."""
    for _ in range(count):
        call(**changes)
