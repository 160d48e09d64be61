"""Buckets hold over processes and threads, by user and address, with Redis and without; so do tokens a minute."""

import math
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from prompts.llm import limits, scripts
from prompts.llm.limits import Bucket, Limiter, Rate, TokenWindow, Verdict, client_address, ip_key
from prompts.redis import connection
from tests.prompts.llm.racing import granted_over_processes

# Another test may hold the machine up for a while.
EASY = hypothesis.settings(deadline=None)
SECOND = 1_000_000
START = 1_796_000_000 * SECOND
# Refills nothing while a test runs.
FROZEN = 1e-6
SLOW = Rate(FROZEN, 3)
BIG = Rate(FROZEN, 100)
PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.fixture
def client() -> Any:
    """Redis with nothing in it."""
    connection().flushdb()
    return connection()


def dead(folder: Path) -> Redis:
    return Redis.from_url(f"unix://{folder}/redis.sock")


def user(key: str = "u1", *, rate: Rate = SLOW, cost: float = 1.0) -> Bucket:
    return Bucket("user", key, rate, cost)


def ip(key: str = "9.9.9.9", *, rate: Rate = BIG) -> Bucket:
    return Bucket("ip", key, rate)


def taken(client: Any, *buckets: Bucket, times: int) -> list[bool]:
    return [limits.take(client, buckets).allowed for _ in range(times)]


# --- buckets ---------------------------------------------------------------------------------------


def test_take_grants_the_burst_then_says_who_and_when(client: Any) -> None:
    bucket = user(rate=Rate(5, 10))
    verdicts = [limits.take(client, [bucket], now_us=START) for _ in range(11)]

    assert [v.allowed for v in verdicts] == [True] * 10 + [False]
    assert verdicts[-1] == Verdict(allowed=False, who="user", wait_ms=200)
    early, late = (
        limits.take(client, [bucket], now_us=START + ms * 1000).allowed for ms in (199, 200)
    )
    assert (early, late) == (False, True)


def test_take_by_the_servers_clock_refills(client: Any) -> None:
    bucket = user(rate=Rate(50, 1))
    assert limits.take(client, [bucket]).allowed

    while not limits.take(client, [bucket]).allowed:
        assert client.pttl(limits.bucket_key(bucket, pepper=b"")) > 0  # pending, and cleaned up

    assert not limits.take(client, [replace(bucket, rate=Rate(FROZEN, 1))]).allowed


def test_take_refused_by_one_bucket_takes_from_none(client: Any) -> None:
    assert taken(client, user(), ip(), times=5) == [True] * 3 + [False] * 2

    refused = limits.take(client, [ip(), user()])

    assert (refused.allowed, refused.who) == (False, "user")
    assert taken(client, ip(), times=98) == [True] * 97 + [False]


def test_take_names_the_bucket_that_waits_longest(client: Any) -> None:
    buckets = [user(rate=Rate(10, 1)), ip(rate=Rate(2, 1))]
    limits.take(client, buckets, now_us=START)

    assert limits.take(client, buckets, now_us=START) == Verdict(
        allowed=False, who="ip", wait_ms=500
    )


def test_one_user_on_two_addresses_has_one_users_share(client: Any) -> None:
    home, office = ip("1.1.1.1"), ip("2.2.2.2")

    granted = [limits.take(client, [user(), place]).allowed for place in (home, office) * 3]

    assert granted == [True] * 3 + [False] * 3


def test_two_users_on_one_address_have_a_share_each(client: Any) -> None:
    shop = ip(rate=Rate(FROZEN, 5))

    granted = [limits.take(client, [user(who), shop]) for who in ("a", "b") * 3]

    assert [v.allowed for v in granted] == [True] * 5 + [False]
    assert granted[-1].who == "ip"


def test_take_that_costs_more_than_the_burst_never_reaches_redis(tmp_path: Path) -> None:
    verdict = limits.take(dead(tmp_path), [ip(), user(cost=3.5)])

    assert verdict == Verdict(allowed=False, who="user", wait_ms=0)


@pytest.mark.parametrize("bad", [0, -1, math.inf, math.nan])
def test_rate_names_what_is_not_positive(bad: float) -> None:
    with pytest.raises(ValueError, match="per_second"):
        Rate(bad, 1)
    with pytest.raises(ValueError, match="burst"):
        Rate(1, bad)


