"""Sockets. `client` is a visitor's, `agent` a console's; the other modules are what they are made of."""

from chat.consumers.agent import AgentConsumer
from chat.consumers.client import ClientConsumer

__all__ = ["AgentConsumer", "ClientConsumer"]
