"""A made-up past, for trying pages and measuring them: seeded, like a shop's days, and written as fast as Postgres takes it."""

from analytics.history.plan import Shop, Story, tell
from analytics.history.writing import open_shop, write

__all__ = ["Shop", "Story", "open_shop", "tell", "write"]
