"""How a worker receives a doorbell: off the queue when read, with nothing to acknowledge.

Named in config.celery; loaded in workers only. Kombu's Redis transport would spend six commands and a new client
on acknowledging a message that a `no_ack` queue never kept.
"""

from celery.worker.request import Request


class Doorbell(Request):
    """A request that is done with its message once it has it."""

    def acknowledge(self) -> None:
        """Marks the message as taken, without a word to the broker."""
        self.acknowledged = True
