"""Completes a load test from the ledger of the platform that was under load, and keeps it as a row."""

import os
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache

from django.conf import settings
from django.db.models import Sum

from analytics.loadtests import figures
from analytics.loadtests.figures import Called
from analytics.loadtests.record import Platform, Record
from analytics.models import LoadTest
from chat.models import Turn
from prompts.models import ModelCall

ASKED_AT_ONCE = 2000


class Foreign(ValueError):
    """The questions of a file were answered by another platform."""


def complete(record: Record) -> Record:
    """The record with its figures in place of its questions. Raises Foreign."""
    if record.turns is None:
        return record
    ids = [each.turn for each in record.turns if each.turn]
    called = calls_of(ids)
    if ids and not called and not any_known(ids):
        raise Foreign(
            "none of its turns is known here: import it on the platform that was under load"
        )
    return record.model_copy(
        update={
            "turns": None,
            "platform": this_platform(),
            "errors": figures.errors(record.turns),
            "whole": figures.of_all(record.turns, called),
            "models": figures.by_model(record.turns, called),
        }
    )


def calls_of(turn_ids: Iterable[str]) -> dict[str, Called]:
    """By turn: the endpoint of its last answering call, a good one before any other, and the tokens of all its calls."""
    found: dict[str, Called] = {}
    for some in chunks(list(turn_ids)):
        calls = ModelCall.objects.filter(trace_id__in=some)
        answering = calls.filter(purpose="answer").order_by("trace_id", "at", "attempt")
        rows = answering.values_list("trace_id", "endpoint", "error_class")
        model: dict[str, str] = {}
        for trace_id, endpoint, _ in sorted(rows, key=lambda row: not row[2]):
            model[trace_id] = endpoint
        sums = calls.values("trace_id").order_by()
        for row in sums.annotate(tokens_in=Sum("input_tokens"), tokens_out=Sum("output_tokens")):
            trace_id = row["trace_id"]
            found[trace_id] = Called(model.get(trace_id, ""), row["tokens_in"], row["tokens_out"])
    return found


def any_known(turn_ids: list[str]) -> bool:
    """Whether a turn of these was answered here, by whatever."""
    return any(Turn.objects.filter(pk__in=some).exists() for some in chunks(turn_ids))


def chunks(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), ASKED_AT_ONCE):
        yield ids[start : start + ASKED_AT_ONCE]


def keep(record: Record) -> bool:
    """Keeps a completed run; whether it was not there yet."""
    if record.whole is None or record.platform is None:
        raise ValueError("a run without figures")
    _, is_new = LoadTest.objects.get_or_create(
        pk=record.run,
        defaults={
            "at": record.at,
            "mode": record.mode,
            "users": record.users,
            "rate": record.rate,
            "cores": record.platform.cores,
            "record": record.model_dump(mode="json", exclude={"turns"}),
        },
    )
    return is_new


def this_platform() -> Platform:
    return Platform(version=version(), commit=commit(), cores=os.cpu_count() or 1)


@cache
def version() -> str:
    """As pyproject.toml says."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


@cache
def commit() -> str:
    """Of the working tree that runs; empty where it is none."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()
