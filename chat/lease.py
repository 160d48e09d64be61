"""Which worker runs which turn. All arithmetic is done by the database clock.

A claim is one conditional update with a lease; a heartbeat extends it; what is not extended in time may be
claimed by anyone. Called by turn and tasks.
"""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, connection
from django.db.models import Exists, F, JSONField, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from chat.models import Conversation, Inbox, Turn, Visitor
from chat.states import TurnState

log = structlog.get_logger(__name__)

ATTEMPTS_MAX = 32767
# What a turn is claimed with, each row under the name it has in TAKE.
READ: tuple[tuple[type[Model], str], ...] = (
    (Turn, "turn"),
    (Conversation, "conversation"),
    (Visitor, "visitor"),
    (Inbox, "inbox"),
)
# One statement, and not the ORM's: it runs once a turn, where building the query costs more than running it.
TAKE = """
    UPDATE chat_turn AS turn
    SET state = 'running', worker = %(worker)s, attempt = turn.attempt + 1,
        lease_until = statement_timestamp() + %(lease)s, started_at = statement_timestamp()
    FROM chat_conversation AS conversation
        JOIN chat_visitor AS visitor ON visitor.id = conversation.visitor_id
        JOIN chat_inbox AS inbox ON inbox.id = conversation.inbox_id
    WHERE turn.id = %(id)s AND conversation.id = turn.conversation_id
        AND turn.attempt BETWEEN %(fewest)s AND %(most)s AND (
        turn.state = 'running' AND turn.lease_until < statement_timestamp()
        OR turn.state = 'queued' AND coalesce(turn.not_before <= statement_timestamp(), true)
            AND NOT EXISTS (
            SELECT FROM chat_turn AS other
            WHERE other.conversation_id = turn.conversation_id AND other.state = 'running'
        )
    )
    RETURNING {columns}
"""
NEXT = """
    SELECT id FROM chat_turn WHERE conversation_id = %s AND state = 'queued'
        AND coalesce(not_before <= statement_timestamp(), true)
"""

QUEUED = Q(state=TurnState.QUEUED.value)
TIME_HAS_COME = Q(not_before=None) | Q(not_before__lte=Now())
RUNNING = Q(state=TurnState.RUNNING.value)


def claim(turn_id: UUID, *, worker: str) -> Turn | None:
    """Takes a turn that is queued, or running on a lease that ran out.

    Returns it with its conversation, visitor and inbox, or None when it cannot be had now: taken, finished,
    out of attempts, or another turn of the conversation is running.
    """
    return take(turn_id, worker=worker, attempts=(0, settings.TURN_ATTEMPTS - 1))


def claim_exhausted(turn_id: UUID, *, worker: str) -> Turn | None:
    """Takes a turn that has no attempts left, to end it."""
    return take(turn_id, worker=worker, attempts=(settings.TURN_ATTEMPTS, ATTEMPTS_MAX))


def take(turn_id: UUID, *, worker: str, attempts: tuple[int, int]) -> Turn | None:
    values: dict[str, Any] = {
        "id": turn_id,
        "worker": worker,
        "lease": timedelta(seconds=settings.LEASE_SECONDS),
        "fewest": attempts[0],
        "most": attempts[1],
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement(), values)
            row = cursor.fetchone()
    except IntegrityError:  # another turn of the conversation started in this moment
        return None
    return None if row is None else as_turn(row)


@cache
def statement() -> str:
    """TAKE with every column of the rows it reads."""
    columns = (f'{name}."{f.column}"' for row, name in READ for f in row._meta.concrete_fields)
    return TAKE.format(columns=", ".join(columns))


def as_turn(values: Sequence[Any]) -> Turn:
    """The turn with its conversation, visitor and inbox, from the columns of `statement`."""
    rest = iter(values)
    rows: dict[str, Any] = {name: as_row(model, rest) for model, name in READ}
    turn: Turn = rows["turn"]
    turn.conversation = rows["conversation"]
    turn.conversation.visitor, turn.conversation.inbox = rows["visitor"], rows["inbox"]
    return turn


def as_row(model: type[Model], values: Iterator[Any]) -> Model:
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    return model.from_db(connection.alias, names, [as_value(f, next(values)) for f in fields])


def as_value(field: Any, value: Any) -> Any:
    """A column as the ORM reads it; the database hands out JSON as text."""
    return json.loads(value) if isinstance(field, JSONField) and value is not None else value


def claimable() -> QuerySet[Turn]:
    running = Turn.objects.filter(RUNNING, conversation_id=OuterRef("conversation_id"))
    return Turn.objects.filter(
        (QUEUED & TIME_HAS_COME & ~Q(Exists(running))) | (RUNNING & Q(lease_until__lt=Now()))
    )