def test_a_clock_that_was_put_back_does_not_stop_the_filling(client: Any) -> None:
    bucket = user(rate=Rate(1, 1))
    limits.take(client, [bucket], now_us=START)
    back = START - 3600 * SECOND

    refused = limits.take(client, [bucket], now_us=back)

    assert refused == Verdict(allowed=False, who="user", wait_ms=1000)
    assert limits.take(client, [bucket], now_us=back + SECOND).allowed


def test_redis_holds_no_address_and_no_user_in_clear(client: Any) -> None:
    limits.take(client, [user("zhang.wei@example.com"), ip("203.0.113.9")], pepper=b"secret")

    held = b" ".join(
        key + b" " + b" ".join(client.hvals(key)) for key in client.scan_iter("limit:*")
    )

    assert held.count(b"limit:{llm}:") == 2
    assert b"zhang" not in held
    assert b"203.0.113" not in held


def test_keys_depend_on_the_pepper_and_share_a_slot() -> None:
    peppers = (b"", b"a", b"x" * 64, b"x" * 65)
    keys = {limits.bucket_key(bucket, pepper=p) for bucket in (user(), ip()) for p in peppers}

    assert len(keys) == 8
    assert {key[key.index("{") : key.index("}")] for key in keys} == {"{llm"}


def test_take_counts_what_it_allows_by_second(client: Any) -> None:
    for moment in (START, START + SECOND - 1, START + SECOND, START + SECOND):
        limits.take(client, [user()], counted_as="load", now_us=moment)

    second = START // SECOND
    assert client.hgetall("load") == {b"%d" % second: b"2", b"%d" % (second + 1): b"1"}
    assert 0 < client.ttl("load") <= limits.COUNTS_KEPT_SECONDS


