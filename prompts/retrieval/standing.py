"""What is known of the terms of all SOPs in force, kept per process and compared with the database every few seconds.

Of the SOPs as edited, and of every frozen set that is heard: each has statistics of its own.
"""

import json
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from django.db import connection

from prompts.nlu import segment

VERSION_SECONDS = 5.0
# The number of no set: SOPs as they are edited.
AS_EDITED = 0
# Sets whose statistics a process keeps: more than are heard at a time. One of 10,000 SOPs takes 2 MB.
SETS_KEPT = 6

# How much a kind of term says, before its rarity. Single characters carry Chinese through typing errors;
# words and parts of words keep order and meaning.
HAN_WEIGHTS = {segment.WORD: 0.8, segment.STOP_WORD: 0.3, segment.GRAM: 0.4, segment.CHARACTER: 0.9}
LETTER_WEIGHTS = {segment.WORD: 1.0, segment.STOP_WORD: 0.5, segment.GRAM: 0.2}
RARITY_POWER = 0.7
# A word that no SOP knows says that the subject is another: it weighs more than the rarest known one.
UNKNOWN_RARITY = 1.5
IN_TIME = "(valid_from IS NULL OR valid_from <= now()) AND (valid_to IS NULL OR valid_to > now())"
IN_FORCE = f"enabled AND {IN_TIME}"
# The sum tells every change, also one whose transaction began before and ended after another's; the count, every one
# whose time came or is over.
VERSION = f"""
    SELECT (SELECT count(*) FROM prompts_sopquestion),
           count(*) FILTER (WHERE {IN_FORCE}),
           coalesce(sum((extract(epoch FROM updated_at) * 1000000)::bigint), 0)::text
    FROM prompts_sop
"""  # noqa: S608 - of constants
SHUT = f"SELECT id FROM prompts_sop WHERE NOT ({IN_FORCE})"  # noqa: S608 - of constants
SCOPED = f"""
    SELECT id, shops, skus, channels FROM prompts_sop
    WHERE {IN_FORCE} AND NOT (shops = '[]' AND skus = '[]' AND channels = '[]')
"""  # noqa: S608 - of constants
FREQUENCIES = f"""
    SELECT term, count(DISTINCT sop_id), count(*)
    FROM prompts_sopquestion question
    JOIN (SELECT id FROM prompts_sop WHERE {IN_FORCE}) sop ON sop.id = question.sop_id,
         unnest(tsvector_to_array(vector)) AS term
    GROUP BY term
"""  # noqa: S608 - of constants
# Of a frozen set.
SET = "SELECT members, terms FROM prompts_sopset WHERE id = %s"
MEMBERS = "SELECT unnest(members) FROM prompts_sopset WHERE id = %(set)s"
OUT_OF_TIME = f"""
    SELECT id FROM prompts_sopversion
    WHERE (valid_from IS NOT NULL OR valid_to IS NOT NULL) AND NOT ({IN_TIME}) AND id IN ({MEMBERS})
"""  # noqa: S608 - of constants
SCOPED_MEMBERS = f"""
    SELECT id, shops, skus, channels FROM prompts_sopversion
    WHERE NOT (shops = '[]' AND skus = '[]' AND channels = '[]') AND id IN ({MEMBERS})
"""  # noqa: S608 - of constants


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a question is asked. An SOP that names shops, SKUs or channels answers only there."""

    shop: str = ""  # an inbox's key
    sku: str = ""
    channel: str = "widget"

    def covers(self, held: "Held") -> bool:
        return (
            (not held.shops or self.shop in held.shops)
            and (not held.skus or self.sku in held.skus)
            and (not held.channels or self.channel in held.channels)
        )


class Held(NamedTuple):
    """Where an SOP holds; empty: everywhere."""

    sop_id: int
    shops: tuple[str, ...]
    skus: tuple[str, ...]
    channels: tuple[str, ...]


EVERYWHERE = Scope()


class Weights(dict[str, float]):
    """How telling each term is, those that no SOP holds included."""

    def __missing__(self, term: str) -> float:
        return UNKNOWN_RARITY * base_weight(term)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is known of the terms of all SOPs at one version, or of a frozen set."""

    version: tuple[int, int, str] = (0, 0, "0")
    weights: Weights = field(default_factory=Weights)
    rows: Mapping[str, int] = field(default_factory=dict)  # questions that hold the term
    shut: list[int] = field(default_factory=list)  # disabled, or not in force now
    scoped: list[Held] = field(default_factory=list)
    # Of a frozen set: the versions it holds, as bit_map tells them.
    members: bytes = b""

    def out_of(self, scope: Scope) -> list[int]:
        """The SOPs that do not answer there."""
        foreign = (held.sop_id for held in self.scoped if not scope.covers(held))
        return [*self.shut, *foreign]


class Freshness:
    """The process's statistics, and when their version was last compared with the database's."""

    def __init__(self) -> None:
        self.statistics: Statistics | None = None
        self.checked_at = -math.inf
        self.lock = threading.Lock()


