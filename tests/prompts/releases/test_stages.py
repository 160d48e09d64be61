"""A canary goes from stage to stage by itself: when its time is over, it has been heard enough, and it does well."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from prompts import completion, releases
from prompts.models import EvalRun, EvalSet, ModelCall, Prompt, PromptVersion, Release
from prompts.releases import Outcomes, evidence, stages
from tests.prompts.llm.racing import race

pytestmark = pytest.mark.django_db(transaction=True)
STAGES = [[5, 30], [20, 120]]
WELL = Outcomes(turns=50, conversations=40, settled=40, went_well=36)
BADLY = Outcomes(turns=50, conversations=40, settled=40, went_well=4)
OTHERS = Outcomes(turns=900, conversations=800, settled=800, went_well=720)


@pytest.fixture(autouse=True)
def heard(transactional_db: None) -> Iterator[dict[str, Outcomes]]:
    """What is heard of the arm; the test may change it."""
    found = {"arm": WELL}
    before = evidence.Register.reader

    def read(name: str, since: datetime, until: datetime) -> tuple[Outcomes, Outcomes]:
        return found["arm"], OTHERS

    releases.register(read)
    completion.CACHE.clear()
    yield found
    evidence.register(before)
    completion.CACHE.clear()


@pytest.fixture
def release() -> Release:
    """On canary, at its first stage, whose hold is over."""
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="answer")
    chosen = EvalSet.objects.create(name="shop", title="Shop")
    made = Release.objects.create(
        name="spring", note="n", eval_set=chosen, stages=STAGES, stage_samples=50, min_samples=50
    )
    made.versions.add(PromptVersion.objects.create(prompt=prompt, number=1, text="新"))
    EvalRun.objects.create(set=chosen, release=made, state="done", total=1, passed=1)
    assert releases.start(made)
    return held(made)


def held(release: Release, minutes: float = 121) -> Release:
    """The release with its stage begun so long ago."""
    begun = timezone.now() - timedelta(minutes=minutes)
    Release.objects.filter(pk=release.pk).update(stage_since=begun, started_at=begun)
    return Release.objects.get(pk=release.pk)


def state(release: Release) -> tuple[str, int | None, int]:
    row = Release.objects.get(pk=release.pk)
    return row.status, row.stage, row.last_bucket


def test_stage_by_stage_then_to_all_and_the_story_says_so(release: Release) -> None:
    assert releases.advance() == ["spring"]
    assert state(release) == ("canary", 1, 19)
    assert releases.advance() == []  # its hold has just begun
    held(release)
    assert releases.advance() == ["spring"]

    assert state(release)[0] == "published"
    assert Prompt.objects.get().current == release.versions.get()
    told = [(move.act, move.by_id, move.detail) for move in release.moves.all()]
    assert told == [
        ("start", None, "00–04 (5%)"),
        ("stage", None, "2/2: 00–19 (20%)"),
        ("publish", None, ""),
    ]


def test_two_beats_at_once_take_one_step(release: Release) -> None:
    stale = Release.objects.get(pk=release.pk)

    done = race(lambda: stages.step(stale), racers=2)

    assert sorted(done) == [False, True]
    assert state(release) == ("canary", 1, 19)


@pytest.mark.parametrize("arm", [Outcomes(turns=49), BADLY], ids=["too few turns", "worse"])
def test_it_waits_for_turns_and_while_it_does_worse(
    release: Release, heard: dict[str, Outcomes], arm: Outcomes
) -> None:
    heard["arm"] = arm

    assert releases.advance() == []
    assert state(release) == ("canary", 0, 4)


def test_it_waits_while_its_guard_is_broken_and_nobody_took_it_back(release: Release) -> None:
    Release.objects.update(automatic=False, min_samples=10)
    ModelCall.objects.bulk_create(
        ModelCall(
            trace_id=f"t{n}",
            purpose="answer",
            endpoint="m",
            release="spring",
            error_class="timeout",
        )
        for n in range(10)
    )

    assert releases.advance() == []


def test_it_waits_until_its_guard_has_judged_this_stage(release: Release) -> None:
    Release.objects.update(min_samples=51)

    assert releases.advance() == []
    found = releases.standing(Release.objects.get())
    assert found is not None
    assert (found.turns, found.wanted, found.judged, found.guarded) == (50, 50, False, True)


def test_paused_it_waits_and_what_it_held_counts_when_it_goes_on(release: Release) -> None:
    release = held(release, minutes=20)
    assert releases.pause(release, by=None)
    assert not releases.pause(release, by=None)
    Release.objects.update(paused_at=timezone.now() - timedelta(minutes=15))
    assert releases.advance() == []

    assert releases.resume(release, by=None)
    assert not releases.resume(release, by=None)
    since = Release.objects.get().stage_since
    assert since is not None
    # 20 minutes ago, 15 of them paused: 5 of 30 are over.
    assert timedelta(minutes=4) < timezone.now() - since < timedelta(minutes=7)
    assert releases.advance() == []


def counted_in_vain(name: str, since: datetime, until: datetime) -> tuple[Outcomes, Outcomes]:
    raise AssertionError(name)


def test_it_takes_no_tails_that_another_release_has(release: Release) -> None:
    Release.objects.create(
        name="other",
        note="n",
        eval_set=release.eval_set,
        status="canary",
        first_bucket=10,
        last_bucket=12,
    )

    found = releases.standing(release)
    assert found is not None
    assert (str(found.blocker), found.goes_on) == ("other", False)
    # Nothing is counted for one that could not go on anyway.
    evidence.register(counted_in_vain)
    assert releases.advance() == []
    assert state(release) == ("canary", 0, 4)


def test_the_last_stage_waits_for_no_tails(release: Release) -> None:
    Release.objects.filter(pk=release.pk).update(stage=1, last_bucket=19)
    Release.objects.create(
        name="other",
        note="n",
        eval_set=release.eval_set,
        status="canary",
        first_bucket=20,
        last_bucket=30,
    )

    assert releases.blocker(Release.objects.get(pk=release.pk)) is None
    assert releases.advance() == ["spring"]


def test_who_changes_the_range_by_hand_goes_on_by_hand(release: Release) -> None:
    assert releases.widen(release, first=0, last=9)

    assert releases.advance() == []
    assert state(release) == ("canary", None, 9)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("5% 30m, 20% 2h", [[5, 30], [20, 120]]),
        ("5% 30min, 20% 2 h", [[5, 30], [20, 120]]),
        ("5% 30分钟；20%2小时", [[5, 30], [20, 120]]),
        ("", []),
    ],
)
def test_stages_are_read_as_people_write_them(text: str, read: list[list[int]]) -> None:
    assert stages.read(text) == read
    assert stages.read(stages.written(read)) == read


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("five percent", "stages_unread"),
        ("5%", "stages_unread"),
        ("20% 1h, 5% 1h", "stages_order"),
        ("100% 1h", "stages_order"),
        ("5% 0m", "stages_range"),
        ("5% 30000m", "stages_range"),
    ],
)
def test_what_is_no_stages_is_told(text: str, problem: str) -> None:
    with pytest.raises(releases.BadStages, match=problem):
        stages.read(text)
