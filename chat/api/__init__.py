"""REST: the client API and the agent API. Mounted by config.api under /api/v1/."""

from chat.api.agents import agent
from chat.api.visitors import client

__all__ = ["agent", "client"]
