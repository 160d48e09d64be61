"""Every figure equals what the rows say, at the edges of days, after late facts and erasures, whatever befell the filling."""

import os
import random
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from analytics import reading, rollups, spans
from analytics.figures import value_of
from analytics.metrics import LABELLED, METRICS, PERCENTILES
from analytics.models import DailyCount, DailySketch, Dirty, HourlyCount, LateFact, Outcome
from analytics.reading import Question
from analytics.spans import Period
from chat.actions import privacy, sorting
from chat.models import Conversation, Message, Rating, Reveal, Visitor
from prompts import ledger
from prompts.models import ModelCall
from tests.analytics.history import Writer
from tests.analytics.recount import (
    DURATIONS,
    LABELS,
    RECOUNTS,
    ask,
    rank,
    recount,
    recount_labels,
    recount_soothing,
)
from tests.services import database_url

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db(transaction=True)

# In New York the clock was put back in the night before; in Shanghai it never is.
NOW = datetime(2026, 11, 3, 18, 30, tzinfo=UTC)
FIRST, LAST = date(2026, 10, 31), date(2026, 11, 2)


def catch_up() -> None:
    while not rollups.tick(seconds=5):
        pass


def check_figures(inboxes: list[int], period: Period | None = None) -> None:
    """Raises AssertionError with every figure that differs from its recount: (counted, recounted)."""
    question = Question(period or Period(FIRST, LAST), tuple(inboxes))
    values: dict[str, Any] = {
        "since": question.period.since,
        "until": question.period.until,
        "inboxes": inboxes,
        "now": timezone.now(),
    }
    found = {}
    for key in RECOUNTS:
        metric = METRICS[key]
        sums = reading.by_day(question, metric.family, metric.stats)
        found[key] = (value_of(metric, sums.now), recount(key, **values), 2e-5)
    spread = reading.spread(question, DURATIONS)
    for key, said in PERCENTILES.items():
        true = [float(each) for each in ask(DURATIONS[said.measure], **values) if each is not None]
        found[key] = (spread.percentile(said.measure, said.share), rank(true, said.share), 0.011)
    assert {key: pair for key, pair in found.items() if not alike(*pair)} == {}
    check_labels(question, values)


def check_labels(question: Question, values: dict[str, Any]) -> None:
    """The same for the rows of the tables."""
    for family in LABELS:
        now, _ = reading.by_group(question, family, "label", {"conversations", "taken_over"})
        counted = {label: (n["conversations"], n["taken_over"]) for label, n in now.items()}
        assert counted == recount_labels(family, **values), family
    now, _ = reading.by_group(question, "soothing", "label", {"turns"})
    soothed = {label: now.get(label, {}).get("turns", 0) for label in ("with", "without")}
    assert soothed == recount_soothing(**values)


def alike(counted: float | None, recounted: float | None, accuracy: float) -> bool:
    if counted is None or recounted is None:
        return counted is recounted
    return abs(counted - recounted) <= accuracy * max(1.0, abs(recounted))


def everything() -> list[tuple[Any, ...]]:
    """All that was counted, in order: equal before and after means that nothing was lost or doubled."""
    place = ("family", "start", "inbox_id", "tier", "intent", "release", "model", "label")
    hours = HourlyCount.objects.order_by(*place).values_list(*place, "counts")
    days = DailyCount.objects.order_by("split", *place).values_list("split", *place, "counts")
    sketches = DailySketch.objects.order_by("measure", "start", "inbox_id", "model")
    return [
        *hours,
        *days,
        *sketches.values_list("measure", "start", "inbox_id", "model", "buckets", "counts"),
    ]


@pytest.fixture
def writer() -> Writer:
    """Conversations around the days under test, in two inboxes; some begin within a minute of midnight."""
    found = write_days()
    visitor = Visitor.objects.filter(conversations__resolved_at__isnull=False).first()
    assert visitor is not None
    ended = visitor.conversations.get()
    assert ended.resolved_at is not None
    found.conversation(ended.resolved_at + timedelta(hours=3), visitor=visitor)
    return found


def write_days() -> Writer:
    found = Writer()
    for day in range(4):
        midnight = spans.day_start(FIRST + timedelta(days=day))
        for minutes in (-1, 0, 61, 400, 1300):
            found.conversation(midnight + timedelta(minutes=minutes))
    return found


