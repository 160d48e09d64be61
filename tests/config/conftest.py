"""Fixtures for tests of the wiring: services that are away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from prompts import admission, redis


@pytest.fixture
def no_redis(settings: Any, tmp_path: Path) -> Iterator[None]:
    """The address of Redis leads nowhere."""
    settings.REDIS_URL = f"unix://{tmp_path}/nothing-here.sock?db=0"
    redis.connection.cache_clear()
    admission.limiter.cache_clear()
    yield
    redis.connection.cache_clear()
    admission.limiter.cache_clear()


@pytest.fixture
def no_database(transactional_db: None) -> Iterator[None]:
    """The address of the database leads nowhere, so every new connection of this thread fails."""
    right = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": "1", "OPTIONS": {}}
    yield
    connection.close()
    connection.settings_dict.clear()
    connection.settings_dict.update(right)
