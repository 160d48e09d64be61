"""Nothing goes to customers before its set passed on it, or two people went without."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from prompts import audit, releases, tasks, versions
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
    Release,
)
from prompts.releases import gating
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


# --- what changed since the run ------------------------------------------------------------------------


@pytest.fixture
def case(prompt: Prompt) -> EvalCase:
    chosen = EvalSet.objects.create(name="shop", title="Shop")
    return EvalCase.objects.create(set=chosen, key="a", text="你好", critical=True)


def passed(release: Release) -> EvalRun:
    run = running.begin(release.eval_set, release=release, user_id=None)
    EvalRun.objects.filter(pk=run.pk).update(state="done", total=1, passed=1)
    return run


@pytest.mark.parametrize(
    "change",
    [
        lambda case: EvalCase.objects.create(set=case.set, key="b", text="再见"),
        lambda case: EvalCase.objects.update(must_contain=["never said"]),
        lambda case: EvalCase.objects.update(critical=False),
        lambda case: EvalCase.objects.update(enabled=False),
        lambda case: case.delete(),
        lambda case: EvalSet.objects.update(threshold=96),
        lambda case: EvalSet.objects.update(judge_blocks=True),
    ],
    ids=["added", "asks for more", "uncritical", "off", "deleted", "threshold", "judge"],
)
def test_a_set_that_changed_since_its_run_runs_again_before_the_gate_opens(
    prompt: Prompt, case: EvalCase, change: Callable[[EvalCase], Any]
) -> None:
    release = make(prompt)
    passed(release)
    assert releases.gate(release).is_open

    change(case)

    found = releases.gate(release)
    assert (found.is_open, found.why) == (False, "gate_changed")
    assert not releases.publish(release)
    passed(release)
    assert releases.publish(release)


def test_what_changes_nothing_of_what_is_asked_leaves_the_gate_open(
    prompt: Prompt, case: EvalCase
) -> None:
    release = make(prompt)
    passed(release)

    case.save()  # another moment
    EvalCase.objects.create(set=case.set, key="b", text="off", enabled=False)
    EvalSet.objects.update(title="Another name")

    assert releases.gate(release).is_open


def test_a_column_that_is_added_shuts_no_gate_and_somebody_says_whether_it_counts(
    prompt: Prompt, case: EvalCase
) -> None:
    before = gating.digest_of(case.set_id)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE prompts_evalcase ADD COLUMN later integer DEFAULT 1")
        assert gating.digest_of(case.set_id) == before
        transaction.set_rollback(True)

    columns = {field.column for field in EvalCase._meta.concrete_fields}
    assert columns - {*gating.ASKED} == {"id", "set_id", "source", "trace_id", "updated_at"}


# --- who made it easier --------------------------------------------------------------------------------


@pytest.fixture
def people() -> tuple[int, int]:
    made = [get_user_model().objects.create_user(name) for name in ("小林", "小周")]
    return made[0].pk, made[1].pk


@pytest.mark.parametrize(
    ("change", "is_easier"),
    [
        (lambda case: EvalSet.objects.update(threshold=10), True),
        (lambda case: EvalSet.objects.update(threshold=99), False),
        (lambda case: EvalCase.objects.update(enabled=False), True),
        (lambda case: EvalCase.objects.update(critical=False), True),
        (lambda case: EvalCase.objects.update(must_contain=[]), True),
        (lambda case: case.delete(), True),
        (lambda case: EvalSet.objects.update(inbox="other-shop"), True),
        (lambda case: EvalCase.objects.create(set=case.set, key="b", text="t"), False),
    ],
    ids=["threshold", "higher", "off", "uncritical", "asks less", "deleted", "shop", "added"],
)
def test_who_makes_a_gate_easier_does_not_send_the_release_through_it_alone(
    prompt: Prompt,
    case: EvalCase,
    people: tuple[int, int],
    change: Callable[[EvalCase], Any],
    is_easier: bool,
) -> None:
    first, second = people
    EvalCase.objects.update(must_contain=["您好"])
    release = make(prompt)
    with audit.acting(first):
        change(case)
    passed(release)

    assert bool(releases.alone(release, first)) is is_easier
    assert releases.start(release, by=first) is not is_easier
    assert releases.publish(release, by=first) is not is_easier
    if is_easier:
        assert [entry.actor for entry in releases.loosened(release)] == ["小林"]
        assert releases.publish(release, by=second)


def test_with_another_persons_agreement_who_made_it_easier_publishes(
    prompt: Prompt, case: EvalCase, people: tuple[int, int]
) -> None:
    first, second = people
    release = make(prompt)
    with audit.acting(first):
        EvalSet.objects.update(threshold=10)
    passed(release)
    assert releases.ask_to_override(release, reason="a wrong case", user_id=first)
    assert not releases.publish(release, by=first)
    assert not releases.agree_to_override(release, user_id=first)
    assert releases.agree_to_override(release, user_id=second)

    assert releases.publish(Release.objects.get(), by=first)


def test_what_was_easier_before_the_version_was_written_or_in_another_set_is_nothing(
    prompt: Prompt, case: EvalCase, people: tuple[int, int]
) -> None:
    other = EvalSet.objects.create(name="other", title="Other")
    theirs = EvalCase.objects.create(set=other, key="x", text="t")
    with audit.acting(people[0]):
        EvalSet.objects.filter(pk=case.set_id).update(threshold=10)
    release = make(prompt)
    with audit.acting(people[0]):
        theirs.delete()
        EvalSet.objects.filter(pk=other.pk).update(threshold=10)
    passed(release)

    assert releases.publish(release, by=people[0])


@pytest.mark.parametrize("has_versions", [True, False], ids=["versions", "sops alone"])
def test_saving_once_more_or_another_release_makes_nobody_forget(
    prompt: Prompt, case: EvalCase, people: tuple[int, int], has_versions: bool
) -> None:
    first, second = people
    make(prompt, "failed", number=5)
    with audit.acting(first):
        EvalSet.objects.update(threshold=10)
    again = make(prompt, "again", number=6)
    if not has_versions:
        again.versions.clear()
    passed(again)

    assert not releases.publish(again, by=first)
    assert releases.publish(again, by=second)
    # Somebody else has let a release of this set go out: from then on it is new.
    later = make(prompt, "later", number=7)
    if not has_versions:
        later.versions.clear()
    passed(later)
    assert releases.publish(later, by=first)
    with audit.acting(first):
        EvalSet.objects.update(threshold=5)
    last = make(prompt, "last", number=8)
    passed(last)
    assert not releases.publish(last, by=first)


def test_a_release_that_goes_on_by_itself_settles_nothing(
    prompt: Prompt, case: EvalCase, people: tuple[int, int]
) -> None:
    staged = make(prompt, "staged", number=5)
    passed(staged)
    assert releases.start(staged, by=people[0])
    with audit.acting(people[0]):
        EvalSet.objects.update(threshold=10)
    passed(staged)
    assert releases.publish(staged)
    last = make(prompt, "last", number=6)
    passed(last)

    assert not releases.publish(last, by=people[0])


@pytest.mark.parametrize(("stood", "is_padded"), [(8, True), (9, False)])
def test_who_pads_a_set_with_cases_that_pass_does_not_send_the_release_alone(
    prompt: Prompt, people: tuple[int, int], stood: int, is_padded: bool
) -> None:
    chosen = EvalSet.objects.create(name="shop", title="Shop", threshold=90)
    cases = [EvalCase.objects.create(set=chosen, key=f"a{n}", text="t") for n in range(10)]
    release = make(prompt)
    with audit.acting(people[0]):
        cases += [EvalCase.objects.create(set=chosen, key=f"b{n}", text="t") for n in range(10)]
    run = running.begin(chosen, release=release, user_id=None)
    failed = set(range(stood, 10))
    EvalResult.objects.bulk_create(
        EvalResult(run=run, case=case, passed=n not in failed) for n, case in enumerate(cases)
    )
    EvalRun.objects.filter(pk=run.pk).update(state="done", total=20, passed=20 - len(failed))
    assert releases.gate(release).is_open

    assert len(releases.loosened(release)) == (10 if is_padded else 0)
    assert releases.publish(release, by=people[0]) is not is_padded
    if is_padded:
        assert releases.publish(release, by=people[1])


def test_who_takes_a_hold_away_does_not_use_that_alone(
    prompt: Prompt, case: EvalCase, people: tuple[int, int]
) -> None:
    first, second = people
    with audit.acting(second):
        versions.hold(prompt, guarded_by=case.set_id, by_release_only=None)
    with audit.acting(first):
        versions.hold(prompt, guarded_by=case.set_id, by_release_only=False)
    release = make(prompt)
    version = release.versions.get()
    passed(release)

    assert not releases.publish(release, by=first)
    with pytest.raises(versions.Held) as held:
        versions.publish(version, by=first)
    assert held.value.alone
    # Once somebody else has put a version in force the prompt is without its hold by both.
    with audit.acting(second):
        assert versions.publish(version, by=second)
    later = PromptVersion.objects.create(prompt=prompt, number=7, text="新")
    assert versions.publish(later, by=first)


@pytest.mark.parametrize("went_back", [False, True], ids=["to an older", "to a newer"])
def test_a_rollback_by_somebody_else_agrees_to_no_hold_that_is_gone(
    prompt: Prompt, case: EvalCase, people: tuple[int, int], went_back: bool
) -> None:
    first, second = people
    out = make(prompt, "out")
    passed(out)
    newer = PromptVersion.objects.create(prompt=prompt, number=3, text="急")
    if went_back:
        Prompt.objects.update(current=newer)
    assert releases.publish(out, by=second, over=[newer.pk])
    with audit.acting(second):
        versions.hold(prompt, guarded_by=case.set_id, by_release_only=None)
    with audit.acting(first):
        versions.hold(prompt, guarded_by=case.set_id, by_release_only=False)
    with audit.acting(second):
        assert releases.roll_back(Release.objects.get(), "bad", by=second)
    later = PromptVersion.objects.create(prompt=prompt, number=7, text="新")

    with pytest.raises(versions.Held):
        versions.publish(later, by=first)
    with audit.acting(second):
        assert versions.publish(later, by=second)
    assert not audit.unheld_alone([prompt.pk], first)
