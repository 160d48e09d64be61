"""What the first masked text would wait for is loaded before any test holds a transaction open."""

import pytest

from prompts.redaction import engine


@pytest.fixture(autouse=True, scope="session")
def warmed() -> None:
    engine.warm()
