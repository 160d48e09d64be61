"""What a visitor can do. Called by consumers and api; the only writer of visitors' lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from chat import escalation, memory, outbox, ownership, protocol, push, tasks, transcript, vault
from chat.actions import handing, images, telling
from chat.actions.admitting import check_admitted
from chat.models import Conversation, Message, Rating, Turn, Visitor
from chat.protocol import ProtocolError
from chat.states import Event, Owner, Reception, Role, TurnState
from prompts import admission, completion, ledger, rendering


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a line went, and which turn will answer it."""

    conversation_id: UUID
    seq: int
    turn_id: UUID | None


def enter(visitor: Visitor) -> Conversation:
    """The visitor's latest conversation; a first one where there is none. Two tabs get the same.

    One that was resolved is shown to its end, so that nothing said meanwhile is missed; the next line opens
    another.
    """
    known = Conversation.objects.select_related("visitor", "inbox", "agent")
    latest = known.filter(visitor=visitor).order_by("-created_at").first()
    return latest or open_conversation(visitor)


def open_conversation(visitor: Visitor) -> Conversation:
    """A new conversation, or that of another tab that was faster, even if it was resolved since."""
    try:
        with transaction.atomic():
            opened = Conversation.objects.create(
                visitor=visitor, inbox=visitor.inbox, **telling.known_before(visitor)
            )
            outbox.note(opened, Event.OPENED, lambda: opened_fields(visitor))
            return opened
    except IntegrityError:
        return Conversation.objects.filter(visitor=visitor).latest("created_at")


def opened_fields(visitor: Visitor) -> dict[str, Any]:
    """What other systems are told of whose conversation it is."""
    return {
        "inbox": visitor.inbox.key,
        "visitor": {
            "id": str(visitor.pk),
            "customer_id": visitor.customer_id,
            "tier": visitor.tier,
            "locale": visitor.locale,
        },
    }


def ready(conversation: Conversation, *, after_seq: int) -> dict[str, Any]:
    """The `ready` frame: the lines after `after_seq`, the state, and the text so far of a turn in flight."""
    turn = transcript.open_turn(conversation.pk)
    # Read after the turn, so that a turn that ended meanwhile has its answer among the lines.
    messages = transcript.since(conversation.pk, after_seq=after_seq)
    frame: dict[str, Any] = {
        "type": "ready",
        "conversation_id": str(conversation.pk),
        "seq": max([conversation.last_seq, *(message.seq for message in messages)]),
        **transcript.state_fields(conversation),
        "messages": [transcript.as_frame(message) for message in messages],
        "read": {"visitor": conversation.read_seq, "agent": conversation.agent_read_seq},
        "verified": conversation.visitor.verified,
        "form": telling.form_is_wanted(conversation),
    }
    if turn is not None and all(message.turn_id != turn.pk for message in answers(messages)):
        frame["partial"] = partial_fields(turn)
    return frame


def answers(messages: list[Message]) -> list[Message]:
    return [message for message in messages if message.role == Role.BOT]


def partial_fields(turn: Turn) -> dict[str, Any]:
    partial = push.find_partial(turn.pk)
    return {"turn_id": str(turn.pk), "offset": 0, "text": partial.text if partial else ""}


def resume_prompt(conversation: Conversation) -> str | None:
    """The greeting that offers to go on with an earlier topic, if there is one whose time is over."""
    if conversation.owner != Owner.BOT:
        return None
    earlier = memory.load(conversation, now=timezone.now()).earlier
    if not earlier:
        return None
    language = conversation.visitor.language
    return completion.text(
        "resume",
        language=language,
        topic=earlier["summary"],
        slots=rendering.slots_text(earlier["slots"], language=language),
    )


def post_message(
    visitor: Visitor,
    *,
    client_id: UUID,
    text: str,
    address: str,
    context: protocol.Context | None = None,
    attachments: Sequence[UUID] = (),
) -> Posted:
    """Stores a visitor's line and, where the bot owns the conversation, queues its turn.

    Idempotent on `client_id`: the same line again gives the same answer. Raises ProtocolError `conflict`
    when the `client_id` came before with another text, `rate_limited` when the visitor or the address sends
    too much.
    """
    check_admitted(admission.admit_message(visitor.pk.hex, address=address), client_id=client_id)
    said = text or images.STAND_IN[visitor.language]
    examined = vault.examine(visitor, said)
    with transaction.atomic():
        conversation = lock_open(visitor)
        masked = vault.sealed(visitor, examined)
        if (before := find_earlier(conversation, client_id, masked=masked, raw=said)) is not None:
            return before
        sent = images.take(visitor, attachments)
        to_people = escalation.begins_with_people(conversation)
        by_bot = conversation.owner == Owner.BOT and not to_people
        turn = queue_turn(conversation) if by_bot else None
        message = transcript.append(
            conversation,
            role=Role.VISITOR,
            text=masked,
            client_id=client_id,
            visitor=visitor,
            turn=turn,
            meta=telling.carried(visitor, context) | images.carried(sent, text=text),
        )
        images.attach(sent, message)
        if to_people:
            change = escalation.open_for(conversation, escalation.RECEPTION)
        if turn is not None:
            tasks.ring_on_commit(turn.pk)
    told = [transcript.as_frame(message)]
    if turn is not None:
        told.append(protocol.turn(turn.pk, TurnState.QUEUED))
    push.frames(conversation, *told)
    if to_people:
        ownership.announce(conversation, change)
    return Posted(conversation.pk, message.seq, turn.pk if turn else None)


