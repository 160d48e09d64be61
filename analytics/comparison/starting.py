"""The form of a new comparison: what was chosen, what is wrong with it, and the run it becomes. Called by the pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection, transaction
from django.http import QueryDict

from analytics.comparison import holding, plan, running
from analytics.comparison.plan import Options
from analytics.models import Comparison
from prompts.bilingual import pick
from prompts.llm.catalogue import Endpoint
from prompts.locks import Lock

MAX_CNY = "5"
CALLS_MOST = 1_000_000


@dataclass(slots=True)
class Form:
    """What was chosen of what there is; `problems` says by field what is wrong."""

    endpoints: list[Endpoint]
    chosen: list[Endpoint]
    measures: list[str]
    values: dict[str, str]
    options: Options = field(default_factory=Options)
    max_cny: Decimal | None = None
    max_calls: int | None = None
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def chosen_names(self) -> set[str]:
        return {endpoint.name for endpoint in self.chosen}


def usual(endpoints: list[Endpoint]) -> Form:
    """Everything chosen, with a cap on what it may cost."""
    given = Options()
    values = {
        "samples": "",
        "rate": f"{given.rate:g}",
        "window_tokens": str(given.window_tokens),
        "seed": str(given.seed),
        "max_cny": MAX_CNY,
        "max_calls": "",
    }
    return Form(endpoints, endpoints, list(plan.SIZES), values)


def read(posted: QueryDict, endpoints: list[Endpoint]) -> Form:
    """What somebody sent; the form keeps it as it was where it is wrong."""
    names, measures = set(posted.getlist("endpoints")), set(posted.getlist("measures"))
    form = Form(
        endpoints,
        [endpoint for endpoint in endpoints if endpoint.name in names],
        [measure for measure in plan.SIZES if measure in measures],
        {name: posted.get(name, "").strip()[:20] for name in usual([]).values},
    )
    if not form.chosen:
        form.problems["endpoints"] = pick("至少选择一个端点。", "Choose one endpoint at least.")
    if not form.measures:
        form.problems["measures"] = pick("至少选择一项。", "Choose one measure at least.")
    form.max_cny = read_cost(form, "max_cny")
    form.max_calls = read_number(form, "max_calls", most=CALLS_MOST)
    form.options = read_options(form)
    return form


def read_options(form: Form) -> Options:
    samples = read_number(form, "samples", most=plan.SAMPLES_MOST)
    rate = read_number(form, "rate", most=int(plan.RATE_MOST))
    window = read_number(form, "window_tokens", least=500, most=plan.WINDOW_MOST)
    seed = read_number(form, "seed", least=0, most=10**9)
    given = Options()
    return Options(
        seed=given.seed if seed is None else seed,
        samples=samples,
        rate=float(rate or given.rate),
        window_tokens=window or given.window_tokens,
    )


def read_number(form: Form, name: str, *, most: int, least: int = 1) -> int | None:
    """A whole number; None where the field was left empty or is wrong, which is noted."""
    text = form.values[name]
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        form.problems[name] = pick(
            f"请填 {least} 到 {most} 之间的整数。", f"A whole number from {least} to {most}."
        )
        return None
    return int(text)


def read_cost(form: Form, name: str) -> Decimal | None:
    """An amount in CNY, which has to be given here: a page is quickly pressed."""
    try:
        cost = Decimal(form.values[name])
    except InvalidOperation:
        cost = Decimal("NaN")
    if not (cost.is_finite() and 0 < cost <= running.COST_MOST):
        form.problems[name] = pick("请填金额上限（元）。", "Say what it may cost at most, in CNY.")
        return None
    return cost


def begin(form: Form, *, user_id: int | None) -> Comparison | None:
    """The run, for a worker; None while another one is on its way: they would be in each other's times."""
    with transaction.atomic():
        if is_busy():
            return None
        return running.begin(
            form.chosen,
            form.measures,
            form.options,
            max_calls=form.max_calls,
            max_cny=form.max_cny,
            user_id=user_id,
            in_background=True,
        )


def is_busy(*, but: int = 0) -> bool:
    """Whether a run other than `but` is on its way; until the transaction ends none begins."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.STARTING_COMPARISONS])
    open_states = [Comparison.State.WAITING, Comparison.State.RUNNING]
    rows = Comparison.objects.filter(state__in=open_states, in_background=True)
    return rows.exclude(pk=but).exists()


def reopen(row: Comparison, limits: Mapping[str, Any]) -> bool:
    """Lets the run go on in the background; False while another one is on its way, and where nothing is left to do."""
    with transaction.atomic():
        return not is_busy(but=row.pk) and holding.reopen(row.pk, in_background=True, **limits)


def raised(row: Comparison, posted: Mapping[str, Any]) -> dict[str, Any]:
    """The caps a run goes on under: its own, or twice as much where one of them ended it."""
    twice = {"money": "max_cny", "calls": "max_calls"}.get(row.why)
    limits: dict[str, Any] = {"max_calls": row.max_calls, "max_cny": row.max_cny}
    if twice and posted.get("raise") and limits[twice] is not None:
        limits[twice] *= 2
    return limits
