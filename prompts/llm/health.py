"""What all processes know of the endpoints' health, asked before and told after every attempt. Used by the gateway."""

from typing import assert_never

import structlog
from redis import Redis

from prompts.llm import breaker
from prompts.llm.catalogue import Endpoint
from prompts.llm.errors import Health, ModelError
from prompts.llm.features import Breaker
from prompts.llm.limits import TokenWindow

log = structlog.get_logger(__name__)


class SharedHealth:
    """Breakers and tokens per minute over Redis. `known` are the breakers as the decision saw them a moment ago."""

    def __init__(self, client: Redis, known: dict[str, Breaker]) -> None:
        self.client = client
        self.known = known

    def refusal(self, endpoint: Endpoint, *, tokens: int) -> str:
        """Why the endpoint must not be asked now; empty when it may, `tokens` being reserved."""
        # Before the breaker: a probe that is granted must be made.
        if not window(endpoint).reserve(self.client, tokens):
            return "tokens_per_minute"
        # A state is believed once: what comes after an attempt is asked for anew.
        if self.known.pop(endpoint.name, "") == "closed" or breaker.try_probe(
            self.client, endpoint.name
        ):
            return ""
        window(endpoint).settle(self.client, reserved=tokens, actual=0)
        return "breaker"

    def is_healthy(self, endpoint: Endpoint) -> bool:
        return breaker.state(self.client, endpoint.name) == "closed"

    def report(
        self, endpoint: Endpoint, error: ModelError | None, *, reserved: int, used: int
    ) -> None:
        """Counts an attempt that ended, and settles its tokens."""
        window(endpoint).settle(self.client, reserved=reserved, actual=used)
        if error is None:
            breaker.report(self.client, endpoint.name, ok=True)
            return
        match error.action.health:
            case Health.COUNTS:
                breaker.report(self.client, endpoint.name, ok=False)
            case Health.COOLS:
                self.cool(endpoint, error.retry_after_seconds)
            case Health.SHUTS:
                log.error("endpoint_shut", endpoint=endpoint.name, detail=error.detail)
                breaker.shut(self.client, endpoint.name)
            case Health.NOTHING:  # it answered, if only to refuse this one request
                breaker.report(self.client, endpoint.name, ok=True)
            case _ as other:
                assert_never(other)

    def cool(self, endpoint: Endpoint, seconds: float) -> None:
        """Leaves the endpoint alone for as long as it asked; one that did not say how long has failed once."""
        if seconds > 0:
            breaker.cool(self.client, endpoint.name, seconds)
        else:
            breaker.report(self.client, endpoint.name, ok=False)


def window(endpoint: Endpoint) -> TokenWindow:
    return TokenWindow(endpoint.name, endpoint.tokens_per_minute)
