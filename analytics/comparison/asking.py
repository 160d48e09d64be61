"""One item asked of one endpoint, through the gateway, and what is kept of the answer. Called by running, in its threads."""

import time
from decimal import Decimal
from random import Random

from analytics.comparison import plan
from analytics.comparison.plan import Item
from analytics.comparison.purse import Purse, price_of
from analytics.models import ComparedAnswer
from prompts import ledger, trials
from prompts.llm.catalogue import Endpoint
from prompts.llm.errors import ErrorClass
from prompts.snapshot import release_connection
from prompts.trials import Trial

# What an endpoint says when it cannot do what was asked; other errors are no answer at all.
OWN_FAULTS = {ErrorClass.BAD_OUTPUT.value, ErrorClass.CONTENT.value}
# What may be gone a moment later, and is asked again so often.
PASSING = {ErrorClass.RATE_LIMIT.value, ErrorClass.TIMEOUT.value, ErrorClass.UNAVAILABLE.value}
ATTEMPTS_MOST = 3
PAUSE_SECONDS = 1.0
KEPT_CHARS = 500


def ask(
    endpoint: Endpoint, item: Item, *, run: int, purse: Purse, attempts: int = ATTEMPTS_MOST
) -> ComparedAnswer | None:
    """The answer as a row that is not saved yet; None when the purse has nothing left for it."""
    cost = Decimal(0)
    found: tuple[Trial, int] | None = None
    for attempt in range(1, attempts + 1):
        read, written = plan.tokens_of(item)
        worst = price_of(endpoint, read=read, written=written)
        if not purse.take(worst):
            break
        trial = tried(endpoint, item, run=run)
        spent = ledger.in_cny(trial.cost, endpoint.price.currency)
        purse.settle(worst, spent)
        cost, found = cost + spent, (trial, attempt)
        if trial.error_class not in PASSING or attempt == attempts:
            break
        pause(attempt)
    if found is None:
        return None
    return as_row(endpoint, item, found[0], run=run, attempts=found[1], cost=cost)


def tried(endpoint: Endpoint, item: Item, *, run: int) -> Trial:
    """One attempt, on record in the ledger. The thread's database connection goes back to the pool."""
    trace_id = f"compare-{run}-{item.key}"[:40]
    try:
        return trials.ask(endpoint, item.request, trace_id=trace_id, retries=0)
    finally:
        release_connection()


def pause(attempt: int) -> None:
    """Full jitter, longer after every failure."""
    time.sleep(Random().uniform(0, PAUSE_SECONDS * 2**attempt))  # noqa: S311 - no secret


def as_row(
    endpoint: Endpoint,
    item: Item,
    trial: Trial,
    *,
    run: int,
    attempts: int,
    cost: Decimal,
) -> ComparedAnswer:
    row = ComparedAnswer(
        comparison_id=run,
        endpoint=endpoint.name,
        measure=item.measure,
        item=item.key,
        answer=trial.text[:KEPT_CHARS],
        error_class=trial.error_class,
        attempts=attempts,
        first_token_ms=trial.first_token_ms,
        total_ms=trial.total_ms,
        input_tokens=trial.input_tokens,
        output_tokens=trial.output_tokens,
        cost_cny=cost,
    )
    if item.grade is not None and trial.error_class in {"", *OWN_FAULTS}:
        grade = item.grade(trial)
        row.right = grade.right and not trial.error_class
        row.wanted, row.said = grade.wanted, grade.said or trial.error_class
    return row
