"""A small load test against the whole platform: what it says agrees with what the platform and its provider know."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config import embedded
from tests.load.course import arrivals
from tests.stack import ROOT, Stack

# The platform may take its time to start on a machine that does much else.
pytestmark = [pytest.mark.stack, pytest.mark.timeout(180, func_only=True)]

USERS, RATE, SECONDS = 3, 3.0, 3.0
# What the provider of `make up` waits before the first token, and between two.
TTFT_MS, INTERVAL_MS = 200.0, 10.0
CLOCKS_MS = 1.0


def run(words: list[str], **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def measured(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an open run of some questions."""
    path = tmp_path_factory.mktemp("load") / "run.json"
    crowd = ["-u", str(USERS), "-r", "10", "--arrivals", str(RATE), "--seconds", str(SECONDS)]
    locust = ["-m", "locust", "-f", "tests/load/locustfile.py", "--headless", "--host", stack.url]
    run([*locust, *crowd, "--result", str(path)])
    return path


def calls_of(stack: Stack, turns: list[str]) -> dict[str, tuple[float, float, int, int, str]]:
    """By turn, as the ledger has it: first token and whole in milliseconds, tokens in and out, endpoint."""
    query = (
        "SELECT trace_id, sum(first_token_ms) FILTER (WHERE purpose = 'answer'), "
        "sum(total_ms) FILTER (WHERE purpose = 'answer'), sum(input_tokens), sum(output_tokens), "
        "max(endpoint) FILTER (WHERE purpose = 'answer') "
        "FROM prompts_modelcall WHERE trace_id = ANY(%s) GROUP BY trace_id"
    )
    with psycopg.connect(embedded.database_url(stack.home)) as connection:
        return {row[0]: row[1:] for row in connection.execute(query, [turns]).fetchall()}


def test_every_question_that_was_due_is_there_with_what_it_took(
    stack: Stack, measured: Path
) -> None:
    found = json.loads(measured.read_text())
    turns = found["turns"]
    due = [round(at * 1000, 2) for at in arrivals(RATE, SECONDS, rng=random.Random(1))]

    assert sorted(turn["due_ms"] for turn in turns) == pytest.approx(due, abs=0.02)
    assert [turn["error"] for turn in turns] == [""] * len(due)
    calls = calls_of(stack, [turn["turn"] for turn in turns])
    assert calls.keys() == {turn["turn"] for turn in turns}
    for turn in turns:
        first_ms, total_ms, _, tokens_out, _ = calls[turn["turn"]]
        # No earlier than the provider speaks, and no earlier than the platform has heard it.
        assert turn["first_ms"] >= max(TTFT_MS, first_ms) - CLOCKS_MS
        assert (
            turn["total_ms"] >= max(total_ms, TTFT_MS + (tokens_out - 1) * INTERVAL_MS) - CLOCKS_MS
        )
        assert turn["first_ms"] <= turn["total_ms"]


def test_its_figures_are_those_of_the_ledger_and_it_is_kept_once(
    stack: Stack, measured: Path, tmp_path: Path
) -> None:
    home = {"YINGDA_HOME": str(stack.home)}
    done = tmp_path / "done.json"

    shown = run(["manage.py", "import_loadtest", str(measured), "--out", str(done)], **home)
    again = run(["manage.py", "import_loadtest", str(done)], **home)

    assert again == shown
    record: dict[str, Any] = json.loads(done.read_text())
    turns = json.loads(measured.read_text())["turns"]
    calls = calls_of(stack, [turn["turn"] for turn in turns]).values()
    whole = record["whole"]
    assert (whole["sent"], whole["answered"]) == (len(turns), len(turns))
    times = sorted(turn["total_ms"] for turn in turns)
    assert whole["mean_ms"] == pytest.approx(sum(times) / len(times), abs=0.01)
    assert whole["p99_ms"] == times[-1]
    assert whole["tokens_in"] == pytest.approx(sum(call[2] for call in calls) / len(calls), abs=0.1)
    assert whole["tokens_out"] == pytest.approx(
        sum(call[3] for call in calls) / len(calls), abs=0.1
    )
    by_model = {row["model"]: row["sent"] for row in record["models"]}
    assert by_model == {
        model: [c[4] for c in calls].count(model) for model in {c[4] for c in calls}
    }
    assert "100.00%" in shown
    with psycopg.connect(embedded.database_url(stack.home)) as connection:
        kept = connection.execute("SELECT id::text, mode, users, rate FROM analytics_loadtest")
        assert kept.fetchall() == [(record["run"], "open", USERS, RATE)]
