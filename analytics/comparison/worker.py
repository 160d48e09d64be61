"""One process's way through a comparison it holds. Called by running."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import structlog
from django.db.models import QuerySet, Sum

from analytics.comparison import asking, holding, plan, probing, table
from analytics.comparison.arrivals import Answered, Arrivals
from analytics.comparison.holding import State
from analytics.comparison.plan import Item, Options
from analytics.comparison.purse import Purse
from analytics.models import ComparedAnswer, Comparison
from prompts import lease, ledger
from prompts.llm.catalogue import Endpoint
from prompts.llm.errors import ErrorClass
from prompts.models import ModelEndpoint
from prompts.snapshot import as_endpoint

log = structlog.get_logger(__name__)

AT_ONCE = {plan.FIRST_TOKEN: 1, plan.IDIOMS: 4, plan.TOOLS: 4, plan.EMOTIONS: 4}
LOOK_SECONDS, REPORT_SECONDS = 0.5, 4.0
# An endpoint that failed so often in a row is left alone; one that shuts its door at once.
FAILURES_MOST = 6
SHUT = {ErrorClass.QUOTA_AUTH.value, "no_key"}

Told = Callable[[int], None]


class Lost(Exception):
    """Somebody else has the run, or cancelled it."""


class Later(Exception):
    """The time of this slice is over."""


class Spent(Exception):
    """Nothing more may be spent; the message is what was used up: "money", "calls" or "day"."""


class Down(Exception):
    """The endpoint is left alone for the rest of this slice."""


class Worker:
    """Goes on with a run until a monotonic time; `told` hears how many items are answered."""

    def __init__(self, row: Comparison, *, until: float, told: Told) -> None:
        self.row = row
        self.options = Options(**row.options)
        self.until = until
        self.told = told
        self.reported_at = time.monotonic()
        self.failures = 0
        self.purse = purse_of(row)

    def go(self) -> None:
        """Asks whatever is not answered yet. Raises Lost, Later and Spent."""
        for name in [each["name"] for each in self.row.endpoints]:
            endpoint = find_endpoint(name)
            if endpoint is None:
                continue
            self.failures = 0
            try:
                for measure in self.row.measures:
                    self.measure(endpoint, measure)
            except Down as error:
                log.warning("comparison_without", run=self.row.pk, endpoint=name, why=str(error))

    def measure(self, endpoint: Endpoint, measure: str) -> None:
        if not plan.expected(measure, self.options, has_tools=endpoint.capabilities.tools):
            return
        if measure == plan.WINDOW:
            self.probe(endpoint)
            return
        answered = self.answered(endpoint, measure)
        left = [item for item in plan.items(measure, self.options) if item.key not in answered]
        if measure == plan.LOAD:
            self.load(endpoint, left)
        else:
            self.ask_all(endpoint, left, at_once=AT_ONCE[measure])

    def answered(self, endpoint: Endpoint, measure: str) -> set[str]:
        """The items that need not be asked again. Under load a failure is an answer, too."""
        rows = self.rows(endpoint, measure)
        if measure != plan.LOAD:
            rows = rows.filter(error_class__in=["", *asking.OWN_FAULTS])
        return set(rows.values_list("item", flat=True))

    def rows(self, endpoint: Endpoint, measure: str) -> QuerySet[ComparedAnswer]:
        return self.row.answers.filter(endpoint=endpoint.name, measure=measure)

    def ask_all(self, endpoint: Endpoint, items: list[Item], *, at_once: int) -> None:
        """So many at once, one lot after the other."""
        with ThreadPoolExecutor(at_once, thread_name_prefix="comparison") as threads:
            for at in range(0, len(items), at_once):
                self.hold()
                some = items[at : at + at_once]
                self.keep(threads.map(lambda item: self.ask(endpoint, item), some))
                self.report()

    def ask(
        self, endpoint: Endpoint, item: Item, attempts: int = asking.ATTEMPTS_MOST
    ) -> ComparedAnswer | None:
        return asking.ask(endpoint, item, run=self.row.pk, purse=self.purse, attempts=attempts)

    def load(self, endpoint: Endpoint, items: list[Item]) -> None:
        """Sends the items as they are due, and stores meanwhile what was answered."""
        left = len(items)
        options = self.options
        arrivals = Arrivals(
            lambda item: self.ask(endpoint, item, 1), items, rate=options.rate, seed=options.seed
        )
        try:
            with arrivals:
                while left:
                    time.sleep(LOOK_SECONDS)
                    # To the end: what waits when it is cut off would be missing among the slow ones.
                    self.hold(whole=True)
                    found = arrivals.take()
                    left -= len(found)
                    self.keep(answers_of(found))
        finally:
            store(each for each in arrivals.take() if isinstance(each, ComparedAnswer))

    def probe(self, endpoint: Endpoint) -> None:
        """Prompts of ever better chosen sizes, until it is known how much the endpoint reads."""
        most = plan.most_tokens(endpoint.context_tokens, self.options)
        while True:
            probes = table.probes_of(self.rows(endpoint, plan.WINDOW))
            size = probing.next_size(probes, most=most)
            if size is None:
                return
            self.hold()
            found = self.ask(endpoint, plan.probe(size, seed=self.options.seed))
            self.keep([found])
            if found and found.error_class in asking.PASSING:
                return  # whether it would have been read is not known

    def keep(self, found: Iterable[ComparedAnswer | None]) -> None:
        """Stores the answers. Raises Spent where one could not be paid for, and Down."""
        rows = list(found)
        answers = [row for row in rows if row is not None]
        store(answers)
        self.told(self.row.answers.count())
        for row in answers:
            self.count_failure(row)
        if len(answers) < len(rows):
            raise Spent(self.purse.why)

    def count_failure(self, row: ComparedAnswer) -> None:
        if row.error_class in SHUT:
            raise Down(row.error_class)
        if row.measure in {plan.LOAD, plan.WINDOW}:
            return
        failed = row.error_class not in {"", *asking.OWN_FAULTS}
        self.failures = self.failures + 1 if failed else 0
        if self.failures >= FAILURES_MOST:
            raise Down(row.error_class)

    def hold(self, *, whole: bool = False) -> None:
        """Goes on holding the run. Raises Lost, Spent when the day's budget for all models is used up, and Later.

        Not the last in the middle of what has to be measured `whole`.
        """
        if not whole and time.monotonic() > self.until:
            raise Later
        if not lease.keep(self.mine(), holding.LEASE):
            raise Lost
        if ledger.stopped(ledger.EVERYTHING):
            raise Spent("day")

    def report(self) -> None:
        """Brings the table up to date, every few seconds."""
        now = time.monotonic()
        if now - self.reported_at > REPORT_SECONDS:
            self.reported_at = now
            self.mine().update(report=table.made(self.row))

    def mine(self) -> QuerySet[Comparison]:
        return holding.held(self.row.pk, self.row.holder)

    def leave(self) -> None:
        """Lets whoever comes next go on."""
        report = table.made(self.row)
        self.mine().update(state=State.WAITING, lease_until=None, holder=None, report=report)

    def finish(self, why: str) -> None:
        """Ends the run, as a part where something is missing."""
        report = table.made(self.row)
        why = why or ("" if table.is_whole(report) else "endpoints")
        state = State.PARTIAL if why else State.DONE
        lease.end(self.mine(), state, why=why, report=report)
        log.info("comparison_over", run=self.row.pk, why=why)


def answers_of(found: Iterable[Answered]) -> list[ComparedAnswer | None]:
    """Raises what went wrong in a thread that asked."""
    answers = []
    for each in found:
        if isinstance(each, Exception):
            raise each
        answers.append(each)
    return answers


def purse_of(row: Comparison) -> Purse:
    """What is left of what the run may spend."""
    spent = row.answers.aggregate(calls=Sum("attempts"), cny=Sum("cost_cny"))
    return Purse(
        calls=None if row.max_calls is None else row.max_calls - (spent["calls"] or 0),
        cny=None if row.max_cny is None else row.max_cny - (spent["cny"] or Decimal(0)),
    )


def find_endpoint(name: str) -> Endpoint | None:
    """The endpoint as it is now; None when it is gone, switched off or cannot be asked."""
    row = ModelEndpoint.objects.filter(name=name, enabled=True).first()
    return usable(row) if row else None


def usable(row: ModelEndpoint) -> Endpoint | None:
    try:
        endpoint = as_endpoint(row)
    except ValueError:
        return None
    return endpoint if endpoint.api_key else None


def store(found: Iterable[ComparedAnswer]) -> None:
    """Keeps the answers; one that was asked again takes the place of its failure, and what both cost is kept."""
    answers = list(found)
    before = {
        (row.endpoint, row.measure, row.item): row
        for row in ComparedAnswer.objects.filter(
            comparison_id__in={each.comparison_id for each in answers},
            item__in=[each.item for each in answers],
        )
    }
    for each in answers:
        if failed := before.get((each.endpoint, each.measure, each.item)):
            each.attempts += failed.attempts
            each.cost_cny += failed.cost_cny
    ComparedAnswer.objects.bulk_create(
        answers,
        update_conflicts=True,
        unique_fields=["comparison", "endpoint", "measure", "item"],
        update_fields=[
            "right", "wanted", "said", "answer", "error_class", "attempts", "first_token_ms",
            "total_ms", "input_tokens", "output_tokens", "cost_cny", "at",
        ],
    )  # fmt: skip