def find_earlier(
    conversation: Conversation, client_id: UUID, *, masked: str, raw: str
) -> Posted | None:
    """What was answered when this line came before. Raises ProtocolError `conflict` for another text."""
    visitor = conversation.visitor
    seen = Q(visitor=visitor) | Q(conversation=conversation)
    earlier = Message.objects.filter(seen, client_id=client_id).first()
    if earlier is None:
        return None
    same = vault.says_the_same(visitor, earlier.text, masked=masked, raw=raw)
    if earlier.role != Role.VISITOR or not same:
        raise ProtocolError("conflict", client_id=client_id)
    return Posted(earlier.conversation_id, earlier.seq, earlier.turn_id)


def lock_open(visitor: Visitor) -> Conversation:
    """The visitor's open conversation, locked; a new one where there is none."""
    while True:
        conversation = find_open(visitor)
        if conversation is not None:
            return conversation
        open_conversation(visitor)


def find_open(visitor: Visitor) -> Conversation | None:
    """The visitor's open conversation, locked; None where there is none."""
    unlocked = Conversation.objects.select_for_update(no_key=True)
    conversation = unlocked.filter(visitor=visitor, resolved_at=None).first()
    if conversation is not None:
        conversation.visitor = visitor
    return conversation


def queue_turn(conversation: Conversation) -> Turn:
    """The turn that will answer the next line: the one that is queued already, else a new one.

    Lines that arrive while a turn waits are answered together. A turn that a worker claims in this moment
    no longer counts as queued.
    """
    seq = conversation.last_seq + 1
    queued = Turn.objects.filter(conversation=conversation, state=TurnState.QUEUED.value)
    if queued.update(last_seq=seq):
        return queued.get()
    return Turn.objects.create(
        conversation=conversation, first_seq=seq, last_seq=seq, epoch=conversation.epoch
    )


def request_human(visitor: Visitor) -> None:
    """Puts the visitor's conversation into the queue for a person; nothing when it is there already.

    Where the inbox has no people it says so instead.
    """
    with transaction.atomic():
        conversation = lock_open(visitor)
        if conversation.owner != Owner.BOT:
            return
        if visitor.inbox.reception == Reception.BOT_ONLY:
            told = transcript.append(
                conversation,
                role=Role.SYSTEM,
                text=ownership.notice_text(conversation, "no_people", agent=None),
            )
        else:
            told, change = None, escalation.open_for(conversation, escalation.ASKED)
    if told is not None:
        push.frames(conversation, transcript.as_frame(told))
    else:
        ownership.announce(conversation, change)


def cancel_human(visitor: Visitor) -> None:
    """Takes the visitor's conversation out of the queue, back to the bot; nothing where it does not wait.

    Only people receive in some inboxes: there ending.leave_queue ends the conversation instead.
    """
    with transaction.atomic():
        conversation = find_open(visitor)
        if conversation is None or conversation.owner != Owner.QUEUE:
            return
        change = handing.to_bot(conversation, notice="queue_left")
    ownership.announce(conversation, change)


def give_feedback(visitor: Visitor, feedback: protocol.Feedback) -> None:
    """Keeps the thumb on a bot's line, and why. Raises ProtocolError `not_found` for any other line."""
    vault.load()
    with transaction.atomic():
        conversation = telling.lock_latest(visitor)
        line = Message.objects.filter(
            conversation=conversation, seq=feedback.message_seq, role=Role.BOT.value
        ).first()
        if line is None:
            raise ProtocolError("not_found")
        line.meta["feedback"] = feedback.value
        line.meta["feedback_reason"] = vault.mask(visitor, feedback.reason or "")
        line.save(update_fields=["meta"])
    ledger.mark_feedback(str(line.turn_id), feedback.value)


def rate(visitor: Visitor, rating: protocol.Rate) -> None:
    """Keeps the visitor's rating of the latest conversation; a second one replaces the first.

    Raises ProtocolError `not_found` before there is a conversation.
    """
    vault.load()
    with transaction.atomic():
        conversation = telling.lock_latest(visitor)
        said = {
            "score": rating.score,
            "resolved": rating.resolved,
            "tags": [vault.mask(visitor, tag) for tag in rating.tags],
            "comment": vault.mask(visitor, rating.comment or ""),
        }
        Rating.objects.update_or_create(
            conversation=conversation, defaults={**said, "at": timezone.now()}
        )
        outbox.note(conversation, Event.RATED, lambda: said)
