"""The model comparison's pure parts: its question sets, graders, intervals and the search for a window."""

import json
import threading
from collections import Counter
from random import Random

import pytest

from analytics.comparison import cases, graders, intervals, plan, probing, worker
from analytics.comparison.arrivals import Arrivals
from analytics.comparison.cases import LABELS, IdiomCase, ToolCase
from analytics.comparison.plan import Options
from analytics.comparison.probing import Probe
from analytics.models import ComparedAnswer
from prompts.llm.router import estimate_tokens
from prompts.llm.types import ToolCall
from prompts.redaction import engine
from prompts.trials import Trial

# --- question sets ---------------------------------------------------------------------------------


def test_the_sets_are_whole() -> None:
    assert len(cases.idioms()) == 100
    letters = Counter(case.answer for case in cases.idioms())
    assert set(letters.values()) <= {24, 26}
    assert Counter(case.kind for case in cases.tools()) == {"call": 36, "none": 12, "missing": 12}
    assert Counter(case.label for case in cases.emotions()) == dict.fromkeys(LABELS, 24)
    for found in (cases.idioms(), cases.tools(), cases.emotions()):
        assert len({case.key for case in found}) == len({case.text for case in found}) == len(found)


def test_every_question_has_four_different_choices_of_about_the_same_length() -> None:
    for case in cases.idioms():
        assert len(set(case.choices)) == 4, case.key
        shortest, longest = min(map(len, case.choices)), max(map(len, case.choices))
        assert longest - shortest <= 12, case.key


def test_calls_are_such_as_the_demo_shop_takes() -> None:
    schemas = {tool.name: tool.schema for tool in plan.demo_shop()}
    for case in (each for each in cases.tools() if each.tool):
        schema = schemas[case.tool]
        assert set(schema["required"]) <= set(case.arguments) <= set(schema["properties"])
        assert case.arguments["order_number"] in case.text
        assert all(str(value) in case.text for value in case.arguments.values())


def test_nobodys_data_is_sent() -> None:
    """What looks like a name in the lines of others goes out as a placeholder."""
    for measure in (plan.IDIOMS, plan.TOOLS, plan.EMOTIONS):
        for item in plan.items(measure, Options()):
            said = item.request.lines[-1].text
            assert not engine.find(said, language="zh", timeout_seconds=60), said
    sent = [item.request.lines[-1].text for item in plan.items(plan.EMOTIONS, Options())]
    assert any("<NAME_1>" in text for text in sent)


def test_a_sample_is_the_same_for_a_seed_and_has_something_of_everything() -> None:
    some = cases.sample(cases.tools(), 16, seed=3)
    assert some == cases.sample(cases.tools(), 16, seed=3)
    assert some != cases.sample(cases.tools(), 16, seed=4)
    assert len({case.stratum for case in some}) == 8


# --- graders ---------------------------------------------------------------------------------------

IDIOM = IdiomCase("i", "画蛇添足", "?", ("1", "2", "3", "4"), "B")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("B", "B"),
        ("B。", "B"),
        ("(B)", "B"),
        ("选B", "B"),
        ("答案：B. 做了多余的事", "B"),
        ("A 不对，答案是 B", "B"),
        ("A 或 B", ""),
        ("BAD", ""),
        ("", ""),
        ("我不知道", ""),
    ],
)
def test_one_letter_is_read_of_an_answer(text: str, said: str) -> None:
    grade = graders.idiom(IDIOM, text)
    assert (grade.said, grade.right) == (said, said == "B")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("生气", "anger"),
        ("情绪：担心。", "worried"),
        ("Happy", "happy"),
        ("难过和担心", ""),
        ("好", ""),
    ],
)
def test_one_label_is_read_of_an_answer(text: str, said: str) -> None:
    case = cases.emotions()[0]
    grade = graders.emotion(case, text)
    assert (grade.said, grade.right) == (said, said == case.label)


def call(tool: str, **arguments: str) -> ToolCall:
    return ToolCall("1", tool, json.dumps(arguments))


def test_a_call_is_right_with_exactly_its_tool_and_arguments() -> None:
    wanted = ToolCase("t", "call", "?", "get_order", {"order_number": "12"})
    good = call("get_order", order_number=" 12 ")
    assert graders.tools(wanted, [good], "").right
    for calls in (
        [],
        [good, good],
        [call("get_logistics", order_number="12")],
        [call("get_order", order_number="13")],
        [call("get_order")],
        [call("get_order", order_number="12", name="x")],
        [ToolCall("1", "get_order", "{")],
        [ToolCall("1", "get_order", "[]")],
    ):
        assert not graders.tools(wanted, calls, "好的").right, calls


