"""The admin of load: thresholds that ascend, how things stand, rehearsals, breakers closed by hand."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from prompts.llm import breaker
from prompts.models import LoadPolicy, ModelEndpoint
from prompts.redis import connection
from tests.prompts.admin.pages import ENGLISH, errors, page, said

pytestmark = pytest.mark.django_db

CHANGE = "/admin/prompts/loadpolicy/1/change/"


def form(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "enter_light": 50,
        "enter_sop": 75,
        "enter_queue": 100,
        "leave_light": 40,
        "leave_sop": 60,
        "leave_queue": 80,
        "hold_seconds": 10,
        "mean_seconds": 3,
    }
    return {**fields, **changes}


def force(client: Client, **fields: Any) -> Any:
    return client.post(page("loadpolicy_force"), fields, follow=True, headers=ENGLISH)


def now(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(page("loadpolicy_now"), headers=ENGLISH).json()
    return found


def test_the_list_leads_to_the_one_row(staff: Client) -> None:
    answer = staff.get(page("loadpolicy_changelist"), follow=True)

    assert answer.redirect_chain == [(CHANGE, 302)]
    assert answer.status_code == 200
    assert LoadPolicy.objects.get().pk == 1


def test_there_is_no_second_row_and_no_way_to_lose_the_first(staff: Client) -> None:
    staff.get(CHANGE)

    assert staff.get(page("loadpolicy_add")).status_code == 403
    assert staff.post(page("loadpolicy_delete", 1), {"post": "yes"}).status_code == 403


def test_thresholds_are_saved(staff: Client) -> None:
    staff.get(CHANGE)

    answer = staff.post(CHANGE, form(enter_light=20, leave_light=10))

    assert answer.headers["Location"] == CHANGE
    assert LoadPolicy.objects.get().enter_light == 20


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"enter_sop": 50}, "enter_sop", "enter_sop must be above enter_light."),
        ({"enter_queue": 70}, "enter_queue", "enter_queue must be above enter_sop."),
        ({"leave_sop": 75}, "leave_sop", "leave_sop must be below enter_sop."),
        ({"hold_seconds": 0}, "hold_seconds", "hold_seconds must be a number above 0."),
        ({"mean_seconds": 61}, "mean_seconds", "mean_seconds must be at most 60."),
    ],
)
def test_thresholds_that_make_no_sense_are_refused_at_their_field(
    staff: Client, changes: dict[str, Any], field: str, sentence: str
) -> None:
    staff.get(CHANGE)

    found = errors(staff.post(CHANGE, form(**changes)))

    assert sentence in " ".join(found[field])
    assert LoadPolicy.objects.get().enter_sop == 75


def test_now_tells_level_rate_and_breakers(
    staff: Client, endpoint: Callable[..., ModelEndpoint]
) -> None:
    endpoint("good", tokens_per_minute=1000)
    endpoint("bad")
    breaker.shut(connection(), "bad")

    found = now(staff)

    assert (found["level"], found["rate"], found["forced"]) == (0, "0.0", "no")
    assert found["breakers"] == [
        {"name": "bad", "state": "open", "state_text": "cut off", "tokens_left": "—"},
        {"name": "good", "state": "closed", "state_text": "healthy", "tokens_left": "1,000"},
    ]


@pytest.mark.django_db(transaction=True)
def test_a_level_is_set_by_hand_and_taken_back(staff: Client) -> None:
    force(staff, level="2", minutes="15")
    forced = now(staff)
    left = LoadPolicy.objects.get().forced_until - timezone.now()  # type: ignore[operator]
    answer = force(staff, level="")

    assert (forced["level"], forced["forced"][:14]) == (2, "level 2, until")
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert said(answer)[-1] == "Automatic again."
    assert (now(staff)["level"], now(staff)["forced"]) == (0, "no")


def test_a_level_set_by_hand_ends_by_itself(staff: Client) -> None:
    past = timezone.now() - timedelta(seconds=1)
    LoadPolicy.objects.create(pk=1, forced_level=2, forced_until=past)

    assert (now(staff)["level"], now(staff)["forced"]) == (0, "no")


@pytest.mark.parametrize(
    ("level", "minutes"), [("4", "5"), ("x", "5"), ("1", "0"), ("1", "241"), ("1", "-1"), ("1", "")]
)
def test_a_level_or_time_that_does_not_exist_is_refused(
    staff: Client, level: str, minutes: str
) -> None:
    answer = force(staff, level=level, minutes=minutes)

    assert said(answer)[0].startswith("Minutes must be a whole number from 1 to 240")
    assert LoadPolicy.objects.get().forced_level is None


def test_a_breaker_is_closed_by_hand(staff: Client, endpoint: Callable[..., ModelEndpoint]) -> None:
    endpoint("bad")
    breaker.shut(connection(), "bad")

    answer = staff.post(page("loadpolicy_close"), {"name": "bad"}, follow=True, headers=ENGLISH)

    assert said(answer) == ["bad is asked again."]
    assert breaker.state(connection(), "bad") == "closed"


def test_no_breaker_but_of_an_endpoint_is_closed(staff: Client) -> None:
    answer = staff.post(page("loadpolicy_close"), {"name": "x"}, follow=True, headers=ENGLISH)

    assert said(answer) == ["There is no such model."]


@pytest.mark.parametrize("name", ["force", "close"])
def test_switching_wants_a_post_and_the_permission(
    staff: Client, looker: Client, name: str
) -> None:
    url = page(f"loadpolicy_{name}")

    assert staff.get(url).status_code == 403
    assert looker.post(url, {"level": "1", "minutes": "5", "name": "x"}).status_code == 403


def test_lookers_see_how_things_stand_without_buttons(looker: Client) -> None:
    html = looker.get(CHANGE).content.decode()

    assert looker.get(page("loadpolicy_now")).status_code == 200
    assert page("loadpolicy_force") not in html
    assert Client().get(page("loadpolicy_now")).status_code == 302
