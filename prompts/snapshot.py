"""What staff edit, as of a moment ago: endpoints, texts, policy, canaries, thresholds. Read by completion on every turn.

Postgres holds it. Each process keeps a copy for SNAPSHOT_SECONDS at most; `announce` raises the version in Redis
and publishes it, upon which every process drops its copy at once.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from redis import Redis, RedisError

from prompts import example_sets, fewshots, release_trials
from prompts.fewshots import Library
from prompts.llm.catalogue import Capabilities, Endpoint, Price
from prompts.llm.features import Arm, Tally
from prompts.llm.load import Level, Thresholds
from prompts.llm.router import Policy, PolicyError
from prompts.models import (
    Budget,
    Canary,
    LoadPolicy,
    ModelEndpoint,
    NluModel,
    Prompt,
    PromptVersion,
    QualityCell,
    RoutePolicy,
)
from prompts.redis import connection as redis_connection
from prompts.release_trials import Published, ReleaseTrial, Shadow

log = structlog.get_logger(__name__)

# Beyond the first age one thread reads anew while the others go on; beyond the second everybody waits for it.
SNAPSHOT_SECONDS, SOFT_SECONDS = 5.0, 3.0
VERSION_KEY, CHANNEL = "prompts:version", "prompts:changed"
LISTEN_SECONDS = 5.0
# Where a provider's key may go without anyone having said so.
VENDOR_HOSTS = {
    "openai": {"api.openai.com"},
    "anthropic": {"api.anthropic.com"},
    "dashscope": {"dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com"},
}
LOOPBACK = {"127.0.0.1", "localhost", "::1"}

Cell = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Record:
    """How one endpoint fared: over all its turns, by intent, and by (intent, emotion, length)."""

    overall: Tally = field(default_factory=Tally)
    of_intent: dict[str, Tally] = field(default_factory=dict)
    of_cell: dict[Cell, Tally] = field(default_factory=dict)
    p95_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What staff edit, as of `taken_at` (monotonic seconds)."""

    endpoints: tuple[Endpoint, ...]
    prompts: dict[tuple[str, str], PromptVersion]
    library: Library
    policy: Policy
    arms: tuple[Arm, ...]
    thresholds: Thresholds
    forced: Level | None
    budgets: tuple[Budget, ...]
    records: dict[str, Record]
    # Releases that some buckets hear; what of releases everybody else hears.
    trials: tuple[ReleaseTrial, ...]
    published: Published
    # By version: the set of examples it is shown; none, or 0: `library`.
    example_sets: Mapping[int, int]
    # Drafts that answer silently.
    shadows: tuple[Shadow, ...]
    # The SOPs that are searched; see prompts.retrieval.
    sop_set: int
    # The version of the classifier in force; 0: none yet.
    nlu_number: int
    taken_at: float


class Dated(Protocol):
    """What knows when it was read, in monotonic seconds."""

    @property
    def taken_at(self) -> float: ...


Taken = TypeVar("Taken", bound=Dated)


class Cache(Generic[Taken]):
    """The process's copy. One thread reads it anew while the others go on with what is fresh enough."""

    def __init__(self, take: Callable[[], Taken]) -> None:
        self.take = take
        self.kept: Taken | None = None
        self.dropped_at = 0.0
        self.lock = threading.Lock()

    def get(self) -> Taken:
        kept = self.usable()
        if kept is not None and time.monotonic() - kept.taken_at < SOFT_SECONDS:
            return kept
        if not self.lock.acquire(blocking=kept is None) and kept is not None:
            return kept
        try:
            fresh = self.usable()
            if fresh is None or fresh is kept:  # nobody else read it while we waited
                self.kept = fresh = self.take()
            return fresh
        finally:
            self.lock.release()

    def usable(self) -> Taken | None:
        """The copy, unless it is too old or something changed since it was taken."""
        kept = self.kept
        if kept is None or kept.taken_at <= self.dropped_at:
            return None
        return kept if time.monotonic() - kept.taken_at < SNAPSHOT_SECONDS else None

    def clear(self) -> None:
        self.dropped_at = time.monotonic()


