"""What a policy would have saved: the arithmetic, held to tables that can be worked out by hand."""

import json
from math import sqrt
from typing import Any

import pytest

from prompts.llm.features import Tally
from prompts.llm.router import Effect, Policy, Rule, offline, outcomes
from prompts.llm.router.offline import Report, Row, halves, measure
from prompts.llm.router.outcomes import TableError, Turn
from prompts.llm.router.runs import percentile
from tests.prompts.llm.tables import (
    CHEAP_COST,
    DEAR_COST,
    Make,
    easy_and_hard,
    lines,
    outcome,
    rows,
    table,
)

NAMES = [
    *("best single", "always-light", "always-strong", "random-same-mix", "length-only"),
    *("tier-only", "intent-only", "intent+emotion", "full policy", "oracle"),
]


def report_of(make: Make = easy_and_hard, *, turns: int = 400, **more: Any) -> Report:
    policy = more.pop("policy", Policy())
    return measure(table(turns, make), policy, **{"resamples": 200, **more})


def named(report: Report) -> dict[str, Row]:
    return {row.name: row for row in report.rows}


def share_of_hard(turns: int = 400) -> float:
    _, judged = halves(table(turns).turns)
    return sum(turn.features.intent == "refund" for turn in judged) / len(judged)


# --- rows ----------------------------------------------------------------------------------------------


def test_every_row_is_what_the_hand_works_out() -> None:
    found = named(report_of())

    hard = share_of_hard()
    mixed = hard * DEAR_COST + (1 - hard) * CHEAP_COST
    assert list(found) == NAMES
    for name, cost, quality in [
        ("best single", DEAR_COST, 1.0),
        ("always-light", CHEAP_COST, 1 - hard),
        ("always-strong", DEAR_COST, 1.0),
        # Neither length nor tier tells the two kinds apart, so neither can do with less.
        ("length-only", DEAR_COST, 1.0),
        ("tier-only", DEAR_COST, 1.0),
        ("intent-only", mixed, 1.0),
        ("intent+emotion", mixed, 1.0),
        ("full policy", mixed, 1.0),
        ("oracle", mixed, 1.0),
    ]:
        assert found[name].cost == pytest.approx(cost), name
        assert found[name].quality == pytest.approx(quality), name
        assert found[name].saved == pytest.approx(1 - cost / DEAR_COST), name
        assert found[name].equal_quality is (quality == 1.0), name


def test_the_same_mix_at_random_costs_the_same_and_answers_worse() -> None:
    found = named(report_of())
    mix, full = found["random-same-mix"], found["full policy"]

    assert mix.cost == pytest.approx(full.cost)
    assert mix.mix == full.mix
    # By chance a hard turn meets the dear endpoint in the share that this has of the mix.
    hard = share_of_hard()
    assert mix.quality == pytest.approx(1 - hard * (1 - hard), abs=0.1)


def test_report_says_what_it_rests_on() -> None:
    report = report_of()

    learned, judged = halves(table(400).turns)
    assert (report.learned, report.judged) == (len(learned), len(judged))
    assert report.learned + report.judged == report.synthetic == 400
    assert report.best_single == "dear"
    assert report.full.p99_ms == 900.0
    assert report.full.dispatched == 0.0
    assert sum(report.full.mix.values()) == report.judged


def test_quality_is_equal_down_to_a_point_and_no_further() -> None:
    def nearly(number: int, *, missing: int) -> dict[str, Any]:
        """The cheap endpoint fails `missing` of the judged turns, and none that is learned from."""
        row = easy_and_hard(number - number % 2)
        row["turn"] = f"t{number}"
        row["outcomes"]["cheap"]["good"] = f"t{number}" not in failing[:missing]
        return row

    _, judged = halves(table(400).turns)
    failing = [turn.turn for turn in judged]
    point = len(judged) // 100

    equal = report_of(lambda number: nearly(number, missing=point))
    worse = report_of(lambda number: nearly(number, missing=point + 1))

    assert equal.full.mix == worse.full.mix == {"cheap": len(judged)}
    assert equal.full.equal_quality
    assert not worse.full.equal_quality


