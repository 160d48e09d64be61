"""Confirmations: a write that waits for the customer's word, good once, for one conversation, epoch and content.

Called by the turn, which puts cards up and carries out what was confirmed, and by actions, which take the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.db.models.functions import Now
from django.utils import timezone

from chat.models import Conversation, Message, ToolCall, Turn
from chat.states import CallState, Owner
from chat.tools import arguments as args
from chat.tools import cards, registry, running
from chat.tools.arguments import Arguments, BadArguments
from chat.tools.registry import Spec
from chat.tools.running import Caller, Outcome

log = structlog.get_logger(__name__)

LIFE = timedelta(minutes=10)
BEGUN_STATES = [
    CallState.RUNNING.value,
    CallState.DONE.value,
    CallState.FAILED.value,
    CallState.UNKNOWN.value,
    CallState.REFUSED.value,
]


class Unusable(Exception):
    """A confirmation that confirms nothing: "replayed", "expired", "moved_on" or "unknown_card"."""

    def __init__(self, reason: str, call: ToolCall | None = None) -> None:
        super().__init__(reason)
        self.reason, self.call = reason, call


@dataclass(frozen=True, slots=True)
class Proposal:
    """A write that a card asks the customer about."""

    spec: Spec
    arguments: Arguments
    call_id: UUID
    asked_by: str
    expires_at: datetime

    def card(self, language: str) -> cards.Card:
        return cards.confirm_card(
            self.spec,
            self.arguments,
            call_id=self.call_id,
            expires_at=self.expires_at,
            language=language,
        )


def propose(spec: Spec, arguments: Arguments, *, asked_by: str) -> Proposal:
    """A proposal; it is nothing until `put_up`. Raises BadArguments."""
    args.check(spec, arguments)
    if running.kept(spec, arguments) != arguments:
        raise BadArguments("personal")
    return Proposal(spec, arguments, uuid4(), asked_by, timezone.now() + LIFE)


def put_up(proposals: Sequence[Proposal], *, turn: Turn, message: Message) -> None:
    """Stores the proposals of a message with it; the same ones asked for before are void. Holds the row lock."""
    digests = [args.digest(each.spec, each.arguments) for each in proposals]
    ToolCall.objects.filter(
        conversation=message.conversation, digest__in=digests, state=CallState.PROPOSED.value
    ).update(state=CallState.CANCELLED.value, error="asked_again")
    ToolCall.objects.bulk_create(
        ToolCall(
            pk=each.call_id,
            tool_id=each.spec.id,
            name=each.spec.name,
            conversation=message.conversation,
            turn=turn,
            asked_by=each.asked_by,
            state=CallState.PROPOSED.value,
            arguments=each.arguments,
            digest=digest,
            epoch=turn.epoch,
            message_seq=message.seq,
            expires_at=each.expires_at,
        )
        for each, digest in zip(proposals, digests, strict=True)
    )


def take(conversation: Conversation, call_id: UUID, *, act: str, seq: int) -> ToolCall:
    """The customer's word on a proposal, taken once. The caller holds the row lock. Raises Unusable."""
    mine = ToolCall.objects.filter(pk=call_id, conversation=conversation, message_seq=seq)
    state = CallState.CONFIRMED if act == cards.CONFIRM else CallState.CANCELLED
    usable = mine.filter(
        state=CallState.PROPOSED.value, epoch=conversation.epoch, expires_at__gt=Now()
    )
    if conversation.owner == Owner.BOT and usable.update(state=state.value):
        return mine.get()
    raise Unusable(*why_not(conversation, mine.first()))


def why_not(conversation: Conversation, call: ToolCall | None) -> tuple[str, ToolCall | None]:
    if call is None:
        return "unknown_card", None
    if call.state != CallState.PROPOSED:
        return "replayed", call
    moved_on = call.epoch != conversation.epoch or conversation.owner != Owner.BOT
    return ("moved_on" if moved_on else "expired"), call


def note_refusal(conversation: Conversation, refusal: Unusable, *, call_id: UUID) -> None:
    """Keeps a refused confirmation on record."""
    call = refusal.call
    ToolCall.objects.create(
        tool_id=call.tool_id if call else None,
        name=call.name if call else "",
        conversation=conversation,
        asked_by="card",
        state=CallState.REFUSED.value,
        error=refusal.reason,
        arguments=call.arguments if call else {},
        epoch=conversation.epoch,
    )
    log.warning("confirmation_refused", reason=refusal.reason, call=str(call_id))


def carry_out(
    call_id: UUID, specs: Sequence[Spec], caller: Caller, *, turn: Turn
) -> Outcome | None:
    """Runs what was confirmed, if the conversation is still the bot's under the epoch it was confirmed in.

    An attempt that died while it ran is run again under the same key; what has an end is told, not done again.
    None when nothing was done and nothing will be.
    """
    mine = ToolCall.objects.filter(
        pk=call_id,
        conversation_id=turn.conversation_id,
        epoch=turn.epoch,
        state__in=[CallState.CONFIRMED.value, CallState.RUNNING.value],
        conversation__epoch=turn.epoch,
        conversation__owner=Owner.BOT.value,
    )
    if not mine.update(state=CallState.RUNNING.value, turn=turn):
        return what_became(call_id, caller, turn=turn)
    row = ToolCall.objects.get(pk=call_id)
    spec = next((each for each in specs if each.id == row.tool_id), None)
    if spec is None:
        ToolCall.objects.filter(pk=call_id).update(state=CallState.REFUSED.value, error="moved_on")
        return None
    if args.digest(spec, row.arguments) != row.digest:
        # Staff changed the tool meanwhile: that is not what was confirmed.
        return running.refuse(spec, row.arguments, caller, error="moved_on", row=row)
    return running.run(spec, row.arguments, replace(caller, asked_by=row.asked_by), row=row)


def what_became(call_id: UUID, caller: Caller, *, turn: Turn) -> Outcome | None:
    """What an earlier attempt, or a turn before a takeover, made of a confirmed call; None when it never began."""
    began = ToolCall.objects.select_related("tool").filter(
        pk=call_id, conversation_id=turn.conversation_id, state__in=BEGUN_STATES
    )
    row = began.first()
    if row is None or row.tool is None:
        return None
    return running.recalled(registry.as_spec(row.tool), row, caller)


def written(caller: Caller, *, turn: Turn) -> tuple[str, ...]:
    """What became of the writes that this turn has begun, as it would have told them itself."""
    rows = ToolCall.objects.select_related("tool").filter(
        turn=turn, tool__effect="write", state__in=BEGUN_STATES
    )
    begun = rows.exclude(state=CallState.REFUSED.value).order_by("at")
    outcomes = [
        running.recalled(registry.as_spec(row.tool), row, caller) for row in begun if row.tool
    ]
    return tuple(outcome.sentence for outcome in outcomes if outcome.sentence)
