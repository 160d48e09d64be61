"""What the studio goes on from: the version just saved, not one that was taken back; and what it says of it."""

from typing import Any

import pytest
from django.test import Client

from prompts import versions
from prompts.models import EvalSet, Prompt, PromptDraft, PromptVersion, Release
from tests.prompts.admin.pages import ENGLISH, page, said

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json", "Accept-Language": "en"}


@pytest.fixture
def prompt() -> Prompt:
    found = Prompt.objects.create(purpose="resume", language="zh", title="回来时的问候")
    version = PromptVersion.objects.create(prompt=found, number=1, text="第一版")
    Prompt.objects.filter(pk=found.pk).update(current=version)
    found.refresh_from_db()
    return found


def opened(client: Client, prompt: Prompt) -> Any:
    return client.get(page("prompt_change", prompt.pk), headers=ENGLISH)


def standing(answer: Any) -> str:
    return " ".join(answer.context["standing"])


def text_of(answer: Any) -> str:
    return str(answer.context["form"]["text"].value())


def send(client: Client, prompt: Prompt, action: str, *, json: bool = False, **sent: Any) -> Any:
    headers = JSON if json else ENGLISH
    url = page("prompt_change", prompt.pk)
    return client.post(url, {"_action": action, **sent}, headers=headers, follow=not json)


def seen(told: Any) -> dict[str, Any]:
    """What a page has before it after an answer."""
    return {name: told[name] for name in ("draft", "revision")}


def add(prompt: Prompt, number: int) -> PromptVersion:
    return PromptVersion.objects.create(prompt=prompt, number=number, text=f"第{number}版")


def on_release(prompt: Prompt, version: PromptVersion, status: Any) -> Release:
    cases = EvalSet.objects.create(name=f"s{version.number}", title="s")
    release = Release.objects.create(
        name=f"r{version.number}", note="n", eval_set=cases, status=status
    )
    release.versions.add(version)
    return release


def test_a_version_just_saved_is_what_one_goes_on_from(staff: Client, prompt: Prompt) -> None:
    assert standing(opened(staff, prompt)) == "Text of version 1, in force."

    sent: dict[str, Any] = {
        "revision": 0,
        "base": prompt.current_id,
        "text": "新的问候",
        "note": "kinder",
    }
    saved = send(staff, prompt, "freeze", **sent)

    second = prompt.versions.get(number=2)
    assert text_of(saved) == "新的问候"
    assert standing(saved) == "Text of version 2, not published; in force: 1."
    body = saved.content.decode()
    assert f"?right={second.pk}" in body
    assert page("promptversion_change", second.pk) in body
    assert "not published</span>" in body

    begun = send(staff, prompt, "save", json=True, revision=0, base=second.pk, persona="您").json()
    assert begun["standing"] == "Draft from version 2, not published; in force: 1."
    draft = PromptDraft.objects.get()
    assert (draft.text, draft.persona, draft.based_on) == ("新的问候", "您", second)
    again = send(staff, prompt, "save", json=True, persona="", **seen(begun)).json()
    assert "standing" not in again


def test_one_may_begin_from_the_text_in_force_instead(staff: Client, prompt: Prompt) -> None:
    second = add(prompt, 2)
    assert opened(staff, prompt).context["others"] == [prompt.current]

    begun = send(staff, prompt, "begin", version=prompt.current_id)

    assert said(begun) == ["The draft begins from version 1."]
    assert text_of(begun) == "第一版"
    assert standing(begun) == (
        "Draft from version 1, in force. The newest is version 2, not published."
    )
    twice = send(staff, prompt, "begin", version=second.pk)
    assert "There is a draft already" in said(twice)[0]
    assert PromptDraft.objects.get().based_on == prompt.current
    assert send(staff, prompt, "begin", version=0).status_code == 404


def test_what_was_taken_back_is_told_and_not_opened(staff: Client, prompt: Prompt) -> None:
    first, second = prompt.current, add(prompt, 2)
    assert first is not None
    versions.publish(second)
    assert standing(opened(staff, prompt)) == "Text of version 2, in force."
    versions.publish(first)

    shown = opened(staff, prompt)

    assert text_of(shown) == "第一版"
    assert standing(shown) == (
        "Text of version 1, in force. The newest is version 2, which was taken back."
    )
    assert shown.context["others"] == [second]
    assert "taken back</span>" in shown.content.decode()
    # What is written after it is gone on from as ever.
    third = add(prompt, 3)
    assert opened(staff, prompt).context["opened"] == third
    # And it may speak again.
    versions.publish(second)
    assert standing(opened(staff, prompt)) == ("Text of version 3, not published; in force: 2.")


def test_a_release_on_canary_and_one_taken_back(staff: Client, prompt: Prompt) -> None:
    second = add(prompt, 2)
    release = on_release(prompt, second, Release.Status.CANARY)
    assert standing(opened(staff, prompt)) == (
        "Text of version 2, on canary in release r2; in force: 1."
    )

    Release.objects.filter(pk=release.pk).update(status=Release.Status.ROLLED_BACK)

    assert standing(opened(staff, prompt)) == (
        "Text of version 1, in force. The newest is version 2, which was taken back."
    )


def test_a_draft_says_what_came_into_force_since(staff: Client, prompt: Prompt) -> None:
    send(staff, prompt, "begin", version=prompt.current_id)
    versions.publish(add(prompt, 2))

    assert standing(opened(staff, prompt)) == (
        "Draft from version 1; in force: 2. "
        "Mind: version 2 came into force since; the draft does not have its changes."
    )


def test_what_was_saved_since_the_page_was_opened_is_not_passed_by(
    staff: Client, prompt: Prompt
) -> None:
    seen = prompt.current_id
    add(prompt, 2)

    late = send(staff, prompt, "save", json=True, revision=0, base=seen, text="旧的页面")

    assert late.status_code == 409
    assert "Since you opened this page" in late.json()["sentence"]
    assert not PromptDraft.objects.exists()
    # Sent as a whole page, the words come back with it.
    whole = send(staff, prompt, "freeze", revision=0, base=seen, text="旧的页面", note="n")
    assert (whole.status_code, text_of(whole)) == (409, "旧的页面")
    assert "Since you opened this page" in said(whole)[0]
    # The same when what was open was taken back meanwhile.
    versions.publish(prompt.versions.get(number=2))
    assert prompt.current is not None
    versions.publish(prompt.current)
    back = prompt.versions.get(number=2).pk
    assert send(staff, prompt, "save", json=True, revision=0, base=back).status_code == 409


def test_a_draft_without_a_change_adds_no_version(staff: Client, prompt: Prompt) -> None:
    sent: dict[str, Any] = {"revision": 0, "base": prompt.current_id, "text": "第一版", "note": "n"}

    told = send(staff, prompt, "publish", **sent)

    assert "Nothing differs from version 1" in said(told)[0]
    assert prompt.versions.count() == 1
    assert not PromptDraft.objects.exists()


def test_an_empty_prompt_says_what_it_takes(staff: Client) -> None:
    empty = Prompt.objects.create(purpose="judge", language="zh", title="t")

    shown = opened(staff, empty)

    assert "Nothing is written yet." in standing(shown)
    assert "There are no versions yet." in shown.content.decode()
    send(staff, empty, "save", json=True, revision=0, base="", text="一")
    assert standing(opened(staff, empty)) == "Draft, begun from nothing; nothing is in force."
    first = add(empty, 1)
    PromptDraft.objects.all().delete()
    assert standing(opened(staff, empty)) == (
        "Text of version 1, not published; nothing is in force."
    )
    assert opened(staff, empty).context["opened"] == first
