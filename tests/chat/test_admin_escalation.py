"""The page that says when a person takes over: shown whole, checked at each field, heard by the next turn."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from chat.admin.escalation import POINT_FIELDS, explain, reasons_text
from chat.escalation.decide import DEFAULT_POINTS, DEFAULT_RESTRICTED
from chat.escalation.rules import read
from chat.models import EscalationPolicy

pytestmark = pytest.mark.django_db
LIST = "admin:chat_escalationpolicy_changelist"


@pytest.fixture
def staff(client: Any) -> Any:
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


def form(**changed: Any) -> dict[str, Any]:
    points = {name: DEFAULT_POINTS[name.removeprefix("points_")] for name in POINT_FIELDS}
    shown = {"hand_over_at": 1.0, "offer_at": 0.5, "furious_from": 0.9, "amount_limit": 0}
    return {**shown, "restricted": "\n".join(DEFAULT_RESTRICTED), **points, **changed}


def save(staff: Any, **changed: Any) -> Any:
    url = staff.get(reverse(LIST)).url
    return staff.post(url, form(**changed))


def test_the_list_leads_to_the_one_row_with_every_reason_and_word(staff: Any) -> None:
    page = staff.get(reverse(LIST), follow=True).content.decode()
    assert all(f'name="{name}"' in page for name in POINT_FIELDS)
    assert "12315" in page


def test_what_is_left_as_it_ships_is_not_stored(staff: Any) -> None:
    assert save(staff).status_code == 302
    row = EscalationPolicy.objects.get()
    assert (row.points, row.restricted) == ({}, "")


def test_points_and_words_of_ones_own_are_in_force(staff: Any) -> None:
    save(staff, points_furious=0.9, restricted="团购\n\n批发", amount_limit=500)
    policy = read()
    assert policy.points["furious"] == 0.9
    assert (policy.restricted, policy.amount_limit) == (("团购", "批发"), 500.0)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"offer_at": 1.5}, "offer_at"),
        ({"offer_at": 0}, "offer_at"),
        ({"furious_from": 1.2}, "furious_from"),
        ({"amount_limit": -1}, "amount_limit"),
        ({"points_failed": -0.1}, "points_failed"),
        ({"points_failed": "many"}, "points_failed"),
    ],
)
def test_a_wrong_value_is_refused_at_its_field(
    staff: Any, changed: dict[str, Any], field: str
) -> None:
    refused = save(staff, **changed)
    assert refused.status_code == 200
    assert list(refused.context["adminform"].form.errors) == [field]
    assert EscalationPolicy.objects.get().offer_at == 0.5


def test_explain_says_what_was_done_and_why() -> None:
    verdict = {"action": "hand_over", "score": 1.1, "reasons": [{"code": "furious", "points": 0.7}]}
    assert explain(verdict) == {
        "action": "转人工", "score": "1.1", "reasons": "非常生气 0.7", "called": True,
    }  # fmt: skip
    assert explain(None) == {}
    assert reasons_text([{"code": "of a later release", "points": 1.0}]) == "of a later release 1"
