"""Searches for gaps as jobs: one worker at a time, safe to ring twice, and what staff decided stays decided."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from chat.gaps import answering, collecting
from chat.gaps.collecting import Asked
from chat.models import Conversation, Escalation, Gap, GapSearch, Message
from chat.states import EscalationEnd
from prompts import lease
from prompts.locks import Lock

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=120)
# A group is worth a page when so many asked, in so many conversations.
SMALLEST, CONVERSATIONS = 3, 2
GAPS, QUESTIONS = 200, 200
# Shared questions, or words, from which a group is one that is known.
SAME_QUESTIONS, SAME_TERMS = 0.3, 0.6
State, OPEN = GapSearch.State, Gap.State.OPEN


def run(pk: int) -> None:
    """Carries out a search that waits, or whose worker died."""
    if not lease.claim(GapSearch.objects.filter(pk=pk), LEASE):
        return
    search = GapSearch.objects.get(pk=pk)
    try:
        found = groups(search)
        keep(search, found)
    except DatabaseError as error:
        log.warning("gaps_not_searched", search=pk, error=type(error).__name__)
        fail(pk)
        return
    except BaseException:
        # A search that fails each time must not keep others from being begun.
        fail(pk)
        raise
    log.info("gaps_found", search=pk, gaps=len(found))


def unattended() -> list[int]:
    """Searches that nobody is at though somebody should be."""
    return lease.unattended(GapSearch.objects.all())


def fail(pk: int) -> None:
    lease.end(GapSearch.objects.filter(pk=pk), State.FAILED)


def groups(search: GapSearch) -> list[Gap]:
    """The groups of questions, not stored; the search is told how far it is."""
    # Inline: scipy and numpy take 70 MB that only a worker that searches needs.
    from chat.gaps import clustering  # noqa: PLC0415

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '120s'")
        asked, bad, looked_at = collecting.collect(search.since, search.until)
    GapSearch.objects.filter(pk=search.pk).update(bad=bad, looked_at=looked_at, total=len(asked))
    grouped: list[tuple[int, Any, list[Asked]]] = []
    alone, before = 0, 0
    for language in ("zh", "en"):
        own = [each for each in asked if each.language == language]
        clusters = clustering.put_together(
            [each.text for each in own],
            progress=partial(tell, search.pk, before),
        )
        kept = [[own[place] for place in cluster.members] for cluster in clusters]
        pairs = [(c, m) for c, m in zip(clusters, kept, strict=True) if is_worth_it(m)]
        grouped += [(taken_over(members), cluster, members) for cluster, members in pairs]
        alone += len(own) - sum(len(members) for _, members in pairs)
        before += len(own)
    GapSearch.objects.filter(pk=search.pk).update(alone=alone)
    grouped.sort(key=lambda group: (-group[0], -len(group[2])))
    found = []
    for taken, cluster, members in grouped[:GAPS]:
        found.append(as_gap(search, cluster, members, takeovers=taken))
        tell(search.pk, before, 0, before)
    return found


def tell(pk: int, before: int, done: int, _: int) -> None:
    """Says how far a search is, and keeps its lease."""
    lease.keep(GapSearch.objects.filter(pk=pk), LEASE, done=before + done)


def is_worth_it(members: Sequence[Asked]) -> bool:
    several = len({each.conversation for each in members}) >= CONVERSATIONS
    return len(members) >= SMALLEST and several


def as_gap(search: GapSearch, cluster: Any, members: Sequence[Asked], *, takeovers: int) -> Gap:
    intents = Counter(each.intent for each in members if each.intent)
    answers = answering.best(members)
    return Gap(
        search=search,
        title=min((each.text for each in members[:3]), key=len)[:200],
        language=members[0].language,
        intent=intents.most_common(1)[0][0] if intents else "",
        terms=list(cluster.terms),
        coherence=cluster.coherence,
        size=len(members),
        conversations=len({each.conversation for each in members}),
        takeovers=takeovers,
        questions=[as_question(each) for each in members[:QUESTIONS]],
        answers=answers,
    )


def as_question(asked: Asked) -> dict[str, Any]:
    return {
        "text": asked.text,
        "conversation": str(asked.conversation),
        "seq": asked.seq,
        "why": list(asked.why),
    }


def taken_over(members: Sequence[Asked]) -> int:
    """Conversations that a person took over, right after the question or later; not those before it."""
    claimed = Escalation.objects.filter(
        conversation__in={each.conversation for each in members}, end=EscalationEnd.CLAIMED.value
    )
    latest = dict(claimed.order_by("opened_at").values_list("conversation_id", "opened_at"))
    lines = {(each.conversation, each.seq) for each in members if each.conversation in latest}
    asked = Message.objects.filter(
        conversation__in=latest, seq__in={seq for _, seq in lines}
    ).values_list("conversation_id", "seq", "at")
    after = {
        conversation
        for conversation, seq, at in asked
        if (conversation, seq) in lines and at <= latest[conversation]
    }
    return len(after | {each.conversation for each in members if "taken" in each.why})


def keep(search: GapSearch, found: Sequence[Gap]) -> None:
    """Stores the groups. One that is known keeps its state and its SOP; open ones that were not found again go."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '30s'")
        lock(cursor)
        if not lease.end(GapSearch.objects.filter(pk=search.pk), State.DONE):
            return
        # Visitors may have been erased since their lines were read.
        left = without(found, gone=erased(found))
        known = list(Gap.objects.defer("answers").order_by("pk"))
        renewed = matched(left, known)
        dropped = [old.pk for old in known if old.pk not in renewed and old.state == OPEN]
        locked = Gap.objects.select_for_update().order_by("pk").in_bulk([*renewed, *dropped])
        for gap in left:
            earlier = locked.get(next((pk for pk, new in renewed.items() if new is gap), 0))
            if earlier is not None:
                gap.pk, gap.state, gap.sop_id = earlier.pk, earlier.state, earlier.sop_id
            gap.save()
        Gap.objects.filter(pk__in=dropped, state=OPEN).delete()


