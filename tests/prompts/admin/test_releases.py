"""The admin of releases: made once, moved by who may, every move in the history."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from prompts import audit
from prompts.evaluation import running
from prompts.models import (
    EvalCase,
    EvalRun,
    EvalSet,
    FewShotExample,
    Prompt,
    PromptVersion,
    Release,
    Sop,
    SopSet,
)
from tests.prompts.admin.pages import ENGLISH, errors, page, query_count, said

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> PromptVersion:
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="answer")
    return PromptVersion.objects.create(prompt=prompt, number=1, text="文本")


@pytest.fixture
def release(version: PromptVersion) -> Release:
    chosen = EvalSet.objects.create(name="shop", title="Shop")
    release = Release.objects.create(name="spring", note="why", eval_set=chosen)
    release.versions.add(version)
    return release


def form(release: Release, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": "autumn",
        "note": "shorter answers",
        "versions": [release.versions.get().pk],
        "eval_set": release.eval_set_id,
        "first_bucket": 0,
        "last_bucket": 4,
        "automatic": "on",
        "min_samples": 200,
        "max_error_points": 2,
        "max_negative_points": 10,
        "max_takeover_points": 5,
        "max_p99_factor": 1.5,
        "stage_samples": 100,
    }
    return {**fields, **changes}


def act(client: Client, name: str, row: Release, **fields: Any) -> list[str]:
    url = page(f"release_{name}", row.pk)
    return said(client.post(url, fields, follow=True, headers=ENGLISH))


def let_pass(release: Release) -> None:
    EvalRun.objects.create(set=release.eval_set, release=release, state="done", total=1, passed=1)


def test_a_release_is_made_once_and_not_edited(staff: Client, release: Release) -> None:
    assert staff.post(page("release_add"), form(release)).status_code == 302

    made = Release.objects.get(name="autumn")
    assert (made.created_by is not None, made.sop_set) == (True, None)
    assert staff.post(page("release_change", made.pk), form(release)).status_code == 403


def test_two_versions_of_a_prompt_and_a_turned_range_are_refused(
    staff: Client, release: Release
) -> None:
    prompt = release.versions.get().prompt
    second = PromptVersion.objects.create(prompt=prompt, number=2, text="二")
    twice = [release.versions.get().pk, second.pk]

    assert list(errors(staff.post(page("release_add"), form(release, versions=twice)))) == [
        "versions"
    ]
    turned = form(release, first_bucket=9)
    assert list(errors(staff.post(page("release_add"), turned))) == ["last_bucket"]


def canary(release: Release, name: str, first: int, last: int, **changes: Any) -> Release:
    return Release.objects.create(
        name=name,
        note="n",
        eval_set=release.eval_set,
        status="canary",
        started_at=timezone.now(),
        first_bucket=first,
        last_bucket=last,
        **changes,
    )


def test_who_holds_the_tails_is_told_with_the_way_there(staff: Client, release: Release) -> None:
    other = canary(release, "summer", 3, 7)
    stages = {"stages": [[5, 30], [20, 120]], "stage": 0, "stage_since": timezone.now()}
    staged = canary(release, "winter", 0, 2, **stages)

    def shown(row: Release) -> Any:
        return staff.get(page("release_change", row.pk), headers=ENGLISH)

    link = f'<a href="{page("release_change", other.pk)}">summer</a> 03–07 (5%)'
    waits = shown(staged)
    assert waits.context["stages"]["blocker"]["release"] == other
    assert f"the next stage&#x27;s tails are held by {link}" in waits.content.decode()
    Release.objects.filter(pk=release.pk).update(first_bucket=5, last_bucket=9)
    assert f"its tails are held by {link}" in shown(release).content.decode()
    let_pass(release)
    refused = "It overlaps with the release “summer” (tails 03–07 (5%))."
    assert act(staff, "widen", staged, first="0", last="5") == [refused]
    assert act(staff, "widen", staged, first="9", last="5") == [
        "Tails are 0 to 99, the first no larger than the last."
    ]

    Release.objects.filter(pk=other.pk).update(status="rolled_back")
    free = shown(staged)
    assert free.context["stages"]["blocker"] is None
    assert "no other release has the tails" in free.content.decode()
    # The last stage goes to all, whoever has which tails, but through the gate.
    Release.objects.filter(pk=staged.pk).update(stage=1)
    last = shown(staged).content.decode()
    assert "no other release has the tails" not in last
    assert "the gate is open" in last


def test_a_release_is_held_then_started_widened_and_rolled_back(
    staff: Client, release: Release
) -> None:
    assert act(staff, "start", release) == ["The evaluation is below its threshold: it is held."]
    let_pass(release)
    assert act(staff, "start", release) == ["spring: on canary"]
    assert act(staff, "widen", release, first="0", last="19") == ["spring: on canary"]
    assert act(staff, "publish", release) == ["spring: published"]
    assert act(staff, "roll_back", release, reason="angry customers") == ["spring: rolled back"]
    assert act(staff, "roll_back", release) == ["Not now: the release is rolled back."]

    told = list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))
    assert told == [
        "canary started: 00–04 (5%) (draft → canary)",
        "tails 00–04 (5%) became 00–19 (canary → canary)",
        "published (canary → published)",
        "rolled back: angry customers (published → rolled_back)",
    ]


def test_another_person_has_to_agree_to_go_without_the_gate(
    staff: Client, release: Release
) -> None:
    assert act(staff, "ask", release, reason="urgent") == ["spring: draft"]
    assert act(staff, "agree", release) != ["spring: draft"]
    other = Client()
    other.force_login(get_user_model().objects.create_superuser("other"))
    assert act(other, "agree", release) == ["spring: draft"]
    assert act(staff, "start", release) == ["spring: on canary"]


def test_only_who_may_publish_moves_a_release(looker: Client, release: Release) -> None:
    let_pass(release)

    for name in (
        "start",
        "widen",
        "pause",
        "shadow",
        "publish",
        "roll_back",
        "agree",
        "ask",
        "evaluate",
    ):
        assert looker.post(page(f"release_{name}", release.pk)).status_code == 403
    user = get_user_model().objects.get(username="looker")
    user.user_permissions.add(Permission.objects.get(codename="publish_release"))
    assert act(looker, "start", release) == ["spring: on canary"]


def test_the_page_shows_gate_arms_and_contents_within_its_queries(
    staff: Client, release: Release
) -> None:
    let_pass(release)
    act(staff, "start", release)
    url = page("release_change", release.pk)

    html = staff.get(url, headers=ENGLISH).content.decode()

    assert "The evaluation reached its threshold." in html
    assert "Negative moods" in html
    assert query_count(staff, url) <= 12
    one = query_count(staff, page("release_changelist"))
    for number in range(2):
        Release.objects.create(name=f"r{number}", note="n", eval_set=release.eval_set)
    assert query_count(staff, page("release_changelist")) == one <= 12


def test_sops_are_frozen_with_a_release_and_the_pages_say_what_differs(
    staff: Client, release: Release
) -> None:
    sop = Sop.objects.create(
        key="late", language="zh", title="t", category="c", intent="i", answer="a"
    )
    staff.post(page("release_add"), form(release, freeze_sops="on"), follow=True)
    made = Release.objects.get(name="autumn")
    let_pass(made)
    assert act(staff, "publish", made) == ["autumn: published"]
    Sop.objects.filter(pk=sop.pk).update(answer="b")

    html = staff.get(page("release_change", made.pk), headers=ENGLISH).content.decode()
    assert "late/zh" in html
    assert "made" in html
    listed = staff.get(page("sop_changelist"), headers=ENGLISH).content.decode()
    assert "waits for the next release" in listed
    heard = staff.get(page("sop_heard"), headers=ENGLISH).content.decode()
    assert "late/zh" in heard
    assert query_count(staff, page("sop_heard")) <= 12

    assert said(staff.post(page("sop_heard"), {"reason": " "}, follow=True, headers=ENGLISH)) == [
        "Say why."
    ]
    staff.post(page("sop_heard"), {"reason": "a typing error"})
    listed = staff.get(page("sop_changelist"), headers=ENGLISH).content.decode()
    assert "waits for the next release" not in listed


def test_who_may_not_publish_does_not_let_edits_hold(looker: Client) -> None:
    assert looker.post(page("sop_heard"), {"reason": "x"}).status_code == 403


def test_a_staged_canary_says_where_it_is_and_can_be_paused(
    staff: Client, release: Release
) -> None:
    twice = form(release, stages="5% 30m, 90% 2h", stage_samples=50, first_bucket=20)
    assert list(errors(staff.post(page("release_add"), twice))) == ["stages"]
    fine = form(release, stages="5% 30m, 20% 2h", stage_samples=50, first_bucket=20)
    staff.post(page("release_add"), fine, follow=True)
    made = Release.objects.get(name="autumn")
    assert (made.stages, made.last_bucket) == ([[5, 30], [20, 120]], 24)
    let_pass(made)
    act(staff, "start", made)

    html = staff.get(page("release_change", made.pk), headers=ENGLISH).content.decode()
    assert "turns are enough: 0 / 50" in html
    assert "… the guard has not judged this stage yet: 0 / 200" in " ".join(
        html.replace("</span>", "").replace('<span aria-hidden="true">', "").split()
    )
    assert "The guard has not judged yet; turns so far: 0 / 200" in html
    assert "No difference yet" in html
    assert act(staff, "pause", made) == ["autumn: on canary"]
    html = staff.get(page("release_change", made.pk), headers=ENGLISH).content.decode()
    assert "Resume" in html
    assert act(staff, "resume", made) == ["autumn: on canary"]
    assert query_count(staff, page("release_change", made.pk)) <= 24


def test_a_last_tail_that_the_stages_do_not_give_is_not_dropped_without_a_word(
    staff: Client, release: Release
) -> None:
    typed = form(release, stages="5% 30m", last_bucket=49)

    found = errors(staff.post(page("release_add"), typed, headers=ENGLISH))

    assert found["last_bucket"] == [
        "The first stage decides the tails: 00–04. Change the stages, or empty them to choose the range."
    ]
    assert not Release.objects.filter(name="autumn").exists()
    staff.post(page("release_add"), form(release, last_bucket=49))
    assert Release.objects.get(name="autumn").last_bucket == 49


def test_sops_go_out_alone_and_nothing_does_not(staff: Client, release: Release) -> None:
    Sop.objects.create(key="late", language="zh", title="t", category="c", intent="i", answer="a")

    nothing = staff.post(page("release_add"), form(release, versions=[]), headers=ENGLISH)
    assert errors(nothing)["versions"] == [
        "Choose versions of prompts, or freeze the SOPs with it."
    ]
    staff.post(page("release_add"), form(release, versions=[], freeze_sops="on"), follow=True)
    made = Release.objects.get(name="autumn")
    let_pass(made)
    assert act(staff, "publish", made) == ["autumn: published"]
    assert SopSet.objects.get(active=True) == made.sop_set
    assert act(staff, "roll_back", made) == ["autumn: rolled back"]


def test_examples_are_frozen_with_a_release_and_its_page_says_which_changed(
    staff: Client, release: Release
) -> None:
    said = [{"role": "visitor", "text": "q"}, {"role": "bot", "text": "a"}]
    for key in ("late", "early"):
        FewShotExample.objects.create(key=key, language="zh", intent="i", messages=said)
    staff.post(page("release_add"), form(release))
    made = Release.objects.get(name="autumn")
    FewShotExample.objects.filter(key="late").update(messages=[*said, *said])

    html = staff.get(page("release_change", made.pk), headers=ENGLISH).content.decode()

    assert "Examples as they were when it was made: 2" in html
    assert "Examples that say something else now: 1" in html
    assert "late/zh" in html
    assert "early/zh" not in html
    older = staff.get(page("release_change", release.pk), headers=ENGLISH).content.decode()
    assert "Examples: as they are edited" in older


def test_a_draft_is_set_to_shadow_and_not_by_who_may_not(staff: Client, release: Release) -> None:
    assert act(staff, "shadow", release, percent="20", per_day="3.50") == ["spring: draft"]
    assert act(staff, "shadow", release, percent="120", per_day="3") == [
        "0 to 100 percent, and no less than CNY 0."
    ]

    release.refresh_from_db()
    assert (release.shadow_percent, str(release.shadow_per_day)) == (20, "3.50")
    assert (
        "Compare the answers"
        in staff.get(page("release_change", release.pk), headers=ENGLISH).content.decode()
    )


def test_going_back_behind_a_newer_version_is_said_and_asked_for(
    staff: Client, release: Release
) -> None:
    let_pass(release)
    newer = PromptVersion.objects.create(
        prompt=release.versions.get().prompt, number=6, text="urgent"
    )
    Prompt.objects.update(current=newer)
    html = staff.get(page("release_change", release.pk), headers=ENGLISH).content.decode()
    assert "In force now: v6 (newer)" in html
    assert f'name="over" value="{newer.pk}"' in html

    assert act(staff, "publish", release) == [
        "A newer version is in force, and publishing goes back behind it: confirm that where you publish."
    ]
    assert act(staff, "publish", release, over=newer.pk) == ["spring: published"]


def test_a_page_says_why_who_made_the_gate_easier_cannot_publish(
    staff: Client, release: Release
) -> None:
    user = get_user_model().objects.get(username="boss")
    with audit.acting(user.pk):
        EvalSet.objects.update(threshold=10)
    let_pass(release)

    html = staff.get(page("release_change", release.pk), headers=ENGLISH).content.decode()

    assert "Made easier to pass since the last release went out" in html
    assert "Shop: threshold" in html
    assert "Ask to go without" in html
    assert "Publish to all" not in html
    assert act(staff, "publish", release)[0].startswith("You have made the gate easier to pass")
    act(staff, "ask", release, reason="a wrong case")
    other = Client()
    other.force_login(get_user_model().objects.create_superuser("other"))
    html = other.get(page("release_change", release.pk), headers=ENGLISH).content.decode()
    assert "Publish to all" in html
    assert act(other, "agree", release) == ["spring: draft"]
    assert act(staff, "publish", release) == ["spring: published"]


def test_a_set_that_changed_since_its_run_is_said(staff: Client, release: Release) -> None:
    run = running.begin(release.eval_set, release=release, user_id=None)
    EvalRun.objects.filter(pk=run.pk).update(state="done", total=1, passed=1)
    EvalCase.objects.create(set=release.eval_set, key="a", text="t")

    html = staff.get(page("release_change", release.pk), headers=ENGLISH).content.decode()

    changed = "The set has changed since it ran (cases, threshold or judge): run it again."
    assert changed in html
    assert act(staff, "start", release) == [changed]
