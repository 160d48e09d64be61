"""The admin of canaries: a draft is checked at its start, a running one is watched and rolled back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from prompts.models import Canary, ModelCall, ModelEndpoint
from tests.prompts.admin.pages import ENGLISH, announced, errors, page, query_count, said

pytestmark = pytest.mark.django_db

Make = Callable[..., ModelEndpoint]


@pytest.fixture
def draft(endpoint: Make) -> Canary:
    return Canary.objects.create(name="try-light", endpoint=endpoint())


@pytest.fixture
def running(draft: Canary) -> Canary:
    draft.status, draft.started_at = "running", timezone.now() - timedelta(hours=1)
    draft.save()
    return draft


def act(client: Client, name: str, row: Canary, **fields: Any) -> Any:
    return client.post(page(f"canary_{name}", row.pk), fields, follow=True, headers=ENGLISH)


def form(row: Canary, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": row.name,
        "endpoint": row.endpoint_id,
        "first_bucket": 0,
        "last_bucket": 9,
        "automatic": "on",
        "min_samples": 100,
        "max_error_points": 2,
        "max_json_points": 2,
        "max_takeover_points": 5,
        "max_p99_factor": 1.5,
    }
    return {**fields, **changes}


def call(*, arm: str, bucket: int = 0, error: str = "", number: int = 0) -> ModelCall:
    return ModelCall(
        trace_id=f"{arm}-{bucket}-{number}",
        purpose="answer",
        endpoint="shop-model",
        canary=arm,
        bucket=bucket,
        bucket_source="order",
        error_class=error,
        total_ms=500,
    )


def status_of(row: Canary) -> str:
    return str(Canary.objects.get(pk=row.pk).status)


# --- drafts --------------------------------------------------------------------------------------------


def test_a_draft_is_added_and_edited(staff: Client, draft: Canary) -> None:
    added = form(draft, name="second", first_bucket=20, last_bucket=29)

    assert staff.post(page("canary_add"), added).status_code == 302
    assert staff.post(page("canary_change", draft.pk), form(draft)).status_code == 302
    draft.refresh_from_db()
    assert draft.last_bucket == 9
    assert Canary.objects.get(name="second").status == "draft"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"first_bucket": 10}, "last_bucket"),
        ({"last_bucket": 100}, "last_bucket"),
        ({"max_p99_factor": 0.5}, "max_p99_factor"),
        ({"max_error_points": -1}, "max_error_points"),
        ({"endpoint": ""}, "endpoint"),
    ],
)
def test_a_draft_that_makes_no_sense_is_refused(
    staff: Client, draft: Canary, changes: dict[str, Any], field: str
) -> None:
    answer = staff.post(page("canary_change", draft.pk), form(draft, **changes))

    assert list(errors(answer)) == [field]


@pytest.mark.django_db(transaction=True)
def test_a_draft_starts_and_everybody_hears(staff: Client, draft: Canary) -> None:
    answer = act(staff, "start", draft)

    assert (said(answer), status_of(draft)) == (["The canary runs."], "running")
    assert announced() > 0


def test_a_start_into_a_taken_range_is_refused_with_the_others_name(
    staff: Client, running: Canary
) -> None:
    other = Canary.objects.create(
        name="other", endpoint=running.endpoint, first_bucket=4, last_bucket=40
    )

    answer = act(staff, "start", other)

    assert said(answer) == ["It overlaps with the running canary “try-light” (tails 00–04 (5%))."]
    assert status_of(other) == "draft"


def test_a_start_with_an_endpoint_that_is_off_is_refused(staff: Client, draft: Canary) -> None:
    ModelEndpoint.objects.update(enabled=False)

    assert said(act(staff, "start", draft)) == ["The endpoint shop-model is switched off."]
    assert status_of(draft) == "draft"


def test_a_start_with_an_endpoint_without_key_is_refused(
    staff: Client, draft: Canary, settings: Any
) -> None:
    settings.MODEL_API_KEYS = {}

    assert "SHOP_API_KEY is not set" in said(act(staff, "start", draft))[0]
    assert status_of(draft) == "draft"


def test_a_draft_that_was_started_meanwhile_keeps_running_when_it_is_saved(
    staff: Client, draft: Canary
) -> None:
    loaded = Canary.objects.get(pk=draft.pk)
    act(staff, "start", draft)
    model_admin = admin.site.get_model_admin(Canary)
    request = HttpRequest()
    request.user = get_user_model().objects.get()
    edited = model_admin.get_form(request, loaded)(form(draft), instance=loaded)

    model_admin.save_model(request, edited.save(commit=False), edited, change=True)

    assert status_of(draft) == "running"


# --- running -------------------------------------------------------------------------------------------


def test_a_running_one_is_only_watched(staff: Client, running: Canary) -> None:
    url = page("canary_change", running.pk)

    assert staff.get(url).status_code == 200
    assert staff.post(url, form(running)).status_code == 403
    assert staff.post(page("canary_delete", running.pk), {"post": "yes"}).status_code == 403


def test_a_running_one_is_rolled_back_with_the_reason_given(staff: Client, running: Canary) -> None:
    answer = act(staff, "roll_back", running, reason="too slow")

    running.refresh_from_db()
    assert (running.status, running.reason) == ("rolled_back", "too slow")
    assert running.ended_at is not None
    assert said(answer) == ["Rolled back: everybody is in the control."]


def test_a_running_one_is_finished(staff: Client, running: Canary) -> None:
    assert said(act(staff, "finish", running)) == ["The canary ended."]
    assert status_of(running) == "finished"


def test_what_came_too_late_changes_nothing(staff: Client, running: Canary) -> None:
    act(staff, "finish", running)

    assert said(act(staff, "roll_back", running)) == ["Not now: the canary is finished."]
    assert said(act(staff, "start", running)) == ["Not now: the canary is finished."]
    assert status_of(running) == "finished"


@pytest.mark.parametrize("name", ["start", "roll_back", "finish"])
def test_acting_wants_a_post_and_the_permission(
    staff: Client, looker: Client, running: Canary, name: str
) -> None:
    url = page(f"canary_{name}", running.pk)

    assert staff.get(url).status_code == 403
    assert looker.post(url).status_code == 403
    assert looker.get(page("canary_change", running.pk)).status_code == 200
    assert status_of(running) == "running"


def test_arm_and_control_stand_side_by_side_with_the_broken_guard(
    staff: Client, running: Canary
) -> None:
    Canary.objects.update(min_samples=10)
    calls = [call(arm="try-light", number=n, error="timeout" if n < 5 else "") for n in range(20)]
    calls += [call(arm="", number=n, error="timeout" if n < 1 else "") for n in range(100)]
    ModelCall.objects.bulk_create(calls)

    arms = staff.get(page("canary_change", running.pk), headers=ENGLISH).context["arms"]

    assert arms.broken
    assert "failed calls: 25.00% against 1.00%" in arms.guard
    assert ("Failed calls", "25.0% (5 / 20)", "1.0% (1 / 100)") in arms.lines
    assert ("Turns", "20", "100") in arms.lines


def test_a_running_one_without_turns_breaks_no_guard(staff: Client, running: Canary) -> None:
    arms = staff.get(page("canary_change", running.pk), headers=ENGLISH).context["arms"]

    assert (arms.broken, arms.guard) == (False, "The guard is not broken.")
    assert ("Failed calls", "—", "—") in arms.lines


# --- order numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("buckets", "tone", "words"),
    [
        (list(range(100)) * 10, "good", "The tails are even"),
        ([*range(100), *[7] * 900], "bad", "The tails are uneven"),
        ([1, 2, 3], "warn", "Too few orders"),
        ([], "warn", "Too few orders"),
    ],
)
def test_a_draft_tells_how_evenly_order_numbers_end(
    staff: Client, draft: Canary, buckets: list[int], tone: str, words: str
) -> None:
    ModelCall.objects.bulk_create(
        call(arm="", bucket=bucket, number=n) for n, bucket in enumerate(buckets)
    )

    tails = staff.get(page("canary_change", draft.pk), headers=ENGLISH).context["tails"]

    assert (tails.tone, tails.orders) == (tone, len(buckets))
    assert words in tails.verdict
    assert len(tails.columns) == 100
    assert [column.chosen for column in tails.columns] == [True] * 5 + [False] * 95


def test_the_histogram_draws_the_counts(staff: Client, draft: Canary) -> None:
    ModelCall.objects.bulk_create(
        call(arm="", bucket=bucket, number=n) for n, bucket in enumerate([0, 0, 0, 0, 50, 50])
    )

    tails = staff.get(page("canary_change", draft.pk)).context["tails"]

    heights = {c.x: (c.y, c.height) for c in tails.columns if c.height}
    assert heights == {0: (0.0, 100.0), 500: (50.0, 50.0)}
    assert (tails.in_range, tails.wanted) == ("66.7%", "5.0%")
    assert tails.worst[0] == ("00", 4, "66.67")


def test_a_running_one_counts_order_numbers_only_when_asked(staff: Client, running: Canary) -> None:
    url = page("canary_change", running.pk)

    assert staff.get(url).context["tails"] is None
    assert staff.get(url, {"tails": ""}).context["tails"].orders == 0


def test_the_list_shows_state_and_range_and_asks_no_more_for_more_rows(
    staff: Client, running: Canary
) -> None:
    url = page("canary_changelist")
    html = staff.get(url).content.decode()
    for_one = query_count(staff, url)
    for name in ("two", "three"):
        Canary.objects.create(name=name, endpoint=running.endpoint)

    assert "进行中" in html
    assert "00–04 (5%)" in html
    assert query_count(staff, url) == for_one
