"""Doorbells and the sweeper. A task takes ids, may be lost, repeated or reordered, and calls one function."""

import os
import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import structlog
from celery import shared_task
from celery.signals import celeryd_after_setup, worker_ready, worker_shutting_down
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from chat import (
    analysis,
    assigning,
    intake,
    lease,
    media,
    outbox,
    ownership,
    reclaiming,
    search,
    shadow,
    turn,
    waking,
    webhooks,
)
from chat.assisting import briefs, suggestions, translations
from chat.dialogue import Dialogue
from chat.gaps import searching
from prompts import completion, understanding
from prompts.redaction import engine

log = structlog.get_logger(__name__)

# A silent answer that comes much later than the real one compares nothing.
SHADOW_SECONDS = 60

WORKER = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
SWEPT_AT_ONCE = 50
SWEPT_THREADS = 8
# A doorbell that rang this long ago is taken for lost.
DOORBELL_SECONDS = 4.0
INDEXING_SECONDS = 10.0
# What a worker that is told to stop may take to finish its turns; the supervisor waits a little longer.
FINISH_SECONDS = 3.0


@shared_task
def run_turn(turn_id: str) -> None:
    """Runs a turn, then those that were queued in its conversation meanwhile."""
    following: UUID | None = UUID(turn_id)
    while following is not None:
        answered = following
        following = turn.run(answered, worker=WORKER)
        ring_shadows(answered)


@shared_task
def shadow_turn(turn_id: str, release: int) -> None:
    """Answers silently, under a release that nobody hears yet, what was just answered."""
    shadow.run(UUID(turn_id), release)


def ring_shadows(turn_id: UUID) -> None:
    """Rings for the releases that shadow this turn, which is over. One that is lost is missing from a sample."""
    try:
        for release in shadow.wanted(turn_id):
            shadow_turn.apply_async((str(turn_id), release), expires=SHADOW_SECONDS)
    except (OperationalError, OSError, DatabaseError) as error:
        log.warning("shadow_lost", turn_id=str(turn_id), error=type(error).__name__)


@shared_task
def sweep() -> None:
    """Rings again for turns nobody works on, and ends those that have no attempts left."""
    for turn_id in lease.exhausted(limit=SWEPT_AT_ONCE):
        turn.give_up(turn_id, worker=WORKER)
    for turn_id in lease.due(older_than_seconds=DOORBELL_SECONDS, limit=SWEPT_AT_ONCE):
        ring(turn_id)


@shared_task
def sweep_images() -> None:
    """Removes images that were never sent, or are older than the shop keeps them."""
    gone = media.sweep()
    if gone:
        log.info("images_swept", images=gone)


@shared_task(name=outbox.DELIVER)
def deliver_webhook(delivery_id: str) -> None:
    """Makes one attempt to tell another system."""
    webhooks.deliver(UUID(delivery_id))


@shared_task
def sweep_webhooks() -> None:
    """Rings for deliveries whose doorbell was lost or whose next attempt has come."""
    outbox.ring(webhooks.due())


@shared_task
def index_conversations() -> None:
    """Makes the lines of the last seconds findable; a backlog is worked off a while at a time."""
    until = time.monotonic() + INDEXING_SECONDS
    while search.index_due() and time.monotonic() < until:
        pass


@shared_task(name=intake.ASSIGN)
def assign() -> None:
    """Gives what waits to agents who have room."""
    assigning.assign()


@shared_task
def sweep_rings() -> None:
    """Takes back what absent agents hold, ends what rang in vain, and asks the next."""
    reclaiming.sweep()
    assigning.sweep()


@shared_task(name=ownership.WRITE_BRIEF)
def write_brief(conversation_id: str, epoch: int) -> None:
    """Lets a model write the brief of a hand-over."""
    briefs.run(UUID(conversation_id), epoch)


@shared_task
def write_suggestion(suggestion_id: str) -> None:
    """Lets a model write what an agent asked for."""
    suggestions.run(UUID(suggestion_id))


@shared_task
def translate_lines(conversation_id: str, language: str) -> None:
    """Lets a model translate a thread's newest lines."""
    translations.run(UUID(conversation_id), language)


@shared_task
def forget_suggestions() -> None:
    """Ends suggestions that no worker came back to, and removes old ones."""
    suggestions.forget()


@shared_task
def wake_conversations() -> None:
    """Ends the time for which conversations were put aside."""
    waking.wake_due()


@shared_task
def forget_webhooks() -> None:
    """Removes deliveries that are older than they are kept."""
    webhooks.forget_old()