def ids_of(writer: Writer) -> list[int]:
    return [inbox.pk for inbox in writer.inboxes]


def test_every_figure_has_a_recount() -> None:
    assert set(METRICS) - set(LABELLED) == set(RECOUNTS)
    assert {said.measure for said in PERCENTILES.values()} == set(DURATIONS)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_figures_equal_their_recount(zone: str, settings: Any) -> None:
    settings.TIME_ZONE = zone
    with time_machine.travel(NOW, tick=False):
        writer = write_days()
        catch_up()

        check_figures(ids_of(writer))
        check_figures(ids_of(writer)[:1])
        check_figures(ids_of(writer), Period(date(2026, 11, 1), date(2026, 11, 1)))


def test_late_facts_are_counted(writer: Writer) -> None:
    with time_machine.travel(NOW, tick=False):
        catch_up()
        assert not Dirty.objects.exists()
        rated = Conversation.objects.filter(rating=None).first()
        thumbed = Message.objects.filter(role="bot").exclude(meta__feedback="down").first()
        call = ModelCall.objects.filter(purpose="answer", taken_over=False).first()
        assert rated is not None
        assert thumbed is not None
        assert call is not None
        Rating.objects.create(conversation=rated, score=1, resolved=False, at=NOW)
        thumbed.meta["feedback"] = "down"
        thumbed.save(update_fields=["meta"])
        ledger.mark_taken_over(call.trace_id)
        Reveal.objects.create(
            agent=writer.agents[0],
            visitor=rated.visitor,
            conversation=rated,
            placeholder="<PHONE_1>",
            reason="call back",
            at=spans.day_start(LAST),
        )
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        catch_up()

        check_figures(ids_of(writer))
        outcome = Outcome.objects.get(pk=rated.pk)
        assert "revealed" in outcome.traits
        assert outcome.score == 1
        assert not LateFact.objects.exists()


def test_a_visitor_who_writes_again_makes_the_conversation_open(writer: Writer) -> None:
    with time_machine.travel(NOW, tick=False):
        catch_up()
        silent = Outcome.objects.filter(resolved_at=None).exclude(kind="open").first()
        assert silent is not None
        writer.at = NOW - timedelta(minutes=5)
        writer.line(Conversation.objects.get(pk=silent.pk), "visitor", "还在吗")
        catch_up()

        assert Outcome.objects.get(pk=silent.pk).kind == "open"
        check_figures(ids_of(writer))
    with time_machine.travel(NOW + timedelta(hours=3), tick=False):
        catch_up()

        assert Outcome.objects.get(pk=silent.pk).kind != "open"
        check_figures(ids_of(writer))


def test_what_is_erased_is_no_longer_counted(writer: Writer) -> None:
    with time_machine.travel(NOW, tick=False):
        catch_up()
        before = Outcome.objects.count()
        again = Outcome.objects.filter(reopened=True).first()
        assert again is not None
        visitor = Visitor.objects.get(pk=again.visitor_id)
        erased = visitor.conversations.count()
        privacy.erase(visitor)
        catch_up()

        assert Outcome.objects.count() == before - erased
        assert not Outcome.objects.filter(visitor_id=visitor.pk).exists()
        check_figures(ids_of(writer))


def test_counting_again_changes_nothing(writer: Writer) -> None:
    with time_machine.travel(NOW, tick=False):
        catch_up()
        counted = everything()
        pks = set(HourlyCount.objects.values_list("pk", flat=True))
        rollups.forget()
        catch_up()

        assert everything() == counted
        assert set(HourlyCount.objects.values_list("pk", flat=True)) == pks


