"""Searches for gaps as jobs: one worker at a time, safe to ring twice, and what staff decided stays decided."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from chat.gaps import answering, collecting
from chat.gaps.collecting import Asked
from chat.models import Escalation, Gap, GapSearch
from chat.states import EscalationEnd
from prompts.locks import Lock

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=120)
# A group is worth a page when so many asked, in so many conversations.
SMALLEST, CONVERSATIONS = 3, 2
GAPS, QUESTIONS = 200, 200
# Shared questions, or words, from which a group is one that is known.
SAME_QUESTIONS, SAME_TERMS = 0.3, 0.6
State = GapSearch.State


def run(pk: int) -> None:
    """Carries out a search that waits, or whose worker died."""
    due = Q(state=State.WAITING) | Q(state=State.RUNNING, lease_until__lt=Now())
    claimed = GapSearch.objects.filter(due, pk=pk)
    if not claimed.update(state=State.RUNNING, lease_until=Now() + LEASE):
        return
    search = GapSearch.objects.get(pk=pk)
    try:
        found = groups(search)
        keep(search, found)
    except DatabaseError as error:
        log.warning("gaps_not_searched", search=pk, error=type(error).__name__)
        GapSearch.objects.filter(pk=pk, state=State.RUNNING).update(
            state=State.FAILED, finished_at=Now(), lease_until=None
        )
        return
    log.info("gaps_found", search=pk, gaps=len(found))


def groups(search: GapSearch) -> list[Gap]:
    """The groups of questions, not stored; the search is told how far it is."""
    # Inline: scipy and numpy take 70 MB that only a worker that searches needs.
    from chat.gaps import clustering  # noqa: PLC0415

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '120s'")
        asked, bad, looked_at = collecting.collect(search.since, search.until)
    GapSearch.objects.filter(pk=search.pk).update(bad=bad, looked_at=looked_at, total=len(asked))
    found, alone, before = [], 0, 0
    for language in ("zh", "en"):
        own = [each for each in asked if each.language == language]
        clusters = clustering.put_together(
            [each.text for each in own],
            progress=partial(tell, search.pk, before),
        )
        kept = [[own[place] for place in cluster.members] for cluster in clusters]
        pairs = [(c, m) for c, m in zip(clusters, kept, strict=True) if is_worth_it(m)]
        found += [as_gap(search, cluster, members) for cluster, members in pairs]
        alone += len(own) - sum(len(members) for _, members in pairs)
        before += len(own)
    GapSearch.objects.filter(pk=search.pk).update(alone=alone)
    return sorted(found, key=lambda gap: (-gap.takeovers, -gap.size))[:GAPS]


def tell(pk: int, before: int, done: int, _: int) -> None:
    """Says how far a search is, and keeps its lease."""
    GapSearch.objects.filter(pk=pk, state=State.RUNNING).update(
        done=before + done, lease_until=Now() + LEASE
    )


def is_worth_it(members: Sequence[Asked]) -> bool:
    several = len({each.conversation for each in members}) >= CONVERSATIONS
    return len(members) >= SMALLEST and several


def as_gap(search: GapSearch, cluster: Any, members: Sequence[Asked]) -> Gap:
    conversations = {each.conversation for each in members}
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
        conversations=len(conversations),
        takeovers=taken_over(members, conversations),
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


def taken_over(members: Sequence[Asked], conversations: Iterable[UUID]) -> int:
    """Conversations that a person took over, right after the question or later."""
    claimed = Escalation.objects.filter(
        conversation__in=conversations, end=EscalationEnd.CLAIMED.value
    )
    later = set(claimed.values_list("conversation_id", flat=True))
    return len(later | {each.conversation for each in members if "taken" in each.why})


def keep(search: GapSearch, found: Sequence[Gap]) -> None:
    """Stores the groups. One that is known keeps its state and its SOP; open ones that were not found again go."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '30s'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.KEEPING_GAPS])
        finished = GapSearch.objects.filter(pk=search.pk, state=State.RUNNING)
        if not finished.update(state=State.DONE, finished_at=timezone.now(), lease_until=None):
            return
        known = list(Gap.objects.select_for_update().order_by("pk"))
        for gap in found:
            earlier = next((old for old in known if is_same(old, gap)), None)
            if earlier is not None:
                known.remove(earlier)
                gap.pk, gap.state, gap.sop_id = earlier.pk, earlier.state, earlier.sop_id
            gap.save()
        gone = [old.pk for old in known if old.state == Gap.State.OPEN]
        Gap.objects.filter(pk__in=gone).delete()


def is_same(old: Gap, new: Gap) -> bool:
    """Whether two searches mean the same: by the questions themselves, or by the words that name them."""
    if old.language != new.language:
        return False
    one, other = places(old.questions), places(new.questions)
    if one & other and len(one & other) >= SAME_QUESTIONS * min(len(one), len(other)):
        return True
    mine, theirs = set(old.terms), set(new.terms)
    return len(mine & theirs) >= max(2, SAME_TERMS * min(len(mine), len(theirs)))


def places(questions: Iterable[Mapping[str, Any]]) -> set[tuple[str, int]]:
    return {(each["conversation"], each["seq"]) for each in questions}


def forget(conversation_ids: Iterable[UUID]) -> None:
    """Removes what was said in these conversations; called when a visitor is erased, in its transaction."""
    gone = {str(pk) for pk in conversation_ids}
    for gap in Gap.objects.select_for_update().order_by("pk"):
        questions = [each for each in gap.questions if each["conversation"] not in gone]
        answers = [each for each in gap.answers if each["conversation"] not in gone]
        if len(questions) == len(gap.questions) and len(answers) == len(gap.answers):
            continue
        if not questions:
            gap.delete()
            continue
        gap.questions, gap.answers, gap.title = questions, answers, questions[0]["text"][:200]
        gap.save(update_fields=["questions", "answers", "title"])
