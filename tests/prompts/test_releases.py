"""A release goes out through its gate, to some buckets first, and comes back whole; nobody hears half of it."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from prompts import audit, completion, composing, example_sets, releases, retrieval, tasks
from prompts.evaluation import running
from prompts.models import (
    AuditEntry,
    EvalCase,
    EvalRun,
    EvalSet,
    FewShotExample,
    ModelCall,
    ModelEndpoint,
    Prompt,
    PromptVersion,
    Release,
    RoutePolicy,
    Sop,
    SopVersion,
)
from prompts.routing import Question
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import KEY, Shown
from tests.prompts.llm.racing import race

pytestmark = pytest.mark.django_db(transaction=True)
INSIDE, OUTSIDE = "2025010112345604", "2025010112345605"


@pytest.fixture(autouse=True)
def fresh(transactional_db: None) -> Iterator[None]:
    completion.CACHE.clear()
    yield
    completion.CACHE.clear()


@pytest.fixture
def prompt() -> Prompt:
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="answer")
    prompt.current = PromptVersion.objects.create(prompt=prompt, number=1, text="旧文本")
    prompt.save()
    return prompt


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


# --- the gate ------------------------------------------------------------------------------------------


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


# --- the canary ----------------------------------------------------------------------------------------


def test_only_its_buckets_hear_a_release_and_every_turn_says_which(
    prompt: Prompt, model: ModelEndpoint, provider: ProviderControl
) -> None:
    release = make(prompt)
    let_pass(release)
    assert releases.start(release)

    inside, outside = asked("2025010112345604"), asked("2025010112345605")

    new = release.versions.get()
    assert inside.prompt_version_id == new.pk
    assert inside.rendering["system"] == "新文本2"
    assert outside.rendering["system"] == "旧文本"
    said = [(one.decision["release"], one.decision["arm"]) for one in (inside, outside)]
    assert said == [("spring", "release"), ("", "control")]
    calls = ModelCall.objects.order_by("at").values_list("release", "prompt_version")
    assert list(calls) == [("spring", new.pk), ("", prompt.current_id)]


def test_a_range_is_widened_while_it_runs_but_not_into_anothers(prompt: Prompt) -> None:
    release, other = make(prompt), make(prompt, "other", number=3, first_bucket=50, last_bucket=59)
    for one in (release, other):
        let_pass(one)
        assert releases.start(one)

    assert releases.widen(release, first=0, last=49)
    assert not releases.widen(release, first=0, last=50)
    assert not releases.widen(release, first=-1, last=5)
    assert not releases.widen(release, first=9, last=3)
    release.refresh_from_db()
    assert (release.first_bucket, release.last_bucket) == (0, 49)


def test_of_two_starts_on_the_same_buckets_one_is_made(prompt: Prompt) -> None:
    both = [make(prompt, f"r{number}", number=number) for number in (2, 3)]
    for one in both:
        let_pass(one)

    waiting = list(both)

    done = race(lambda: releases.start(waiting.pop()), racers=2)

    assert sorted(done) == [False, True]


def calls(count: int, name: str, *, hours_ago: float = 0, **said: Any) -> None:
    """Calls of as many turns, of one release."""
    at = timezone.now() - timedelta(hours=hours_ago)
    ModelCall.objects.bulk_create(
        ModelCall(
            trace_id=f"{name}-{hours_ago}-{n}", purpose="answer", endpoint="m", release=name, at=at, **said
        )
        for n in range(count)
    )  # fmt: skip


def test_a_release_all_of_whose_calls_fail_comes_back_after_a_handful(prompt: Prompt) -> None:
    release = make(prompt)
    let_pass(release)
    assert releases.start(release)
    calls(2, "spring", error_class="timeout")
    calls(40, "")
    assert releases.guard() == []

    calls(3, "spring", hours_ago=-1, error_class="timeout")
    ModelCall.objects.update(at=timezone.now())

    assert releases.guard() == ["spring"]
    release.refresh_from_db()
    assert "failed calls: 100.00% against 0.00%, at most 2.00% (5 samples)" in release.reason


def test_one_turn_that_is_tried_again_and_again_takes_no_release_back(prompt: Prompt) -> None:
    release = make(prompt)
    let_pass(release)
    assert releases.start(release)
    calls(40, "")
    for _ in range(6):
        calls(1, "spring", error_class="timeout")

    assert releases.guard() == []


def test_where_a_day_brings_too_few_samples_the_guard_looks_further_back(prompt: Prompt) -> None:
    release = make(prompt, min_samples=20)
    let_pass(release)
    assert releases.start(release)
    Release.objects.update(started_at=timezone.now() - timedelta(days=3))
    for hours in (40, 1):
        calls(10, "spring", hours_ago=hours)
        calls(300, "", hours_ago=hours)
        calls(1, "spring", hours_ago=hours + 0.5, error_class="timeout")

    [breach] = [releases.statistics(row).breach for row in Release.objects.all()]

    assert breach is not None
    assert (breach.measure, breach.samples) == ("errors", 22)


def test_a_release_whose_calls_fail_comes_back_by_itself_and_the_audit_tells_the_story(
    prompt: Prompt, model: ModelEndpoint
) -> None:
    ModelEndpoint.objects.create(
        name="broken", provider="openai", model="fake-light", api_key_env="SHOP_API_KEY", priority=200,
        base_url="http://127.0.0.1:9/v1",
    )  # fmt: skip
    rule = {"name": "all", "when": {}, "effect": {"endpoint": "broken"}}
    bad = RoutePolicy.objects.create(number=2, content={"rules": [rule]})
    release = make(prompt, policy=bad, min_samples=5)
    let_pass(release)
    editor = get_user_model().objects.create_user("小林")
    with audit.acting(editor.pk):
        assert releases.start(release, by=editor.pk)

    for number in range(5):
        # What failed is answered by another endpoint: customers notice nothing, the ledger does.
        assert asked(f"20250101{number}04").endpoint == "shop-model"
        assert asked(f"20250101{number}50").endpoint == "shop-model"
    assert ModelCall.objects.filter(release="spring").exclude(error_class="").exists()
    tasks.guard_canaries()

    assert status_of(release) == "rolled_back"
    assert asked("2025010110004").rendering["system"] == "旧文本"
    moves = [(move.act, move.by_id) for move in release.moves.all()]
    assert moves == [("start", editor.pk), ("roll_back", None)]
    story = AuditEntry.objects.filter(model="prompts.release", changes__has_key="status")
    told = [(entry.actor, entry.changes["status"]) for entry in story.order_by("pk")]
    assert told[1:] == [("小林", ["draft", "canary"]), ("guard", ["canary", "rolled_back"])]
    why = story.order_by("pk").last()
    assert why is not None
    assert "failed calls" in why.changes["reason"][1]


# --- published, and back -------------------------------------------------------------------------------


def test_the_guard_takes_back_no_release_that_was_published_meanwhile(prompt: Prompt) -> None:
    release = make(prompt)
    let_pass(release)
    assert releases.start(release)
    assert releases.publish(release)

    still = {"status": Release.Status.CANARY, "automatic": True}
    assert not releases.roll_back(release, "errors", only=still)

    assert status_of(release) == "published"


def test_published_everybody_hears_it_and_rolled_back_what_was_before(
    prompt: Prompt, model: ModelEndpoint
) -> None:
    old = RoutePolicy.objects.create(number=1, active=True)
    new = RoutePolicy.objects.create(number=2)
    release = make(prompt, policy=new)
    let_pass(release)

    assert releases.publish(release)
    heard = asked("2025010112345677")
    assert heard.rendering["system"] == "新文本2"
    assert (heard.decision["release"], heard.decision["arm"]) == ("spring", "control")
    assert RoutePolicy.objects.get(active=True) == new

    release.refresh_from_db()
    assert releases.roll_back(release, "bad")
    assert asked("2025010112345677").rendering["system"] == "旧文本"
    assert RoutePolicy.objects.get(active=True) == old
    assert not releases.roll_back(release, "again")


def test_rolling_back_the_second_gives_the_first_back(prompt: Prompt) -> None:
    first, second = make(prompt, "first"), make(prompt, "second", number=3)
    for one in (first, second):
        let_pass(one)
        assert releases.publish(one)
    assert (status_of(first), status_of(second)) == ("superseded", "published")

    assert releases.roll_back(second, "bad")

    assert (status_of(first), status_of(second)) == ("published", "rolled_back")
    assert Prompt.objects.get().current == first.versions.get()


def test_what_was_put_into_force_after_a_release_stays(prompt: Prompt) -> None:
    release = make(prompt)
    let_pass(release)
    assert releases.publish(release)
    later = PromptVersion.objects.create(prompt=prompt, number=9, text="更新")
    Prompt.objects.update(current=later)

    assert releases.roll_back(release, "bad")

    assert Prompt.objects.get().current == later


def test_a_release_of_another_prompt_ends_nothing_and_each_turn_names_its_own(
    prompt: Prompt, model: ModelEndpoint
) -> None:
    english = Prompt.objects.create(purpose="answer", language="en", title="answer")
    first, second = make(prompt, "zh"), make(english, "en", number=1)
    for one in (first, second):
        let_pass(one)
        assert releases.publish(one)

    assert [status_of(one) for one in (first, second)] == ["published", "published"]
    said = {
        language: completion.stream(Question(f"t-{language}", "hi", language), Shown()).decision
        for language in ("zh", "en")
    }
    assert {language: one["release"] for language, one in said.items()} == {"zh": "zh", "en": "en"}
    assert set(ModelCall.objects.values_list("release", flat=True)) == {"zh", "en"}

    assert releases.roll_back(Release.objects.get(pk=first.pk), "bad")
    assert Prompt.objects.get(language="zh").current == prompt.current
    assert Prompt.objects.get(language="en").current == second.versions.get()
    assert status_of(second) == "published"


def test_what_was_taken_back_does_not_come_again_with_a_later_release(prompt: Prompt) -> None:
    """The first speaks in two prompts, the second replaces one of them; then both are taken back."""
    other = Prompt.objects.create(purpose="summary", language="zh", title="summary")
    first = make(prompt, "first")
    first.versions.add(PromptVersion.objects.create(prompt=other, number=1, text="摘要"))
    second = make(prompt, "second", number=3)
    for one in (first, second):
        let_pass(one)
        assert releases.publish(one)
    assert status_of(first) == "published"

    assert releases.roll_back(Release.objects.get(pk=first.pk), "bad")
    assert Prompt.objects.get(pk=other.pk).current is None
    assert Prompt.objects.get(pk=prompt.pk).current == second.versions.get()
    assert releases.roll_back(Release.objects.get(pk=second.pk), "bad, too")

    assert Prompt.objects.get(pk=prompt.pk).current == prompt.current
    assert status_of(first) == "rolled_back"


# --- its examples --------------------------------------------------------------------------------------


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


def with_snapshot_queries() -> int:
    """How many queries a fresh snapshot takes."""
    completion.CACHE.clear()
    with CaptureQueriesContext(connection) as asked_for:
        completion.snapshot()
    return len(asked_for)


# --- its SOPs ------------------------------------------------------------------------------------------


@pytest.fixture
def sop() -> Iterator[Sop]:
    sop = Sop.objects.create(
        key="late", language="zh", title="还没到货", category="c", intent="track", answer="旧答案"
    )
    retrieval.index_sop(sop)
    yield sop
    retrieval.forget()


def edit(sop: Sop, answer: str, **changes: Any) -> None:
    """What saving an SOP in the admin does."""
    Sop.objects.filter(pk=sop.pk).update(answer=answer, **changes)
    retrieval.index_sop(Sop.objects.get(pk=sop.pk))
    completion.CACHE.clear()


def answer_of(order: str = "", text: str = "还没到货") -> str:
    """What a customer is answered without a model: the best SOP."""
    question = Question(
        trace_id="t",
        text=text,
        language="zh",
        slots={"order_number": order} if order else {},
    )
    return completion.stream(question, Shown()).text


def test_who_hears_a_release_is_answered_by_the_sops_frozen_with_it(
    prompt: Prompt, sop: Sop
) -> None:
    release = make(prompt, sop_set=retrieval.freeze())
    let_pass(release)
    assert releases.start(release)

    edit(sop, "新答案", title="包裹没来")

    assert (answer_of(INSIDE), answer_of(OUTSIDE)) == ("旧答案", "新答案")
    # Another arm's wording is nothing to the frozen index, nor the other way round.
    hits = composing.find_hits(Question("t", "包裹没来", "zh"), completion.snapshot())
    frozen = retrieval.search("包裹没来", language="zh", sop_set=release.sop_set_id or 0)
    assert hits[0].question == "包裹没来"
    assert [hit.question for hit in frozen] == ["还没到货"]


def test_published_its_sops_are_heard_until_edits_hold_again(prompt: Prompt, sop: Sop) -> None:
    release = make(prompt, sop_set=retrieval.freeze())
    let_pass(release)
    assert releases.publish(release)

    edit(sop, "新答案")
    assert answer_of() == "旧答案"
    [found] = retrieval.differences(release.sop_set_id or 0)
    assert (found.key, found.held, found.live) == ("late", True, True)

    assert releases.follow_edits(reason="urgent", by=None) == "done"
    assert answer_of() == "新答案"
    assert releases.follow_edits(reason="again", by=None) == "no"
    assert [move.act for move in release.moves.all()] == ["publish", "follow_edits"]


def test_who_lets_edits_hold_is_on_record_also_where_no_release_holds_them(
    prompt: Prompt, sop: Sop
) -> None:
    planted = make(prompt, sop_set=retrieval.freeze())
    let_pass(planted)
    edit(sop, "没有发布过")
    assert releases.publish(planted)
    edit(sop, "后来改的")
    assert releases.roll_back(Release.objects.get(), "bad")
    person = get_user_model().objects.create_user("小林")

    with audit.acting(person.pk):
        assert releases.follow_edits(reason="a typing error", by=person.pk) == "done"

    told = AuditEntry.objects.filter(model="prompts.sopset").first()
    assert told is not None
    assert told.actor == "小林"
    assert told.changes["active"] == [True, False]
    assert told.changes["follow_reason"] == ["", "a typing error"]


def test_rolled_back_the_sops_are_those_heard_before_not_what_was_edited_since(
    prompt: Prompt, sop: Sop
) -> None:
    edit(sop, "试一试")
    planted = make(prompt, sop_set=retrieval.freeze())
    edit(sop, "旧答案")
    let_pass(planted)
    assert releases.publish(planted)
    assert answer_of() == "试一试"
    edit(sop, "没人看过")

    planted.refresh_from_db()
    assert releases.roll_back(planted, "bad")

    assert answer_of() == "旧答案"


def test_rolled_back_with_nothing_edited_since_edits_hold_at_once_as_before(
    prompt: Prompt, sop: Sop
) -> None:
    release = make(prompt, sop_set=retrieval.freeze())
    let_pass(release)
    assert releases.publish(release)
    release.refresh_from_db()
    assert releases.roll_back(release, "bad")

    edit(sop, "新答案")

    assert answer_of() == "新答案"


def test_a_wording_is_stored_once_however_many_sets_hold_it(sop: Sop) -> None:
    Sop.objects.create(key="b", language="zh", title="b", category="c", intent="i", answer="b")
    first, same = retrieval.freeze(), retrieval.freeze()
    edit(sop, "新答案")
    second = retrieval.freeze()

    assert first == same
    assert len(set(first.members) & set(second.members)) == 1
    assert SopVersion.objects.count() == 3


def test_sets_frozen_at_once_know_of_each_others_versions(sop: Sop) -> None:
    made = race(retrieval.freeze, racers=3)

    assert len({one.pk for one in made}) == 1
    assert SopVersion.objects.count() == 1


def test_a_frozen_sop_ends_to_hold_when_its_time_is_over(sop: Sop) -> None:
    edit(sop, "旧答案", valid_to=timezone.now() + timedelta(seconds=0.5))
    chosen = retrieval.freeze().pk
    assert retrieval.search("还没到货", language="zh", sop_set=chosen)

    deadline = time.monotonic() + 30
    while retrieval.search("还没到货", language="zh", sop_set=chosen):
        assert time.monotonic() < deadline