def lock(cursor: Any) -> None:
    """Against another search that ends, and a visitor who is erased meanwhile."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.KEEPING_GAPS])


def erased(found: Iterable[Gap]) -> set[str]:
    """The conversations of these groups that are there no more."""
    said = {each["conversation"] for gap in found for each in (*gap.questions, *gap.answers)}
    there = Conversation.objects.filter(pk__in=said).values_list("pk", flat=True)
    return said - {str(pk) for pk in there}


def without(found: Iterable[Gap], *, gone: set[str]) -> list[Gap]:
    """The groups without what was said in those conversations; one of which nothing is left goes."""
    left = []
    for gap in found:
        if cleaned(gap, gone=gone) and not gap.questions:
            continue
        left.append(gap)
    return left


def cleaned(gap: Gap, *, gone: set[str]) -> bool:
    """Takes out what was said in these conversations; whether there was something."""
    questions = [each for each in gap.questions if each["conversation"] not in gone]
    answers = [each for each in gap.answers if each["conversation"] not in gone]
    if len(questions) == len(gap.questions) and len(answers) == len(gap.answers):
        return False
    gap.questions, gap.answers = questions, answers
    gap.title = questions[0]["text"][:200] if questions else ""
    return True


def matched(found: Iterable[Gap], known: Iterable[Gap]) -> dict[int, Gap]:
    """Which known gap each group is, by the known one's number."""
    left = {old.pk: (old, Likeness.of(old)) for old in known}
    pairs: dict[int, Gap] = {}
    for gap in found:
        mine = Likeness.of(gap)
        same = next((pk for pk, (_, likeness) in left.items() if likeness.is_same(mine)), None)
        if same is not None:
            del left[same]
            pairs[same] = gap
    return pairs


@dataclass(frozen=True, slots=True)
class Likeness:
    """By what two searches mean the same: the questions themselves, or the words that name them."""

    language: str
    places: frozenset[tuple[str, int]]
    terms: frozenset[str]

    @classmethod
    def of(cls, gap: Gap) -> "Likeness":
        places = frozenset((each["conversation"], each["seq"]) for each in gap.questions)
        return cls(gap.language, places, frozenset(gap.terms))

    def is_same(self, other: "Likeness") -> bool:
        if self.language != other.language:
            return False
        shared = len(self.places & other.places)
        if shared and shared >= SAME_QUESTIONS * min(len(self.places), len(other.places)):
            return True
        named = min(len(self.terms), len(other.terms))
        return len(self.terms & other.terms) >= max(2, SAME_TERMS * named)


def forget(conversation_ids: Iterable[UUID]) -> None:
    """Removes what was said in these conversations; called when a visitor is erased, in its transaction."""
    gone = {str(pk) for pk in conversation_ids}
    with connection.cursor() as cursor:
        lock(cursor)
    said = Q()
    for pk in gone:
        place = [{"conversation": pk}]
        said |= Q(questions__contains=place) | Q(answers__contains=place)
    if not said:
        return
    for gap in Gap.objects.filter(said).select_for_update().order_by("pk"):
        cleaned(gap, gone=gone)
        if gap.questions:
            gap.save(update_fields=["questions", "answers", "title"])
        else:
            gap.delete()
