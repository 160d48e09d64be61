"""Comparisons begun and gone on with: every endpoint is asked every item that is not answered yet, within what may be
spent.

A run belongs to whoever holds its lease; a second process that comes meanwhile leaves it alone, and one that comes
after it died goes on where it stopped. Called by tasks, the pages and `manage.py compare_models`.
"""

import time
import uuid
from decimal import Decimal

import structlog

from analytics.comparison import holding, plan, table
from analytics.comparison.plan import Options
from analytics.comparison.worker import Later, Lost, Spent, Told, Worker, usable
from analytics.models import Comparison
from prompts.llm.catalogue import SOP, Endpoint
from prompts.models import ModelEndpoint

log = structlog.get_logger(__name__)

FOREVER = 10.0**9
# What a column holds.
COST_MOST = 99_999


def choosable() -> list[Endpoint]:
    """The enabled endpoints with a model and a key, in the order they are asked in."""
    rows = ModelEndpoint.objects.filter(enabled=True).exclude(provider=SOP.provider)
    return [endpoint for row in rows if (endpoint := usable(row))]


def begin(
    endpoints: list[Endpoint],
    measures: list[str],
    options: Options,
    *,
    max_calls: int | None,
    max_cny: Decimal | None,
    user_id: int | None,
    in_background: bool,
) -> Comparison:
    """A comparison that waits for a worker, or for the command that asked for it."""
    return Comparison.objects.create(
        endpoints=[table.described(endpoint) for endpoint in endpoints],
        measures=measures,
        options=options.as_json(),
        max_calls=max_calls,
        max_cny=max_cny,
        total=sum(
            plan.expected(measure, options, has_tools=endpoint.capabilities.tools)
            for endpoint in endpoints
            for measure in measures
        ),
        created_by_id=user_id,
        in_background=in_background,
    )


def nobody(done: int) -> None:
    """For runs that nobody watches."""


def run(pk: int, *, seconds: float = FOREVER, told: Told = nobody) -> None:
    """Goes on with a comparison that nobody else is at, for `seconds` at most; `told` hears how many are answered."""
    holder = uuid.uuid4()
    if not holding.claim(pk, holder):
        return
    row = Comparison.objects.get(pk=pk)
    worker = Worker(row, until=time.monotonic() + seconds, told=told)
    try:
        worker.go()
    except Lost:
        # Cancelled: what was under way is part of the table. Taken over: the row is another's.
        rows = Comparison.objects.filter(pk=pk, state=holding.State.CANCELLED, holder=holder)
        rows.update(report=table.made(row))
        log.info("comparison_left", run=pk)
    except Later:
        worker.leave()
    except Spent as error:
        worker.finish(str(error))
    else:
        worker.finish("")
