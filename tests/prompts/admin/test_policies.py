"""The admin of route policies: checked, numbered, never changed; one is active, and going back is one switch."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from prompts import snapshot
from prompts.admin import policies
from prompts.models import ModelEndpoint, RoutePolicy
from tests.prompts.admin.pages import ENGLISH, announced, errors, page, query_count, said

pytestmark = pytest.mark.django_db

ANGRY = {
    "name": "Angry",
    "when": {"emotion_score": {"$gte": 0.8}},
    "effect": {"strength": "strong", "offer_human": True},
}


def form(*rules: Any, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "note": "a note",
        "quality_standard": 0.8,
        "quality_vip": 0.9,
        "quality_angry_adds": 0.05,
        "latency_weight": 0.01,
        "uncertain_margin": 0.15,
        "epsilon": 0.05,
        "dispatch_share": 0.1,
        "explore": 0,
        "prior_mass": 10,
        "answer_tokens": 150,
        "sticky": "on",
        "rules": json.dumps(rules, ensure_ascii=False),
    }
    return {**fields, **changes}


def version(number: int, **changes: Any) -> RoutePolicy:
    return RoutePolicy.objects.create(number=number, **changes)


def active() -> list[int]:
    return list(RoutePolicy.objects.filter(active=True).values_list("number", flat=True))


def activate_url(row: RoutePolicy) -> str:
    return page("routepolicy_activate", row.pk)


# --- adding --------------------------------------------------------------------------------------------


def test_a_version_is_numbered_and_signed_and_not_yet_active(staff: Client) -> None:
    version(7, active=True)

    answer = staff.post(page("routepolicy_add"), form(ANGRY))

    row = RoutePolicy.objects.get(number=8)
    policy = snapshot.as_policy(row)
    assert answer.headers["Location"] == page("routepolicy_change", row.pk)
    assert (row.note, row.created_by) == ("a note", get_user_model().objects.get())
    assert (policy.quality_vip, policy.sticky, policy.version) == (0.9, True, "8")
    assert [rule.name for rule in policy.rules] == ["Angry"]
    assert "version" not in row.content
    assert active() == [7]


def test_the_form_is_filled_from_the_active_version_or_the_one_named(staff: Client) -> None:
    version(1, content={"quality_vip": 0.91})
    version(2, content={"quality_vip": 0.92, "rules": [ANGRY]}, active=True)

    def initial(query: str = "") -> dict[str, Any]:
        fields: dict[str, Any] = (
            staff.get(page("routepolicy_add") + query).context["adminform"].form.initial
        )
        return fields

    assert initial()["quality_vip"] == 0.92
    assert json.loads(initial()["rules"]) == [ANGRY]
    assert initial("?from=1")["quality_vip"] == 0.91
    assert initial("?from=99")["quality_vip"] == 0.92
    assert initial("?from=x")["quality_standard"] == 0.85


def test_the_editor_knows_fields_operators_and_endpoints(staff: Client) -> None:
    ModelEndpoint.objects.create(name="qwen", provider="openai")

    editor = staff.get(page("routepolicy_add"), headers=ENGLISH).context["editor"]

    fields = {field["name"]: field for field in editor["fields"]}
    assert editor["endpoints"] == ["qwen"]
    assert fields["tier"]["values"] == ["standard", "vip"]
    assert (fields["bucket"]["low"], fields["bucket"]["high"]) == (0, 99)
    assert fields["order_value"]["high"] is None
    assert "$gte" in fields["emotion_score"]["operators"]
    assert json.loads(json.dumps(editor)) == editor


@pytest.mark.parametrize(
    ("rules", "changes", "field", "sentence"),
    [
        ([], {"quality_vip": 1.5}, "quality_vip", "quality_vip: must be between 0 and 1."),
        ([], {"explore": -0.1}, "explore", "explore: must be between 0 and 1."),
        ([], {"quality_vip": "much"}, "quality_vip", "Enter a number."),
        ([], {"rules": "[{"}, "rules", "The rules are no valid JSON"),
        ([], {"rules": '{"a": 1}'}, "rules", "rules: must be a list."),
        ([{**ANGRY, "when": {"colour": "red"}}], {}, "rules", "there is no such field"),
        ([{**ANGRY, "when": {"tier": "gold"}}], {}, "rules", "must be one of standard, vip"),
        ([{**ANGRY, "when": {"tier": {"$gte": 1}}}], {}, "rules", "no operator of this field"),
        ([{**ANGRY, "effect": {}}], {}, "rules", "the effect does nothing"),
        ([{**ANGRY, "effect": {"endpoint": "gone"}}], {}, "rules", "“gone”, which does not exist"),
        ([ANGRY, ANGRY], {}, "rules", "another rule is called “Angry” too"),
        (
            [ANGRY, {**ANGRY, "name": "Calm", "effect": {"strength": "light"}}],
            {},
            "rules",
            "Rules “Angry” and “Calm” have the same condition (emotion_score)",
        ),
    ],
)
def test_a_policy_that_cannot_work_is_refused_at_its_field(
    staff: Client, rules: list[Any], changes: dict[str, Any], field: str, sentence: str
) -> None:
    answer = staff.post(page("routepolicy_add"), form(*rules, **changes), headers=ENGLISH)

    found = errors(answer)
    assert list(found) == [field]
    assert sentence in " ".join(found[field])
    assert not RoutePolicy.objects.exists()


def test_refusals_are_in_chinese_by_default(staff: Client) -> None:
    answer = staff.post(page("routepolicy_add"), form({**ANGRY, "effect": {}}))

    assert "没有任何效果" in errors(answer)["rules"][0]


def test_what_was_typed_is_still_there_after_a_refusal(staff: Client) -> None:
    answer = staff.post(page("routepolicy_add"), form(rules="[{"))

    assert "[{" in answer.content.decode()


# --- versions ------------------------------------------------------------------------------------------


def test_a_version_is_only_read(staff: Client) -> None:
    row = version(1, content={"quality_vip": 0.91, "rules": [ANGRY]})

    shown = staff.get(page("routepolicy_change", row.pk), headers=ENGLISH).content.decode()

    assert "Strength of the emotion ≥ 0.8" in shown
    assert "pins a strong endpoint, offers a person" in shown
    assert "0.91" in shown
    assert staff.post(page("routepolicy_change", row.pk), form()).status_code == 403
    assert staff.post(page("routepolicy_delete", row.pk), {"post": "yes"}).status_code == 403


def test_one_version_is_active_and_going_back_is_activating_the_older(staff: Client) -> None:
    old, new = version(1, active=True), version(2)

    staff.post(activate_url(new))
    after_switching = active()
    staff.post(activate_url(old))

    assert (after_switching, active()) == ([2], [1])


@pytest.mark.django_db(transaction=True)
def test_a_switch_is_announced_once_and_counts_at_once(staff: Client) -> None:
    old, new = version(1, active=True), version(2, content={"quality_vip": 0.99})
    assert snapshot.snapshot().policy.version == str(old.number)

    staff.post(activate_url(new))
    after_one = announced()
    answer = staff.post(activate_url(new), follow=True)

    assert snapshot.snapshot().policy.quality_vip == 0.99
    assert after_one > 0
    assert announced() == after_one
    assert said(answer)[-1] == "它已经在生效。"


def test_the_list_activates_exactly_one(staff: Client) -> None:
    first, second = version(1, active=True), version(2)
    url = page("routepolicy_changelist")

    def choose(*rows: RoutePolicy) -> list[str]:
        chosen = {"action": "activate_chosen", "_selected_action": [row.pk for row in rows]}
        return said(staff.post(url, chosen, follow=True, headers=ENGLISH))

    assert choose(first, second) == ["Select one version only."]
    assert active() == [1]
    assert choose(second) == ["Version 2 is active."]
    assert active() == [2]


def test_a_version_nobody_can_read_is_not_activated(staff: Client) -> None:
    version(1, active=True)
    broken = version(2, content={"quality_vip": "much"})

    answer = staff.post(activate_url(broken), follow=True, headers=ENGLISH)

    assert said(answer) == ["Version 2 cannot be read: quality_vip: must be a number."]
    assert active() == [1]


def test_a_version_that_pins_what_is_gone_is_activated_with_a_warning(staff: Client) -> None:
    row = version(1, content={"rules": [{**ANGRY, "effect": {"endpoint": "gone"}}]})

    answer = staff.post(activate_url(row), follow=True, headers=ENGLISH)

    assert active() == [1]
    assert "“gone”, which does not exist" in said(answer)[1]


def test_activating_wants_a_post_and_the_permission(staff: Client, looker: Client) -> None:
    row = version(1)

    assert staff.get(activate_url(row)).status_code == 403
    assert looker.post(activate_url(row)).status_code == 403
    assert looker.get(page("routepolicy_change", row.pk)).status_code == 200
    assert looker.get(page("routepolicy_add")).status_code == 403
    assert active() == []


def together(*acts: Callable[[], Any]) -> None:
    """Runs every act in a thread of its own, with its own connection."""
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> None:
        gate.wait()
        try:
            act()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_many_who_switch_at_once_leave_one_active() -> None:
    rows = [version(number) for number in range(1, 7)]

    together(*(lambda row=row: policies.activate(row) for row in rows))

    assert len(active()) == 1


@pytest.mark.django_db(transaction=True)
def test_many_who_add_at_once_get_numbers_of_their_own() -> None:
    boss = get_user_model().objects.create_superuser("boss")
    clients = [Client() for _ in range(4)]
    for client in clients:
        client.force_login(boss)

    together(*(lambda c=client: c.post(page("routepolicy_add"), form()) for client in clients))

    assert sorted(RoutePolicy.objects.values_list("number", flat=True)) == [1, 2, 3, 4]


def test_the_list_asks_no_more_for_more_rows(staff: Client) -> None:
    boss = get_user_model().objects.get()
    version(1, created_by=boss)
    url = page("routepolicy_changelist")
    staff.get(url)
    for_one = query_count(staff, url)
    version(2, created_by=boss)
    version(3, created_by=boss)

    assert query_count(staff, url) == for_one
