"""Listens to what is pushed to a visitor's sockets, at the Redis channel behind the layer."""

from typing import Any

from chat import protocol, push
from prompts.redis import connection

END = b"end"


class Ear:
    """Hears every frame from its making on."""

    def __init__(self, visitor: Any) -> None:
        self.pubsub = connection().pubsub()  # type: ignore[no-untyped-call]
        self.channel = push.channel(visitor.pk)
        self.pubsub.subscribe(self.channel)
        # The first message says that the subscription stands.
        self.pubsub.get_message(timeout=5)

    def frames(self) -> list[Any]:
        """The frames since the last look. Redis keeps the order, so nothing is behind our own last word."""
        connection().publish(self.channel, END)
        heard = []
        while (data := self.hear()) != END:
            heard.append(protocol.loads(push.layer().deserialize(data)["text"]))
        return heard

    def hear(self) -> bytes:
        message = self.pubsub.get_message(timeout=5)
        if message is None:
            raise TimeoutError("Redis is silent")
        data: bytes = message["data"]
        return data

    def close(self) -> None:
        self.pubsub.close()
