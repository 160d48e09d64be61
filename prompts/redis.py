"""The process's one pool of Redis connections. Whatever Redis holds may vanish at any time."""

from functools import cache

from django.conf import settings
from redis import Redis


@cache
def connection() -> Redis:
    """The client; its timeouts keep a Redis that hangs from holding up a visitor."""
    seconds = settings.REDIS_TIMEOUT_SECONDS
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=seconds, socket_connect_timeout=seconds
    )
