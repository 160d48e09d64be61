"""How many messages and sessions a visitor and an address may send. Called by chat's actions, for sockets and API alike."""

from functools import cache

from django.conf import settings

from prompts.llm import board, limits, load
from prompts.llm.limits import ALLOWED, Bucket, Limiter, Rate, Verdict
from prompts.redis import connection


def admit_message(visitor: str, *, address: str) -> Verdict:
    """Whether one more message is taken now. One round trip."""
    buckets = [
        Bucket("user", visitor, per_minute(settings.MESSAGES_PER_MINUTE, settings.MESSAGES_BURST))
    ]
    rate = per_minute(settings.ADDRESS_MESSAGES_PER_MINUTE, settings.ADDRESS_MESSAGES_BURST)
    buckets += address_buckets("ip", address, rate)
    return limiter().take(buckets)


def count_message() -> None:
    """Counts a message towards the load.

    Not one that came before: clients send again what a busy platform has not acknowledged, and if that counted, the
    load would keep itself up.
    """
    limiter().count(load.ARRIVALS)


def admit_session(address: str) -> Verdict:
    """Whether one more session may be opened from an address."""
    rate = per_minute(settings.ADDRESS_SESSIONS_PER_MINUTE, settings.ADDRESS_SESSIONS_BURST)
    buckets = address_buckets("ip-sessions", address, rate)
    return limiter().take(buckets) if buckets else ALLOWED


def client_address(peer: str, *, forwarded_for: str | None) -> str:
    """Who sent a request: the peer, or whom a trusted proxy says it speaks for."""
    return limits.client_address(
        peer, forwarded_for=forwarded_for, trusted=settings.TRUSTED_PROXIES
    )


def address_buckets(kind: str, address: str, rate: Rate) -> list[Bucket]:
    """The bucket of an address; none for one that is not limited, as this machine's own."""
    known = limits.read_address(address)
    if known and limits.is_in(settings.UNLIMITED_ADDRESSES, address=known):
        return []
    return [Bucket(kind, limits.ip_key(address), rate)]


def per_minute(messages: float, burst: int) -> Rate:
    return Rate(messages / 60, burst)


@cache
def limiter() -> Limiter:
    """The process's limiter; its `fallbacks` count what was judged without Redis."""
    return board.limiter(
        connection(), processes=settings.WEB_PROCESSES, pepper=settings.SECRET_KEY.encode()
    )