def test_the_half_that_is_judged_teaches_nothing() -> None:
    """Good in the judged half only, the cheap endpoint is not chosen; nor does the table's own past count."""
    learned, _ = halves(table(400).turns)
    taught = {turn.turn for turn in learned}

    def make(number: int) -> dict[str, Any]:
        row = easy_and_hard(number)
        row["outcomes"]["cheap"]["good"] = row["turn"] not in taught
        return row

    written = rows(400, make)
    written[0]["endpoints"][0]["overall"] = {"good": 9999, "n": 9999}
    written[0]["endpoints"][0]["of_cell"] = {"good": 9999, "n": 9999}
    found = measure(outcomes.read(map(json.dumps, written)), Policy(), resamples=10)

    assert found.full.mix == {"dear": found.judged}


def test_a_policy_is_asked_with_its_rules_and_sops_answer_nothing() -> None:
    policy = Policy(rules=(Rule("cheap", {"intent": "refund"}, Effect(endpoint="cheap")),))
    assert named(report_of(policy=policy))["full policy"].cost == CHEAP_COST

    def long(number: int) -> dict[str, Any]:
        row = easy_and_hard(number)
        row["features"]["needs_tools"] = True
        return row

    nobody = report_of(long).full
    assert (nobody.cost, nobody.quality, nobody.saved) == (0.0, 0.0, 1.0)
    assert nobody.mix == {"sop": report_of().judged}
    assert not nobody.equal_quality


def test_whoever_the_log_stayed_with_is_forgotten() -> None:
    def make(number: int) -> dict[str, Any]:
        row = easy_and_hard(number)
        row["features"] |= {"current_endpoint": "dear", "dispatched": "strong"}
        return row

    assert report_of(make).full.mix == report_of().full.mix


# --- dispatcher ----------------------------------------------------------------------------------------


def unsure(number: int) -> dict[str, Any]:
    row = easy_and_hard(number)
    row["features"]["intent_margin"] = 0.05
    said = "strong" if number % 2 else "light"
    return {**row, "dispatcher": {"said": said, "cost": 0.5, "ms": 200.0}}


def test_a_dispatcher_costs_what_it_costs() -> None:
    found = named(report_of(unsure))

    hard = share_of_hard()
    only = found["dispatcher-only"]
    assert only.cost == pytest.approx(hard * DEAR_COST + (1 - hard) * CHEAP_COST + 0.5)
    assert (only.quality, only.dispatched, only.p99_ms) == (1.0, 1.0, 1100.0)


def test_the_policy_asks_no_more_than_its_share() -> None:
    report = report_of(unsure)
    assert report.full.dispatched == int(0.15 * report.judged) / report.judged
    assert report_of(unsure, policy=Policy(dispatch_share=1.0)).full.dispatched == 1.0
    assert report_of(unsure, policy=Policy(dispatch_share=0.0)).full.dispatched == 0.0


def test_a_dispatcher_that_fails_sends_to_the_strongest() -> None:
    def failed(number: int) -> dict[str, Any]:
        row = unsure(number)
        return {**row, "dispatcher": {"said": "failed"}}

    only = named(report_of(failed))["dispatcher-only"]
    assert only.mix == {"dear": report_of().judged}


# --- intervals -----------------------------------------------------------------------------------------


def test_the_interval_is_as_wide_as_theory_says() -> None:
    report = report_of(turns=1000, resamples=600)

    hard, n = share_of_hard(1000), report.judged
    # Of a mean of n costs that are 1 or 10, as a share of 10: 1.96 standard errors to either side.
    wanted = 2 * 1.96 * (DEAR_COST - CHEAP_COST) / DEAR_COST * sqrt(hard * (1 - hard) / n)
    assert report.full.saved is not None
    assert report.full.saved_interval is not None
    low, high = report.full.saved_interval
    assert low < report.full.saved < high
    assert high - low == pytest.approx(wanted, rel=0.15)


