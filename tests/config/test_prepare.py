"""The steps that make a database ready, and what they refuse."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config.management.commands import prepare

pytestmark = pytest.mark.django_db


def test_database_of_a_newer_version_is_refused() -> None:
    MigrationRecorder(connection).record_applied("chat", "9999_from_the_future")
    with pytest.raises(
        prepare.PrepareError, match=r"newer version.*\(chat\.9999_from_the_future\)"
    ):
        prepare.check_migrations()


def test_migrations_of_an_app_that_is_gone_are_no_obstacle() -> None:
    MigrationRecorder(connection).record_applied("removed_app", "0001_initial")
    prepare.check_migrations()


def test_first_administrator_gets_a_stored_password(tmp_path: Path, settings: Any) -> None:
    settings.ADMIN_PASSWORD = ""

    outcome = prepare.create_admin(tmp_path / "password")

    password = (tmp_path / "password").read_text().strip()
    assert outcome == "generated"
    assert len(password) >= 16
    assert get_user_model().objects.get(username="admin").check_password(password)


def test_password_of_a_start_that_was_killed_is_used_again(tmp_path: Path, settings: Any) -> None:
    settings.ADMIN_PASSWORD = ""
    (tmp_path / "password").write_text("kept from before\n")

    prepare.create_admin(tmp_path / "password")

    assert get_user_model().objects.get(username="admin").check_password("kept from before")


def test_given_password_is_not_stored(tmp_path: Path, settings: Any) -> None:
    settings.ADMIN_PASSWORD = "chosen by the operator"

    outcome = prepare.create_admin(tmp_path / "password")

    assert outcome == "given"
    assert not (tmp_path / "password").exists()
    assert get_user_model().objects.get(username="admin").check_password("chosen by the operator")


def test_admin_who_was_replaced_does_not_come_back(tmp_path: Path) -> None:
    get_user_model().objects.create_superuser("wang", password="x")

    outcome = prepare.create_admin(tmp_path / "password")

    assert outcome == "kept"
    assert not get_user_model().objects.filter(username="admin").exists()


def test_unreachable_redis_is_reported_without_its_password(settings: Any) -> None:
    settings.REDIS_EMBEDDED = False
    settings.REDIS_URL = "redis://:xyzzy@127.0.0.1:1/0"
    with pytest.raises(
        prepare.PrepareError, match=r"^REDIS_URL is unreachable \(127\.0\.0\.1:1\)"
    ) as caught:
        prepare.check_redis()
    assert "xyzzy" not in str(caught.value)
