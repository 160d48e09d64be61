"""Exports: a row a conversation, of the own inboxes only, with nothing that was said and nothing that runs."""

import csv
import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from analytics import exporting, files, rollups
from analytics.models import Export, Outcome
from chat.models import Inbox, Message, Rating
from tests.analytics.history import Writer
from tests.analytics.test_views import viewer

pytestmark = pytest.mark.django_db

SECRET = "13800138000 住在中山路"


@pytest.fixture
def writer() -> Writer:
    found = Writer()
    for hours in range(3, 30, 3):
        found.conversation(timezone.now() - timedelta(hours=hours))
    Message.objects.filter(role="visitor").update(text=SECRET)
    Rating.objects.update(tags=["=HYPERLINK(1)", "@SUM(A1)"], comment=SECRET)
    while not rollups.tick(seconds=5):
        pass
    return found


def ask(client: Client, **query: str) -> Export:
    answer = client.post("/analytics/exports/", query)
    assert answer.status_code == 302
    job = Export.objects.latest("pk")
    exporting.run(job.pk)
    return Export.objects.get(pk=job.pk)


def read_csv(job: Export) -> list[list[str]]:
    return list(csv.reader(io.StringIO(bytes(job.file).decode("utf-8-sig"))))


def test_a_row_for_each_conversation_and_nothing_that_was_said(writer: Writer) -> None:
    mine = writer.inboxes[0]
    client = viewer(mine)

    job = ask(client, kind="csv", days="7")

    heading, *lines = read_csv(job)
    wanted = Outcome.objects.filter(inbox_id=mine.pk).exclude(kind="empty")
    assert {line[0] for line in lines} == {str(each.pk) for each in wanted}
    assert {line[heading.index("Inbox")] for line in lines} == {mine.name}
    assert SECRET not in bytes(job.file).decode()
    cells = [cell for line in lines for cell in line]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not any(cell.startswith(("=", "@", "+")) for cell in cells)
    fetched = client.get(f"/analytics/exports/{job.pk}/file/")
    assert fetched.content == bytes(job.file)
    assert client.get(f"/analytics/exports/{job.pk}/state/").json()["written"] == len(lines)


def test_a_workbook_holds_texts_and_numbers_and_no_formula(writer: Writer) -> None:
    job = ask(viewer(*writer.inboxes), kind="xlsx", days="7", trait="rated")

    sheet = openpyxl.load_workbook(io.BytesIO(bytes(job.file))).active
    assert sheet is not None
    types = {cell.data_type for row in sheet.iter_rows() for cell in row}
    assert types <= {"s", "inlineStr", "n"}
    assert (
        sheet.max_row
        == 1 + Outcome.objects.filter(score__isnull=False).exclude(kind="empty").count()
    )


def test_an_export_is_for_whoever_asked(writer: Writer, client: Client) -> None:
    job = ask(viewer(*writer.inboxes), kind="csv")
    client.force_login(get_user_model().objects.create_superuser("boss"))

    assert client.get(f"/analytics/exports/{job.pk}/file/").status_code == 404
    assert client.get(f"/analytics/exports/{job.pk}/state/").status_code == 404
    assert client.post("/analytics/exports/", {"kind": "exe"}).status_code == 403


def test_a_job_runs_once_and_again_only_when_its_worker_died(
    writer: Writer, monkeypatch: Any
) -> None:
    job = ask(viewer(*writer.inboxes), kind="csv")
    finished = job.finished_at
    exporting.run(job.pk)
    assert Export.objects.get(pk=job.pk).finished_at == finished

    Export.objects.filter(pk=job.pk).update(
        state="running", lease_until=timezone.now() - timedelta(seconds=1), file=b""
    )
    exporting.run(job.pk)

    again = Export.objects.get(pk=job.pk)
    assert again.state == "done"
    assert bytes(again.file) == bytes(job.file)


def test_what_cannot_be_written_fails_and_is_waited_for_no_longer(writer: Writer) -> None:
    # No mood has such a name.
    Outcome.objects.update(moods="?")
    job = ask(viewer(*writer.inboxes), kind="xlsx", days="7")
    assert (job.state, bytes(job.file)) == ("failed", b"")


def test_a_character_that_no_workbook_holds_becomes_a_blank(writer: Writer) -> None:
    Inbox.objects.update(name="=a\x0bb\x01\ufffec")

    job = ask(viewer(*writer.inboxes), kind="xlsx", days="7")

    assert job.state == "done"
    sheet = openpyxl.load_workbook(io.BytesIO(bytes(job.file))).active
    assert sheet is not None
    assert {row[1].value for row in sheet.iter_rows(min_row=2)} == {"'=a b  c"}


def test_a_worker_that_lost_its_lease_writes_nothing(writer: Writer) -> None:
    job = ask(viewer(*writer.inboxes), kind="csv")
    Export.objects.filter(pk=job.pk).update(state="running", lease_until=timezone.now())
    with pytest.raises(exporting.LostLease):
        exporting.renew(job, written=1)
    assert not exporting.held(job).exists()
    assert files.is_lost(Export.objects.get(pk=job.pk))


def test_three_at_once_are_enough(writer: Writer) -> None:
    client = viewer(*writer.inboxes)
    for _ in range(4):
        client.post("/analytics/exports/", {"kind": "csv"})
    assert Export.objects.count() == 3
    assert "Three exports" in client.get("/analytics/exports/").content.decode()
