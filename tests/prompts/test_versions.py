"""Drafts and versions: conflicts, what is refused, what the database keeps, and turns that never mix two versions."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction

from prompts import completion, snapshot, versions
from prompts.models import FewShotExample, Prompt, PromptDraft, PromptVersion
from prompts.versions import Conflict, Refused, Seen
from tests.prompts.llm.asking import Shown

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_snapshot() -> Iterator[None]:
    snapshot.CACHE.clear()
    yield
    snapshot.CACHE.clear()


@pytest.fixture
def prompt() -> Prompt:
    found = Prompt.objects.create(purpose="answer", language="zh", title="回答")
    found.current = PromptVersion.objects.create(
        prompt=found, number=1, text="你好{{topic}}", variables=["topic"]
    )
    found.save()
    return found


def as_begun(draft: PromptDraft) -> Seen:
    return Seen(draft.pk, draft.revision)


def refused(prompt: Prompt, **said: Any) -> list[str]:
    return [problem.field for problem in versions.problems(PromptVersion(**said), prompt)]


def test_draft_begins_as_the_current_version_and_becomes_the_next(prompt: Prompt) -> None:
    user = get_user_model().objects.create_user("小林")
    draft = versions.begin_draft(prompt, base=prompt.current, user_id=user.pk)
    assert (draft.text, draft.based_on_id) == ("你好{{topic}}", prompt.current_id)
    seen = versions.save_draft(
        prompt, {"text": "您好{{topic}}"}, seen=as_begun(draft), user_id=user.pk
    )

    version = versions.freeze(prompt, seen=seen, note="更客气", user_id=user.pk)

    assert (version.number, version.text, version.note, version.created_by) == (
        2,
        "您好{{topic}}",
        "更客气",
        user,
    )
    assert not PromptDraft.objects.exists()
    assert prompt.current_id != version.pk


def test_two_editors_do_not_write_over_each_other(prompt: Prompt) -> None:
    draft = versions.begin_draft(prompt, base=prompt.current, user_id=None)
    versions.save_draft(prompt, {"text": "mine"}, seen=as_begun(draft), user_id=None)

    with pytest.raises(Conflict) as error:
        versions.save_draft(prompt, {"text": "theirs"}, seen=as_begun(draft), user_id=None)
    assert error.value.draft is not None
    assert error.value.draft.text == "mine"
    with pytest.raises(Conflict):
        versions.begin_draft(prompt, base=prompt.current, user_id=None)
    with pytest.raises(Conflict):
        versions.freeze(prompt, seen=as_begun(draft), note="x", user_id=None)
    with pytest.raises(Conflict):
        versions.drop_draft(prompt, seen=as_begun(draft))
    assert PromptDraft.objects.get().text == "mine"


def test_a_page_of_an_earlier_draft_writes_nothing_over_the_next_one(prompt: Prompt) -> None:
    """Each draft counts its revisions from one: which draft it was says the rest."""
    mine = versions.begin_draft(prompt, base=prompt.current, user_id=None)
    stale = versions.save_draft(
        prompt, {"text": "mine{{topic}}"}, seen=as_begun(mine), user_id=None
    )
    versions.freeze(prompt, seen=stale, note="n", user_id=None)
    theirs = versions.begin_draft(prompt, base=prompt.current, user_id=None)
    seen = versions.save_draft(prompt, {"text": "theirs"}, seen=as_begun(theirs), user_id=None)
    assert seen.revision == stale.revision

    for act in (
        lambda: versions.save_draft(prompt, {"text": "old"}, seen=stale, user_id=None),
        lambda: versions.freeze(prompt, seen=stale, note="n", user_id=None),
        lambda: versions.drop_draft(prompt, seen=stale),
    ):
        with pytest.raises(Conflict) as error:
            act()
        assert error.value.draft == theirs
    assert PromptDraft.objects.get().text == "theirs"


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"text": "{{topic}}", "variables": ["topic"]}, []),
        ({"text": " "}, ["text"]),
        ({"text": "{{topic}}"}, ["variables"]),
        ({"text": "x", "variables": ["topic"]}, ["variables"]),
        ({"text": "{{settings}}", "variables": ["settings"]}, ["variables"]),
        ({"text": "{{ settings.SECRET_KEY }}"}, ["text"]),
        ({"text": "{% include 'x' %}"}, ["text"]),
        ({"text": "x", "persona": "{{7*7}}"}, ["persona"]),
        ({"text": "{0.__class__} %(x)s $x"}, []),
        ({"text": "x" * 20_001}, ["text"]),
        ({"text": "x\0"}, ["text"]),
        ({"text": "x", "rules": "unused"}, ["rules"]),
        ({"text": "{{rules}}"}, ["rules"]),
        ({"text": "{{rules}}{{persona}}", "rules": "{{persona}}", "persona": "p"}, ["rules"]),
        ({"text": "x", "resume_text": "{{shop_name}}"}, ["resume_text"]),
        ({"text": "x", "example_keys": ["nobody"]}, ["example_keys"]),
        ({"text": "x", "max_chars": 5}, ["max_chars"]),
        ({"text": "x", "example_limit": 99}, ["example_limit"]),
    ],
)
def test_problems_are_named_by_field(
    prompt: Prompt, said: dict[str, Any], fields: list[str]
) -> None:
    assert refused(prompt, **said) == fields


def test_a_draft_with_problems_stays_a_draft(prompt: Prompt) -> None:
    draft = versions.begin_draft(prompt, base=prompt.current, user_id=None)
    seen = versions.save_draft(prompt, {"text": "{% x %}"}, seen=as_begun(draft), user_id=None)

    with pytest.raises(Refused):
        versions.freeze(prompt, seen=seen, note="x", user_id=None)

    assert PromptVersion.objects.count() == 1
    assert PromptDraft.objects.get().text == "{% x %}"


def test_the_database_keeps_versions_as_they_are(prompt: Prompt) -> None:
    version = PromptVersion.objects.get()
    for change in (
        "UPDATE prompts_promptversion SET text = 'x'",
        "DELETE FROM prompts_promptversion",
    ):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
    version.refresh_from_db()
    assert version.text == "你好{{topic}}"


def test_an_author_may_be_forgotten(prompt: Prompt) -> None:
    user = get_user_model().objects.create_user("gone")
    version = PromptVersion.objects.create(prompt=prompt, number=2, text="x", created_by=user)

    user.delete()

    version.refresh_from_db()
    assert version.created_by is None


def test_publishing_and_going_back(prompt: Prompt) -> None:
    first = prompt.current
    second = PromptVersion.objects.create(prompt=prompt, number=2, text="二")
    assert completion.text("answer", language="zh") == "你好"

    assert versions.publish(second)
    snapshot.CACHE.clear()
    assert completion.text("answer", language="zh") == "二"
    assert not versions.publish(second)
    assert first is not None
    assert versions.publish(first)
    snapshot.CACHE.clear()
    assert completion.text("answer", language="zh") == "你好"


@pytest.mark.parametrize("purpose", ["summary", "brief", "analyse", "judge", "apology"])
def test_every_purpose_says_its_parts(purpose: str) -> None:
    prompt = Prompt.objects.create(purpose=purpose, language="zh", title=purpose)
    said = {
        "text": "{{persona}}\n{{rules}}\n{{privacy_line}}",
        "persona": "你是店长。",
        "rules": "只写要点。",
        "privacy_line": "不写电话。",
    }
    version = PromptVersion.objects.create(prompt=prompt, number=1, **said)
    assert versions.problems(version, prompt) == []
    versions.publish(version)
    snapshot.CACHE.clear()

    assert completion.text(purpose, language="zh") == "你是店长。\n只写要点。\n不写电话。"


def test_the_answering_version_may_bring_its_own_greeting_on_return(prompt: Prompt) -> None:
    own = PromptVersion.objects.create(
        prompt=prompt, number=2, text="x", resume_text="接着说{{topic}}?"
    )
    versions.publish(own)
    snapshot.CACHE.clear()

    assert completion.text("resume", language="zh", topic="物流", slots="") == "接着说物流?"


@pytest.mark.django_db(transaction=True)
def test_turns_in_flight_while_versions_are_published_never_mix_them() -> None:
    prompt = Prompt.objects.create(purpose="answer", language="zh", title="t")
    for number in range(1, 7):
        sign = f"#{number}#"
        FewShotExample.objects.create(
            key=f"e{number}", language="zh", intent="i", messages=dialogue(sign)
        )
        PromptVersion.objects.create(
            prompt=prompt, number=number, persona=sign, rules=sign, emotion_addendum=sign, privacy_line=sign,
            text="{{persona}}{{rules}}{{emotion_addendum}}{{privacy_line}}{{examples}}" + sign,
            variables=["examples"], example_keys=[f"e{number}"],
        )  # fmt: skip
    rows = list(PromptVersion.objects.order_by("number"))
    honest = Prompt.objects.create(purpose="unknown", language="zh", title="t")
    versions.publish(PromptVersion.objects.create(prompt=honest, number=1, text="拿不准"))

    turns = []
    with ThreadPoolExecutor(10) as pool:
        for number in range(50):
            versions.publish(rows[number // 3 % len(rows)])
            turns.append(pool.submit(answered, number))
        renderings = [turn.result() for turn in turns]

    assert len({rendering["version"] for rendering in renderings}) > 2
    signs = {version.pk: f"#{version.number}#" for version in rows}
    for rendering in renderings:
        sign = signs[rendering["version"]]
        assert rendering["system"].count(sign) == 6
        assert not [
            other for other in signs.values() if other != sign and other in rendering["system"]
        ]


def dialogue(sign: str) -> list[dict[str, str]]:
    return [{"role": "visitor", "text": f"问{sign}"}, {"role": "bot", "text": "答"}]


def answered(number: int) -> dict[str, Any]:
    question = completion.Question(
        trace_id=f"turn-{number}", text="在吗", language="zh", emotion="negative"
    )
    try:
        return completion.stream(question, Shown()).rendering
    finally:
        connection.close()
