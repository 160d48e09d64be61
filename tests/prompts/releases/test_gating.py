"""Nothing goes to customers before its set passed on it, or two people went without."""

import pytest
from django.contrib.auth import get_user_model

from prompts import releases, tasks
from prompts.evaluation import running
from prompts.models import (
    EvalCase,
    EvalRun,
    EvalSet,
    ModelCall,
    ModelEndpoint,
    Prompt,
    Release,
)
from tests.prompts.releases.making import (
    let_pass,
    make,
    status_of,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh")]


def test_nothing_goes_out_before_its_set_passed(prompt: Prompt) -> None:
    release = make(prompt)

    assert not releases.start(release)
    assert not releases.publish(release)
    let_pass(release, passed=0)
    assert not releases.publish(release)
    assert (status_of(release), Prompt.objects.get().current) == ("draft", prompt.current)
    let_pass(release)
    assert releases.publish(release)


def test_a_threshold_that_is_lowered_afterwards_opens_no_gate(prompt: Prompt) -> None:
    release = make(prompt)
    run = running.begin(release.eval_set, release=release, user_id=None)
    EvalRun.objects.filter(pk=run.pk).update(state="done", total=1, passed=0)

    EvalSet.objects.update(threshold=0)

    assert not releases.gate(Release.objects.get()).is_open


def test_a_run_of_something_else_opens_no_gate(prompt: Prompt) -> None:
    release = make(prompt)
    EvalRun.objects.create(set=release.eval_set, state="done", total=1, passed=1)

    assert not releases.gate(release).is_open


def test_the_gate_is_overridden_by_two_with_a_reason(prompt: Prompt) -> None:
    first, second = (get_user_model().objects.create(username=name) for name in ("a", "b"))
    release = make(prompt)

    assert not releases.agree_to_override(release, user_id=second.pk)
    assert not releases.ask_to_override(release, reason="  ", user_id=first.pk)
    assert releases.ask_to_override(release, reason="urgent", user_id=first.pk)
    assert not releases.agree_to_override(release, user_id=first.pk)
    assert not releases.gate(release).is_open
    assert releases.agree_to_override(release, user_id=second.pk)
    release.refresh_from_db()
    assert releases.gate(release).is_open
    assert releases.start(release)


def test_a_planted_regression_fails_the_set_on_the_release_and_holds_it(
    prompt: Prompt, model: ModelEndpoint
) -> None:
    release = make(prompt)
    EvalCase.objects.create(set=release.eval_set, key="a", text="你好", must_contain=["never said"])
    run = running.begin(release.eval_set, release=release, user_id=None)
    tasks.run_evaluation(run.pk)

    run.refresh_from_db()
    result = run.results.get()
    assert (run.subject, run.passed, run.total) == ("spring", 0, 1)
    assert result.version == release.versions.get()
    assert not releases.start(release)
    # What customers hear was not touched by the run, nor counted as theirs.
    assert not ModelCall.objects.filter(purpose="answer").exists()
