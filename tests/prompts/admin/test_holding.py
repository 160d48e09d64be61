"""A prompt that a set guards goes out by releases; two people may go without, and everything of it is on record."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client

from prompts import releases, retrieval, versions
from prompts.models import EvalSet, Prompt, PromptVersion, SopSet
from tests.prompts.admin.pages import ENGLISH, errors, page, said
from tests.prompts.admin.test_releases import form

pytestmark = pytest.mark.django_db
GUARDED = "Versions of this prompt go out by releases only: an evaluation set guards it."


@pytest.fixture
def guard() -> EvalSet:
    return EvalSet.objects.create(name="shop", title="Shop")


@pytest.fixture
def version(guard: EvalSet) -> PromptVersion:
    """The second one of a prompt that is guarded; the first speaks."""
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="answer")
    prompt.current = PromptVersion.objects.create(prompt=prompt, number=1, text="旧")
    prompt.save()
    versions.hold(prompt, guarded_by=guard.pk, by_release_only=None)
    return PromptVersion.objects.create(prompt=prompt, number=2, text="新")


@pytest.fixture
def other() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("other"))
    return client


def act(client: Client, name: str, row: Any, **fields: Any) -> list[str]:
    return said(client.post(page(name, row.pk), fields, follow=True, headers=ENGLISH))


def current() -> int:
    found = Prompt.objects.get().current
    return found.number if found else 0


def test_a_guarded_prompt_is_not_published_version_by_version(
    staff: Client, version: PromptVersion
) -> None:
    assert act(staff, "promptversion_publish", version) == [GUARDED]
    assert current() == 1
    with pytest.raises(versions.Held):
        versions.publish(version)
    html = staff.get(page("promptversion_change", version.pk), headers=ENGLISH).content.decode()
    assert "Make a release" in html


def test_the_default_follows_the_set_and_can_be_said_otherwise(
    staff: Client, version: PromptVersion, guard: EvalSet
) -> None:
    assert act(staff, "prompt_hold", version.prompt, guarded_by=guard.pk, only="no") == ["Saved."]
    assert versions.publish(version)
    assert act(staff, "prompt_hold", version.prompt, guarded_by="", only="yes") == ["Saved."]
    first = version.prompt.versions.get(number=1)
    with pytest.raises(versions.Held):
        versions.publish(first)
    assert (
        "guarded by nothing, by releases only: True" in LogEntry.objects.latest("pk").change_message
    )


def test_two_people_publish_it_without_a_release_with_a_reason(
    staff: Client, other: Client, version: PromptVersion
) -> None:
    nothing = ["There is nothing to ask or to agree to."]
    assert act(other, "promptversion_agree", version) == nothing
    assert act(staff, "promptversion_ask", version, reason=" ") == nothing
    assert act(staff, "promptversion_ask", version, reason="prices changed tonight") != nothing
    assert act(staff, "promptversion_ask", version, reason="again") == nothing
    assert act(staff, "promptversion_agree", version) == nothing
    assert current() == 1

    assert act(other, "promptversion_agree", version) == ["Version 2 is in force."]

    assert current() == 2
    told = list(LogEntry.objects.order_by("pk").values_list("user__username", "change_message"))
    assert told == [
        ("boss", "asked to publish v2 without a release: prices changed tonight"),
        ("other", "agreed: published v2 without a release"),
    ]


def test_a_release_of_it_is_gated_by_the_set_that_guards_it(
    staff: Client, version: PromptVersion, guard: EvalSet
) -> None:
    easy = EvalSet.objects.create(name="easy", title="Easy")
    fields = {**form_of(version), "eval_set": easy.pk}

    assert errors(staff.post(page("release_add"), fields, headers=ENGLISH)) == {
        "eval_set": ["answer (zh) is guarded by “Shop”."]
    }
    fields["eval_set"] = guard.pk
    assert staff.post(page("release_add"), fields).status_code == 302


def form_of(version: PromptVersion) -> dict[str, Any]:
    class Like:
        versions = version.prompt.versions.filter(pk=version.pk)
        eval_set_id = 0

    return form(Like)  # type: ignore[arg-type]


def test_edits_of_sops_hold_at_once_only_where_another_agrees(
    staff: Client, other: Client, version: PromptVersion
) -> None:
    frozen = retrieval.freeze()
    SopSet.objects.filter(pk=frozen.pk).update(active=True)
    heard = page("sop_heard")

    assert said(staff.post(heard, {"reason": "typing error"}, follow=True, headers=ENGLISH)) == [
        "Asked: another person has to agree."
    ]
    assert said(staff.post(heard, {"agree": "1"}, follow=True, headers=ENGLISH)) == [
        "There is nothing to ask or to agree to."
    ]
    assert SopSet.objects.filter(active=True).exists()
    html = other.get(heard, headers=ENGLISH).content.decode()
    assert "typing error" in html

    other.post(heard, {"agree": "1"})

    assert not SopSet.objects.filter(active=True).exists()
    assert not releases.agree_to_follow(by=0)


def test_who_may_not_publish_does_not_say_what_guards(
    looker: Client, version: PromptVersion
) -> None:
    for name, row in (
        ("prompt_hold", version.prompt),
        ("promptversion_ask", version),
        ("promptversion_agree", version),
    ):
        assert looker.post(page(name, row.pk), {"reason": "x"}).status_code == 403


def test_who_takes_the_hold_away_publishes_with_another_person(
    staff: Client, other: Client, guard: EvalSet, version: PromptVersion
) -> None:
    act(staff, "prompt_hold", version.prompt, guarded_by=guard.pk, only="no")

    told = "You took the hold of this prompt away: somebody else has to agree, or to publish it."
    assert act(staff, "promptversion_publish", version) == [told]
    html = staff.get(page("promptversion_change", version.pk), headers=ENGLISH).content.decode()
    assert told in html
    act(staff, "promptversion_ask", version, reason="a typing error")
    assert act(other, "promptversion_agree", version) == ["Version 2 is in force."]
    assert current() == 2
