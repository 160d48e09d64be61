"""The turn's page says why it was answered as it was, and what another policy would have done."""

import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chat.models import Turn
from prompts.models import ModelCall, RoutePolicy
from tests.factories import ConversationFactory
from tests.prompts.llm.routes import LIGHT, STRONG, decided

pytestmark = pytest.mark.django_db

ENGLISH = {"Accept-Language": "en"}
PIN_STRONG = {"rules": [{"name": "All", "when": {}, "effect": {"strength": "strong"}}]}


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


def make_turn(decision: Any) -> Turn:
    return Turn.objects.create(
        conversation=ConversationFactory.create(),
        first_seq=1,
        last_seq=1,
        epoch=0,
        state="done",
        decision=decision,
    )


def url(turn: Turn) -> str:
    return reverse("admin:chat_turn_change", args=[turn.pk])


def test_a_turn_shows_decision_calls_and_conversation(staff: Client) -> None:
    decision = {**decided(STRONG, LIGHT).as_json(), "answered_by": "strong"}
    turn = make_turn(decision)
    common = {"trace_id": str(turn.pk), "purpose": "answer"}
    ModelCall.objects.create(**common, endpoint="light", error_class="rate_limit", total_ms=40)
    ModelCall.objects.create(**common, endpoint="strong", wait_ms=300, total_ms=900)
    ModelCall.objects.create(trace_id="another", purpose="answer", endpoint="other")

    answer = staff.get(url(turn), headers=ENGLISH)

    html = answer.content.decode()
    why = answer.context["why"]
    assert [bar.call.endpoint for bar in why.bars] == ["light", "strong"]
    assert why.answered_by == "strong"
    assert "the cheapest that is good enough" in html
    assert "rate_limit" in html
    assert reverse("admin:chat_conversation_change", args=[turn.conversation_id]) in html


def test_the_page_speaks_chinese_by_default(staff: Client) -> None:
    html = staff.get(url(make_turn(decided().as_json()))).content.decode()

    assert "为什么是这个模型" in html
    assert "达到质量要求的最便宜者" in html


@pytest.mark.parametrize(
    "decision",
    [
        {},
        {"chosen": "openai", "plan": ["openai", "sop"], "cause": "priority", "candidates": []},
        {"candidates": [1, None], "plan": 3, "features": []},
    ],
)
def test_a_turn_of_another_shape_opens(staff: Client, decision: dict[str, Any]) -> None:
    assert staff.get(url(make_turn(decision))).status_code == 200


def test_another_policy_is_replayed_beside_the_stored_decision(staff: Client) -> None:
    RoutePolicy.objects.create(number=1, active=True)
    RoutePolicy.objects.create(number=2, content=PIN_STRONG)
    turn = make_turn(decided(STRONG, LIGHT).as_json())

    same = staff.get(url(turn), {"policy": "1"}, headers=ENGLISH).context["replay"]
    other = staff.get(url(turn), {"policy": "2"}, headers=ENGLISH).context["replay"]

    chosen = next(line for line in other["lines"] if line.label == "Chosen")
    assert not same["changed"]
    assert other["changed"]
    assert (chosen.stored, chosen.replayed, chosen.changed) == ("light", "strong", True)


def test_a_replay_writes_nothing(staff: Client) -> None:
    RoutePolicy.objects.create(number=2, content=PIN_STRONG)
    turn = make_turn(decided().as_json())

    with CaptureQueriesContext(connection) as queries:
        staff.get(url(turn), {"policy": "2"})

    written = [q["sql"] for q in queries if not q["sql"].startswith(("SELECT", "SAVEPOINT"))]
    assert [sql for sql in written if not sql.startswith("RELEASE SAVEPOINT")] == []


@pytest.mark.parametrize(
    ("number", "content", "problem"),
    [
        ("2", PIN_STRONG, "It cannot be replayed: the stored decision has no features"),
        ("3", {"quality_vip": "much"}, "It cannot be replayed: quality_vip: must be a number."),
        ("9", {}, "There is no such policy."),
        ("x", {}, "There is no such policy."),
    ],
)
def test_a_replay_that_is_impossible_says_why(
    staff: Client, number: str, content: dict[str, Any], problem: str
) -> None:
    if number in {"2", "3"}:
        RoutePolicy.objects.create(number=int(number), content=content)
    turn = make_turn({"chosen": "openai", "plan": ["openai", "sop"], "cause": "priority"})

    answer = staff.get(url(turn), {"policy": number}, headers=ENGLISH)

    assert answer.context["replay"]["problem"].startswith(problem)


def test_a_replay_wants_the_permission_to_see_policies(client: Client) -> None:
    user = get_user_model().objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_turn"))
    client.force_login(user)
    RoutePolicy.objects.create(number=1)

    answer = client.get(url(make_turn(decided().as_json())), {"policy": "1"})

    assert answer.status_code == 200
    assert (list(answer.context["policies"]), answer.context["replay"]) == ([], {})


def test_a_turn_that_does_not_exist_leads_back(staff: Client) -> None:
    missing = reverse("admin:chat_turn_change", args=[uuid.uuid4()])

    assert staff.get(missing).status_code == 302


def test_the_list_asks_no_more_for_more_rows(staff: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(reverse("admin:chat_turn_changelist")).status_code == 200
        return len(queries)

    make_turn({})
    count()
    for_one = count()
    make_turn({})
    make_turn({})

    assert count() == for_one
