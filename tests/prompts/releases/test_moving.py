"""A release goes to some buckets first, to all, and comes back whole; nobody hears half of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from prompts import audit, completion, releases, tasks
from prompts.models import (
    AuditEntry,
    ModelCall,
    ModelEndpoint,
    Prompt,
    PromptVersion,
    Release,
    RoutePolicy,
)
from prompts.routing import Question
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import Shown
from tests.prompts.llm.racing import race
from tests.prompts.releases.making import (
    asked,
    let_pass,
    make,
    status_of,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh")]


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


def test_what_another_published_release_holds_too_stays_when_one_is_taken_back(
    prompt: Prompt,
) -> None:
    """Three releases of a prompt, two of them with the same version; every one speaks somewhere else, too."""
    other = Prompt.objects.create(purpose="summary", language="zh", title="summary")
    old, new = (RoutePolicy.objects.create(number=n, active=n == 1) for n in (1, 2))
    first, same, third = (
        make(prompt, "a"),
        make(prompt, "b", number=3, policy=new),
        make(prompt, "c", number=4),
    )
    first.versions.add(PromptVersion.objects.create(prompt=other, number=1, text="摘要"))
    shared = first.versions.get(prompt=prompt)
    same.versions.set([shared])
    for one in (first, same, third):
        let_pass(one)
    assert releases.publish(first)
    assert releases.publish(same)
    assert releases.publish(third)
    assert [status_of(one) for one in (first, same, third)] == ["published"] * 3

    assert releases.roll_back(Release.objects.get(pk=first.pk), "bad")
    assert releases.roll_back(Release.objects.get(pk=third.pk), "bad")
    assert Prompt.objects.get(pk=prompt.pk).current == shared
    assert releases.roll_back(Release.objects.get(pk=same.pk), "bad")

    assert Prompt.objects.get(pk=prompt.pk).current == prompt.current
    assert RoutePolicy.objects.get(active=True) == old


def test_the_version_of_two_releases_stays_with_the_one_that_is_left(prompt: Prompt) -> None:
    other = Prompt.objects.create(purpose="summary", language="zh", title="summary")
    first, same = make(prompt, "a"), make(prompt, "b", number=3)
    first.versions.add(PromptVersion.objects.create(prompt=other, number=1, text="摘要"))
    shared = first.versions.get(prompt=prompt)
    same.versions.set([shared])
    for one in (same, first):
        let_pass(one)
    assert releases.publish(first)
    assert releases.publish(same)

    assert releases.roll_back(Release.objects.get(pk=first.pk), "bad")
    assert Prompt.objects.get(pk=prompt.pk).current == shared
    assert status_of(same) == "published"
    assert releases.roll_back(Release.objects.get(pk=same.pk), "bad")

    assert Prompt.objects.get(pk=prompt.pk).current == prompt.current


def test_publishing_goes_back_behind_a_newer_version_only_where_that_is_said(
    prompt: Prompt,
) -> None:
    release = make(prompt)
    let_pass(release)
    urgent = PromptVersion.objects.create(prompt=prompt, number=3, text="急")
    Prompt.objects.update(current=urgent)

    assert not releases.publish(release)
    assert not releases.publish(release, over=[0])
    assert (status_of(release), Prompt.objects.get().current) == ("draft", urgent)

    assert releases.publish(release, over=[urgent.pk])
    assert Prompt.objects.get().current == release.versions.get()
