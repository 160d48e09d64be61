"""The made-up table holds what was planted, and replays as such."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import pytest

from prompts.llm.router import Policy, outcomes
from prompts.llm.router.offline import measure
from tests.bench import counterfactuals
from tests.bench.counterfactuals import MODELS, Planted, Turn, make_turns, planted
from tests.fakes.provider_control import ProviderControl, running

SEED = 5


@pytest.fixture(scope="module")
def provider() -> Iterator[ProviderControl]:
    with running() as found:
        yield found


def made(
    provider: ProviderControl, *, turns: int = 40, quality: Planted = planted
) -> list[dict[str, Any]]:
    return list(counterfactuals.table(provider, turns=turns, seed=SEED, quality=quality))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_what_is_planted_for_certain_is_what_was_judged(
    provider: ProviderControl, share: float
) -> None:
    _, *rows = made(provider, quality=lambda turn, option: share)
    assert {o["good"] for row in rows for o in row["outcomes"].values()} == {share == 1.0}


def test_a_model_is_judged_bad_exactly_where_its_draw_says(provider: ProviderControl) -> None:
    header, *rows = made(provider)

    assert [option["name"] for option in header["endpoints"]] == ["light", "standard", "strong"]
    for turn, row in zip(make_turns(40, seed=SEED), rows, strict=True):
        assert row["turn"] == turn.name
        for option in MODELS:
            wanted = draw(turn, option.name) < planted(turn, option)
            assert row["outcomes"][option.name]["good"] is wanted


def draw(turn: Turn, name: str) -> float:
    return Random(f"{SEED} {turn.name} {name}").random()


def test_the_same_seed_makes_the_same_table(provider: ProviderControl) -> None:
    assert made(provider, turns=10) == made(provider, turns=10)


def test_stronger_models_are_dearer_and_slower(provider: ProviderControl) -> None:
    _, *rows = made(provider)

    def mean(name: str, measure: str) -> float:
        return fmean(row["outcomes"][name][measure] for row in rows)

    for figure in ("cost", "ttft_ms", "total_ms"):
        figures = [mean(option.name, figure) for option in MODELS]
        assert figures == sorted(figures), figure
        assert figures[0] > 0


def test_what_is_planted_falls_where_it_should() -> None:
    turns = make_turns(2000, seed=SEED)

    def good(option: int, *, hard: bool) -> float:
        kind = [turn for turn in turns if (turn.intent in counterfactuals.HARD) is hard]
        return fmean(planted(turn, MODELS[option]) for turn in kind)

    assert good(0, hard=True) < 0.65 < 0.85 < good(0, hard=False) < good(2, hard=False)
    assert good(2, hard=True) > 0.96
    shares = [turn.features.intent != turn.intent for turn in turns]
    assert fmean(shares) == pytest.approx(0.15 * 0.5, abs=0.03)


def test_the_table_is_one_that_can_be_replayed(provider: ProviderControl) -> None:
    rows = made(provider, turns=120)

    table = outcomes.read(map(json.dumps, rows))
    report = measure(table, Policy(), resamples=20)

    assert table.synthetic == 120
    found = {row.name: row for row in report.rows}
    assert "dispatcher-only" in found
    assert found["always-light"].cost < found["full policy"].cost < found["always-strong"].cost
    assert found["oracle"].quality >= max(row.quality for row in report.rows)


def test_the_program_writes_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "table.jsonl"

    assert counterfactuals.main(["--turns", "6", "--seed", "1", "--out", str(path)]) == 0

    assert len(outcomes.read(path.read_text().splitlines()).turns) == 6
    assert "synthetic table of 6 turns" in capsys.readouterr().err
