"""The table of a comparison: of every endpoint what was declared, and of every measure a figure with its interval."""

from collections.abc import Iterable
from typing import Any

from analytics.comparison import asking, intervals, plan, probing
from analytics.comparison.cases import LABELS
from analytics.comparison.intervals import Estimate
from analytics.comparison.plan import Options
from analytics.comparison.probing import Probe
from analytics.models import ComparedAnswer, Comparison
from prompts.llm.catalogue import Endpoint
from prompts.snapshot import is_demo

Cell = dict[str, Any]


def described(endpoint: Endpoint) -> dict[str, Any]:
    """What an endpoint's row says of it, as it is kept with a run."""
    return {
        "name": endpoint.name,
        "model": endpoint.model,
        "provider": endpoint.provider,
        "declared": endpoint.context_tokens,
        "tools": endpoint.capabilities.tools,
        "price_in": str(endpoint.price.input),
        "price_out": str(endpoint.price.output),
        "currency": endpoint.price.currency,
        "price_since": endpoint.price.since,
        "demo": is_demo(endpoint),
    }


def made(row: Comparison) -> list[dict[str, Any]]:
    """An entry an endpoint: {"endpoint": as described, "cells": {measure: cell}, "calls", "cost_cny"}.

    A cell is {"value", "low", "high", "n" measured, "of" wanted, "failed", "why"} and what its measure adds; times in
    milliseconds, windows in tokens, others are shares. `value` is None where nothing was measured.
    """
    options = Options(**row.options)
    answers: dict[str, dict[str, list[ComparedAnswer]]] = {}
    for each in row.answers.order_by("pk"):
        answers.setdefault(each.endpoint, {}).setdefault(each.measure, []).append(each)
    return [
        entry(each, answers.get(each["name"], {}), row.measures, options) for each in row.endpoints
    ]


def entry(
    endpoint: dict[str, Any],
    answers: dict[str, list[ComparedAnswer]],
    measures: list[str],
    options: Options,
) -> dict[str, Any]:
    every = [each for some in answers.values() for each in some]
    return {
        "endpoint": endpoint,
        "cells": {
            measure: cell(measure, answers.get(measure, []), endpoint, options)
            for measure in measures
        },
        "calls": sum(each.attempts for each in every),
        "cost_cny": float(sum(each.cost_cny for each in every)),
    }


def cell(
    measure: str, answers: list[ComparedAnswer], endpoint: dict[str, Any], options: Options
) -> Cell:
    if measure == plan.WINDOW:
        return window_cell(answers, endpoint["declared"], options)
    wanted = plan.expected(measure, options, has_tools=endpoint["tools"])
    failed = [each for each in answers if each.error_class not in {"", *asking.OWN_FAULTS}]
    found = estimate(measure, answers, seed=options.seed)
    filled = {
        **figures(found),
        "of": wanted,
        "failed": len(failed),
        "refused": sum(
            each.right is None and each.error_class in asking.OWN_FAULTS for each in answers
        ),
        "why": "" if wanted else "no_tools",
    }
    if failed:
        filled["why"] = failed[-1].error_class
    return {**filled, **under_load(answers)} if measure == plan.LOAD else filled


def estimate(measure: str, answers: list[ComparedAnswer], *, seed: int) -> Estimate | None:
    """The measure's figure over whatever was answered."""
    whole = [each for each in answers if not each.error_class]
    if measure == plan.FIRST_TOKEN:
        return intervals.quantile([each.first_token_ms or 0.0 for each in whole], 0.5)
    if measure == plan.LOAD:
        return intervals.quantile([each.total_ms for each in whole], 0.99)
    graded = [each for each in answers if each.right is not None]
    if measure == plan.EMOTIONS:
        pairs = [(each.wanted, each.said) for each in graded]
        return intervals.macro_f1(pairs, list(LABELS), seed=seed)
    return intervals.share(sum(bool(each.right) for each in graded), len(graded))


def figures(found: Estimate | None) -> Cell:
    if found is None:
        return {"value": None, "low": None, "high": None, "n": 0}
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


def under_load(answers: list[ComparedAnswer]) -> Cell:
    """The median and the share that was answered."""
    whole = [each for each in answers if not each.error_class]
    median = intervals.quantile([each.total_ms for each in whole], 0.5)
    return {"p50": figures(median), "success": figures(intervals.share(len(whole), len(answers)))}


def window_cell(answers: Iterable[ComparedAnswer], declared: int, options: Options) -> Cell:
    """`value` tokens were read; `high` were not, None where nothing larger was tried."""
    found = list(answers)
    probes = probes_of(found)
    most = plan.most_tokens(declared, options)
    known = probing.next_size(probes, most=most) is None
    value, high = probing.window(probes)
    failed = [each for each in found if each.error_class in asking.PASSING]
    return {
        "value": value or (0 if probes else None),
        "low": value or None,
        "high": high,
        "n": len(probes),
        "of": len(probes) if known else len(probes) + 1,
        "failed": len(failed),
        "why": failed[-1].error_class if failed and not known else "",
        "declared": declared,
        "tried": most,
    }


def probes_of(answers: Iterable[ComparedAnswer]) -> list[Probe]:
    """The sizes that were tried; those that failed for a reason that passes say nothing."""
    return [
        Probe(int(each.item.removeprefix("probe-")), bool(each.right), each.input_tokens)
        for each in answers
        if each.error_class not in {*asking.PASSING, "quota_auth", "no_key"}
    ]


def is_whole(report: list[dict[str, Any]]) -> bool:
    """Whether everything that was wanted was measured. Under load a failure is a measurement."""
    return all(
        cell["n"] + cell.get("refused", 0) + (cell["failed"] if measure == plan.LOAD else 0)
        >= cell["of"]
        for entry in report
        for measure, cell in entry["cells"].items()
    )
