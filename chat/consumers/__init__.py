"""Sockets. `client` is a visitor's; the other modules are what it is made of."""

from chat.consumers.client import ClientConsumer

__all__ = ["ClientConsumer"]