def test_intervals_are_paired() -> None:
    """However the sample falls, a policy that does what the best does differs from it by nothing."""
    found = named(report_of())["always-strong"]
    assert found.saved_interval == (0.0, 0.0)
    assert found.quality_gap == (0.0, 0.0)


def test_the_same_seed_gives_the_same_report() -> None:
    assert report_of(seed=3) == report_of(seed=3)
    assert report_of(seed=3) != report_of(seed=4)


def test_where_the_best_costs_nothing_nothing_can_be_saved() -> None:
    def free(number: int) -> dict[str, Any]:
        row = easy_and_hard(number)
        row["outcomes"]["dear"]["cost"] = 0.0
        return row

    best = named(report_of(free))["best single"]
    assert (best.saved, best.saved_interval) == (None, None)


def test_too_few_turns_are_refused() -> None:
    with pytest.raises(offline.TooFewTurns, match="each half needs 20"):
        report_of(turns=30)


def test_halves_are_about_equal_and_always_alike() -> None:
    turns = table(2000).turns
    learned, judged = halves(turns)

    assert 900 < len(learned) < 1100
    assert {t.turn for t in learned} == {t.turn for t in halves(turns[::-1])[0]}
    assert not {t.turn for t in learned} & {t.turn for t in judged}


@pytest.mark.parametrize(
    ("values", "percent", "found"),
    [([5.0], 99, 5.0), ([3.0, 1.0, 2.0, 4.0], 50, 2.0), (list(range(1, 201)), 99, 198)],
)
def test_percentile_is_the_nearest_rank(values: list[float], percent: float, found: float) -> None:
    assert percentile(values, percent) == found


# --- tables --------------------------------------------------------------------------------------------


def test_a_table_is_read_as_written() -> None:
    found = table(3)

    assert [option.name for option in found.options] == ["cheap", "dear"]
    assert found.options[0].overall == Tally()
    assert [turn.turn for turn in found.turns] == ["t0", "t1", "t2"]
    assert isinstance(found.turns[0], Turn)
    assert found.turns[1].outcomes["cheap"] == outcomes.Outcome(False, 1.0, 10.0, 100.0)
    assert found.synthetic == 3


def changed(**changes: Any) -> str:
    return json.dumps(easy_and_hard(0) | changes)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ([], "the table is empty"),
        (["{"], "line 1: not JSON"),
        (['{"endpoints": []}'], "line 1: endpoints: must be at least one"),
        (['{"endpoints": [{"name": "a"}, {"name": "a"}]}'], "a name of its own"),
        (['{"endpoints": [{"name": "a", "strength": "much"}]}'], "endpoints.0.strength"),
        ([changed()], "line 1: endpoints: Field required"),
        ([lines(0)[0], "", "[]"], "line 3: "),
        ([lines(0)[0], changed(features={"tier": "gold"})], "line 2: features.tier"),
        ([lines(0)[0], changed(mood=1)], "line 2: mood"),
        ([lines(0)[0], changed(outcomes={"cheap": outcome(good=True, cost=1)})], "dear is missing"),
        (
            [
                lines(0)[0],
                changed(outcomes=easy_and_hard(0)["outcomes"] | {"x": {"good": True, "cost": 0}}),
            ],
            "line 2: outcomes: x is no endpoint",
        ),
        (
            [lines(0)[0], changed(outcomes={"cheap": {"good": True, "cost": -1}})],
            "line 2: outcomes.cheap.cost",
        ),
        ([lines(0)[0], changed(dispatcher={"said": "maybe"})], "line 2: dispatcher.said"),
    ],
)
def test_a_table_that_cannot_be_read_names_line_and_field(
    written: list[str], sentence: str
) -> None:
    with pytest.raises(TableError, match=sentence):
        outcomes.read(written)