def test_a_filling_that_dies_anywhere_is_made_good(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step but the first few is cut off in its middle, as a kill cuts a transaction off; then it goes on."""

    class Killed(Exception):
        pass

    with time_machine.travel(NOW, tick=False):
        catch_up()
        counted = everything()
        HourlyCount.objects.all().delete()
        DailyCount.objects.all().delete()
        Outcome.objects.all().delete()
        rollups.forget()
        whole, rng = rollups.mark, random.Random(5)

        def dying(*args: Any) -> None:
            whole(*args)
            if rng.random() < 0.4:
                raise Killed

        monkeypatch.setattr(rollups, "mark", dying)
        done = False
        while not done:
            try:
                done = rollups.tick(seconds=5)
            except Killed:
                continue

        assert everything() == counted
        check_figures(ids_of(writer))


def test_a_process_killed_in_its_work_is_made_good_by_two_at_once(writer: Writer) -> None:
    catch_up()
    counted = everything()
    HourlyCount.objects.all().delete()
    DailyCount.objects.all().delete()
    Outcome.objects.all().delete()
    rollups.forget()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE analytics_dailycount IN SHARE MODE")
        # It has filled the hours, and stands before the first day.
        killed = fill_process()
        wait_until_blocked(killed)
        killed.kill()
        killed.wait()
    assert HourlyCount.objects.exists()
    assert Dirty.objects.filter(grain="day").exists()

    with ThreadPoolExecutor(2) as beats:
        list(beats.map(lambda _: fill_beside_others(), range(2)))

    assert everything() == counted
    assert not Dirty.objects.exists()


def fill_beside_others() -> None:
    """As one of several beats, to the end."""
    done = False
    while not done:
        try:
            done = rollups.tick(seconds=1)
        except rollups.Busy:
            time.sleep(0.01)
    connection.close()


def fill_process() -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "DATABASE_URL": database_url()}
    command = [sys.executable, "manage.py", "fill_analytics"]
    return subprocess.Popen(command, env=environment, cwd=ROOT)


def wait_until_blocked(process: "subprocess.Popen[bytes]") -> None:
    """Until a statement of another connection waits for the table we hold."""
    waits = """SELECT count(*) FROM pg_locks
        WHERE NOT granted AND relation = 'analytics_dailycount'::regclass AND pid <> pg_backend_pid()"""
    deadline = time.monotonic() + 120
    while not ask(waits)[0]:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_clock_that_is_put_back_loses_nothing(writer: Writer) -> None:
    with time_machine.travel(NOW + timedelta(hours=5), tick=False):
        catch_up()
    with time_machine.travel(NOW, tick=False):
        catch_up()
        writer.conversation(NOW - timedelta(minutes=4))
        catch_up()

        assert Outcome.objects.count() == Conversation.objects.count()
        check_figures(ids_of(writer), Period(FIRST, spans.day_of(NOW)))


def test_a_day_of_outage_is_made_up_for(writer: Writer) -> None:
    with time_machine.travel(NOW, tick=False):
        catch_up()
        for hour in range(20):
            writer.conversation(NOW + timedelta(hours=hour, minutes=7))
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        catch_up()

        check_figures(ids_of(writer), Period(FIRST, spans.day_of(NOW + timedelta(days=1))))
        assert Outcome.objects.count() == Conversation.objects.count()


def test_tags_of_another_shape_do_not_stop_the_counting(writer: Writer) -> None:
    with time_machine.travel(NOW, tick=False):
        odd = writer.conversation(NOW - timedelta(hours=1))
        Conversation.objects.filter(pk=odd.pk).update(tags={"a": 1})
        Message.objects.filter(conversation=odd, role="bot").update(meta={"citations": "late"})
        catch_up()

        assert Outcome.objects.filter(pk=odd.pk).exists()


def test_a_conversation_unknown_to_the_rows_is_forgotten() -> None:
    with time_machine.travel(NOW, tick=False):
        LateFact.objects.create(conversation_id=uuid.uuid4())
        catch_up()

        assert not LateFact.objects.exists()


def test_tags_that_are_set_late_are_counted(writer: Writer) -> None:
    with time_machine.travel(NOW, tick=False):
        tagged = writer.conversation(NOW - timedelta(hours=30))
        catch_up()
        sorting.set_tags(tagged.pk, tags=["迟到"])
        assert LateFact.objects.filter(conversation_id=tagged.pk).count() == 1
        sorting.set_tags(tagged.pk, tags=["迟到"])
        assert LateFact.objects.filter(conversation_id=tagged.pk).count() == 1
        catch_up()
    assert "tag:迟到" in Outcome.objects.get(pk=tagged.pk).traits
