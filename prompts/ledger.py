"""What models cost: every attempt on record, what a day has cost so far, and which budgets are used up.

Called by completion. The rows are the truth; Redis keeps the running sums of the day, which are counted anew from
the rows when they are gone.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import Count, Q, Sum
from django.utils import timezone

from prompts.llm import scripts
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.features import Features, length_bucket
from prompts.llm.types import Call
from prompts.models import Budget, ModelCall, PromptVersion
from prompts.redis import connection
from prompts.snapshot import snapshot

log = structlog.get_logger(__name__)

# Sums of a day are of no use two days later.
SPENT_SECONDS = 2 * 24 * 3600
EVERYTHING = ""
COUNTED_SECONDS = 5.0
SUM_DIGITS = Decimal("1e-9")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the calls of one question have in common."""

    trace_id: str
    features: Features
    # {"cause", "policy", "plan"}
    decision: Mapping[str, Any]
    canary: str = ""
    release: str = ""
    version: PromptVersion | None = None


@dataclass(frozen=True, slots=True)
class BudgetState:
    """A budget and what the day has cost so far, in CNY. `share` is 1.0 when it is used up."""

    budget: Budget
    spent: Decimal
    share: float
    state: Literal["ok", "alert", "stopped"]


def record(entry: Entry, calls: Iterable[Call], endpoints: Mapping[str, Endpoint]) -> None:
    """Writes every attempt at a model. A row that cannot be written costs no answer."""
    rows = [
        as_row(entry, call, endpoints[call.endpoint]) for call in calls if call.endpoint != SOP.name
    ]
    if not rows:
        return
    try:
        ModelCall.objects.bulk_create(rows)
    except DatabaseError as error:
        log.warning("ledger_lost", trace_id=entry.trace_id, error=type(error).__name__)
    spend(entry.features.inbox, sum((in_cny(row.cost, row.currency) for row in rows), Decimal(0)))


def as_row(entry: Entry, call: Call, endpoint: Endpoint) -> ModelCall:
    features, usage = entry.features, call.usage
    return ModelCall(
        trace_id=entry.trace_id,
        purpose=call.purpose,
        inbox=features.inbox,
        endpoint=call.endpoint,
        model=call.model,
        prompt_version=entry.version,
        attempt=call.attempt,
        error_class=call.error_class,
        wait_ms=call.wait_ms,
        first_token_ms=call.first_token_ms,
        total_ms=call.total_ms,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        usage=usage.raw,
        usage_estimated=usage.estimated,
        cost=cost_of(call, endpoint),
        currency=endpoint.price.currency,
        wants_json=features.needs_json,
        decision=dict(entry.decision),
        intent=features.intent,
        emotion=features.emotion,
        length=length_bucket(features.input_tokens),
        canary=entry.canary,
        release=entry.release,
        bucket=features.bucket,
        bucket_source=features.bucket_source,
    )


def cost_of(call: Call, endpoint: Endpoint) -> Decimal:
    """In the endpoint's currency, by what the vendor counted."""
    return endpoint.price.of(
        input_tokens=call.usage.input_tokens,
        output_tokens=call.usage.output_tokens,
        cached=call.usage.cached_tokens,
        cache_write=call.usage.cache_write_tokens,
    )


def in_cny(amount: Decimal, currency: str) -> Decimal:
    return amount * Decimal(str(settings.CNY_PER[currency]))


# Adds only to sums that are there: what is missing is counted from the rows, which hold this call already.
# Returns the sums after it, so that of calls that end at once each sees its own step.
ADD = """
local after = {}
if redis.call('EXISTS', KEYS[1]) == 0 then return after end
for i = 2, #ARGV do after[i - 1] = redis.call('HINCRBYFLOAT', KEYS[1], ARGV[i], ARGV[1]) end
return after
"""


def spend(inbox: str, amount: Decimal) -> None:
    """Adds to the sums of the day, and says so in the log when a budget passes its alert or its end."""
    if not amount:
        return
    try:
        budgets = [b for b in snapshot().budgets if b.inbox in {EVERYTHING, inbox}]
        after = scripts.ask(
            connection(),
            lambda: added(inbox, amount),
            otherwise=lambda: counted() if budgets else {},
        )
    except DatabaseError as error:
        log.warning("spending_uncounted", error=type(error).__name__)
        return
    for budget in budgets:
        alert(budget, after.get(budget.inbox, Decimal(0)), amount)


