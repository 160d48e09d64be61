"""The examples of a release are those of the moment it was made, wherever it is heard."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from prompts import completion, composing, example_sets, releases
from prompts.evaluation import running
from prompts.models import (
    EvalRun,
    FewShotExample,
    ModelEndpoint,
    Prompt,
    PromptVersion,
    Release,
)
from prompts.routing import Question
from tests.prompts.releases.making import (
    INSIDE,
    OUTSIDE,
    asked,
    let_pass,
    make,
    status_of,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh")]


@pytest.fixture
def example() -> Iterator[FewShotExample]:
    example = FewShotExample.objects.create(
        key="late", language="zh", intent="track", messages=said_in_it("旧的回答")
    )
    yield example
    example_sets.KEPT.clear()


def said_in_it(answer: str) -> list[dict[str, str]]:
    return [{"role": "visitor", "text": "还没到货"}, {"role": "bot", "text": answer}]


def edit_example(example: FewShotExample, answer: str) -> None:
    """What saving an example in the admin does."""
    example.messages = said_in_it(answer)
    example.save()
    completion.CACHE.clear()


def with_examples(prompt: Prompt, name: str, *, number: int) -> Release:
    """A release of a version that shows examples, made as the admin makes it."""
    release = make(prompt, name, number=number)
    version = PromptVersion.objects.create(
        prompt=prompt, number=number + 10, text="{{examples}}", variables=["examples"]
    )
    release.versions.set([version])
    release.example_set = example_sets.freeze([version])
    release.save()
    let_pass(release)
    return release


def shown(order: str = OUTSIDE) -> str:
    return str(asked(order).rendering["system"]).rpartition(": ")[2]


def test_who_hears_a_release_is_shown_the_examples_frozen_with_it(
    prompt: Prompt, model: ModelEndpoint, example: FewShotExample
) -> None:
    before = PromptVersion.objects.create(
        prompt=prompt, number=5, text="{{examples}}", variables=["examples"]
    )
    Prompt.objects.update(current=before)
    release = with_examples(prompt, "spring", number=6)
    assert releases.start(release)

    edit_example(example, "新的回答")
    assert (shown(INSIDE), shown(OUTSIDE)) == ("旧的回答", "新的回答")
    FewShotExample.objects.update(enabled=False)
    completion.CACHE.clear()
    assert shown(INSIDE) == "旧的回答"
    assert asked(INSIDE).rendering["examples"] == [example.pk]

    assert releases.publish(release)
    assert shown(OUTSIDE) == "旧的回答"
    assert releases.roll_back(Release.objects.get(), "bad")
    # What was published without a release is shown the examples as they are edited.
    assert asked(OUTSIDE).rendering["examples"] == []


def test_a_rollback_brings_the_examples_of_the_release_before_back(
    prompt: Prompt, model: ModelEndpoint, example: FewShotExample
) -> None:
    first = with_examples(prompt, "first", number=6)
    edit_example(example, "第二版")
    second = make(prompt, "second", number=7)
    second.versions.set(first.versions.all())
    second.example_set = example_sets.freeze(first.versions.all())
    second.save()
    let_pass(second)
    for one in (first, second):
        assert releases.publish(one)
    edit_example(example, "没人看过")
    assert shown() == "第二版"
    assert [status_of(one) for one in (first, second)] == ["superseded", "published"]

    assert releases.roll_back(Release.objects.get(pk=second.pk), "bad")

    assert shown() == "旧的回答"
    assert status_of(first) == "published"


def test_an_evaluation_of_a_release_is_shown_its_examples(
    prompt: Prompt, model: ModelEndpoint, example: FewShotExample
) -> None:
    release = with_examples(prompt, "spring", number=6)
    edit_example(example, "新的回答")
    run = EvalRun.objects.create(set=release.eval_set, release=release)

    current = running.candidate(run)
    version = current.prompts["answer", "zh"]
    composed = composing.compose(Question("t", "你好", "zh"), [], wording=version, current=current)

    assert "旧的回答" in composed.system


def test_examples_that_say_the_same_are_stored_once_and_what_differs_is_told(
    prompt: Prompt, example: FewShotExample
) -> None:
    gone = FewShotExample.objects.create(
        key="gone", language="zh", intent="i", messages=said_in_it("b")
    )
    FewShotExample.objects.create(key="en", language="en", intent="i", messages=said_in_it("c"))
    version = PromptVersion.objects.create(prompt=prompt, number=2, text="t")
    silent = PromptVersion.objects.create(prompt=prompt, number=3, text="t", example_mode="none")

    first = example_sets.freeze([version])
    assert first == example_sets.freeze([version, silent])
    assert example_sets.freeze([silent]) is None
    assert first is not None
    assert len(first.members) == 2
    edit_example(example, "新的回答")
    gone.delete()
    FewShotExample.objects.create(key="new", language="zh", intent="i", messages=said_in_it("d"))

    found = example_sets.differences(first, [version])

    assert [(each.key, each.held, each.live) for each in found] == [
        ("gone", True, False),
        ("late", True, True),
        ("new", False, True),
    ]


def test_frozen_examples_cost_no_query_of_a_turn_once_they_are_known(
    prompt: Prompt, model: ModelEndpoint, example: FewShotExample
) -> None:
    completion.snapshot()
    before = with_snapshot_queries()
    release = with_examples(prompt, "spring", number=6)
    assert releases.publish(release)
    completion.snapshot()
    completion.CACHE.clear()

    assert with_snapshot_queries() == before
    with CaptureQueriesContext(connection) as asked_for:
        current = completion.snapshot()
        wording = current.prompts["answer", "zh"]
        composing.chosen(Question("t", "你好", "zh"), wording=wording, current=current)
    assert len(asked_for) == 0


def test_every_set_that_is_heard_or_shadowed_stays_however_many(
    prompt: Prompt, model: ModelEndpoint, example: FewShotExample
) -> None:
    for number in range(example_sets.SETS_KEPT + 2):
        edit_example(example, f"回答{number}")
        release = with_examples(prompt, f"r{number}", number=20 + number)
        Release.objects.filter(pk=release.pk).update(shadow_percent=1)
    completion.CACHE.clear()
    current = completion.snapshot()

    with CaptureQueriesContext(connection) as asked_for:
        found = {
            example_sets.library(each.trial.example_set, current.library).version[1]
            for each in current.shadows
        }

    assert (len(found), len(asked_for)) == (example_sets.SETS_KEPT + 2, 0)
    Release.objects.update(shadow_percent=0)
    completion.CACHE.clear()
    completion.snapshot()
    assert len(example_sets.KEPT) == example_sets.SETS_KEPT


def with_snapshot_queries() -> int:
    """How many queries a fresh snapshot takes."""
    completion.CACHE.clear()
    with CaptureQueriesContext(connection) as asked_for:
        completion.snapshot()
    return len(asked_for)
