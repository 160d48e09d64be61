"""Releases and what customers hear of them, for the tests."""

from typing import Any

from prompts import completion
from prompts.models import (
    EvalRun,
    EvalSet,
    Prompt,
    PromptVersion,
    Release,
)
from prompts.routing import Question
from tests.prompts.llm.asking import Shown

INSIDE, OUTSIDE = "2025010112345604", "2025010112345605"


def make(prompt: Prompt, name: str = "spring", *, number: int = 2, **changes: Any) -> Release:
    version = PromptVersion.objects.create(prompt=prompt, number=number, text=f"新文本{number}")
    chosen, _ = EvalSet.objects.get_or_create(name="shop", title="Shop")
    release = Release.objects.create(name=name, note="why", eval_set=chosen, **changes)
    release.versions.add(version)
    return release


def let_pass(release: Release, *, passed: int = 1) -> EvalRun:
    return EvalRun.objects.create(
        set=release.eval_set, release=release, state="done", total=1, passed=passed
    )


def status_of(release: Release) -> str:
    return str(Release.objects.get(pk=release.pk).status)


def asked(order: str = "", conversation: str = "c") -> completion.Answer:
    question = Question(
        trace_id=f"turn-{order}",
        text="你好",
        language="zh",
        conversation_id=conversation,
        slots={"order_number": order} if order else {},
    )
    return completion.stream(question, Shown())
