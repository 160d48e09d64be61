"""Looks for SOPs that ask nearly the same: near-duplicates, and conflicts where the answers differ.

Called by prompts.tasks, every night and when staff ask. Reads all SOPs in force once and compares in memory.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from prompts.locks import Lock
from prompts.models import Sop, SopFinding, SopQuestion
from prompts.nlu import segment

# Wordings at least so alike ask the same; answers at least so alike say the same.
ALIKE, ANSWERS_ALIKE = 0.8, 0.6
# Wordings are compared when they share one of their rarest terms, unless very many hold it.
RAREST, HOLDERS = 4, 200
FINDINGS = 2000


@dataclass(frozen=True, slots=True)
class Asked:
    """A wording with its terms, and the SOP it belongs to."""

    sop_id: int
    text: str
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class Clash:
    """Two SOPs by their two nearest wordings."""

    sop_id: int
    other_id: int
    wording: str
    other_wording: str
    score: float


def look() -> int:
    """Finds clashes anew and stores them; how many. What staff chose to ignore stays ignored."""
    sops = {sop.pk: sop for sop in in_force()}
    found = sorted(clashes(sops), key=lambda clash: -clash.score)[:FINDINGS]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.LOOKING_FOR_CLASHES])
        ignored = set(SopFinding.objects.filter(ignored=True).values_list("sop_id", "other_id"))
        there = set(Sop.objects.filter(pk__in=sops).values_list("pk", flat=True))
        SopFinding.objects.all().delete()
        SopFinding.objects.bulk_create(
            as_finding(clash, sops, ignored=(clash.sop_id, clash.other_id) in ignored)
            for clash in found
            if {clash.sop_id, clash.other_id} <= there
        )
    return len(found)


def in_force() -> Iterable[Sop]:
    now = timezone.now()
    later = Q(valid_to__isnull=True) | Q(valid_to__gt=now)
    return Sop.objects.filter(later, enabled=True).order_by("pk")


def clashes(sops: dict[int, Sop]) -> list[Clash]:
    """The nearest pair of wordings of every two SOPs that ask nearly the same in the same place."""
    by_language: dict[str, list[Asked]] = defaultdict(list)
    for pk, text in (
        SopQuestion.objects.filter(sop__in=sops).order_by("pk").values_list("sop_id", "text")
    ):
        by_language[sops[pk].language].append(Asked(pk, text, terms_of(text)))
    best: dict[tuple[int, int], Clash] = {}
    for asked in by_language.values():
        for clash in compared(asked):
            pair = (clash.sop_id, clash.other_id)
            if overlap(sops[pair[0]], sops[pair[1]]) and (
                pair not in best or best[pair].score < clash.score
            ):
                best[pair] = clash
    return list(best.values())


def terms_of(text: str) -> frozenset[str]:
    return frozenset(segment.terms(text))


def overlap(one: Sop, other: Sop) -> bool:
    """Whether both may answer in one place at one time: none is kept to what the other excludes."""
    if not (begins_before_end(one, other) and begins_before_end(other, one)):
        return False
    fields = ("shops", "skus", "channels")
    pairs = ((set(getattr(one, name)), set(getattr(other, name))) for name in fields)
    return all(not mine or not theirs or mine & theirs for mine, theirs in pairs)


def begins_before_end(one: Sop, other: Sop) -> bool:
    return not (one.valid_from and other.valid_to) or one.valid_from < other.valid_to


def compared(asked: Sequence[Asked]) -> Iterator[Clash]:
    counts = Counter(term for each in asked for term in each.terms)
    weights = {term: math.log(1 + len(asked) / count) for term, count in counts.items()}
    totals = [sum(map(weights.__getitem__, each.terms)) for each in asked]
    holders: dict[str, list[int]] = defaultdict(list)
    for at, each in enumerate(asked):
        for other in candidates(each, at, holders, counts):
            score = alike(each.terms, asked[other].terms, weights, totals[at] + totals[other])
            if score >= ALIKE and asked[other].sop_id != each.sop_id:
                yield as_clash(asked[other], each, score)


def candidates(
    each: Asked, at: int, holders: dict[str, list[int]], counts: Counter[str]
) -> set[int]:
    """Earlier wordings that share one of the rarest terms; registers this one."""
    rarest = sorted(each.terms, key=counts.__getitem__)[:RAREST]
    found: set[int] = set()
    for term in rarest:
        if counts[term] <= HOLDERS:
            found.update(holders[term])
    for term in each.terms:
        if 1 < counts[term] <= HOLDERS:
            holders[term].append(at)
    return found


def alike(
    one: frozenset[str], other: frozenset[str], weights: dict[str, float], total: float
) -> float:
    """Dice's coefficient over weighted terms, 0 to 1."""
    shared = sum(map(weights.__getitem__, one & other))
    return 2 * shared / total if total else 0.0


def as_clash(one: Asked, other: Asked, score: float) -> Clash:
    if one.sop_id > other.sop_id:
        one, other = other, one
    return Clash(one.sop_id, other.sop_id, one.text, other.text, round(score, 4))


def as_finding(clash: Clash, sops: dict[int, Sop], *, ignored: bool) -> SopFinding:
    one, other = terms_of(sops[clash.sop_id].answer), terms_of(sops[clash.other_id].answer)
    answers = 2 * len(one & other) / (len(one) + len(other)) if one or other else 1.0
    kind = SopFinding.Kind.DUPLICATE if answers >= ANSWERS_ALIKE else SopFinding.Kind.CONFLICT
    return SopFinding(
        kind=kind,
        sop_id=clash.sop_id,
        other_id=clash.other_id,
        wording=clash.wording,
        other_wording=clash.other_wording,
        score=clash.score,
        answers_alike=round(answers, 4),
        ignored=ignored,
    )
