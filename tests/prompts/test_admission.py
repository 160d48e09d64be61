"""Visitors and addresses have buckets: both must have room, whoever shares them, with Redis and without."""

import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from prompts import admission, controls, redis
from prompts.llm import load
from prompts.llm.limits import ALLOWED

HOME, OFFICE = "203.0.113.7", "198.51.100.9"


@pytest.fixture(autouse=True)
def small(settings: Any) -> Iterator[None]:
    """Three messages at once for a visitor, five for an address, two sessions; hardly anything grows back."""
    settings.MESSAGES_PER_MINUTE = settings.ADDRESS_MESSAGES_PER_MINUTE = 0.001
    settings.ADDRESS_SESSIONS_PER_MINUTE = 0.001
    settings.MESSAGES_BURST, settings.ADDRESS_MESSAGES_BURST = 3, 5
    settings.ADDRESS_SESSIONS_BURST = 2
    settings.UNLIMITED_ADDRESSES = (ip_network("127.0.0.0/8"), ip_network("::1"))
    settings.TRUSTED_PROXIES = ()
    admission.limiter.cache_clear()
    redis.connection().flushdb()
    yield
    admission.limiter.cache_clear()


@pytest.fixture
def no_redis(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.REDIS_URL = f"unix://{tmp_path}/nothing-here.sock"
    redis.connection.cache_clear()
    yield
    redis.connection.cache_clear()


def admitted(visitor: str, address: str = HOME, *, times: int = 1) -> int:
    return sum(admission.admit_message(visitor, address=address).allowed for _ in range(times))


def sessions(address: str, *, times: int) -> int:
    return sum(admission.admit_session(address).allowed for _ in range(times))


def test_visitor_over_two_addresses_has_one_bucket() -> None:
    assert [admitted("v", HOME, times=2), admitted("v", OFFICE, times=2)] == [2, 1]
    refused = admission.admit_message("v", address=OFFICE)
    assert (refused.allowed, refused.who) == (False, "user")
    assert refused.wait_ms > 0


def test_two_visitors_on_one_address_share_its_bucket_and_no_other() -> None:
    assert [admitted("a", times=3), admitted("b", times=3)] == [3, 2]
    assert admission.admit_message("b", address=HOME).who == "ip"
    # What the address refused is not taken from the visitor, who goes on elsewhere.
    assert admitted("b", OFFICE, times=3) == 1


def test_loopback_is_not_limited_but_its_visitors_are() -> None:
    assert sum(admitted(f"v{number}", "127.0.0.1") for number in range(20)) == 20
    assert sum(admitted(f"w{number}", "::1") for number in range(20)) == 20
    assert admitted("v", "127.0.0.1", times=9) == 3


def test_ipv6_counts_by_its_64() -> None:
    neighbours = [f"2001:db8:1:2::{number:x}" for number in range(1, 9)]
    assert sum(admitted(f"v{a}", a) for a in neighbours) == 5
    assert admitted("other", "2001:db8:1:3::1") == 1


def test_ipv4_in_the_dress_of_ipv6_is_the_same_address() -> None:
    assert sum(admitted(f"a{n}", HOME) for n in range(3)) == 3
    assert sum(admitted(f"b{n}", f"::ffff:{HOME}") for n in range(3)) == 2


@pytest.mark.parametrize("address", ["", "not an address", "unix:"])
def test_unknown_addresses_share_one_bucket(address: str) -> None:
    assert sum(admitted(f"v{n}", address) for n in range(4)) == 4
    assert sum(admitted(f"w{n}", "also unknown") for n in range(4)) == 1


def test_sessions_are_limited_by_address_and_apart_from_messages() -> None:
    assert [sessions(HOME, times=4), sessions(OFFICE, times=4)] == [2, 2]
    refused = admission.admit_session(HOME)
    assert (refused.who, refused.wait_ms > 0) == ("ip-sessions", True)
    assert admitted("v", HOME) == 1
    assert sessions("127.0.0.1", times=50) == 50
    assert admission.admit_session("::1") == ALLOWED


@pytest.mark.django_db
def test_what_arrives_is_load_once_whatever_becomes_of_it() -> None:
    arrivals = admission.Arrivals()
    admitted("v", times=9)
    again = uuid4()

    for client_id in (again, uuid4(), again):
        arrivals.add(client_id, visitor=client_id.hex, address=HOME)
    arrivals.tell()

    kept: Any = redis.connection().hvals(load.ARRIVALS)
    assert sum(map(int, kept)) == 2


@pytest.mark.django_db
def test_arrivals_are_told_without_being_asked() -> None:
    arrivals = admission.Arrivals()
    arrivals.add(uuid4(), visitor=uuid4().hex, address="127.0.0.1")

    deadline = time.monotonic() + 10
    while not redis.connection().exists(load.ARRIVALS) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert redis.connection().exists(load.ARRIVALS)


def test_keys_seen_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "SEEN_MOST", 2)
    arrivals = admission.Arrivals()
    for _ in range(5):
        arrivals.add(uuid4(), visitor=uuid4().hex, address="127.0.0.1")
    assert len(arrivals.seen) == 2


def test_addresses_and_visitors_are_not_readable_in_redis() -> None:
    admitted("visitor-1", HOME)
    sessions(HOME, times=1)
    kept: Any = redis.connection().keys("*")
    assert kept
    assert not any(HOME.encode() in name or b"visitor-1" in name for name in kept)


@pytest.mark.usefixtures("no_redis")
def test_without_redis_each_process_judges_with_its_part(settings: Any) -> None:
    settings.WEB_PROCESSES = 3
    assert admitted("v", times=9) == 1
    assert admission.limiter().fallbacks == 9
    assert sessions(HOME, times=9) == 1


@pytest.mark.usefixtures("no_redis")
@pytest.mark.django_db
def test_without_redis_messages_still_count_as_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meter = load.Meter()
    monkeypatch.setattr(load, "HERE", meter)
    admission.limiter.cache_clear()
    arrivals = admission.Arrivals()
    for _ in range(3):
        arrivals.add(uuid4(), visitor=uuid4().hex, address="127.0.0.1")
    arrivals.tell()
    assert sum(meter.arrivals.values()) == 3
    assert admission.limiter().fallbacks == 0
    assert not controls.board().shared


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "trusted", "address"),
    [
        (HOME, None, [], HOME),
        (HOME, OFFICE, [], HOME),
        (HOME, OFFICE, ["10.0.0.0/8"], HOME),
        ("10.0.0.1", HOME, ["10.0.0.0/8"], HOME),
        ("10.0.0.1", None, ["10.0.0.0/8"], "10.0.0.1"),
        # What the client wrote itself stands left of what the proxy adds.
        ("10.0.0.1", f"127.0.0.1, {HOME}", ["10.0.0.0/8"], HOME),
        ("10.0.0.1", f"{OFFICE}, {HOME}, 10.0.0.2", ["10.0.0.0/8"], HOME),
        ("10.0.0.1", f"{HOME}:5678", ["10.0.0.0/8"], HOME),
        ("10.0.0.1", f"{OFFICE}, nonsense", ["10.0.0.0/8"], "10.0.0.1"),
        ("10.0.0.1", ",,", ["10.0.0.0/8"], "10.0.0.1"),
        ("", OFFICE, ["10.0.0.0/8"], ""),
    ],
)
def test_client_address_believes_trusted_proxies_only(
    settings: Any, peer: str, forwarded_for: str | None, trusted: list[str], address: str
) -> None:
    settings.TRUSTED_PROXIES = tuple(map(ip_network, trusted))
    assert admission.client_address(peer, forwarded_for=forwarded_for) == address