def test_take_clears_away_counts_nobody_reads(client: Any) -> None:
    kept = limits.COUNTS_KEPT_SECONDS
    seconds = (0, 1, kept - 1, kept)

    for second in seconds:
        limits.take(client, [], counted_as="load", now_us=START + second * SECOND)

    counted = sorted(int(key) - START // SECOND for key in client.hkeys("load"))
    assert counted == [1, kept - 1, kept]


def test_a_message_costs_one_round_trip(client: Any) -> None:
    buckets = [user(rate=BIG), ip(), Bucket("site", "s", BIG)]
    limits.take(client, buckets, counted_as="load")

    with client.monitor() as monitor:
        limits.take(client, buckets, counted_as="load")
        client.echo("end")
        sent = []
        while "ECHO end" not in sent:
            line = monitor.next_command()
            sent += [line["command"]] if line["client_type"] != "lua" else []

    assert [command.split()[0] for command in sent] == ["EVALSHA", "ECHO"]


steps = st.lists(
    st.tuples(
        st.integers(-2 * SECOND, 5 * SECOND),  # the clock may go back
        st.sampled_from([(0,), (1,), (0, 1), (1, 0), (0, 1, 2)]),
        st.floats(0.01, 4.0),
    ),
    min_size=1,
    max_size=25,
)
rates = st.builds(Rate, st.floats(0.01, 50.0), st.floats(1.0, 10.0))


@EASY
@given(kinds=st.tuples(rates, rates, rates), steps=steps)
def test_the_script_and_this_process_judge_alike(
    kinds: tuple[Rate, ...], steps: list[tuple[int, tuple[int, ...], float]]
) -> None:
    client: Any = connection()
    here, now = limits.Here(), START
    client.flushdb()
    for passed, chosen, cost in steps:
        now += passed
        buckets = [Bucket(f"kind{i}", "k", kinds[i], cost) for i in chosen]
        there = limits.take(client, buckets, now_us=now)
        local = limits.find_too_dear(buckets) or here.take(buckets, now_us=now)
        assert there == local


@EASY
@given(rate=rates, waits=st.lists(st.integers(0, 2 * SECOND), min_size=1, max_size=60))
def test_never_more_than_the_burst_and_the_refill(rate: Rate, waits: list[int]) -> None:
    client, now = connection(), START
    client.flushdb()
    granted = 0
    for wait in waits:
        now += wait
        granted += limits.take(client, [user(rate=rate)], now_us=now).allowed
        passed = (now - START) / SECOND
        assert granted <= rate.burst + passed * rate.per_second + 1e-6


# --- many at once ----------------------------------------------------------------------------------


def test_50_threads_in_4_processes_get_exactly_the_burst(client: Any) -> None:
    buckets = [user(rate=Rate(FROZEN, 137)), ip(rate=Rate(FROZEN, 5000))]

    granted = granted_over_processes(settings.REDIS_URL, buckets, processes=4, threads=50, each=3)

    assert granted == 137
    spent = client.hget(limits.bucket_key(buckets[1], pepper=b""), "tokens")
    assert (
        round(5000 - float(spent)) == 137
    )  # what the user may not, the address is not charged for


def test_50_threads_in_4_processes_get_exactly_what_was_left_and_refilled(client: Any) -> None:
    # Never full, so that every token can be accounted for.
    bucket = user(rate=Rate(20, 100_000))
    key = limits.bucket_key(bucket, pepper=b"")
    seconds, microseconds = client.time()
    began = seconds * SECOND + microseconds
    client.hset(key, mapping={"tokens": 30, "at": began})

    granted = granted_over_processes(settings.REDIS_URL, [bucket], processes=4, threads=50, each=5)

    tokens, at = client.hmget(key, "tokens", "at")
    refilled = (int(at) - began) / SECOND * 20
    assert granted == pytest.approx(30 + refilled - float(tokens), abs=1e-6)
    assert 30 < granted < 1000


# --- without Redis ---------------------------------------------------------------------------------


def test_limiter_without_redis_grants_its_share_of_the_burst(tmp_path: Path) -> None:
    limiter = Limiter(dead(tmp_path), processes=4)
    bucket = user(rate=Rate(FROZEN, 20))

    verdicts = [limiter.take([bucket]) for _ in range(7)]

    assert [v.allowed for v in verdicts] == [True] * 5 + [False] * 2
    assert (verdicts[-1].who, limiter.fallbacks) == ("user", 7)


def test_limiter_without_redis_lets_a_small_burst_through_once(tmp_path: Path) -> None:
    limiter = Limiter(dead(tmp_path), processes=8)

    granted = [limiter.take([user(rate=Rate(FROZEN, 2))]).allowed for _ in range(3)]

    assert granted == [True, False, False]


def test_limiter_without_redis_refuses_what_costs_more_than_the_burst(tmp_path: Path) -> None:
    assert Limiter(dead(tmp_path)).take([user(cost=4)]) == Verdict(allowed=False, who="user")


def test_limiter_without_redis_counts_arrivals_it_allows(tmp_path: Path) -> None:
    counted: list[int] = []
    limiter = Limiter(dead(tmp_path), count_here=lambda: counted.append(1))

    for _ in range(5):
        limiter.take([user()], counted_as="load")
    limiter.take([ip()])

    assert len(counted) == 3


def test_limiter_uses_redis_again_once_it_is_back(client: Any, tmp_path: Path) -> None:
    limiter = Limiter(dead(tmp_path))
    assert limiter.take([user()]).allowed
    (tmp_path / "redis.sock").symlink_to(client.connection_pool.connection_kwargs["path"])
    scripts.outage_of(limiter.client).rests_until = 0.0

    granted = [limiter.take([user()]).allowed for _ in range(4)]

    assert (granted, limiter.fallbacks) == ([True] * 3 + [False], 1)
    assert client.exists(limits.bucket_key(user(), pepper=b""))


def test_limiter_without_redis_forgets_the_longest_unused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HERE_MAX", 3)
    limiter = Limiter(dead(tmp_path))

    for key in ("a", "b", "c", "a", "d"):
        limiter.take([user(key)])

    assert [key for _, key in limiter.here.kept] == ["c", "a", "d"]


# --- tokens a minute -------------------------------------------------------------------------------

WINDOW = TokenWindow("main", per_minute=6000)


def left(client: Any, window: TokenWindow, *, now_us: int = START) -> int | None:
    stored = client.hmget(limits.tokens_key(window.endpoint), ["tokens", "at"])
    return limits.tokens_left(stored, per_minute=window.per_minute, now_us=now_us)


def test_reserve_takes_from_the_minute_until_it_is_spent(client: Any) -> None:
    assert left(client, WINDOW) == 6000

    granted = [WINDOW.reserve(client, 2500, now_us=START) for _ in range(3)]

    assert (granted, left(client, WINDOW)) == ([True, True, False], 1000)
    assert left(client, WINDOW, now_us=START + 15 * SECOND) == 2500
    assert WINDOW.reserve(client, 2500, now_us=START + 15 * SECOND)


def test_settle_gives_back_what_was_not_used(client: Any) -> None:
    WINDOW.reserve(client, 5000, now_us=START)

    WINDOW.settle(client, reserved=5000, actual=1200, now_us=START)
    assert left(client, WINDOW) == 4800

    WINDOW.settle(client, reserved=5000, actual=0, now_us=START)
    assert left(client, WINDOW) == 6000  # never more than a minute's worth


def test_settle_leaves_a_debt_that_has_to_be_worked_off(client: Any) -> None:
    WINDOW.reserve(client, 5000, now_us=START)

    WINDOW.settle(client, reserved=5000, actual=12_000, now_us=START)

    assert left(client, WINDOW) == -6000
    assert not WINDOW.reserve(client, 1, now_us=START + 60 * SECOND)
    assert WINDOW.reserve(client, 100, now_us=START + 61 * SECOND)
    assert client.ttl(limits.tokens_key("main")) > 60  # not forgotten before it is paid


def test_settle_after_redis_was_wiped_still_counts(client: Any) -> None:
    WINDOW.settle(client, reserved=100, actual=1100, now_us=START)

    assert left(client, WINDOW) == 5000


def test_reserve_of_more_than_a_minute_holds_is_refused(client: Any) -> None:
    assert not WINDOW.reserve(client, 6001)
    assert left(client, WINDOW) == 6000


def test_without_a_limit_redis_is_not_asked(client: Any) -> None:
    free = TokenWindow("free", per_minute=0)

    assert free.reserve(client, 10**9)
    free.settle(client, reserved=10**9, actual=1)

    assert (left(client, free), client.dbsize()) == (None, 0)


def test_tokens_are_allowed_while_redis_is_away(tmp_path: Path) -> None:
    client = dead(tmp_path)

    assert WINDOW.reserve(client, 6000)
    WINDOW.settle(client, reserved=6000, actual=1)
    assert WINDOW.reserve(client, 6000)


# --- addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("::FFFF:cb00:7109", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1%eth0", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("203.0.113.9:51000", "203.0.113.9"),
        ("", "unknown"),
        ("localhost", "unknown"),
        ("1.2.3", "unknown"),
        ("1.2.3.4.5", "unknown"),
        ("127.0.0.1, 10.0.0.1", "unknown"),
    ],
)
def test_ip_key_is_one_per_customer(address: str, key: str) -> None:
    assert ip_key(address) == key


