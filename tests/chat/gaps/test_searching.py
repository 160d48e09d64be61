"""Gaps are found in the rows of conversations, kept across searches, and forgotten with their visitors."""

import gzip
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from chat.actions import privacy
from chat.gaps import answering, collecting, searching
from chat.models import Conversation, Escalation, Gap, GapSearch, Message
from prompts import retrieval, understanding
from prompts.models import Sop
from prompts.nlu import segment
from tests.chat import trained
from tests.chat.gaps.lines import rated, unanswered
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db

DIALOGUES = Path(__file__).resolve().parents[4] / "shared/data/jddc_sessions/sessions.jsonl.gz"
# A shop that has no SOP about it, and the real dialogues that mention it: as many as a test has time for.
SUBJECT, INTENT = "发票", "invoice"
INVOICE = ["怎么开增值税发票", "我要开增值税专用发票", "增值税发票怎么开"]


def search(**changes: Any) -> GapSearch:
    now = timezone.now()
    days = {"since": now - timedelta(days=7), "until": now + timedelta(minutes=1)}
    row = GapSearch.objects.create(**{**days, **changes})
    searching.run(row.pk)
    row.refresh_from_db()
    return row


def test_a_gap_has_its_questions_takeovers_and_the_best_answer_of_a_person() -> None:
    good = "请在订单详情里点「申请增值税发票」，三天内开出。"
    rated(unanswered(INVOICE[0], answer=good), 5)
    rated(unanswered(INVOICE[1], answer="开不了的哦亲亲，下次吧"), 1)
    unanswered(INVOICE[2])
    unanswered("今天天气真好啊")

    done = search()

    gap = Gap.objects.get()
    assert (gap.size, gap.conversations, gap.takeovers, gap.language) == (3, 3, 2, "zh")
    assert {each["text"] for each in gap.questions} == set(INVOICE)
    assert gap.answers[0]["text"] == good
    assert gap.answers[0]["rating"] == 5
    assert (done.state, done.bad, done.looked_at, done.total, done.alone) == ("done", 4, 4, 4, 1)


def test_a_person_who_came_before_the_question_saved_nobody_from_it() -> None:
    for text in INVOICE:
        line = unanswered(text, answer="好的")
        Escalation.objects.filter(conversation=line.conversation).update(
            opened_at=timezone.now() - timedelta(hours=1)
        )
        Message.objects.filter(conversation=line.conversation, role="agent").delete()

    search()

    assert Gap.objects.get().takeovers == 0


def test_bad_answers_are_known_by_thumb_rating_takeover_and_having_none() -> None:
    now = timezone.now()
    unanswered("甲问题怎么办", unanswered=True)
    unanswered("乙问题怎么办", feedback="down")
    rated(unanswered("丙问题怎么办", citations=[]), 2)
    rated(unanswered("丁问题怎么办", citations=[]), 5)
    unanswered("戊问题怎么办", answer="这个问题我来帮您处理", citations=[])
    unanswered("转人工", unanswered=True)

    found, bad, _ = collecting.collect(now - timedelta(days=1), timezone.now())

    assert {each.text[0]: list(each.why) for each in found} == {
        "甲": ["unanswered"],
        "乙": ["down"],
        "丙": ["rated"],
        "戊": ["taken"],
    }
    assert bad == 5


def test_a_wish_for_a_person_points_at_the_question_before_it() -> None:
    talk = ConversationFactory.create()
    Message.objects.create(conversation=talk, seq=1, role="visitor", text="发票抬头写错了怎么改")
    Message.objects.create(conversation=talk, seq=2, role="bot", text="好的")
    unanswered("转人工", at=3, conversation=talk)

    [found], _, _ = collecting.collect(timezone.now() - timedelta(days=1), timezone.now())

    assert (found.text, found.seq) == ("发票抬头写错了怎么改", 1)


def test_of_too_many_a_sample_is_taken_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "MOST", 4)
    for number in range(10):
        unanswered(INVOICE[number % 3])

    first = search()

    assert (first.bad, first.looked_at, first.total) == (10, 4, 4)
    kept = Gap.objects.get().questions
    search()
    assert Gap.objects.get().questions == kept


def test_what_staff_decided_outlives_the_next_search() -> None:
    for text in INVOICE:
        unanswered(text)
    search()
    Gap.objects.update(state="dismissed")
    unanswered("增值税发票开一下")

    search()

    gap = Gap.objects.get()
    assert (gap.state, gap.size) == ("dismissed", 4)


def test_an_open_gap_that_is_not_found_again_goes() -> None:
    for text in INVOICE:
        unanswered(text)
    search()

    search(until=timezone.now() - timedelta(days=5))

    assert not Gap.objects.exists()