class Listener:
    """Drops the process's copies when another process announces a change. Without Redis their age alone does."""

    def __init__(self, *caches: "Cache[Any]") -> None:
        self.caches = list(caches)
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Listens from now on; nothing when it does already."""
        if self.thread is not None:
            return
        with self.lock:
            if self.thread is None:
                self.thread = threading.Thread(target=self.loop, name="changes", daemon=True)
                self.thread.start()

    def loop(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self.listen(redis_connection())
            except RedisError as error:
                log.warning("changes_unheard", error=type(error).__name__)
                pause.wait(SOFT_SECONDS)

    def listen(self, client: Redis) -> None:
        with client.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]  # in redis
            channel.subscribe(CHANNEL)
            self.forget()  # whatever was announced before we listened
            while True:
                if channel.get_message(timeout=LISTEN_SECONDS) is not None:
                    self.forget()

    def forget(self) -> None:
        for cache in self.caches:
            cache.clear()


def snapshot() -> Snapshot:
    """The current snapshot, at most SNAPSHOT_SECONDS old."""
    LISTENER.start()
    return CACHE.get()


def announce() -> None:
    """Tells every process, once the transaction is committed, that what staff edit has changed."""
    transaction.on_commit(publish)


def also_drop(cache: "Cache[Taken]") -> "Cache[Taken]":
    """Another copy of what staff edit, to be dropped with the snapshot."""
    LISTENER.caches.append(cache)
    return cache


def publish() -> None:
    LISTENER.forget()
    try:
        pipeline = redis_connection().pipeline(transaction=False)
        pipeline.incr(VERSION_KEY)
        pipeline.publish(CHANNEL, b"1")
        pipeline.execute()
    except RedisError as error:
        log.warning("change_unannounced", error=type(error).__name__)


def take_snapshot() -> Snapshot:
    taken_at = time.monotonic()  # before the first query: what changes meanwhile makes it stale
    prompts = Prompt.objects.select_related("current").exclude(current=None)
    load = LoadPolicy.objects.first() or LoadPolicy()
    library = fewshots.read(CACHE.kept.library if CACHE.kept else Library())
    published, trials = release_trials.published(), release_trials.read()
    shadows = release_trials.shadows()
    warm_examples(published, (*trials, *(each.trial for each in shadows)), library)
    return Snapshot(
        endpoints=tuple(readable_endpoints()),
        prompts={(p.purpose, p.language): p.current for p in prompts if p.current},
        library=library,
        policy=active_policy(),
        arms=running_arms(),
        thresholds=as_thresholds(load),
        forced=forced_level(load),
        budgets=tuple(Budget.objects.filter(enabled=True)),
        records=records(),
        trials=trials,
        published=published,
        example_sets=published.example_sets,
        shadows=shadows,
        sop_set=release_trials.sops_in_force(),
        nlu_number=active_classifier(),
        taken_at=taken_at,
    )


def warm_examples(published: Published, trials: tuple[ReleaseTrial, ...], library: Library) -> None:
    """No turn waits for the examples of a release: they are read before it is heard, once in a process."""
    tried = {trial.example_set for trial in trials}
    heard = {*published.example_sets.values(), *tried}
    example_sets.warm(heard - {example_sets.AS_EDITED}, library)


CACHE = Cache(take_snapshot)
LISTENER = Listener(CACHE)


def readable_endpoints() -> Iterator[Endpoint]:
    """The enabled endpoints. A row that makes no sense is left out with a log line: it must not silence the bot."""
    for row in ModelEndpoint.objects.filter(enabled=True):
        try:
            yield as_endpoint(row)
        except ValueError:
            log.exception("endpoint_unreadable", endpoint=row.name)


def as_endpoint(row: ModelEndpoint) -> Endpoint:
    """The row with its key and address from the environment, where it names or leaves them. Raises ValueError."""
    if row.currency not in settings.CNY_PER:
        raise ValueError(f"currency {row.currency} has no rate")
    return Endpoint(
        name=row.name,
        provider=row.provider,
        model=row.model,
        base_url=row.base_url or default_base_url(row.provider),
        api_key=key_of(row),
        priority=row.priority,
        strength=row.strength,
        dispatcher=row.dispatcher,
        quality=row.quality,
        context_tokens=row.context_tokens,
        max_output_tokens=row.max_output_tokens,
        tokens_per_minute=row.tokens_per_minute,
        timeout_seconds=row.timeout_seconds,
        deadline_seconds=row.deadline_seconds,
        price=as_price(row),
        capabilities=Capabilities.model_validate(row.capabilities),
    )


def as_price(row: ModelEndpoint) -> Price:
    return Price(
        input=row.price_in,
        output=row.price_out,
        cached=row.price_cached,
        cache_write=row.price_cache_write,
        currency=row.currency,
        since=row.price_since.isoformat() if row.price_since else "",
    )


def key_of(row: ModelEndpoint) -> str:
    """The key the row names; empty when its variable is not set."""
    key: str = settings.MODEL_API_KEYS.get(row.api_key_env, "")
    return key


def default_base_url(provider: str) -> str:
    found: str = settings.MODEL_BASE_URLS.get(f"{provider.upper()}_BASE_URL", "")
    return found


def is_demo(endpoint: Endpoint) -> bool:
    """Whether the demo provider plays it: every provider's own address is the fake's while it is switched on."""
    usual = default_base_url(endpoint.provider)
    return bool(settings.DEMO_PROVIDER and usual and endpoint.base_url == usual)


def base_url_problem(provider: str, base_url: str) -> str:
    """Why no key may be sent to `base_url`, in Chinese and English; empty when it may.

    Staff who can edit a row must not be able to send a key to a server of their own.
    """
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return "地址格式不正确。 This is not an address."
    if host in VENDOR_HOSTS.get(provider, set()) and urlsplit(base_url).scheme != "https":
        return "服务商的地址要用 https。 A vendor's address begins with https."
    named = {urlsplit(url).hostname for url in settings.MODEL_BASE_URLS.values()}
    allowed = VENDOR_HOSTS.get(provider, set()) | LOOPBACK | named | set(settings.MODEL_HOSTS)
    if not base_url or host in allowed:
        return ""
    return (
        f"密钥不会发送到 {host}:请先把它加入环境变量 YINGDA_MODEL_HOSTS。 "
        f"No key is sent to {host}: add it to YINGDA_MODEL_HOSTS first."
    )


def active_classifier() -> int:
    numbers = NluModel.objects.filter(active=True).values_list("number", flat=True)
    return numbers.first() or 0


def active_policy() -> Policy:
    """The policy in force; the built-in one where there is none, or where it cannot be read."""
    row = RoutePolicy.objects.filter(active=True).first()
    try:
        return as_policy(row) if row else Policy()
    except PolicyError:
        log.exception("policy_unreadable", policy=str(row))
        return Policy()


def as_policy(row: RoutePolicy) -> Policy:
    """The policy a version holds, under its number."""
    return Policy.from_json({**row.content, "version": str(row.number)})


def running_arms() -> tuple[Arm, ...]:
    rows = Canary.objects.filter(status=Canary.Status.RUNNING).select_related("endpoint")
    return tuple(
        Arm(row.name, row.first_bucket, row.last_bucket, row.endpoint.name)
        for row in rows.order_by("first_bucket", "name")
    )


def as_thresholds(row: LoadPolicy) -> Thresholds:
    return Thresholds(
        enter=(row.enter_light, row.enter_sop, row.enter_queue),
        leave=(row.leave_light, row.leave_sop, row.leave_queue),
        hold_seconds=row.hold_seconds,
        mean_seconds=row.mean_seconds,
    )


def forced_level(row: LoadPolicy) -> Level | None:
    """The level that was set by hand, while its time lasts."""
    if row.forced_level is None or (row.forced_until and row.forced_until <= timezone.now()):
        return None
    return Level(row.forced_level)


def records() -> dict[str, Record]:
    """How every endpoint fared, from the cells that prompts.tasks counts."""
    found: dict[str, Record] = {}
    for cell in QualityCell.objects.all():
        tally = Tally(cell.good, cell.n)
        kept = found.get(cell.endpoint, Record())
        if not cell.intent:
            found[cell.endpoint] = Record(tally, kept.of_intent, kept.of_cell, cell.p95_ms)
            continue
        before = kept.of_intent.get(cell.intent, Tally())
        kept.of_intent[cell.intent] = Tally(before.good + tally.good, before.n + tally.n)
        kept.of_cell[cell.intent, cell.emotion, cell.length] = tally
        found[cell.endpoint] = kept
    return found


def release_connection() -> None:
    """Returns the thread's connection to the pool, so that none is held while a model talks."""
    if not connection.in_atomic_block:
        connection.close()
