"""Where samples come from: approved few-shot examples, SOPs in force, conversations that customers rated well.

Best first: of near-duplicates the first is kept. Histories are read in pieces, newest first.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Q
from django.utils import timezone

from analytics.finetuning.sample import Count, Role, Sample, in_turn
from chat import vault
from chat.models import Conversation, Message, Rating, Turn
from prompts.models import FewShotExample, Sop, SopQuestion
from prompts.nlu import segment

PIECE = 200
LINES_MOST, CHARS_MOST = 60, 20_000
SPEAKERS: dict[str, Role] = {"visitor": "user", "bot": "assistant", "agent": "assistant"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Of which inboxes, by their keys; empty: all. And from which rating on."""

    inboxes: tuple[str, ...] = ()
    score: int = 4


def all_of(scope: Scope, count: Count) -> Iterator[Sample]:
    for source in (examples, sops, conversations):
        for sample in source(scope, count):
            count.read[sample.source] += 1
            if sample.lines:
                yield sample
            else:
                count.left_out["without a question and its answer"] += 1


def examples(scope: Scope, count: Count) -> Iterator[Sample]:
    """Enabled ones; one that was taken from a conversation goes with it, and is gone when that was erased."""
    for row in FewShotExample.objects.filter(enabled=True).order_by("language", "key"):
        said = [(speaker(each), str(each.get("text", ""))) for each in row.messages]
        language: Literal["zh", "en"] = "en" if row.language == "en" else "zh"
        lines = in_turn([(role, text) for role, text in said if role])
        if not row.trace_id:
            yield Sample("example", f"example {row.key}", language, lines)
            continue
        found = conversation_of(row.trace_id)
        if found is None:
            count.left_out["of an erased conversation"] += 1
        elif in_scope(found, scope):
            yield Sample("example", customer(found), language, lines, str(found.pk), day(found))


def speaker(message: dict[str, Any]) -> Role | None:
    return SPEAKERS.get(str(message.get("role", "")))


def conversation_of(trace_id: str) -> Conversation | None:
    try:
        uuid.UUID(trace_id)
    except ValueError:
        return None
    turn = (
        Turn.objects.filter(pk=trace_id)
        .select_related("conversation__visitor", "conversation__inbox")
        .first()
    )
    return None if turn is None else turn.conversation


def in_scope(conversation: Conversation, scope: Scope) -> bool:
    return not scope.inboxes or conversation.inbox.key in scope.inboxes


def customer(conversation: Conversation) -> str:
    """Who it was, as what keeps dialogues of one customer together; it is not written anywhere."""
    visitor = conversation.visitor
    return f"customer {visitor.inbox_id} {visitor.customer_id or visitor.pk}"


def day(conversation: Conversation) -> str:
    return timezone.localtime(conversation.created_at).date().isoformat()


def sops(scope: Scope, count: Count) -> Iterator[Sample]:
    """Every wording of an SOP that is in force, with its answer; both languages of a key stay together."""
    now = timezone.now()
    begun = Q(valid_from__isnull=True) | Q(valid_from__lte=now)
    going_on = Q(valid_to__isnull=True) | Q(valid_to__gt=now)
    for sop in Sop.objects.filter(begun, going_on, enabled=True).order_by("language", "key"):
        if scope.inboxes and sop.shops and not set(sop.shops) & set(scope.inboxes):
            count.left_out["SOP of other inboxes"] += 1
            continue
        language: Literal["zh", "en"] = "en" if sop.language == "en" else "zh"
        for text in (
            SopQuestion.objects.filter(sop=sop).order_by("pk").values_list("text", flat=True)
        ):
            lines = in_turn([("user", text), ("assistant", sop.answer)])
            yield Sample("sop", f"sop {sop.key}", language, lines)


def conversations(scope: Scope, count: Count) -> Iterator[Sample]:
    """Ended ones that the customer rated well and as resolved, newest rating first."""
    rated = Rating.objects.filter(
        score__gte=scope.score, resolved=True, conversation__resolved_at__isnull=False
    )
    if scope.inboxes:
        rated = rated.filter(conversation__inbox__key__in=scope.inboxes)
    rated = rated.select_related("conversation__visitor").order_by("-pk")
    last: int | None = None
    while piece := list((rated if last is None else rated.filter(pk__lt=last))[:PIECE]):
        last = piece[-1].pk
        yield from told([rating.conversation for rating in piece], count)


def told(piece: Sequence[Conversation], count: Count) -> Iterator[Sample]:
    said: dict[Any, list[Message]] = {conversation.pk: [] for conversation in piece}
    lines = Message.objects.filter(conversation__in=piece, role__in=SPEAKERS)
    for line in lines.order_by("conversation", "seq").only("conversation", "role", "text", "meta"):
        said[line.conversation_id].append(line)
    for conversation in piece:
        why_not = unfit(said[conversation.pk])
        if why_not:
            count.left_out[why_not] += 1
        else:
            yield as_sample(conversation, said[conversation.pk])


def unfit(lines: Sequence[Message]) -> str:
    """Why nothing should be learned from a conversation; empty: it may."""
    if len(lines) > LINES_MOST or sum(len(line.text) for line in lines) > CHARS_MOST:
        return "very long"
    if not all(vault.is_readable(line.text) for line in lines):
        return "not examined to the end for personal data"
    if any(line.meta.get("feedback") == "down" for line in lines):
        return "with a thumb down"
    if any(line.meta.get("unanswered") for line in lines):
        return "with a question that was not answered"
    return ""


def as_sample(conversation: Conversation, said: Sequence[Message]) -> Sample:
    lines = in_turn([(SPEAKERS[line.role], line.text) for line in said])
    asked = " ".join(line.text for line in lines if line.role == "user")
    language: Literal["zh", "en"] = "en" if segment.language_of(asked) == "en" else "zh"
    return Sample(
        "conversation",
        customer(conversation),
        language,
        lines,
        str(conversation.pk),
        day(conversation),
    )


def still_there(ids: Sequence[str]) -> set[str]:
    """Which of these conversations were not erased meanwhile."""
    found: set[str] = set()
    for start in range(0, len(ids), PIECE):
        some = Conversation.objects.filter(pk__in=ids[start : start + PIECE])
        found.update(str(pk) for pk in some.values_list("pk", flat=True))
    return found