def find_next(conversation_id: UUID) -> UUID | None:
    """The conversation's queued turn, unless it has to wait."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT, [conversation_id])
        row = cursor.fetchone()
    return row[0] if row else None


def due(*, older_than_seconds: float, limit: int) -> list[UUID]:
    """Turns nobody works on although their doorbell rang that long ago, oldest first."""
    patience = Now() - timedelta(seconds=older_than_seconds)
    waiting = claimable().filter(Q(queued_at__lt=patience), attempt__lt=settings.TURN_ATTEMPTS)
    return list(waiting.order_by("queued_at").values_list("pk", flat=True)[:limit])


def exhausted(*, limit: int) -> list[UUID]:
    """Turns whose every attempt ended with a dead worker."""
    spent = claimable().filter(attempt__gte=settings.TURN_ATTEMPTS)
    return list(spent.order_by("queued_at").values_list("pk", flat=True)[:limit])


def extend(turn_ids: list[UUID], *, worker: str) -> set[UUID]:
    """Renews the leases of `worker`; returns the turns it still holds."""
    held = Turn.objects.filter(RUNNING, pk__in=turn_ids, worker=worker)
    held.update(lease_until=Now() + timedelta(seconds=settings.LEASE_SECONDS))
    return set(held.values_list("pk", flat=True))


def give_back(turn: Turn) -> None:
    """Ends the lease now, so that the next sweep finds the turn."""
    Turn.objects.filter(RUNNING, pk=turn.pk, worker=turn.worker, attempt=turn.attempt).update(
        lease_until=Now()
    )


def postpone(turn: Turn, *, seconds: float, last_seq: int) -> bool:
    """Puts a running turn, which now reaches to `last_seq`, back into the queue for a while.

    It costs no attempt. False when the turn is no longer ours.
    """
    mine = Turn.objects.filter(RUNNING, pk=turn.pk, worker=turn.worker, attempt=turn.attempt)
    return bool(
        mine.update(
            state=TurnState.QUEUED.value,
            worker="",
            lease_until=None,
            last_seq=last_seq,
            attempt=F("attempt") - 1,
            not_before=Now() + timedelta(seconds=seconds),
        )
    )


def waiting() -> int:
    """How many turns wait because the platform is overrun."""
    return Turn.objects.filter(QUEUED, not_before__gt=Now()).count()


def give_back_all(worker: str) -> int:
    """Ends every lease of a worker that is going down; returns how many."""
    return Turn.objects.filter(RUNNING, worker=worker).update(lease_until=Now())


class Held:
    """A claimed turn in this process. `lost` is set when the lease could not be kept."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.lost = threading.Event()
        # A thread that hangs beyond every deadline must not keep its turn for ever.
        self.until = time.monotonic() + settings.TURN_DEADLINE_SECONDS + settings.LEASE_SECONDS


class Keeper:
    """Extends the leases of every turn this process runs, from one thread."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.held: dict[UUID, Held] = {}
        self.thread: threading.Thread | None = None
        self.stopped = threading.Event()

    def add(self, held: Held) -> None:
        with self.lock:
            if held.turn.pk in self.held:  # our own earlier attempt, whose lease ran out
                self.held[held.turn.pk].lost.set()
            self.held[held.turn.pk] = held
            if self.thread is None:
                self.thread = threading.Thread(target=self.beat, name="lease-keeper", daemon=True)
                self.thread.start()

    def remove(self, held: Held) -> None:
        with self.lock:
            if self.held.get(held.turn.pk) is held:
                del self.held[held.turn.pk]

    def beat(self) -> None:
        while not self.stopped.wait(settings.LEASE_HEARTBEAT_SECONDS):
            with self.lock:
                current = list(self.held.values())
            try:
                self.extend([held for held in current if time.monotonic() < held.until])
            except Exception:
                # The leases may outlive the database's absence; the fence decides at commit.
                log.exception("lease_not_extended", turns=len(current))
            finally:
                connection.close()

    def extend(self, current: list[Held]) -> None:
        if not current:
            return
        kept = self.renew(current)
        for held in current:
            if held.turn.pk not in kept:
                held.lost.set()

    def renew(self, current: list[Held]) -> set[UUID]:
        kept: set[UUID] = set()
        for worker in {held.turn.worker for held in current}:
            mine = [held.turn.pk for held in current if held.turn.worker == worker]
            kept |= extend(mine, worker=worker)
        return kept


KEEPER = Keeper()


@contextmanager
def held(turn: Turn) -> Iterator[Held]:
    """Keeps the lease of a claimed turn alive inside the block."""
    holding = Held(turn)
    KEEPER.add(holding)
    try:
        yield holding
    finally:
        KEEPER.remove(holding)
