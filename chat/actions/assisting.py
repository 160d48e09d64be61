"""What an agent asks a model for, and how good the brief was. Called by consumers and api."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from chat import briefing, push, tasks, transcript, vault
from chat.actions import agent as actions
from chat.assisting import suggestions, threads, translations
from chat.models import Agent, Brief, Conversation, Suggestion
from chat.protocol import ProtocolError
from chat.states import Grade, Help, Writing
from prompts import admission, assistance
from prompts.nlu import segment
from prompts.redaction.placeholders import PLACEHOLDER

# A longer text is no line to a customer, and would be cut on the way back.
REWRITE_CHARS = 1000


def suggest(
    conversation_id: UUID,
    *,
    agent: Agent,
    client_id: UUID,
    kind: Help,
    style: str = "",
    text: str = "",
    language: str = "zh",
) -> Suggestion:
    """Has something written; what it comes to is pushed to this agent. Idempotent on `client_id`.

    Raises Conflict for a draft in a conversation that is not the agent's, ProtocolError `rate_limited`, `too_long`, and
    Conversation.DoesNotExist.
    """
    earlier = Suggestion.objects.filter(agent=agent, client_id=client_id).first()
    if earlier is not None:
        return earlier
    if len(text) > REWRITE_CHARS:
        raise ProtocolError("too_long", client_id=client_id)
    verdict = admission.admit_suggestion(agent.pk)
    if not verdict.allowed:
        raise ProtocolError("rate_limited", client_id=client_id, retry_after_ms=verdict.wait_ms)
    if kind is Help.REWRITE:
        language = segment.language_of(text)
    elif kind is Help.TRANSLATE:
        language = language_of_customer(conversation_id)
    said = {"kind": kind.value, "style": style, "language": language}
    row, is_new = begin(conversation_id, agent=agent, client_id=client_id, text=text, said=said)
    if is_new and row.state == Writing.QUEUED and not tasks.ring_suggestion(row.pk):
        fail(row, "busy")
    return row


def language_of_customer(conversation_id: UUID) -> str:
    """Raises Conversation.DoesNotExist."""
    conversation = Conversation.objects.select_related("visitor").get(pk=conversation_id)
    return threads.language_of(conversation, threads.read(conversation))


def begin(
    conversation_id: UUID, *, agent: Agent, client_id: UUID, text: str, said: dict[str, str]
) -> tuple[Suggestion, bool]:
    """The row, and whether it is new; what the agent had asked for in this conversation before is dropped."""
    vault.load()
    try:
        with transaction.atomic():
            conversation = transcript.lock(conversation_id)
            if said["kind"] == Help.DRAFT:
                actions.check_owned(conversation, agent=agent)
            masked = vault.mask(conversation.visitor, text) if text else ""
            before = Suggestion.objects.filter(conversation=conversation, agent=agent)
            dropped = list(before.filter(state__in=suggestions.OPEN).values_list("pk", flat=True))
            before.filter(pk__in=dropped).update(**cancelled())
            row = Suggestion.objects.create(
                conversation=conversation,
                agent=agent,
                client_id=client_id,
                typed=masked,
                own=own_placeholders(text, masked),
                **said,
                **({} if assistance.is_available() else failed("no_model")),
            )
    except IntegrityError:
        # The same frame at the same time.
        return Suggestion.objects.get(agent=agent, client_id=client_id), False
    for pk in dropped:
        push.cancel(pk)
    if row.state == Writing.FAILED:
        suggestions.tell(row)
    return row, True


def own_placeholders(text: str, masked: str) -> list[str]:
    """The placeholders that stand for what was typed here; one that was typed as such is not among them."""
    typed = {match.group() for match in PLACEHOLDER.finditer(text)}
    found = {match.group() for match in PLACEHOLDER.finditer(masked)}
    return sorted(found - typed)


def cancel(pk: UUID, *, agent: Agent) -> bool:
    """Stops what is being written; False when it had ended."""
    mine = Suggestion.objects.filter(pk=pk, agent=agent, state__in=suggestions.OPEN)
    if not mine.update(**cancelled()):
        return False
    push.cancel(pk)
    return True


def cancelled() -> dict[str, Any]:
    return {"state": Writing.CANCELLED.value, "ended_at": timezone.now()}


def failed(why: str) -> dict[str, Any]:
    return {"state": Writing.FAILED.value, "why": why, "ended_at": timezone.now()}


def fail(row: Suggestion, why: str) -> None:
    if Suggestion.objects.filter(pk=row.pk, state=Writing.QUEUED.value).update(**failed(why)):
        row.state, row.why = Writing.FAILED.value, why
        suggestions.tell(row)


def find(pk: UUID, *, agent: Agent) -> Suggestion:
    """One of the agent's own. Raises ProtocolError `not_found`."""
    rows = Suggestion.objects.select_related("conversation")
    row = rows.filter(pk=pk, agent=agent).first()
    if row is None:
        raise ProtocolError("not_found")
    return row


def shown(row: Suggestion) -> dict[str, Any]:
    """A suggestion for the agent who asked for it, with the values that were typed."""
    frame = suggestions.as_frame(row)
    visitor_id = row.conversation.visitor_id
    return {**frame, "text": vault.only(frame["text"], visitor_id, own=row.own)}


def translate(
    conversation_id: UUID, *, agent: Agent, language: str
) -> tuple[list[dict[str, Any]], bool]:
    """The translations there are of a thread's lines, and whether more are on their way: those are pushed.

    Raises ProtocolError `rate_limited`, Conversation.DoesNotExist.
    """
    Conversation.objects.only("pk").get(pk=conversation_id)
    known = translations.known(conversation_id, language=language)
    if not translations.missing(conversation_id, language=language):
        return known, False
    verdict = admission.admit_suggestion(agent.pk)
    if not verdict.allowed:
        raise ProtocolError("rate_limited", retry_after_ms=verdict.wait_ms)
    tasks.ring_translation(conversation_id, language)
    return known, True


def grade(
    conversation_id: UUID, *, agent: Agent, grade: Grade, word: str = "", epoch: int | None = None
) -> Brief:
    """Says how good the brief of the conversation's last hand-over was; the last word counts.

    Raises ProtocolError `not_found` where nothing was handed over, `conflict` where that is not the hand-over at `epoch`
    any more, whose brief was read; Conversation.DoesNotExist.
    """
    vault.load()
    with transaction.atomic():
        conversation = transcript.lock(conversation_id)
        if not conversation.handover_epoch:
            raise ProtocolError("not_found")
        if epoch not in (None, conversation.handover_epoch):
            raise ProtocolError("conflict")
        row, _ = Brief.objects.get_or_create(
            conversation=conversation,
            epoch=conversation.handover_epoch,
            # What was graded is what was read: a model need not write it any more.
            defaults={"state": Writing.CANCELLED.value},
        )
        row.grade = grade.value
        row.grade_word = vault.mask(conversation.visitor, word)[:200] if grade and word else ""
        row.graded_by = agent if grade else None
        row.graded_at = timezone.now() if grade else None
        row.save(update_fields=["grade", "grade_word", "graded_by", "graded_at"])
    frame = {"type": "brief", "conversation_id": str(conversation_id), **briefing.shown(row)}
    push.to_agents(conversation_id, frame)
    return row
