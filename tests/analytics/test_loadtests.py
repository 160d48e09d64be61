"""Load tests: the figures of their questions, the file, the page."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client

from analytics.loadtests import figures, keeping, record, table
from analytics.loadtests.figures import Called
from analytics.loadtests.record import Asked, Record
from analytics.models import LoadTest
from prompts.models import ModelCall
from tests.analytics.test_views import ENGLISH, viewer

AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def asked(turn: str | None, total_ms: float | None, error: str = "") -> Asked:
    first_ms = None if total_ms is None else total_ms / 2
    return Asked(due_ms=0, first_ms=first_ms, total_ms=total_ms, turn=turn, error=error)


def run(turns: list[Asked], **fields: Any) -> Record:
    content = {
        "format": 1,
        "run": uuid.uuid4(),
        "at": AT,
        "mode": "closed",
        "users": 50,
        "seconds": 60.0,
        "generator_cores": 4,
        "turns": turns,
        **fields,
    }
    return Record.model_validate(content)


def kept(**fields: Any) -> LoadTest:
    """A run of a hundred answers that take 10, 20, … 1,000 ms times `slower`."""
    slower = fields.pop("slower", 1)
    turns = [asked(None, 10.0 * slower * n) for n in range(1, 101)]
    found = keeping.complete(run(turns, **fields))
    keeping.keep(found)
    return LoadTest.objects.get(pk=found.run)


def test_figures_are_of_the_answers_and_success_of_all() -> None:
    turns = [asked(str(n), float(n)) for n in range(1, 101)]
    turns += [asked("x", 5000.0, "failed"), asked(None, None, "timeout")]
    called = {str(n): Called("light" if n <= 60 else "strong", 100 + n, n) for n in range(1, 91)}

    whole = figures.of_all(turns, called)
    light, strong, none = figures.by_model(turns, called)

    assert (whole.sent, whole.answered, whole.mean_ms) == (102, 100, 50.5)
    assert (whole.p50_ms, whole.p95_ms, whole.p99_ms) == (50.0, 95.0, 99.0)
    assert (whole.first_p50_ms, whole.first_p95_ms) == (25.0, 47.5)
    assert (light.model, light.sent, light.tokens_in, light.tokens_out) == (
        "light",
        60,
        130.5,
        30.5,
    )
    assert (strong.model, strong.sent, strong.mean_ms) == ("strong", 30, 75.5)
    assert (none.model, none.sent, none.answered, none.tokens_in) == ("", 12, 10, None)
    assert figures.errors(turns) == {"failed": 1, "timeout": 1}


def test_success_is_never_rounded_up_to_all() -> None:
    turns = [asked(None, 1.0)] * 99_999 + [asked(None, None, "timeout")]

    assert table.share(figures.of_all(turns, {})) == "99.99%"
    assert table.share(figures.of_all(turns[:5], {})) == "100.00%"
    assert table.share(figures.of_all([], {})) == "—"


WRONG = (
    ({"mode": "open"}, "an open run has a rate"),
    ({"rate": 5}, "an open run has a rate"),
    ({"turns": None}, "either the questions or the figures"),
    ({"users": 0}, "users"),
    ({"seconds": "nan"}, "seconds"),
    ({"run": "1"}, "run"),
    ({"format": 2}, "format"),
    ({"more": 1}, "more"),
    ({"at": "2026-11-20T08:30:00"}, "at"),
    ({"turns": [{"due_ms": 0, "first_ms": -1, "total_ms": 1, "turn": None, "error": ""}]}, "turns.0.first_ms"),
    ({"turns": [{"due_ms": 0, "first_ms": 1, "total_ms": 1, "turn": None, "error": "<b>"}]}, "turns.0.error"),
)  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), WRONG)
def test_a_file_that_is_none_is_refused_with_the_place(changes: dict[str, Any], said: str) -> None:
    content = json.loads(run([asked(None, 1.0)]).model_dump_json(exclude_defaults=False))

    with pytest.raises(record.Unreadable, match=said):
        record.read(json.dumps(content | changes).encode())


def test_anything_else_is_no_file_of_a_load_test(tmp_path: Any) -> None:
    with pytest.raises(record.Unreadable):
        record.read(b"\xff\xfe nonsense")
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_loadtest", str(tmp_path / "none.json"))


def call(turn: str, endpoint: str, **fields: Any) -> None:
    tokens = {"input_tokens": 100, "output_tokens": 10}
    ModelCall.objects.create(
        trace_id=turn, endpoint=endpoint, **{"purpose": "answer", "at": AT, **tokens, **fields}
    )


@pytest.mark.django_db
def test_a_turn_counts_for_the_model_that_answered_with_the_tokens_of_all_calls() -> None:
    fell_over, plain, failed = (str(uuid.uuid4()) for _ in range(3))
    call(fell_over, "light", error_class="timeout", attempt=1, output_tokens=0)
    call(fell_over, "strong", attempt=2, at=AT + timedelta(seconds=1))
    call(fell_over, "light", purpose="understand", input_tokens=7, output_tokens=3)
    call(plain, "light")
    call(failed, "light", error_class="timeout", output_tokens=0)

    assert keeping.calls_of([fell_over, plain, failed, str(uuid.uuid4())]) == {
        fell_over: Called("strong", 207, 13),
        plain: Called("light", 100, 10),
        failed: Called("light", 100, 0),
    }


@pytest.mark.django_db
def test_a_run_on_another_platform_is_not_completed_here(tmp_path: Any) -> None:
    path = tmp_path / "run.json"
    path.write_text(run([asked(str(uuid.uuid4()), 1.0)]).model_dump_json())

    with pytest.raises(CommandError, match="import it on the platform that was under load"):
        call_command("import_loadtest", str(path))
    assert not LoadTest.objects.exists()


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


@pytest.mark.django_db
def test_the_page_shows_a_run_beside_the_earlier_ones(boss: Client) -> None:
    earlier = kept()
    kept(users=20, at=AT + timedelta(hours=1))
    newest = kept(slower=2, at=AT + timedelta(hours=2), note="after the index", shared=True)

    page = boss.get("/analytics/loadtests/", headers=ENGLISH)

    shown = page.context["shown"]
    assert shown["pk"] == newest.pk
    assert shown["before"] == earlier
    figure = {
        each["name"]: (each["text"], each["change"], each["tone"]) for each in shown["figures"]
    }
    assert figure["Average"] == ("1010 ms", "+100%", "bad")
    assert figure["Success"] == ("100.00%", "", "")
    assert [row["at"] for row in page.context["rows"]] == [
        AT + timedelta(hours=n) for n in (2, 1, 0)
    ]
    html = page.content.decode()
    assert "50 users at a time, 60 s" in html
    assert "after the index" in html
    assert "cores shared with the load" in html
    assert "50 个并发用户" in boss.get(f"/analytics/loadtests/{earlier.pk}/").content.decode()
    assert boss.get(f"/analytics/loadtests/{uuid.uuid4()}/").status_code == 404


@pytest.mark.django_db
def test_the_page_says_how_to_make_the_first_run(boss: Client) -> None:
    html = boss.get("/analytics/loadtests/", headers=ENGLISH).content.decode()

    assert "No load test was kept yet" in html
    assert "make loadtest" in html


@pytest.mark.django_db
def test_load_tests_want_a_right_of_their_own() -> None:
    client = viewer()
    assert client.get("/analytics/loadtests/").status_code == 403
    assert "/analytics/loadtests/" not in client.get("/analytics/").content.decode()
    user = get_user_model().objects.get(username="viewer")
    user.user_permissions.add(Permission.objects.get(codename="view_loadtest"))

    assert client.get("/analytics/loadtests/").status_code == 200
    assert "/analytics/loadtests/" in client.get("/analytics/").content.decode()