@EASY
@given(prefix=st.integers(1 << 48, (1 << 64) - 1), hosts=st.lists(st.integers(0, (1 << 64) - 1)))
def test_ip_key_is_the_same_all_over_a_64(prefix: int, hosts: list[int]) -> None:
    keys = {ip_key(str(IPv6Address((prefix << 64) | host))) for host in hosts}

    assert len(keys) <= 1


@EASY
@given(st.text())
def test_ip_key_takes_any_text(text: str) -> None:
    assert ip_key(text)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "1.1.1.1", "203.0.113.9"),  # nobody we trust says so
        ("203.0.113.9", "1.1.1.1, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),  # the left part is the client's own
        ("10.0.0.1", "1.1.1.1,203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("fd00::1", "2001:db8::1, ::ffff:10.0.0.2", "2001:db8::1"),
        ("10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "1.1.1.1, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "1.1.1.1,", "10.0.0.1"),
        ("", "1.1.1.1", ""),
        ("unix:", "1.1.1.1", "unix:"),
    ],
)
def test_client_address_is_the_last_hop_we_can_vouch_for(
    peer: str, forwarded_for: str | None, client: str
) -> None:
    assert client_address(peer, forwarded_for=forwarded_for, trusted=PROXIES) == client


@EASY
@given(st.text() | st.lists(st.ip_addresses().map(str)).map(", ".join))
def test_spoofing_changes_nothing_unless_the_proxy_is_trusted(forged: str) -> None:
    assert client_address("203.0.113.9", forwarded_for=forged, trusted=PROXIES) == "203.0.113.9"
    assert client_address("10.0.0.1", forwarded_for=forged, trusted=()) == "10.0.0.1"
    behind = client_address("10.0.0.1", forwarded_for=f"{forged}, 203.0.113.9", trusted=PROXIES)
    assert behind == "203.0.113.9"


def test_rotating_forged_headers_end_at_the_same_limit(client: Any) -> None:
    granted = 0
    for number in range(50):
        forged = f"{IPv4Address(0x01010101 + number)}, 203.0.113.9"
        address = client_address("10.0.0.1", forwarded_for=forged, trusted=PROXIES)
        granted += limits.take(client, [ip(ip_key(address), rate=Rate(FROZEN, 10))]).allowed

    assert granted == 10
