"""What a turn's lines and history say about the need for a person; no database."""

from datetime import date
from typing import Any

import pytest

from chat import dialogue as dialogues
from chat.analysis import analyse
from chat.dialogue import Dialogue
from chat.escalation import signals_of, with_answer
from chat.escalation.decide import Signals
from chat.transcript import Line

UNKNOWN, SORRY, FINE = {"unanswered": True}, {"apology": True}, {"endpoint": "sop"}


def bot(meta: dict[str, Any], seq: int = 1) -> Line:
    return Line(seq, "bot", "……", meta)


def visitor(text: str, seq: int = 1) -> Line:
    return Line(seq, "visitor", text, {})


def read(text: str, *history: Line) -> Signals:
    found = analyse([text], language="zh", dialogue=Dialogue(), today=date(2026, 1, 31))
    after = dialogues.advance(Dialogue(), found.understood)
    return signals_of([text], history, found=found, after=after, vip=False)


@pytest.mark.parametrize(
    ("metas", "count"),
    [
        ([], 0),
        ([FINE], 0),
        ([UNKNOWN], 1),
        ([UNKNOWN, SORRY], 2),
        ([UNKNOWN, FINE], 0),
        ([FINE, SORRY, UNKNOWN], 2),
    ],
)
def test_failed_answers_are_counted_back_to_the_last_good_one(
    metas: list[dict[str, Any]], count: int
) -> None:
    assert read("我的快递呢", *(bot(meta) for meta in metas)).failed_turns == count


def test_what_an_agent_has_seen_to_counts_as_failed_no_more() -> None:
    before = [bot(UNKNOWN), bot(UNKNOWN), Line(3, "agent", "已经帮您处理了", {})]
    assert read("能开发票吗", *before).failed_turns == 0
    assert read("能开发票吗", *before, bot(UNKNOWN)).failed_turns == 1


@pytest.mark.parametrize(
    ("earlier", "now", "again"),
    [
        ("我的快递到哪了", "我的快递到哪了?", True),
        ("我的快递到哪了", "我的快递到底到哪了", True),
        ("我的快递到哪了", "能开发票吗", False),
        ("在吗", "在吗", False),
    ],
)
def test_a_question_that_was_answered_and_comes_again_is_a_repeated_one(
    earlier: str, now: str, *, again: bool
) -> None:
    assert read(now, visitor(earlier), bot(FINE)).repeated is again


def test_a_line_sent_twice_before_any_answer_is_not_a_repeated_question() -> None:
    assert not read("我的快递到哪了", visitor("我的快递到哪了")).repeated


@pytest.mark.parametrize(
    "text",
    ["转人工", "我要找真人", "zhuanrengong", "rengong", "转人公", "human please", "叫你们经理来"],
)
def test_a_wish_for_a_person_is_heard_however_it_is_typed(text: str) -> None:
    assert read(text).wants_human


@pytest.mark.parametrize("text", ["人工费怎么算", "不用转人工,谢谢", "这是人工草坪吗"])
def test_a_word_like_it_is_none(text: str) -> None:
    assert not read(text).wants_human


def test_with_answer_counts_this_failure_and_forgets_the_others_after_a_success() -> None:
    before = Signals(failed_turns=1)
    none = with_answer(
        before, answered=False, model_failed=True, tool_failed=False, budget_spent=True
    )
    good = with_answer(
        before, answered=True, model_failed=False, tool_failed=False, budget_spent=True
    )
    assert (none.failed_turns, none.no_knowledge, none.budget_spent) == (2, True, True)
    assert (good.failed_turns, good.no_knowledge, good.budget_spent) == (0, False, False)