FRESHNESS = Freshness()
FROZEN: OrderedDict[int, Freshness] = OrderedDict()
FROZEN_LOCK = threading.Lock()


def statistics(sop_set: int = AS_EDITED) -> Statistics:
    """The process's statistics of a set, compared with the database at most every VERSION_SECONDS.

    While one thread renews them the others go on with the old ones; only the very first ones are waited for. Those
    of one set never stand in for another's.
    """
    kept = freshness(sop_set)
    known = kept.statistics
    if known is not None and time.monotonic() - kept.checked_at < VERSION_SECONDS:
        return known
    if not kept.lock.acquire(blocking=known is None):
        return known or Statistics()
    try:
        kept.statistics = (
            renew() if sop_set == AS_EDITED else renew_frozen(sop_set, kept.statistics)
        )
        kept.checked_at = time.monotonic()
        return kept.statistics
    finally:
        kept.lock.release()


def freshness(sop_set: int) -> Freshness:
    if sop_set == AS_EDITED:
        return FRESHNESS
    with FROZEN_LOCK:
        kept = FROZEN.setdefault(sop_set, Freshness())
        FROZEN.move_to_end(sop_set)
        while len(FROZEN) > SETS_KEPT:
            FROZEN.popitem(last=False)
        return kept


def renew_frozen(sop_set: int, known: Statistics | None) -> Statistics:
    """Of a set only time can change anything: what begins or ends to hold."""
    with connection.cursor() as cursor:
        cursor.execute(OUT_OF_TIME, {"set": sop_set})
        shut = [pk for (pk,) in cursor.fetchall()]
        if known is not None:
            return known if known.shut == shut else replace(known, shut=shut)
        cursor.execute(SET, [sop_set])
        members, terms = cursor.fetchone()
        cursor.execute(SCOPED_MEMBERS, {"set": sop_set})
        scoped = [as_held(row) for row in cursor.fetchall()]
    counted = ((term, sops, rows) for term, (sops, rows) in json.loads(terms).items())
    found = build_statistics((0, len(members), "frozen"), counted, shut=shut, scoped=scoped)
    return replace(found, members=bit_map(members))


def bit_map(members: Iterable[int]) -> bytes:
    """Bit n says whether version n is one of them, as Postgres counts bits: a few KB say it of 10,000 at every search."""
    bits = bytearray(1)
    for pk in members:
        if pk >> 3 >= len(bits):
            bits.extend(bytes((pk >> 3) - len(bits) + 1))
        bits[pk >> 3] |= 1 << (pk & 7)
    return bytes(bits)


def as_held(row: tuple[Any, ...]) -> Held:
    pk, *lists = row
    return Held(pk, *map(as_texts, lists))


def as_texts(stored: str) -> tuple[str, ...]:
    """A stored list of texts. What is none narrows nothing: one bad row must not stop every search."""
    found = json.loads(stored)
    return tuple(map(str, found)) if isinstance(found, list) else ()


def renew() -> Statistics:
    with connection.cursor() as cursor:
        cursor.execute(VERSION)
        version = cursor.fetchone()
        known = FRESHNESS.statistics
        if known is None or known.version != version:
            cursor.execute(SHUT)
            shut = [pk for (pk,) in cursor.fetchall()]
            cursor.execute(SCOPED)
            scoped = [as_held(row) for row in cursor.fetchall()]
            cursor.execute(FREQUENCIES)
            known = build_statistics(version, cursor.fetchall(), shut=shut, scoped=scoped)
    return known


def build_statistics(
    version: tuple[int, int, str],
    counted: Iterable[tuple[str, int, int]],
    *,
    shut: list[int],
    scoped: list[Held],
) -> Statistics:
    """`counted` is (term, SOPs that hold it, questions that hold it), of SOPs in force."""
    weights = Weights()
    rows: dict[str, int] = {}
    sops = max(version[1], 1)
    for term, in_sops, in_rows in counted:
        weights[term] = base_weight(term) * rarity(in_sops, sops=sops)
        rows[term] = in_rows
    return Statistics(version=version, weights=weights, rows=rows, shut=shut, scoped=scoped)


def rarity(in_sops: int, *, sops: int) -> float:
    """1 for a term of one SOP among many, towards 0 for a term of all of them."""
    inverse = math.log(1 + (sops - in_sops + 0.5) / (in_sops + 0.5)) / math.log(1 + sops)
    return math.pow(min(inverse, 1.0), RARITY_POWER)


def base_weight(term: str) -> float:
    weights = LETTER_WEIGHTS if term[-1].isascii() else HAN_WEIGHTS
    return weights[term[0]]


def forget() -> None:
    """Makes the next search of this process look at the SOPs anew."""
    FRESHNESS.statistics, FRESHNESS.checked_at = None, -math.inf
    with FROZEN_LOCK:
        FROZEN.clear()
