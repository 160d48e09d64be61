"""How many messages and sessions a visitor and an address may send. Called by chat's actions, for sockets and API alike."""

import threading
from collections import OrderedDict
from functools import cache
from uuid import UUID

from django.conf import settings

from prompts.llm import board, limits, load, scripts
from prompts.llm.limits import ALLOWED, Bucket, Here, Limiter, Rate, Verdict
from prompts.redis import connection

SEEN_MOST = 20_000
TELL_SECONDS = 0.2
# The address of whoever comes through a proxy that may not say for whom.
PROXIED = "proxied"


def admit_message(visitor: str, *, address: str) -> Verdict:
    """Whether one more message is taken now. One round trip."""
    return limiter().take(message_buckets(visitor, address))


def message_buckets(visitor: str, address: str) -> list[Bucket]:
    own = per_minute(settings.MESSAGES_PER_MINUTE, settings.MESSAGES_BURST)
    shared = per_minute(settings.ADDRESS_MESSAGES_PER_MINUTE, settings.ADDRESS_MESSAGES_BURST)
    return [Bucket("user", visitor, own), *address_buckets("ip", address, shared)]


class Arrivals:
    """Counts messages towards the load as they arrive, and tells all processes a few times a second.

    Before anything is done with them: a process that is full takes up no more than it can, so that counted any later
    an overload would not show. One that comes again does not count: clients send again what a busy platform has not
    acknowledged, and the load would keep itself up.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.here = Here()
        self.seen: OrderedDict[UUID, None] = OrderedDict()
        self.untold = 0
        self.something = threading.Event()
        self.thread: threading.Thread | None = None

    def add(self, client_id: UUID, *, visitor: str, address: str) -> None:
        """Counts the message of this idempotency key; cheap enough for an event loop.

        Nobody counts for more than may be sent: a visitor who floods must not degrade the others.
        """
        if not self.here.take(message_buckets(visitor, address), now_us=scripts.here_us()).allowed:
            return
        with self.lock:
            if client_id in self.seen:
                return
            self.seen[client_id] = None
            if len(self.seen) > SEEN_MOST:
                self.seen.popitem(last=False)
            self.untold += 1
            if self.thread is None:
                self.thread = threading.Thread(target=self.loop, name="arrivals", daemon=True)
                self.thread.start()
        self.something.set()

    def loop(self) -> None:
        pause = threading.Event()
        while True:
            self.something.wait()
            pause.wait(TELL_SECONDS)
            self.something.clear()
            self.tell()

    def tell(self) -> None:
        """Puts what was counted since into the counters that all processes share."""
        with self.lock:
            arrived, self.untold = self.untold, 0
        for _ in range(arrived):
            limiter().count(load.ARRIVALS)


ARRIVALS = Arrivals()


def admit_session(address: str) -> Verdict:
    """Whether one more session may be opened from an address."""
    rate = per_minute(settings.ADDRESS_SESSIONS_PER_MINUTE, settings.ADDRESS_SESSIONS_BURST)
    buckets = address_buckets("ip-sessions", address, rate)
    return limiter().take(buckets) if buckets else ALLOWED


def admit_upload(visitor: str) -> Verdict:
    """Whether a visitor may send one more image now."""
    rate = per_minute(settings.UPLOADS_PER_MINUTE, settings.UPLOADS_PER_MINUTE)
    return limiter().take([Bucket("user-uploads", visitor, rate)])


def admit_suggestion(agent_id: int) -> Verdict:
    """Whether an agent may have one more thing written now."""
    rate = per_minute(settings.SUGGESTIONS_PER_MINUTE, settings.SUGGESTIONS_BURST)
    return limiter().take([Bucket("agent-suggestions", str(agent_id), rate)])


def client_address(peer: str, *, forwarded_for: str | None) -> str:
    """Who sent a request: the peer, or whom a trusted proxy says it speaks for.

    What comes through a proxy is not from this machine, though its peer may be: where that proxy is not trusted, all
    its customers are one.
    """
    address = limits.client_address(
        peer, forwarded_for=forwarded_for, trusted=settings.TRUSTED_PROXIES
    )
    return PROXIED if forwarded_for and is_unlimited(address) else address


def address_buckets(kind: str, address: str, rate: Rate) -> list[Bucket]:
    """The bucket of an address; none for one that is not limited, as this machine's own."""
    return [] if is_unlimited(address) else [Bucket(kind, limits.ip_key(address), rate)]


def is_unlimited(address: str) -> bool:
    known = limits.read_address(address)
    return known is not None and limits.is_in(settings.UNLIMITED_ADDRESSES, address=known)


def per_minute(messages: float, burst: int) -> Rate:
    return Rate(messages / 60, burst)


@cache
def limiter() -> Limiter:
    """The process's limiter; its `fallbacks` count what was judged without Redis."""
    return board.limiter(
        connection(), processes=settings.WEB_PROCESSES, pepper=settings.SECRET_KEY.encode()
    )
