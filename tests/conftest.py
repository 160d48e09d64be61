"""Fixtures every test may use: the default prompts, an inbox, a visitor, an agent."""

import io
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from tests.factories import AgentFactory, InboxFactory, VisitorFactory

pytest_plugins = ["tests.stack"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The database of the tests; a thread that still has a connection must not keep it from being dropped."""
    from django.db import connection

    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def defaults(transactional_db: None) -> Iterator[None]:
    """The prompts, examples and SOPs of a fresh installation."""
    from prompts import completion

    call_command("sync_defaults", stdout=io.StringIO())
    completion.CACHE.clear()
    yield
    completion.CACHE.clear()


@pytest.fixture
def inbox(transactional_db: None) -> Any:
    return InboxFactory()


@pytest.fixture
def visitor(inbox: Any) -> Any:
    return VisitorFactory(inbox=inbox)


@pytest.fixture
def agent(transactional_db: None) -> Any:
    return AgentFactory()


@pytest.fixture
def client_id() -> uuid.UUID:
    return uuid.uuid4()


# Before xdist reads the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share the running platform stay in one process, so that it is started once."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("stack"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """What is still to be told to those who wait is told before the rows go: both would wait for each other."""
    if (places := sys.modules.get("chat.places")) is not None:
        places.TELLER.settle()
