"""Pytest plugin: one Postgres and one Redis for the whole run, in a home of its own.

Loaded by `-p tests.services` before Django reads its settings, so that the tests touch no running instance
and need no variable.
"""

import logging
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

HOME = Path(tempfile.mkdtemp(prefix="yingda-test-"))
KEPT = {"YINGDA_TEST_KEEP"}


def isolate_environment() -> None:
    """No variable of the person who runs the tests reaches them: no key, no proxy, no database."""
    for name in list(os.environ):
        vendor = name.startswith(("OPENAI_", "ANTHROPIC_", "DASHSCOPE_"))
        proxy = name.lower() in {"http_proxy", "https_proxy", "all_proxy"}
        ours = name.startswith("YINGDA_") and name not in KEPT
        if vendor or proxy or ours or name in {"DATABASE_URL", "REDIS_URL", "PORT"}:
            del os.environ[name]
    os.environ.update(
        YINGDA_HOME=str(HOME),
        YINGDA_SECRET_KEY="for-tests-only-" + "x" * 40,
        YINGDA_DATABASE_POOL="40",
        NO_PROXY="127.0.0.1,localhost",
        DJANGO_SETTINGS_MODULE="config.settings",
    )


isolate_environment()
STARTED = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        return  # the process that only hands tests out to others
    # Inline: config.embedded reads nothing of the environment, but the plugin must be cheap to collect.
    from config import embedded

    STARTED.enter_context(embedded.services(HOME))


def pytest_unconfigure(config: pytest.Config) -> None:
    # Threads that listen would complain of services that are meant to be gone, into streams that are closed.
    logging.disable()
    STARTED.close()
    if not os.environ.get("YINGDA_TEST_KEEP"):
        shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def clean_redis(request: pytest.FixtureRequest) -> None:
    """Redis holds only doorbells and state that may vanish: every database test starts with none."""
    marked = request.node.get_closest_marker("django_db") is not None
    if marked or {"db", "transactional_db"} & set(request.fixturenames):
        from prompts import ledger
        from prompts.llm import scripts
        from prompts.redis import connection

        connection().flushdb()
        ledger.COUNTED.at = 0.0
        scripts.outage_of.cache_clear()


def database_url() -> str:
    """Where the rows of this test are."""
    from django.db import connection as database

    kept = database.settings_dict
    return f"postgres://{kept['USER']}@{quote(kept['HOST'], safe='')}/{kept['NAME']}"
