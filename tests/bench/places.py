"""What visitors who wait are told of their place, heard at the channels behind their sockets, beside the queue's own rows."""

import threading
import time
from typing import Any, Self
from uuid import UUID

POLL_SECONDS = 0.005


class Places:
    """Hears every place told to these visitors: `with Places(visitors) as places:`."""

    def __init__(self, visitors: list[Any]) -> None:
        from chat import push
        from prompts.redis import connection

        self.pubsub = connection().pubsub()  # type: ignore[no-untyped-call]
        self.channels = {push.channel(each.pk): each.pk for each in visitors}
        self.pubsub.subscribe(*self.channels)
        self.last: dict[UUID, int] = {}
        self.heard: list[tuple[UUID, int]] = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.listen)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        self.pubsub.close()

    def listen(self) -> None:
        from chat import protocol, push

        while not self.over.is_set():
            message = self.pubsub.get_message(timeout=0.1)
            if not message or message["type"] != "message":
                continue
            frame: Any = protocol.loads(push.layer().deserialize(message["data"])["text"])
            if frame["type"] == "state":
                visitor = self.channels[message["channel"].decode()]
                self.note(visitor, frame.get("queue"))

    def note(self, visitor: UUID, place: dict[str, Any] | None) -> None:
        if place is None:
            self.last.pop(visitor, None)
        else:
            self.last[visitor] = place["position"]
            self.heard.append((visitor, place["position"]))

    def rises(self) -> int:
        """How often somebody was told a place behind the one before: while people only leave, each is a mistake."""
        known: dict[UUID, int] = {}
        count = 0
        for visitor, position in list(self.heard):
            count += position > known.get(visitor, position)
            known[visitor] = position
        return count

    def wait_until_right(self, inbox: Any, *, seconds: float) -> dict[UUID, tuple[Any, Any]]:
        """Waits until everybody was told where they are; (told, true) of those who were not in time."""
        right = truth(inbox)
        deadline = time.monotonic() + seconds
        while True:
            told = dict(self.last)
            wrong = {pk: (told.get(pk), right.get(pk)) for pk in {*told, *right}}
            wrong = {pk: both for pk, both in wrong.items() if both[0] != both[1]}
            if not wrong or time.monotonic() > deadline:
                return wrong
            time.sleep(POLL_SECONDS)


def truth(inbox: Any) -> dict[UUID, int]:
    """Visitor → place, by the rows: whoever came first is first."""
    from chat.models import Conversation

    rows = Conversation.objects.filter(inbox=inbox, owner="queue", resolved_at=None)
    visitors = rows.order_by("waiting_since").values_list("visitor", flat=True)
    return {visitor: place for place, visitor in enumerate(visitors, start=1)}
