"""Tells those who wait for a person where they are now. Called by ownership when somebody came, left or was taken.

A thread of its own does so: an agent's claim does not wait until a hundred others have heard of it, and what happens in quick
succession is told once. One at a time tells an inbox, in the whole platform, so that nobody hears an older place last.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction

from chat import push, transcript, waiting
from chat.models import Conversation
from chat.states import Owner
from prompts.locks import Lock

log = structlog.get_logger(__name__)

# Changes of this long are told together.
GATHER_SECONDS = 0.05
ATTEMPTS = 3


class Teller:
    """Inboxes whose places are to be told, each once however often it changed meanwhile."""

    def __init__(self) -> None:
        # Ends its work before the process does, unlike a daemon.
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="places")
        self.pending: set[int] = set()

    def tell_soon(self, inbox_id: int) -> None:
        """After commit: whoever waits in the inbox hears of the place within a moment."""
        if inbox_id not in self.pending:
            self.pending.add(inbox_id)
            self.pool.submit(self.run, inbox_id)

    def run(self, inbox_id: int) -> None:
        time.sleep(GATHER_SECONDS)
        # Before the rows are read: what changes from here on is told anew.
        self.pending.discard(inbox_id)
        try:
            for _ in range(ATTEMPTS):
                if self.try_to_tell(inbox_id):
                    return
        finally:
            connection.close()

    def try_to_tell(self, inbox_id: int) -> bool:
        try:
            tell(inbox_id)
        except DatabaseError as error:
            log.warning("places_untold", inbox_id=inbox_id, error=type(error).__name__)
            connection.close()
            return False
        return True

    def settle(self) -> None:
        """Returns when all that was to be told by now has been."""
        self.pool.submit(lambda: None).result()


TELLER = Teller()


def tell(inbox_id: int) -> None:
    """Tells everybody who waits in the inbox, in one round trip. Raises DatabaseError."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Under the lock every look at the rows is later than the one before, and so is what was said of it.
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [Lock.TELLING_PLACES, inbox_id])
        line = waiting.line(inbox_id)
        push.to_visitors((visitor, pk, queued(place)) for visitor, pk, place in line)
        # Who was taken since the rows were read must not be left with a place as the last word.
        told = Conversation.objects.select_related("inbox", "agent", "visitor")
        for gone in told.filter(pk__in=[pk for _, pk, _ in line]).exclude(
            owner=Owner.QUEUE.value, resolved_at=None
        ):
            push.to_visitor(gone, transcript.state_frame(gone))


def queued(place: dict[str, Any]) -> dict[str, Any]:
    return {"type": "state", "state": "queued", "owner": Owner.QUEUE.value, "queue": place}