def test_where_nothing_is_to_be_called_something_has_to_be_said() -> None:
    quiet = ToolCase("t", "none", "?")
    assert graders.tools(quiet, [], "您好").right
    assert not graders.tools(quiet, [], " ").right
    assert not graders.tools(quiet, [call("get_order", order_number="1")], "").right


# --- intervals -------------------------------------------------------------------------------------


def test_a_quantile_is_in_its_interval_as_often_as_is_said() -> None:
    draw, misses = Random(5), Counter[float]()
    for _ in range(300):
        values = [draw.random() for _ in range(400)]
        for q in (0.5, 0.99):
            found = intervals.quantile(values, q)
            assert found is not None
            assert found.low is not None
            misses[q] += not found.low <= q <= (1.0 if found.high is None else found.high)
    # 95 % of 300 are 285; 4 standard deviations below that are 270.
    assert max(misses.values()) <= 30


def test_a_small_sample_does_not_say_how_high_its_tail_is() -> None:
    found = intervals.quantile([float(at) for at in range(100)], 0.99)
    assert found is not None
    assert (found.value, found.high) == (98.0, None)
    assert intervals.quantile([], 0.5) is None
    one = intervals.quantile([3.0], 0.5)
    assert one == intervals.Estimate(3.0, None, None, 1)


def test_f1_is_the_mean_over_labels_and_its_interval_holds_the_planted_one() -> None:
    pairs = [("a", "a"), ("a", "b"), ("b", "b"), ("c", "")]
    # a: 2/3, b: 2/3, c: 0
    assert intervals.f1(pairs, ["a", "b", "c", "d"]) == pytest.approx(4 / 9)
    draw, labels = Random(2), list(LABELS)
    drawn = []
    for at in range(120):
        meant = labels[at % 5]
        others = [label for label in labels if label != meant]
        drawn.append((meant, meant if draw.random() < 0.8 else draw.choice(others)))
    found = intervals.macro_f1(drawn, labels, seed=1)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.8 < found.high
    assert found.low < found.value < found.high


# --- windows ---------------------------------------------------------------------------------------


def test_the_search_ends_at_the_window_within_few_probes() -> None:
    for window in (700, 9_000, 31_000, 63_999):
        probes: list[Probe] = []
        while (size := probing.next_size(probes, most=64_000)) is not None:
            probes.append(Probe(size, size <= window, size))
        fits, fails = probing.window(probes)
        assert fails is not None
        assert fits <= window < fails
        assert len(probes) <= probing.PROBES_MOST
        assert fails - fits <= max(probing.CLOSE * fails, 200)


def test_a_window_that_holds_the_largest_prompt_is_known_after_one() -> None:
    assert probing.next_size([Probe(500, fits=True)], most=500) is None
    assert probing.window([Probe(500, True, 480)]) == (480, None)
    assert probing.window([Probe(500, True, 1000), Probe(600, False)]) == (1000, 1200)


def test_a_prompt_is_about_as_large_as_wanted_and_has_its_code_in_it() -> None:
    item = plan.probe(20_000, seed=3)
    text = item.request.lines[0].text
    assert 18_500 < estimate_tokens(item.request) < 21_500
    code = text.split("取件码是 ")[1][:6]
    assert item.grade is not None
    assert item.grade(Trial("e", text=f"是{code}。")).right
    assert not item.grade(Trial("e", text="不知道")).right


def test_no_speed_question_is_asked_twice() -> None:
    asked = [item.request.lines[-1].text for item in plan.items(plan.LOAD, Options())]
    assert len(set(asked)) == 400


def test_the_price_is_told_beforehand() -> None:
    small = Options(samples=5)
    assert [plan.expected(m, small, has_tools=False) for m in plan.SIZES] == [5, 5, 1, 5, 0, 5]


def test_arrivals_that_are_left_ask_nothing_more_and_tell_what_went_wrong() -> None:
    items = plan.items(plan.LOAD, Options(samples=200))
    asked, go = [], threading.Event()

    def ask(item: plan.Item) -> ComparedAnswer | None:
        asked.append(item.key)
        go.wait(20)
        raise ValueError(item.key)

    arrivals = Arrivals(ask, items, rate=1e6, seed=1)
    with arrivals:
        arrivals.sender.join(20)
        go.set()

    assert len(asked) < len(items)
    wrong = arrivals.take()
    assert len(wrong) == len(asked)
    with pytest.raises(ValueError, match="load-"):
        worker.answers_of(wrong)
