"""What a comparison may still spend. Held by the one process that is at it; its threads take from it before they ask."""

import threading
from decimal import Decimal

from prompts import ledger
from prompts.llm.catalogue import Endpoint


class Purse:
    """Calls and CNY that are left; None: as many as it takes. `why` says what was used up first."""

    def __init__(self, *, calls: int | None, cny: Decimal | None) -> None:
        self.calls = calls
        self.cny = cny
        self.why = ""
        self.lock = threading.Lock()

    def take(self, worst: Decimal) -> bool:
        """Sets a call aside that costs `worst` at most; False when that is more than is left."""
        with self.lock:
            if self.calls is not None and self.calls < 1:
                self.why = self.why or "calls"
                return False
            if self.cny is not None and worst > self.cny:
                self.why = self.why or "money"
                return False
            if self.calls is not None:
                self.calls -= 1
            if self.cny is not None:
                self.cny -= worst
            return True

    def settle(self, worst: Decimal, actual: Decimal) -> None:
        """Puts back what a call did not cost."""
        with self.lock:
            if self.cny is not None:
                self.cny += worst - actual


def price_of(endpoint: Endpoint, *, read: int, written: int) -> Decimal:
    """What so many tokens cost, in CNY."""
    cost = endpoint.price.of(input_tokens=read, output_tokens=written)
    return ledger.in_cny(cost, endpoint.price.currency)
