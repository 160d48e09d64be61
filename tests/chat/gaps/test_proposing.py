"""A proposal is tried on what was asked, put to work once, and written over by nobody else."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from chat.gaps import proposing
from chat.gaps.proposing import Taken
from chat.models import Gap, GapSearch
from prompts import retrieval
from prompts.models import EvalCase, EvalSet, Sop

pytestmark = pytest.mark.django_db

ASKED = ["怎么开增值税发票", "我要开增值税专用发票", "增值税发票怎么开呢"]
ANSWER = "在订单详情里点「申请增值税发票」。"


@pytest.fixture
def gap(db: None) -> Gap:
    now = timezone.now()
    search = GapSearch.objects.create(since=now - timedelta(days=1), until=now, state="done")
    questions = [
        {"text": text, "conversation": f"c{place}", "seq": 1, "why": ["unanswered"]}
        for place, text in enumerate(ASKED)
    ]
    answers = [{"text": ANSWER, "conversation": "c0", "seq": 3, "score": 0.9, "rating": 5, "resolved": True}]  # fmt: skip
    return Gap.objects.create(
        search=search, title=ASKED[0], language="zh", intent="invoice", size=3, conversations=3,
        takeovers=1, questions=questions, answers=answers,
    )  # fmt: skip


def settle(gap: Gap, said: dict[str, Any], *, publish: bool) -> Sop:
    """As somebody does who has just opened the page."""
    seen = proposing.last_change(gap)
    return proposing.settle(gap, said, publish=publish, user_id=None, seen=seen)


def other(title: str, *questions: str) -> Sop:
    sop = Sop.objects.create(
        key="other", language="zh", title=title, category="c", intent="i", answer="…"
    )
    for text in questions:
        sop.questions.create(text=text)
    retrieval.index_sop(sop)
    return sop


def test_an_sop_is_suggested_from_the_questions_and_the_best_answer(gap: Gap) -> None:
    said = proposing.suggested(gap)

    assert (said["title"], said["answer"], said["intent"]) == (ASKED[0], ANSWER, "invoice")
    assert said["questions"] == ASKED[1:]
    assert proposing.problems(said) == []


def test_a_proposal_is_tried_as_production_would_find_it(gap: Gap) -> None:
    other("如何退货", "东西想退掉")
    said = proposing.suggested(gap)

    trial = proposing.try_out(gap, said, chosen=None)
    assert (trial.before, trial.after) == (0, 3)
    assert not Sop.objects.filter(key=said["key"]).exists()
    settle(gap, said, publish=True)

    for row in trial.rows:
        hit = retrieval.search(row.text, language="zh")[0]
        assert hit.key == said["key"]
        assert hit.score == pytest.approx(row.after, abs=0.05)


def test_a_case_that_would_find_another_sop_is_told(gap: Gap) -> None:
    other("增值税发票怎么开呢呀")
    night = EvalSet.objects.create(name="night", title="night")
    EvalCase.objects.create(set=night, key="a", text="增值税发票怎么开呢", sop="other")
    EvalCase.objects.create(set=night, key="b", text="怎么退货", sop="nowhere")

    trial = proposing.try_out(gap, proposing.suggested(gap), chosen=night)

    assert (trial.lost, trial.cases) == (["a"], 2)


def test_a_placeholder_and_html_keep_an_answer_out(gap: Gap) -> None:
    said = {**proposing.suggested(gap), "answer": "打<PHONE_1>", "title": "<b>x</b>"}

    assert [(each["column"], each["reason"]) for each in proposing.problems(said)] == [
        ("title", "html"),
        ("answer", "placeholder"),
    ]


def test_a_draft_answers_nobody_until_it_is_published(gap: Gap) -> None:
    said = proposing.suggested(gap)
    settle(gap, said, publish=False)
    gap.refresh_from_db()
    assert gap.state == "proposed"
    assert retrieval.search(ASKED[0], language="zh") == []

    again = {**proposing.suggested(gap), "answer": "换个说法。"}
    settle(gap, again, publish=True)

    gap.refresh_from_db()
    assert (gap.state, Sop.objects.get().answer) == ("solved", "换个说法。")
    assert retrieval.search(ASKED[0], language="zh")[0].sop_id == gap.sop_id
    with pytest.raises(Taken):
        settle(gap, again, publish=True)


def test_an_sop_that_changed_since_it_was_read_is_not_written_over(gap: Gap) -> None:
    said = proposing.suggested(gap)
    settle(gap, said, publish=False)
    gap.refresh_from_db()
    seen = proposing.last_change(gap)
    Sop.objects.update(answer="同事改过", enabled=True)

    with pytest.raises(Taken, match="settled"):
        proposing.settle(gap, said, publish=False, user_id=None, seen=seen)
    with pytest.raises(Taken, match="settled"):
        proposing.settle(gap, said, publish=False, user_id=None, seen=0)

    assert Sop.objects.get().answer == "同事改过"
    settle(gap, {**said, "answer": "又改了"}, publish=False)
    assert (Sop.objects.get().answer, Sop.objects.get().enabled) == ("又改了", True)


def test_a_gap_that_is_gone_is_told(gap: Gap) -> None:
    said = proposing.suggested(gap)
    Gap.objects.filter(pk=gap.pk).delete()

    with pytest.raises(Taken, match="settled"):
        settle(gap, said, publish=True)


def test_a_key_that_is_taken_is_told_and_nothing_changes(gap: Gap) -> None:
    other("如何退货")

    with pytest.raises(Taken, match="key"):
        settle(gap, {**proposing.suggested(gap), "key": "other"}, publish=True)

    gap.refresh_from_db()
    assert (gap.state, gap.sop) == ("open", None)


def test_questions_become_cases_once(gap: Gap) -> None:
    night = EvalSet.objects.create(name="night", title="night")
    assert proposing.add_cases(gap, night) == 0
    settle(gap, proposing.suggested(gap), publish=True)
    gap.refresh_from_db()

    assert (proposing.add_cases(gap, night), proposing.add_cases(gap, night)) == (3, 0)
    assert set(night.cases.values_list("sop", "enabled")) == {(f"gap-{gap.pk}", True)}
    # Another search finds them in another order, and one more before them.
    new = {"text": "发票怎么开呀", "conversation": "c9", "seq": 1, "why": ["unanswered"]}
    gap.questions = [new, *reversed(gap.questions)]
    assert proposing.add_cases(gap, night) == 1
    assert night.cases.filter(text="发票怎么开呀").exists()


def test_what_is_dismissed_can_be_opened_again_and_what_is_solved_not(gap: Gap) -> None:
    assert proposing.dismiss(gap)
    assert not proposing.dismiss(gap)
    with pytest.raises(Taken):
        settle(gap, proposing.suggested(gap), publish=True)
    assert proposing.reopen(gap)
    settle(gap, proposing.suggested(gap), publish=True)
    assert not proposing.dismiss(gap)


@pytest.mark.django_db(transaction=True)
def test_of_two_that_publish_at_once_one_makes_the_sop(gap: Gap) -> None:
    said = proposing.suggested(gap)

    def racer(answer: str) -> Any:
        try:
            return settle(gap, {**said, "answer": answer}, publish=True)
        except Taken as error:
            return error.reason
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(racer, ["一号回答", "二号回答"]))

    assert found.count("settled") == 1
    assert Sop.objects.count() == 1
