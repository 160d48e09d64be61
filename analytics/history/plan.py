"""Tells one conversation after the other, in the order of time, from a seed. Pure: numbers in, stories out."""

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from analytics.history import scenes

Name = TypeVar("Name")
# Lines a conversation has on average with the numbers below; found by counting.
LINES_EACH = 6.85
KEPT_VISITORS = 4000
AGENTS_SLOW_AT = 20


@dataclass(frozen=True, slots=True)
class Shop:
    """An inbox, its agents, and the share of customers that come to it."""

    inbox_id: int
    key: str
    share: float
    agent_ids: Sequence[int]
    agent_names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Called:
    """One attempt at an endpoint."""

    endpoint: str
    failed: str
    first_token_ms: float
    total_ms: float
    tokens_in: int
    tokens_out: int
    cost: float


@dataclass(frozen=True, slots=True)
class Ran:
    """One turn of the bot, with what it was about, and how long it took."""

    id: str
    seq: int
    at: float
    took_ms: float
    state: str
    intent: str
    mood: str
    endpoint: str
    cause: str
    release: str
    saving: float
    calls: list[Called]


@dataclass(frozen=True, slots=True)
class Said:
    """One line, at seconds since the epoch; `meta` is JSON."""

    role: str
    text: str
    at: float
    turn: str = ""
    meta: str = "{}"
    author: str = ""


@dataclass(slots=True)
class Story:
    """Everything of one conversation."""

    id: str
    visitor: str
    new_visitor: bool
    tier: str
    shop: Shop
    at: float
    lines: list[Said] = field(default_factory=list)
    turns: list[Ran] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    opened_at: float = 0.0
    claimed_at: float = 0.0
    end: str = ""
    agent: int = -1
    resolved: bool = False
    score: int = 0
    said_resolved: bool = False
    rating_tags: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)

    @property
    def last_at(self) -> float:
        return self.lines[-1].at


def tell(
    shops: Sequence[Shop], *, messages: int, days: int, until: datetime, seed: int
) -> Iterator[Story]:
    """Conversations of about `messages` lines over the `days` before `until`."""
    teller = Teller(shops, Random(seed), first=until - timedelta(days=days), days=days)  # noqa: S311  # no secret
    starts = [until - timedelta(hours=hours) for hours in range(days * 24, 0, -1)]
    weights = [weight(start) for start in starts]
    wanted = messages / LINES_EACH / sum(weights)
    owed = 0.0
    for start, each in zip(starts, weights, strict=True):
        owed += each * wanted
        begun, owed = int(owed), owed - int(owed)
        moments = sorted(start.timestamp() + teller.rng.random() * 3600 for _ in range(begun))
        for moment in moments:
            yield teller.story(moment, busy=each)


def weight(hour: datetime) -> float:
    """How many customers come in an hour, as a share of the busiest of an ordinary day."""
    sale = scenes.SALES.get((hour.month, hour.day), 1.0)
    return scenes.HOURS[hour.hour] * scenes.WEEKDAYS[hour.weekday()] * sale


