"""A run asks every case as production would, under the version on trial, and counts what passed."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from prompts import completion, lease, retrieval, tasks
from prompts.evaluation import running
from prompts.models import (
    Canary,
    EvalCase,
    EvalRun,
    EvalSet,
    ModelCall,
    ModelEndpoint,
    Prompt,
    PromptVersion,
    Sop,
    SopQuestion,
)
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import KEY

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = "我的订单怎么还没到?"
ANSWER = "亲,别着急,已帮您催促物流。"


@pytest.fixture(autouse=True)
def rows(transactional_db: None) -> Iterator[None]:
    for purpose, text in {"answer": "客服。资料:{{knowledge}}", "unknown": "不清楚。"}.items():
        prompt = Prompt.objects.create(purpose=purpose, language="zh", title=purpose)
        prompt.current = PromptVersion.objects.create(prompt=prompt, number=1, text=text)
        prompt.save()
    sop = Sop.objects.create(
        key="late", language="zh", title="催单", category="c", intent="i", answer=ANSWER
    )
    retrieval.reindex([SopQuestion.objects.create(sop=sop, text=ASKED)])
    completion.CACHE.clear()
    yield
    completion.CACHE.clear()
    retrieval.forget()


@pytest.fixture
def chosen() -> EvalSet:
    return EvalSet.objects.create(name="shop", title="Shop", threshold=80)


@pytest.fixture
def model(provider: ProviderControl, settings: Any) -> ModelEndpoint:
    settings.MODEL_API_KEYS = {"SHOP_API_KEY": KEY}
    return ModelEndpoint.objects.create(
        name="shop-model",
        provider="openai",
        model="fake-light",
        base_url=provider.base_url,
        api_key_env="SHOP_API_KEY",
    )


def add(chosen: EvalSet, key: str, **wanted: Any) -> EvalCase:
    return EvalCase.objects.create(**{"set": chosen, "key": key, "text": ASKED, **wanted})


def evaluated(chosen: EvalSet, version: PromptVersion | None = None) -> EvalRun:
    run = running.begin(chosen, version=version, user_id=None)
    tasks.run_evaluation(run.pk)
    run.refresh_from_db()
    return run


def test_a_run_counts_what_passed_and_says_what_did_not(chosen: EvalSet) -> None:
    add(chosen, "good", must_contain=["催"], sop="late", max_chars=30)
    add(chosen, "bad", must_not_contain=["别着急"])
    add(chosen, "off", must_contain=["never"], enabled=False)

    run = evaluated(chosen)

    assert (run.state, run.passed, run.total, run.critical) == ("done", 1, 2, 0)
    bad = run.results.get(case__key="bad")
    assert [one["check"] for one in bad.failures] == ["must_not_contain"]
    assert (bad.answer, bad.endpoint) == (ANSWER, "sop")


def test_a_case_that_cannot_be_asked_fails_and_stops_no_other(chosen: EvalSet) -> None:
    for number in range(6):
        add(chosen, f"good-{number}", must_contain=["催"])
    add(chosen, "broken", history=[["visitor"]], critical=True)

    run = evaluated(chosen)

    assert (run.state, run.passed, run.total, run.critical) == ("done", 6, 7, 1)
    broken = run.results.get(case__key="broken")
    assert broken.failures == [{"check": "answered", "wanted": "ValueError", "found": "broken"}]


def test_slots_and_history_are_understood_as_in_production(chosen: EvalSet) -> None:
    add(
        chosen,
        "slots",
        text="就是这个",
        history=[["visitor", "订单20260131001234567"], ["bot", "好的"]],
        slots={"order_number": "20260131001234567"},
    )

    assert evaluated(chosen).passed == 1


def test_the_version_on_trial_speaks_and_customers_do_not_hear_it(
    chosen: EvalSet, model: ModelEndpoint, provider: ProviderControl
) -> None:
    prompt = Prompt.objects.get(purpose="answer")
    trial = PromptVersion.objects.create(prompt=prompt, number=2, text="试用文本")
    Canary.objects.create(
        name="c", endpoint=model, first_bucket=0, last_bucket=99, status="running"
    )
    add(chosen, "one")

    run = evaluated(chosen, trial)

    result = run.results.get()
    assert (result.version_id, result.endpoint) == (trial.pk, "shop-model")
    call = ModelCall.objects.get(purpose="trial")
    assert (call.canary, call.prompt_version_id) == ("", trial.pk)
    assert not ModelCall.objects.filter(purpose="answer").exists()
    system = provider.requests()[-1]["body"]["messages"][0]["content"]
    assert system == "试用文本"
    assert Prompt.objects.get(pk=prompt.pk).current_id != trial.pk


def test_a_run_is_safe_to_run_twice_and_goes_on_after_a_dead_worker(chosen: EvalSet) -> None:
    add(chosen, "one")
    add(chosen, "two")
    run = evaluated(chosen)
    kept = run.results.first()
    assert kept is not None
    run.results.exclude(pk=kept.pk).delete()

    tasks.run_evaluation(run.pk)
    assert run.results.count() == 1  # it is over: nobody takes it again

    EvalRun.objects.filter(pk=run.pk).update(
        state="running", lease_until=timezone.now() + timedelta(seconds=60)
    )
    tasks.run_evaluation(run.pk)
    assert run.results.count() == 1  # another worker holds it

    EvalRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.run_evaluation(run.pk)
    assert run.results.count() == 2
    assert run.results.filter(pk=kept.pk).exists()


def test_a_cancelled_run_asks_nobody(chosen: EvalSet) -> None:
    add(chosen, "one")
    run = running.begin(chosen, version=None, user_id=None)

    assert running.cancel(run.pk)
    tasks.run_evaluation(run.pk)
    run.refresh_from_db()

    assert (run.state, run.results.count()) == ("cancelled", 0)
    assert not running.cancel(run.pk)


def test_a_run_under_way_stops_where_it_was_cancelled(
    chosen: EvalSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(running.AT_ONCE * 2):
        add(chosen, f"case-{number}")
    run = running.begin(chosen, version=None, user_id=None)
    keep = lease.keep
    kept: list[Any] = []

    def cancelled_meanwhile(rows: Any, duration: Any) -> bool:
        kept.append(rows)
        if len(kept) == 2:
            running.cancel(run.pk)
        return keep(rows, duration)

    monkeypatch.setattr(lease, "keep", cancelled_meanwhile)
    running.run(run.pk)
    run.refresh_from_db()

    assert (run.state, run.results.count()) == ("cancelled", running.AT_ONCE)


def test_a_critical_case_fails_the_run_whatever_the_share(chosen: EvalSet) -> None:
    for number in range(9):
        add(chosen, f"good-{number}")
    add(chosen, "bad", must_contain=["never"], critical=True)

    run = evaluated(chosen)

    assert (run.passed, run.total, run.critical) == (9, 10, 1)
    assert not run.passes


def test_changes_name_what_broke_and_what_was_mended(chosen: EvalSet) -> None:
    broken = add(chosen, "a")
    mended = add(chosen, "b", must_contain=["never"])
    add(chosen, "c")
    evaluated(chosen)
    EvalCase.objects.filter(pk=broken.pk).update(must_contain=["never"])
    EvalCase.objects.filter(pk=mended.pk).update(must_contain=[])

    run = evaluated(chosen)

    earlier = running.before(run)
    assert running.changes(running.verdicts(run), earlier) == {broken.pk: False, mended.pk: True}


# --- manage.py run_evals ---------------------------------------------------------------------------------


def command(*args: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("run_evals", *args, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def test_the_command_ends_with_what_came_of_it(chosen: EvalSet) -> None:
    add(chosen, "good")
    code, said = command("shop")
    assert (code, said.split(" ")[0]) == (0, "ok")

    add(chosen, "bad", must_contain=["never"])
    code, said = command("--json")
    report = json.loads(said)
    assert (code, report["passed_cases"], report["cases"]) == (1, 1, 2)
    assert list(report["failures"]) == ["bad"]


@pytest.mark.parametrize("args", [("nosuch",), ("--version-id", "999999", "shop"), ()])
def test_the_command_says_what_makes_no_sense(args: tuple[str, ...]) -> None:
    assert command(*args)[0] == 2
