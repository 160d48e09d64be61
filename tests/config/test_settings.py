"""Settings: one reader of the environment, every variable documented, limits that reach the services."""

import ast
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "config" / "settings.py"
# They hand the environment on to processes they start, or say which settings to load, and read nothing from it.
HAND_ON = {"config/bootstrap.py", "config/supervisor/crew.py"}
READERS = {"text", "number", "flag", "listed", "networks", "patterns"}


def load(monkeypatch: pytest.MonkeyPatch, **environment: str) -> dict[str, Any]:
    """The settings as a process with these variables would have them."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    logging_before = structlog.get_config()
    try:
        return runpy.run_path(str(SETTINGS))
    finally:
        # Loggers that were used keep the processors they were made with: the tests that follow capture those.
        structlog.configure(**logging_before)


def variables_read() -> set[str]:
    calls = [
        node for node in ast.walk(ast.parse(SETTINGS.read_text())) if isinstance(node, ast.Call)
    ]
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id in READERS
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def reads_environment(path: Path) -> bool:
    """True when code of `path` looks into os.environ, other than by setdefault."""
    tree = ast.parse(path.read_text())
    harmless = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "setdefault"
    }
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and id(node) not in harmless
        for node in ast.walk(tree)
    )


def test_every_variable_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs/settings.md").read_text()))

    assert variables_read() - documented == set()
    assert {name for name in documented - variables_read() if name.startswith("YINGDA_")} == set()


def test_settings_are_the_only_reader_of_the_environment() -> None:
    sources = [
        p for app in ("config", "chat", "prompts", "analytics") for p in (ROOT / app).rglob("*.py")
    ]

    readers = {str(path.relative_to(ROOT)) for path in sources if reads_environment(path)}

    assert readers - HAND_ON == {"config/settings.py"}


def test_state_lives_under_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loaded = load(monkeypatch, YINGDA_HOME=str(tmp_path / "home"))

    assert loaded["YINGDA_HOME"] == tmp_path / "home"
    assert loaded["DATABASE_EMBEDDED"]
    assert loaded["REDIS_EMBEDDED"]
    assert loaded["DATABASES"]["default"]["NAME"] == "yingda"


def test_urls_of_ones_own_services_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(
        monkeypatch,
        DATABASE_URL="postgres://me:secret@db.example:5433/shop",
        REDIS_URL="redis://:secret@cache.example:6380/3",
    )

    database = loaded["DATABASES"]["default"]
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example", 5433, "shop")
    assert loaded["CELERY_BROKER_URL"] == "redis://:secret@cache.example:6380/3"
    assert not loaded["DATABASE_EMBEDDED"]
    assert not loaded["REDIS_EMBEDDED"]


def test_public_https_address_turns_on_secure_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(monkeypatch, YINGDA_PUBLIC_URL="https://chat.shop.example/")

    assert "chat.shop.example" in loaded["ALLOWED_HOSTS"]
    assert loaded["CSRF_TRUSTED_ORIGINS"] == ["https://chat.shop.example"]
    assert loaded["SESSION_COOKIE_SECURE"]
    assert loaded["CSRF_COOKIE_SECURE"]


def test_nothing_is_open_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(monkeypatch)

    assert loaded["DEBUG"] is False
    assert loaded["HOST"] == "127.0.0.1"
    assert "*" not in loaded["ALLOWED_HOSTS"]
    assert loaded["SECURE_PROXY_SSL_HEADER"] is None
    assert loaded["MODEL_API_KEYS"] == {}


def test_keys_and_addresses_of_models_come_from_any_variable_so_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = load(
        monkeypatch, SHOP_API_KEY="k1", QWEN_BASE_URL="http://127.0.0.1:1/v1", X_API_KEY=""
    )

    assert loaded["MODEL_API_KEYS"] == {"SHOP_API_KEY": "k1"}
    assert loaded["MODEL_BASE_URLS"] == {"QWEN_BASE_URL": "http://127.0.0.1:1/v1"}


def test_secret_key_is_the_stored_one_and_never_a_shipped_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("YINGDA_SECRET_KEY")
    (tmp_path / "secret_key").write_text("stored-secret\n")

    stored = load(monkeypatch, YINGDA_HOME=str(tmp_path))["SECRET_KEY"]
    made = [load(monkeypatch, YINGDA_HOME=str(tmp_path / "new"))["SECRET_KEY"] for _ in range(2)]

    assert stored == "stored-secret"
    assert made[0] != made[1]
    assert min(map(len, made)) >= 50


@pytest.mark.django_db
def test_database_timeouts_reach_the_server() -> None:
    shown = {}
    with connection.cursor() as cursor:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SHOW {name}")
            shown[name] = cursor.fetchone()[0]

    assert list(shown.values()) == ["5s", "2s", "10s"]


def test_vendor_clients_may_not_log_what_customers_say() -> None:
    logging: dict[str, Any] = dict(django_settings.LOGGING)
    levels = {name: entry["level"] for name, entry in logging["loggers"].items()}

    assert {"openai", "httpx", "httpx2", "httpcore"} <= set(levels)
    assert set(levels.values()) == {"WARNING"}


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