class Teller:
    """Draws one conversation after the other; knows who came before."""

    def __init__(self, shops: Sequence[Shop], rng: Random, *, first: datetime, days: int) -> None:
        self.shops, self.rng = shops, rng
        self.first, self.seconds = first.timestamp(), days * 86400.0
        self.known: deque[tuple[str, str, Shop]] = deque(maxlen=KEPT_VISITORS)

    def pick(self, chances: Mapping[Name, float]) -> Name:
        return self.rng.choices(list(chances), list(chances.values()))[0]

    def id(self) -> str:
        bits = f"{self.rng.getrandbits(128):032x}"
        return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"

    def story(self, at: float, *, busy: float) -> Story:
        """One conversation from its first line to its rating."""
        rng = self.rng
        told = self.begin(at)
        intent = self.pick({name: odds[0] for name, odds in scenes.INTENTS.items()})
        _, settled, wanted, bad = scenes.INTENTS[intent]
        # Every release made it a little better.
        better = 1.0 + 0.035 * self.release_number(at)
        mood = -1 if rng.random() < bad else (1 if rng.random() < 0.1 else 0)
        clock = at
        for turn in range(1 + min(int(rng.expovariate(0.42)), 14)):
            clock += rng.lognormvariate(3.2, 0.9) if turn else 1.0
            if turn and rng.random() < 0.02:
                clock += rng.uniform(1900, 14000)
            clock, mood = self.exchange(
                told, clock, intent, mood, first=turn == 0, settled=settled * better
            )
        if rng.random() < wanted / better * (1.4 if mood < 0 else 0.85):
            self.to_people(told, told.last_at + rng.uniform(2, 25), busy=busy, mood=mood)
        elif rng.random() < 0.35:
            self.finish(told, told.last_at + rng.uniform(5, 90))
        if rng.random() < (0.34 if told.agent >= 0 else 0.13):
            self.rate(told, mood)
        if told.resolved:
            self.known.append((told.visitor, told.tier, told.shop))
        return told

    def begin(self, at: float) -> Story:
        rng = self.rng
        if self.known and rng.random() < 0.28:
            at_random = rng.randrange(len(self.known))
            visitor, tier, shop = self.known[at_random]
            del self.known[at_random]
            return Story(self.id(), visitor, False, tier, shop, at)  # noqa: FBT003  # a field, named so
        shop = self.shops[
            rng.choices(range(len(self.shops)), [each.share for each in self.shops])[0]
        ]
        tier = "vip" if rng.random() < 0.08 else "standard"
        return Story(self.id(), self.id(), True, tier, shop, at)  # noqa: FBT003

    def release_number(self, at: float) -> int:
        part = (at - self.first) / self.seconds * len(scenes.RELEASES)
        return max(0, min(int(part), len(scenes.RELEASES) - 1))

    def exchange(
        self, told: Story, at: float, intent: str, mood: int, *, first: bool, settled: float
    ) -> tuple[float, int]:
        """The visitor's line and the bot's answer; when that was, and the mood after it."""
        rng = self.rng
        words = scenes.ASKED[intent] if first else scenes.FOLLOWED
        told.lines.append(Said("visitor", rng.choice(words), at))
        turn = self.turn(told, at, intent, mood)
        told.turns.append(turn)
        if turn.state == "failed":
            return at + turn.took_ms / 1000, max(-1, mood - 1)
        knows = rng.random() < 0.55 + 0.42 * settled
        told.lines.append(self.answer(turn, at + turn.took_ms / 1000, knows=knows))
        drift = rng.random()
        if knows:
            mood = min(1, mood + 1) if drift < 0.30 else mood
        else:
            mood = max(-1, mood - 1) if drift < 0.55 else mood
        return told.last_at, mood

    def turn(self, told: Story, at: float, intent: str, mood: int) -> Ran:
        rng = self.rng
        number = rng.choices(range(len(scenes.ENDPOINTS)), [each[1] for each in scenes.ENDPOINTS])[
            0
        ]
        calls = []
        if rng.random() < scenes.ENDPOINTS[number][6]:
            calls.append(self.call(number, failed=self.pick(scenes.ERRORS)))
            number = min(number + 1, len(scenes.ENDPOINTS) - 1)
        calls.append(self.call(number))
        strongest = scenes.ENDPOINTS[-1]
        cost = calls[-1].cost
        return Ran(
            id=self.id(),
            seq=len(told.lines),
            at=at,
            took_ms=sum(each.total_ms for each in calls) + rng.uniform(15, 60),
            state="failed" if rng.random() < 0.004 else "done",
            intent=intent,
            mood=("negative", "neutral", "positive")[mood + 1],
            endpoint=calls[-1].endpoint,
            cause=self.pick(scenes.CAUSES),
            release=scenes.RELEASES[self.release_number(at)],
            saving=(calls[-1].tokens_in * strongest[4] + calls[-1].tokens_out * strongest[5]) / 1000
            - cost,
            calls=calls,
        )

    def call(self, number: int, *, failed: str = "") -> Called:
        rng = self.rng
        name, _, first, each, price_in, price_out, _ = scenes.ENDPOINTS[number]
        first_ms = rng.lognormvariate(math.log(first), 0.35)
        tokens_in, tokens_out = (
            500 + int(rng.expovariate(1 / 500)),
            20 + int(rng.expovariate(1 / 55)),
        )
        if failed:
            return Called(
                name, failed, 0.0, first_ms * 4, tokens_in, 0, tokens_in * price_in / 1000
            )
        cost = (tokens_in * price_in + tokens_out * price_out) / 1000
        return Called(name, "", first_ms, first_ms + tokens_out * each, tokens_in, tokens_out, cost)

    def answer(self, turn: Ran, at: float, *, knows: bool) -> Said:
        rng = self.rng
        cited = (
            f'[{{"id":"{sop}","sop":"{sop}"}}]'
            if knows and (sop := rng.choice(scenes.SOPS))
            else "[]"
        )
        thumb = ""
        if rng.random() < 0.045:
            thumb = f',"feedback":"{"up" if rng.random() < (0.8 if knows else 0.1) else "down"}"'
        unknown = "" if knows else ',"unanswered":true'
        meta = f'{{"citations":{cited},"endpoint":"{turn.endpoint}","release":"{turn.release}"{thumb}{unknown}}}'
        text = rng.choice(scenes.ANSWERED) if knows else scenes.NOT_ANSWERED
        return Said("bot", text, at, turn=turn.id, meta=meta)

    def to_people(self, told: Story, at: float, *, busy: float, mood: int) -> None:
        """The queue, and who comes: longer waits and more who leave where more customers come than usual."""
        rng = self.rng
        told.reasons = [self.pick(scenes.REASONS)] + (["vip"] if told.tier == "vip" else [])
        told.opened_at = at
        told.lines.append(Said("system", "正在为您转接人工客服", at))
        wait = rng.lognormvariate(math.log(8 + 22 * busy**1.6), 0.9)
        if rng.random() < min(0.5, 0.04 + wait / 900):
            told.end = "left" if rng.random() < 0.5 else "resolved"
            told.claimed_at = at + rng.uniform(10, max(11.0, wait))
            if told.end == "left":
                told.lines.append(Said("system", "已取消排队", told.claimed_at))
            else:
                self.finish(told, told.claimed_at)
            return
        told.claimed_at, told.end = at + wait, "claimed"
        told.agent = rng.randrange(len(told.shop.agent_ids))
        name = told.shop.agent_names[told.agent]
        told.lines.append(Said("system", f"坐席{name}为您服务", told.claimed_at))
        clock = told.claimed_at
        for turn in range(1 + min(int(rng.expovariate(0.5)), 8)):
            if turn:
                clock += rng.lognormvariate(3.3, 0.8)
                told.lines.append(Said("visitor", rng.choice(scenes.FOLLOWED), clock))
            clock += rng.lognormvariate(math.log(10 + AGENTS_SLOW_AT * busy), 0.7)
            told.lines.append(Said("agent", rng.choice(scenes.BY_AGENTS), clock, author=name))
        if rng.random() < 0.9:
            told.tags = [self.pick(scenes.AGENT_TAGS)] if rng.random() < 0.7 else []
            self.finish(told, clock + rng.uniform(20, 240))

    def finish(self, told: Story, at: float) -> None:
        told.lines.append(Said("system", "会话已结束", at))
        told.resolved = True

    def rate(self, told: Story, mood: int) -> None:
        rng = self.rng
        good = {-1: 0.32, 0: 0.74, 1: 0.93}[mood] + (0.12 if told.agent >= 0 else 0.0)
        told.said_resolved = rng.random() < good
        told.score = rng.choice((4, 5, 5)) if told.said_resolved else rng.choice((1, 1, 2, 3, 3))
        told.rating_tags = [self.pick(scenes.TAGS)] if rng.random() < 0.6 else []