def test_a_search_runs_once_and_again_when_its_worker_died() -> None:
    for text in INVOICE:
        unanswered(text)
    row = search()
    finished = row.finished_at

    searching.run(row.pk)
    row.refresh_from_db()
    assert row.finished_at == finished

    GapSearch.objects.update(state="running", lease_until=timezone.now() + timedelta(minutes=1))
    searching.run(row.pk)
    assert GapSearch.objects.get().state == "running"
    GapSearch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    searching.run(row.pk)
    assert GapSearch.objects.get().state == "done"


def test_an_erased_visitor_is_in_no_gap() -> None:
    lines = [unanswered(text, answer=f"{text}：在订单里申请") for text in INVOICE]
    search()

    privacy.erase(lines[0].conversation.visitor)

    gap = Gap.objects.get()
    kept = {*(each["text"] for each in gap.questions), *(each["text"] for each in gap.answers)}
    assert not [text for text in kept if INVOICE[0] in text]
    privacy.erase(lines[1].conversation.visitor)
    privacy.erase(lines[2].conversation.visitor)
    assert not Gap.objects.exists()


def test_a_visitor_who_is_erased_during_a_search_is_in_no_gap() -> None:
    lines = [unanswered(text, answer=f"{text}：在订单里申请") for text in INVOICE]
    now = timezone.now()
    row = GapSearch.objects.create(
        since=now - timedelta(days=7), until=now + timedelta(minutes=1), state="running"
    )
    found = searching.groups(row)
    privacy.erase(lines[0].conversation.visitor)

    searching.keep(row, found)

    gap = Gap.objects.get()
    kept = {gap.title, *(each["text"] for each in (*gap.questions, *gap.answers))}
    assert len(gap.questions) == len(INVOICE) - 1
    assert not [text for text in kept if INVOICE[0] in text]


def test_a_search_that_breaks_keeps_no_other_from_being_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for text in INVOICE:
        unanswered(text)
    now = timezone.now()
    row = GapSearch.objects.create(since=now - timedelta(days=7), until=now)
    monkeypatch.setattr(answering, "best", lambda _: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        searching.run(row.pk)

    row.refresh_from_db()
    assert row.state == "failed"


def play() -> int:
    """Real dialogues as rows: what production's retrieval has no answer to is unanswered. How many such lines."""
    count, classifier = 0, understanding.classifier()
    assert classifier is not None
    with gzip.open(DIALOGUES, "rt") as file:
        for row in map(json.loads, file):
            said = [turn for turn in row["turns"] if turn["role"] == "user"]
            if not any(SUBJECT in turn["text"] for turn in said):
                continue
            talk = ConversationFactory.create()
            for seq, turn in enumerate(row["turns"], 1):
                text = re.sub(r"\[[^\]]*\]", "", turn["text"]).strip() or "…"
                if turn["role"] != "user":
                    Message.objects.create(conversation=talk, seq=seq * 2, role="agent", text=text)
                elif nobody_answers(text):
                    intent = classifier.intents(text).intents[0][0]
                    unanswered(text[:2000], at=seq * 2, conversation=talk, intent=intent)
                    count += 1
    return count


def nobody_answers(text: str) -> bool:
    hits = retrieval.search(text, language=segment.language_of(text), limit=1)
    return not hits or hits[0].score < retrieval.CONFIDENT


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_gaps_of_real_dialogues_are_coherent(
    defaults: None, request: pytest.FixtureRequest
) -> None:
    if not DIALOGUES.exists():
        pytest.skip("the real dialogues of ../shared/data are not there")
    trained.put_in_force(request.config.cache.mkdir("classifier"))
    Sop.objects.filter(intent=INTENT).update(enabled=False)
    retrieval.forget()
    lines = play()

    done = search()

    gaps = list(Gap.objects.all())
    members = sum(gap.size for gap in gaps)
    mean = sum(gap.coherence * gap.size for gap in gaps) / members
    answered = sum(bool(gap.answers) for gap in gaps)
    print(
        f"{lines} unanswered lines, {done.total} questions: {len(gaps)} gaps of {members}, coherence {mean:.2f}, "
        f"{answered} with an answer"
    )
    for gap in gaps[:15]:
        print(gap.size, gap.coherence, gap.title, [each["text"][:20] for each in gap.questions[:4]])
    assert len(gaps) >= 3
    assert mean > 0.5
    assert sum(SUBJECT in str(gap.terms) for gap in gaps) >= 2
    assert answered >= len(gaps) / 2
    assert Conversation.objects.count() > 50
