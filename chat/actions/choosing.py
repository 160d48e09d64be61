"""What a visitor does with a card or a quick reply: it becomes a line; for a confirmation, the customer's word.

Called by consumers and api.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import Q

from chat import protocol, push, tasks, transcript, vault
from chat.actions import visitor as visitors
from chat.actions.admitting import check_admitted
from chat.actions.visitor import Posted
from chat.models import Conversation, Message, Turn, Visitor
from chat.protocol import ProtocolError
from chat.states import Role, TurnState
from chat.tools import cards, confirming
from chat.tools.acting import Chosen
from prompts import admission

STATUS = {cards.CONFIRM: "confirmed", cards.CANCEL: "cancelled"}


def choose(visitor: Visitor, frame: protocol.Choice, *, address: str) -> Posted:
    """Takes the visitor's choice among what a message offered.

    A confirmation counts once, for its own card, while it lasts; any other value is said as its label, or as it is
    where the message has no such button. Idempotent on `client_id`. Raises ProtocolError as post_message does, and
    `conflict` for a confirmation that confirms nothing, which is kept on record.
    """
    wanted = cards.read_value(frame.value)
    if wanted is None:
        text = label_of(visitor, frame) or frame.value
        return visitors.post_message(visitor, client_id=frame.client_id, text=text, address=address)
    verdict = admission.admit_message(visitor.pk.hex, address=address)
    check_admitted(verdict, client_id=frame.client_id)
    vault.load()
    return answer_card(visitor, Chosen(*wanted), frame)


def label_of(visitor: Visitor, frame: protocol.Choice) -> str | None:
    """The label of what the visitor's message offered under the value."""
    offered = Message.objects.filter(
        conversation__visitor=visitor, conversation__resolved_at=None, seq=frame.message_seq
    ).first()
    return cards.find_button(offered.meta, frame.value) if offered else None


def answer_card(visitor: Visitor, chosen: Chosen, frame: protocol.Choice) -> Posted:
    """Takes a confirmation. Raises ProtocolError `conflict`, once its refusal is stored."""
    with transaction.atomic():
        conversation = visitors.find_open(visitor)
        before = find_earlier(visitor, conversation, chosen, client_id=frame.client_id)
        if before is not None:
            return before
        try:
            if conversation is None:
                raise confirming.Unusable("unknown_card", None)
            asked = mark(conversation, chosen, frame)
            message, turn = store(visitor, conversation, chosen, frame)
        except confirming.Unusable as unusable:
            # Where the conversation has ended, it is noted there: no new one is opened for it.
            noted = conversation or visitors.enter(visitor)
            confirming.note_refusal(noted, unusable, call_id=chosen.call_id)
            conversation = None
    if conversation is None:
        raise ProtocolError("conflict", client_id=frame.client_id)
    push.frames(
        conversation,
        transcript.cards_frame(asked),
        transcript.as_frame(message),
        protocol.turn(turn.pk, TurnState.QUEUED),
    )
    return Posted(conversation.pk, message.seq, turn.pk)


def find_earlier(
    visitor: Visitor, conversation: Conversation | None, chosen: Chosen, *, client_id: UUID
) -> Posted | None:
    """What was answered when this choice came before. Raises ProtocolError `conflict` for another one."""
    # Also an agent's line of this conversation, which may have taken the id.
    seen = Q(visitor=visitor) | Q(conversation=conversation) if conversation else Q(visitor=visitor)
    before = Message.objects.filter(seen, client_id=client_id).first()
    if before is None:
        return None
    if before.meta.get("choice") != chosen.as_json():
        raise ProtocolError("conflict", client_id=client_id)
    return Posted(before.conversation_id, before.seq, before.turn_id)


def mark(conversation: Conversation, chosen: Chosen, frame: protocol.Choice) -> Message:
    """The message whose card was answered, its card marked so. Raises confirming.Unusable."""
    confirming.take(conversation, chosen.call_id, act=chosen.act, seq=frame.message_seq)
    asked = Message.objects.get(conversation=conversation, seq=frame.message_seq)
    asked.meta["cards"] = cards.marked(
        asked.meta.get("cards", []), chosen.call_id, status=STATUS[chosen.act]
    )
    asked.save(update_fields=["meta"])
    return asked


def store(
    visitor: Visitor, conversation: Conversation, chosen: Chosen, frame: protocol.Choice
) -> tuple[Message, Turn]:
    """The choice as a line, and the turn that sees to it; the bot owns the locked conversation."""
    turn = visitors.queue_turn(conversation)
    message = transcript.append(
        conversation,
        role=Role.VISITOR,
        text=cards.spoken(chosen.act, language=visitor.language),
        client_id=frame.client_id,
        visitor=visitor,
        turn=turn,
        meta={"choice": chosen.as_json()},
    )
    tasks.ring_on_commit(turn.pk)
    return message, turn
