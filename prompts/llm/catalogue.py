"""The endpoints a router can choose from, as values. Rows become these in prompts.snapshot."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

Strength = Literal[1, 2, 3]
STRENGTHS: dict[Strength, str] = {1: "light", 2: "standard", 3: "strong"}
THOUSAND = Decimal(1000)


class Capabilities(BaseModel):
    """What the endpoint's server takes and can do; a JSON column of its row, so it is checked."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    # Function calling.
    tools: bool = False
    # An answer held to a JSON Schema by the vendor; without it the schema is only described in the prompt.
    json_schema: bool = False
    # temperature
    sampling: bool = True
    # Token counts in the stream when asked for.
    usage: bool = True
    # `max_tokens`, the older name of `max_completion_tokens` that most compatible servers know.
    max_tokens: bool = False
    # A pseudonym of the customer as `safety_identifier`.
    safety_identifier: bool = False
    # Sent as `reasoning_effort` where the model reasons: "none" or "minimal" for chat.
    reasoning_effort: Literal["", "none", "minimal", "low", "medium", "high"] = ""
    # Qwen's `enable_thinking`; None sends nothing.
    thinking: bool | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """Money per 1,000 tokens, as of `since` (an ISO date; empty: nobody set it)."""

    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)
    # None: cached input costs what other input does.
    cached: Decimal | None = None
    cache_write: Decimal | None = None
    currency: str = "CNY"
    since: str = ""

    def of(
        self, *, input_tokens: int, output_tokens: int, cached: int = 0, cache_write: int = 0
    ) -> Decimal:
        """What a call costs, in `currency`; `cached` and `cache_write` are parts of `input_tokens`."""
        plain = max(0, input_tokens - cached - cache_write)
        total = plain * self.input + output_tokens * self.output
        total += cached * (self.input if self.cached is None else self.cached)
        total += cache_write * (self.input if self.cache_write is None else self.cache_write)
        return total / THOUSAND


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model at a server, with the key that opens it.

    `timeout_seconds` bounds the wait for the next chunk, `deadline_seconds` the whole answer.
    """

    name: str
    provider: str
    model: str = ""
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    priority: int = 100
    # 1 light, 2 standard, 3 strong: what a rule or a degraded platform asks for.
    strength: int = 2
    # May be asked to settle what an unsure turn is about.
    dispatcher: bool = False
    # The share of good answers expected before any was counted, 0 to 1.
    quality: float = 0.9
    context_tokens: int = 0
    max_output_tokens: int = 512
    # The vendor's limit over all our processes; 0: none known.
    tokens_per_minute: int = 0
    timeout_seconds: float = 15.0
    deadline_seconds: float = 30.0
    price: Price = Price()
    capabilities: Capabilities = field(default_factory=Capabilities)

    @property
    def vendor(self) -> str:
        """Who runs the server: what fails together."""
        return f"{self.provider} {urlsplit(self.base_url).hostname or ''}".strip()


SOP = Endpoint(name="sop", provider="sop", priority=1000, strength=1)
