"""A judge approves or not by the rubric; what it cannot say counts as no; alone it fails no critical case."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from prompts import completion
from prompts.evaluation import running
from prompts.models import (
    EvalCase,
    EvalResult,
    EvalRun,
    EvalSet,
    ModelCall,
    ModelEndpoint,
    Prompt,
    PromptVersion,
)
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import KEY

pytestmark = pytest.mark.django_db(transaction=True)

RUBRIC = "先道歉，再给出办法"
ANSWER = "没有资料。"


@pytest.fixture(autouse=True)
def rows(transactional_db: None) -> Iterator[None]:
    """No model answers, so that the judge's calls are the only ones."""
    said = {"unknown": ANSWER, "judge": "要求:{{rubric}} 参考:{{reference}} 对话:{{thread}}"}
    for purpose, text in said.items():
        prompt = Prompt.objects.create(purpose=purpose, language="zh", title=purpose)
        prompt.current = PromptVersion.objects.create(prompt=prompt, number=1, text=text)
        prompt.save()
    completion.CACHE.clear()
    yield
    completion.CACHE.clear()


@pytest.fixture
def judge(provider: ProviderControl, settings: Any) -> ModelEndpoint:
    """An endpoint that judges and answers no customer."""
    settings.MODEL_API_KEYS = {"SHOP_API_KEY": KEY}
    return ModelEndpoint.objects.create(
        name="judge",
        provider="openai",
        model="fake-strong",
        base_url=provider.base_url,
        api_key_env="SHOP_API_KEY",
        price_in=10,
        price_out=10,
        enabled=False,
    )


def verdict(*, passes: bool, reason: str = "没有道歉") -> dict[str, str]:
    return {"answer": json.dumps({"passes": passes, "reason": reason}, ensure_ascii=False)}


def run_of(judge: ModelEndpoint | None, *, judge_blocks: bool = False, **case: Any) -> EvalRun:
    chosen = EvalSet.objects.create(
        name="shop", title="Shop", judge=judge, judge_blocks=judge_blocks, threshold=0
    )
    fields = {"key": "one", "text": "怎么还没到", "rubric": RUBRIC}
    EvalCase.objects.create(**{"set": chosen, **fields, **case})
    run = running.begin(chosen, user_id=None)
    running.run(run.pk)
    run.refresh_from_db()
    return run


def result_of(run: EvalRun) -> EvalResult:
    return run.results.get()


def test_the_judge_reads_rubric_reference_and_thread_and_its_call_is_on_record(
    judge: ModelEndpoint, provider: ProviderControl
) -> None:
    provider.set_scenario([verdict(passes=True, reason="道了歉")])

    result = result_of(run_of(judge, reference="非常抱歉，已催", history=[["bot", "在的"]]))

    assert (result.passed, result.verdict["reason"]) == (True, "道了歉")
    system, answer = provider.requests()[-1]["body"]["messages"]
    wanted = f"要求:{RUBRIC} 参考:非常抱歉，已催 对话:客服: 在的\n顾客: 怎么还没到"
    assert system["content"].startswith(wanted)
    assert answer == {"role": "user", "content": ANSWER}
    call = ModelCall.objects.get(endpoint="judge")
    assert (call.purpose, call.error_class, call.cost > 0) == ("judge", "", True)
    assert call.trace_id == f"eval-{result.run_id}-{result.case_id}"


def test_a_judge_that_disapproves_fails_the_case_and_says_why(
    judge: ModelEndpoint, provider: ProviderControl
) -> None:
    provider.set_scenario([verdict(passes=False)])

    result = result_of(run_of(judge))

    assert result.failures == [{"check": "judge", "wanted": RUBRIC, "found": "没有道歉"}]


@pytest.mark.parametrize(
    "said", ["很好", '{"passes": "maybe"}', '{"passes": true', "[]", '{"reason": "x"}']
)
def test_a_malformed_verdict_is_asked_for_again_and_then_approves_of_nothing(
    judge: ModelEndpoint, provider: ProviderControl, said: str
) -> None:
    provider.set_scenario([{"answer": said, "times": 2}])

    result = result_of(run_of(judge))

    assert [one["found"] for one in result.failures] == ["no_verdict"]
    calls = ModelCall.objects.filter(purpose="judge")
    assert [call.error_class for call in calls] == ["bad_output", "bad_output"]


def test_a_judge_without_a_key_approves_of_nothing(judge: ModelEndpoint, settings: Any) -> None:
    settings.MODEL_API_KEYS = {}

    assert not result_of(run_of(judge)).passed


@pytest.mark.parametrize("asked", [{"rubric": ""}, {}])
def test_nothing_is_judged_without_a_rubric_or_a_judge(
    judge: ModelEndpoint, provider: ProviderControl, asked: dict[str, Any]
) -> None:
    result = result_of(run_of(judge if asked else None, **asked))

    assert (result.passed, result.verdict) == (True, {})
    assert provider.requests() == []


@pytest.mark.parametrize(
    ("owner_says_so", "also", "critical"),
    [(False, {}, 0), (True, {}, 1), (False, {"must_contain": ["抱歉"]}, 1)],
)
def test_alone_the_judge_fails_a_critical_case_only_where_the_owner_says_so(
    judge: ModelEndpoint,
    provider: ProviderControl,
    owner_says_so: bool,
    also: dict[str, Any],
    critical: int,
) -> None:
    provider.set_scenario([verdict(passes=False)])

    run = run_of(judge, judge_blocks=owner_says_so, critical=True, **also)

    assert (run.passed, run.critical, run.passes) == (0, critical, not critical)