def added(inbox: str, amount: Decimal) -> dict[str, Decimal]:
    """The sums it was added to, after it. Raises RedisError."""
    names = sorted({EVERYTHING, inbox})
    found = scripts.run(connection(), ADD, keys=[spent_key()], args=[str(amount), *names])
    if not found:
        return sums()
    return {name: read_sum(value) for name, value in zip(names, found, strict=True)}


def alert(budget: Budget, after: Decimal, amount: Decimal) -> None:
    for percent in sorted({budget.alert_percent, 100}):
        mark = budget.per_day * percent / 100
        if after - amount < mark <= after:
            log.error(
                "budget_reached",
                inbox=budget.inbox,
                percent=percent,
                per_day_cny=str(budget.per_day),
            )


def spent_today() -> dict[str, Decimal]:
    """CNY since midnight by inbox; the sum of all under the empty name."""
    return scripts.ask(connection(), sums, otherwise=COUNTED.get)


def sums() -> dict[str, Decimal]:
    """The running sums of the day, counted from the rows when Redis has none. Raises RedisError."""
    kept: Any = connection().hgetall(spent_key())
    if kept:
        return {name.decode(): read_sum(value) for name, value in kept.items()}
    fresh = counted()
    pipeline = connection().pipeline(transaction=False)
    for name, amount in fresh.items():
        # Not over what another process counted in this moment.
        pipeline.hsetnx(spent_key(), name, str(amount))
    pipeline.expire(spent_key(), SPENT_SECONDS)
    pipeline.execute()
    return fresh


def read_sum(value: bytes) -> Decimal:
    """A sum as Redis keeps it: in floating point, whose last digits are noise."""
    return Decimal(value.decode()).quantize(SUM_DIGITS)


def counted() -> dict[str, Decimal]:
    """The sums of the day from the rows."""
    rows = ModelCall.objects.filter(at__gte=midnight()).values("inbox", "currency")
    found = {EVERYTHING: Decimal(0)}
    for row in rows.annotate(total=Sum("cost")).order_by():
        amount = in_cny(row["total"], row["currency"])
        for name in {EVERYTHING, row["inbox"]}:
            found[name] = found.get(name, Decimal(0)) + amount
    return found


class Counted:
    """The sums from the rows, counted every few seconds at most: for a day without Redis."""

    def __init__(self) -> None:
        self.at = 0.0
        self.kept: dict[str, Decimal] = {}

    def get(self) -> dict[str, Decimal]:
        if time.monotonic() - self.at > COUNTED_SECONDS:
            self.kept, self.at = counted(), time.monotonic()
        return self.kept


COUNTED = Counted()


def budget_states() -> list[BudgetState]:
    """Every enabled budget with what was spent of it today."""
    spent = spent_today()
    return [state_of(budget, spent.get(budget.inbox, Decimal(0))) for budget in snapshot().budgets]


def state_of(budget: Budget, spent: Decimal) -> BudgetState:
    share = float(spent / budget.per_day) if budget.per_day else 1.0
    if share >= 1:
        return BudgetState(budget, spent, share, "stopped" if budget.stop else "alert")
    return BudgetState(
        budget, spent, share, "alert" if share * 100 >= budget.alert_percent else "ok"
    )


def stopped(inbox: str) -> tuple[str, ...]:
    """The used-up budgets that concern an inbox: "day" for the one over everything, "inbox" for its own."""
    if not any(budget.stop for budget in snapshot().budgets):
        return ()
    mine = {inbox: "inbox", EVERYTHING: "day"}
    try:
        states = [state for state in budget_states() if state.state == "stopped"]
    except DatabaseError as error:
        log.warning("budgets_unknown", error=type(error).__name__)
        return ()
    return tuple(mine[state.budget.inbox] for state in states if state.budget.inbox in mine)


def mark_taken_over(trace_id: str) -> None:
    """A person took over after the answer of this trace: it counts against its endpoint and its canary."""
    ModelCall.objects.filter(trace_id=trace_id, purpose="answer").update(taken_over=True)


def mark_feedback(trace_id: str, value: str) -> None:
    """The customer's thumb, "up" or "down"; the last word counts."""
    ModelCall.objects.filter(trace_id=trace_id, purpose="answer").update(feedback=value)


def is_good() -> Q:
    """Calls that count as good answers: whole, and neither taken over nor thumbed down."""
    return Q(error_class="", taken_over=False) & ~Q(feedback="down")


def count_good() -> Count:
    return Count("pk", filter=is_good())


def midnight() -> datetime:
    """The beginning of the shop's natural day."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def spent_key() -> str:
    return f"spent:{timezone.localdate().isoformat()}"
