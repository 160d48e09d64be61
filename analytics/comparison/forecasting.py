"""What a comparison would take before anything is asked."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from analytics.comparison import plan
from analytics.comparison.plan import Options
from analytics.comparison.purse import price_of
from prompts.llm.catalogue import Endpoint
from prompts.llm.router import estimate_tokens


@dataclass(frozen=True, slots=True)
class Forecast:
    """About how many calls and tokens an endpoint takes, and what they cost; None where no price is known."""

    endpoint: str
    calls: int
    input_tokens: int
    output_tokens: int
    cny: Decimal | None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "cny": None if self.cny is None else float(self.cny)}


def forecast(
    endpoints: Iterable[Endpoint], measures: list[str], options: Options
) -> list[Forecast]:
    return [of_endpoint(endpoint, measures, options) for endpoint in endpoints]


def of_endpoint(endpoint: Endpoint, measures: list[str], options: Options) -> Forecast:
    calls = read = written = 0
    for measure in measures:
        if not plan.expected(measure, options, has_tools=endpoint.capabilities.tools):
            continue
        found = [estimate_tokens(item.request) for item in plan.items(measure, options)]
        if measure == plan.WINDOW:
            # Where the first is read, nothing more is asked; where it is not, vendors do not charge for it.
            found = [plan.most_tokens(endpoint.context_tokens, options)]
        calls += len(found)
        read += sum(found)
        written += len(found) * plan.USUAL_OUTPUT[measure]
    has_price = bool(endpoint.price.input or endpoint.price.output)
    cny = price_of(endpoint, read=read, written=written) if has_price else None
    return Forecast(endpoint.name, calls, read, written, cny)


def together(found: Iterable[Forecast]) -> Decimal:
    """What all of it costs where prices are known, in CNY."""
    return sum((each.cny or Decimal(0) for each in found), Decimal(0))
