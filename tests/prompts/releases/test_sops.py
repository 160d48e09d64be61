"""The SOPs of a release are those of the moment it was made, until edits are let hold."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from prompts import audit, completion, composing, releases, retrieval
from prompts.models import (
    AuditEntry,
    Prompt,
    Release,
    Sop,
    SopVersion,
)
from prompts.routing import Question
from tests.prompts.llm.asking import Shown
from tests.prompts.llm.racing import race
from tests.prompts.releases.making import (
    INSIDE,
    OUTSIDE,
    let_pass,
    make,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh")]


@pytest.fixture
def sop() -> Iterator[Sop]:
    sop = Sop.objects.create(
        key="late", language="zh", title="还没到货", category="c", intent="track", answer="旧答案"
    )
    retrieval.index_sop(sop)
    yield sop
    retrieval.forget()


def edit(sop: Sop, answer: str, **changes: Any) -> None:
    """What saving an SOP in the admin does."""
    Sop.objects.filter(pk=sop.pk).update(answer=answer, **changes)
    retrieval.index_sop(Sop.objects.get(pk=sop.pk))
    completion.CACHE.clear()


def answer_of(order: str = "", text: str = "还没到货") -> str:
    """What a customer is answered without a model: the best SOP."""
    question = Question(
        trace_id="t",
        text=text,
        language="zh",
        slots={"order_number": order} if order else {},
    )
    return completion.stream(question, Shown()).text


def test_who_hears_a_release_is_answered_by_the_sops_frozen_with_it(
    prompt: Prompt, sop: Sop
) -> None:
    release = make(prompt, sop_set=retrieval.freeze())
    let_pass(release)
    assert releases.start(release)

    edit(sop, "新答案", title="包裹没来")

    assert (answer_of(INSIDE), answer_of(OUTSIDE)) == ("旧答案", "新答案")
    # Another arm's wording is nothing to the frozen index, nor the other way round.
    hits = composing.find_hits(Question("t", "包裹没来", "zh"), completion.snapshot())
    frozen = retrieval.search("包裹没来", language="zh", sop_set=release.sop_set_id or 0)
    assert hits[0].question == "包裹没来"
    assert [hit.question for hit in frozen] == ["还没到货"]


def test_published_its_sops_are_heard_until_edits_hold_again(prompt: Prompt, sop: Sop) -> None:
    release = make(prompt, sop_set=retrieval.freeze())
    let_pass(release)
    assert releases.publish(release)

    edit(sop, "新答案")
    assert answer_of() == "旧答案"
    [found] = retrieval.differences(release.sop_set_id or 0)
    assert (found.key, found.held, found.live) == ("late", True, True)

    assert releases.follow_edits(reason="urgent", by=None) == "done"
    assert answer_of() == "新答案"
    assert releases.follow_edits(reason="again", by=None) == "no"
    assert [move.act for move in release.moves.all()] == ["publish", "follow_edits"]


def test_who_lets_edits_hold_is_on_record_also_where_no_release_holds_them(
    prompt: Prompt, sop: Sop
) -> None:
    planted = make(prompt, sop_set=retrieval.freeze())
    let_pass(planted)
    edit(sop, "没有发布过")
    assert releases.publish(planted)
    edit(sop, "后来改的")
    assert releases.roll_back(Release.objects.get(), "bad")
    person = get_user_model().objects.create_user("小林")

    with audit.acting(person.pk):
        assert releases.follow_edits(reason="a typing error", by=person.pk) == "done"

    told = AuditEntry.objects.filter(model="prompts.sopset").first()
    assert told is not None
    assert told.actor == "小林"
    assert told.changes["active"] == [True, False]
    assert told.changes["follow_reason"] == ["", "a typing error"]


def test_rolled_back_the_sops_are_those_heard_before_not_what_was_edited_since(
    prompt: Prompt, sop: Sop
) -> None:
    edit(sop, "试一试")
    planted = make(prompt, sop_set=retrieval.freeze())
    edit(sop, "旧答案")
    let_pass(planted)
    assert releases.publish(planted)
    assert answer_of() == "试一试"
    edit(sop, "没人看过")

    planted.refresh_from_db()
    assert releases.roll_back(planted, "bad")

    assert answer_of() == "旧答案"


def test_rolled_back_with_nothing_edited_since_edits_hold_at_once_as_before(
    prompt: Prompt, sop: Sop
) -> None:
    release = make(prompt, sop_set=retrieval.freeze())
    let_pass(release)
    assert releases.publish(release)
    release.refresh_from_db()
    assert releases.roll_back(release, "bad")

    edit(sop, "新答案")

    assert answer_of() == "新答案"


def test_a_wording_is_stored_once_however_many_sets_hold_it(sop: Sop) -> None:
    Sop.objects.create(key="b", language="zh", title="b", category="c", intent="i", answer="b")
    first, same = retrieval.freeze(), retrieval.freeze()
    edit(sop, "新答案")
    second = retrieval.freeze()

    assert first == same
    assert len(set(first.members) & set(second.members)) == 1
    assert SopVersion.objects.count() == 3


def test_sets_frozen_at_once_know_of_each_others_versions(sop: Sop) -> None:
    made = race(retrieval.freeze, racers=3)

    assert len({one.pk for one in made}) == 1
    assert SopVersion.objects.count() == 1


def test_a_frozen_sop_ends_to_hold_when_its_time_is_over(sop: Sop) -> None:
    edit(sop, "旧答案", valid_to=timezone.now() + timedelta(seconds=0.5))
    chosen = retrieval.freeze().pk
    assert retrieval.search("还没到货", language="zh", sop_set=chosen)

    deadline = time.monotonic() + 30
    while retrieval.search("还没到货", language="zh", sop_set=chosen):
        assert time.monotonic() < deadline
