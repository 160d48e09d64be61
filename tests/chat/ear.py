"""Listens to what is pushed to a visitor's sockets, at the Redis channel behind the layer."""

from typing import Any

from chat import protocol, push
from chat.redis import connection

SILENCE_SECONDS = 0.2


class Ear:
    """Hears every frame from its making on."""

    def __init__(self, visitor: Any) -> None:
        self.pubsub = connection().pubsub()  # type: ignore[no-untyped-call]
        self.pubsub.subscribe(push.channel(visitor.pk))
        # The first message says that the subscription stands.
        self.pubsub.get_message(timeout=5)

    def frames(self) -> list[Any]:
        """The frames since the last look, up to the first silence."""
        heard = []
        while (message := self.pubsub.get_message(timeout=SILENCE_SECONDS)) is not None:
            event = push.layer().deserialize(message["data"])
            heard.append(protocol.loads(event["text"]))
        return heard

    def close(self) -> None:
        self.pubsub.close()