@shared_task
def forget_shadows() -> None:
    """Removes silent answers that are older than they are kept."""
    gone = shadow.forget_old()
    if gone:
        log.info("shadows_forgotten", answers=gone)


@shared_task
def look_for_gaps(pk: int) -> None:
    """Looks for what customers asked and nobody could answer."""
    searching.run(pk)


@shared_task
def resume_searches() -> None:
    """Rings for searches for gaps that nobody is at: the doorbell was lost, or the worker died."""
    for pk in searching.unattended():
        look_for_gaps.delay(pk)


def ring_on_commit(turn_id: UUID) -> None:
    """Rings the doorbell of a turn once the transaction is committed."""
    transaction.on_commit(lambda: ring(turn_id))


def ring(turn_id: UUID) -> None:
    """Rings the doorbell of a turn. Without a broker the sweep of a worker finds the turn by itself."""
    try:
        run_turn.delay(str(turn_id))
    except (OperationalError, OSError) as error:
        log.warning("doorbell_lost", turn_id=str(turn_id), error=type(error).__name__)


def ring_translation(conversation_id: UUID, language: str) -> None:
    """Rings for translations; one that is lost is asked for again with the next line."""
    try:
        translate_lines.apply_async((str(conversation_id), language), expires=translations.SECONDS)
    except (OperationalError, OSError) as error:
        log.warning("translation_lost", error=type(error).__name__)


def ring_suggestion(suggestion_id: UUID) -> bool:
    """Rings for a suggestion; False, with a log line, without a broker."""
    try:
        write_suggestion.apply_async((str(suggestion_id),), expires=suggestions.SECONDS)
    except (OperationalError, OSError) as error:
        log.warning("suggestion_lost", suggestion_id=str(suggestion_id), error=type(error).__name__)
        return False
    return True


class Sweeper:
    """Runs turns whose doorbell was lost, inside a worker of the `turns` queue; needs no broker."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.running: set[UUID] = set()
        self.pool = ThreadPoolExecutor(max_workers=SWEPT_THREADS, thread_name_prefix="swept-turn")

    def start(self) -> None:
        threading.Thread(target=self.loop, name="sweeper", daemon=True).start()

    def loop(self) -> None:
        while not self.stopped.wait(settings.SWEEP_SECONDS):
            try:
                self.sweep()
            except Exception:  # whatever it was, the next sweep tries again
                log.exception("sweep_failed")
            finally:
                connection.close()

    def sweep(self) -> None:
        for turn_id in lease.exhausted(limit=SWEPT_AT_ONCE):
            turn.give_up(turn_id, worker=WORKER)
        for turn_id in lease.due(older_than_seconds=DOORBELL_SECONDS, limit=SWEPT_THREADS):
            if turn_id not in self.running:
                self.running.add(turn_id)
                self.pool.submit(self.run, turn_id)

    def run(self, turn_id: UUID) -> None:
        try:
            run_turn(str(turn_id))
        except DatabaseError as error:
            log.warning("swept_turn_failed", turn_id=str(turn_id), error=type(error).__name__)
        finally:
            self.running.discard(turn_id)
            connection.close()

    def stop(self) -> None:
        """Stops sweeping; turns that do not end within FINISH_SECONDS are left to another worker."""
        self.stopped.set()
        timer = threading.Timer(FINISH_SECONDS, self.give_back)
        timer.daemon = True
        timer.start()

    def give_back(self) -> None:
        lease.KEEPER.stopped.set()
        try:
            lease.give_back_all(WORKER)
        except DatabaseError as error:
            log.warning("leases_not_returned", error=type(error).__name__)


SWEEPER = Sweeper()


def runs_turns(worker: Any) -> bool:
    return "turns" in worker.app.amqp.queues.consume_from


@celeryd_after_setup.connect
def warm(instance: Any, **_: Any) -> None:
    if runs_turns(instance):
        engine.warm_soon()
        try:
            warm_analysis()
            completion.warm()
        except DatabaseError as error:
            log.warning("not_warmed", error=type(error).__name__)


def warm_analysis() -> None:
    """Reads the classifier and the dictionaries, which the first message would otherwise wait for."""
    analysis.analyse(
        ["好 ok"],
        language="zh",
        dialogue=Dialogue(),
        today=timezone.localdate(),
        classifier=understanding.classifier(),
    )


@worker_ready.connect
def start_sweeper(sender: Any, **_: Any) -> None:
    if runs_turns(sender):
        SWEEPER.start()


@worker_shutting_down.connect
def stop_sweeper(**_: Any) -> None:
    SWEEPER.stop()
