"""The classifier in force: trained from rows, heard everywhere, never worse unless a person says so."""

import io
import sys
import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection as database

from chat import analysis
from chat.dialogue import Dialogue
from config.celery import app
from prompts import snapshot, tasks, understanding
from prompts.locks import Lock
from prompts.models import Intent, IntentExample, NluModel
from prompts.nlu import weights
from prompts.nlu.train import TooFewExamples
from prompts.redis import connection
from tests.prompts.llm.racing import race
from tests.prompts.shop_intents import WORDS, plant

ASKED = "帮我查一下快递"


@pytest.fixture(autouse=True)
def fresh(transactional_db: None) -> Iterator[None]:
    def forget() -> None:
        snapshot.CACHE.clear()
        understanding.LOADED.forget()

    forget()
    yield
    forget()


def in_force() -> int:
    """The version a process works with that has just heard of a change."""
    snapshot.CACHE.clear()
    return snapshot.snapshot().nlu_number


def copy_of(row: NluModel, *, number: int, **changes: Any) -> NluModel:
    fields = {"weights": row.weights, "digest": row.digest, "macro_f1": row.macro_f1}
    return NluModel.objects.create(number=number, **{**fields, **changes})


def spoil_labels() -> None:
    """Files every second example under the next intent, so that nothing is to be learned."""
    keys = list(Intent.objects.order_by("pk").values_list("pk", flat=True))
    for example in IntentExample.objects.order_by("pk")[::2]:
        example.intent_id = keys[(keys.index(example.intent_id) + 1) % len(keys)]
        example.save()


def test_the_first_training_is_in_force_at_once() -> None:
    assert understanding.classifier() is None
    plant()

    row = understanding.train_now(note="why")

    assert (row.number, row.active, row.note) == (1, True, "why")
    assert row.examples == IntentExample.objects.count()
    assert row.macro_f1 > 0.8
    classifier = understanding.classifier()
    assert classifier is not None
    assert classifier.intents(ASKED).intents[0][0] == "logistics"


def test_stored_weights_are_those_of_the_digest() -> None:
    plant()
    row = understanding.train_now()

    stored = bytes(NluModel.objects.get().weights)

    assert weights.digest(stored) == row.digest
    assert set(weights.load(stored).heads[weights.INTENTS].labels) == set(WORDS)


def test_candidates_and_what_is_switched_off_teach_nothing() -> None:
    plant()
    used = IntentExample.objects.count()
    IntentExample.objects.create(
        intent=Intent.objects.get(name="invoice"),
        language="zh",
        text="候选的话",
        source="candidate",
    )
    IntentExample.objects.create(
        intent=Intent.objects.get(name="invoice"), language="zh", text="停用的话", enabled=False
    )
    off = Intent.objects.create(name="off", enabled=False)
    IntentExample.objects.create(intent=off, language="zh", text="别的话")

    row = understanding.train_now()

    assert row.examples == used
    assert "off" not in weights.load(bytes(row.weights)).heads[weights.INTENTS].labels
    assert {one.text for one in understanding.usable()}.isdisjoint(
        {"候选的话", "停用的话", "别的话"}
    )


def test_a_worse_one_stays_out_of_force_until_a_person_says_so() -> None:
    plant()
    good = understanding.train_now()
    spoil_labels()

    bad = understanding.train_now()

    assert bad.macro_f1 < good.macro_f1 - understanding.WORSE_BY
    assert (bad.number, bad.active, in_force()) == (2, False, 1)
    assert understanding.is_worse(bad)
    understanding.activate(bad)
    assert in_force() == 2
    understanding.activate(good)
    assert in_force() == 1
    assert NluModel.objects.filter(active=True).count() == 1


def test_any_training_is_better_than_one_that_cannot_be_read() -> None:
    NluModel.objects.create(number=1, weights=b"broken", macro_f1=1.0, active=True)
    plant()

    row = understanding.train_now()

    assert (row.number, row.active) == (2, True)


def test_the_report_names_the_examples_that_disagree_by_key() -> None:
    plant()
    wrong = IntentExample.objects.create(
        intent=Intent.objects.get(name="invoice"), language="zh", text="这双鞋的快递到哪了"
    )
    # Places shift: what was planted first is gone before anybody reads the report.
    IntentExample.objects.order_by("pk").first().delete()  # type: ignore[union-attr]

    report = understanding.train_now().report

    [found] = [one for one in report["doubtful"] if one["example"] == wrong.pk]
    assert (found["label"], found["taken_for"]) == ("invoice", "logistics")


def test_every_process_follows_what_another_one_put_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # This process's own announcements come back to it at any moment: here only the copy itself is looked at.
    monkeypatch.setattr(snapshot.LISTENER, "caches", [])
    plant()
    first = understanding.train_now()
    before = understanding.classifier()
    copy_of(first, number=2)
    # What another process does, seen from here: rows that changed, and a word that they did.
    NluModel.objects.filter(number=1).update(active=False)
    NluModel.objects.filter(number=2).update(active=True)

    assert understanding.classifier() is before
    snapshot.CACHE.clear()

    after = understanding.classifier()
    assert after is not None
    assert after is not before
    assert understanding.LOADED.number == 2


def test_a_version_that_cannot_be_read_leaves_the_bot_without_but_speaking() -> None:
    NluModel.objects.create(number=7, weights=b"\x1f\x8bbroken", active=True)

    found = understanding.classifier()
    heard = analysis.analyse(
        ["我要退货"],
        language="zh",
        dialogue=Dialogue(),
        today=date(2026, 3, 2),
        classifier=found,
    )

    assert (found, in_force()) == (None, 7)
    assert (heard.intent, heard.understood.intents) == ("unknown", ())


def test_activating_at_once_leaves_exactly_one_in_force() -> None:
    rows = [NluModel.objects.create(number=n, weights=b"", active=n == 1) for n in range(1, 6)]
    waiting = list(rows)

    def one() -> None:
        understanding.activate(waiting.pop())
        database.close()

    race(one, racers=5)

    assert NluModel.objects.filter(active=True).count() == 1


def test_nobody_trains_while_another_does() -> None:
    plant()
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [Lock.TRAINING])
        refused = elsewhere(understanding.train_now)
        cursor.execute("SELECT pg_advisory_unlock(%s)", [Lock.TRAINING])

    assert isinstance(refused, understanding.AlreadyTraining)
    assert not NluModel.objects.exists()


def elsewhere(act: Any) -> BaseException | None:
    """What it raised on another connection."""

    def one() -> BaseException | None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            return error
        finally:
            database.close()
        return None

    return race(one, racers=1)[0]


def test_too_few_examples_are_refused_and_free_the_lock() -> None:
    plant(intents={"return": WORDS["return"]})

    with pytest.raises(TooFewExamples):
        understanding.train_now()

    assert understanding.progress() == {}
    assert isinstance(elsewhere(understanding.train_now), TooFewExamples)


def test_progress_is_told_and_ends() -> None:
    understanding.tell("fitting", 3, 9)
    assert understanding.progress() == {"what": "fitting", "done": "3", "steps": "9"}
    assert 0 < connection().ttl(understanding.PROGRESS_KEY) <= understanding.PROGRESS_SECONDS  # type: ignore[operator]
    understanding.tell("", 0, 0)
    assert understanding.progress() == {}


def test_the_command_says_what_came_out_and_who_asked() -> None:
    plant()
    boss = get_user_model().objects.create_superuser("boss")
    out = io.StringIO()

    call_command("train_nlu", "--note=monday", f"--user={boss.pk}", stdout=out)

    row = NluModel.objects.get()
    assert (row.note, row.created_by) == ("monday", boss)
    assert out.getvalue().startswith("classifier 1: 90 examples in ")
    assert out.getvalue().strip().endswith("; in force")


def test_the_command_trains_the_first_only_once() -> None:
    plant()
    call_command("train_nlu", "--if-none", stdout=io.StringIO())
    call_command("train_nlu", "--if-none", stdout=io.StringIO())
    assert NluModel.objects.count() == 1


def test_the_command_ends_with_a_code_that_says_why() -> None:
    with pytest.raises(CommandError) as few:
        call_command("train_nlu")
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [Lock.TRAINING])
        busy = elsewhere(lambda: call_command("train_nlu"))
        cursor.execute("SELECT pg_advisory_unlock(%s)", [Lock.TRAINING])

    assert few.value.returncode == understanding.TOO_FEW
    assert isinstance(busy, CommandError)
    assert busy.returncode == understanding.BUSY


@pytest.fixture
def child_uses_test_database(monkeypatch: pytest.MonkeyPatch) -> None:
    found = database.settings_dict
    where = f"host={found['HOST']}&port={found['PORT'] or 5432}"
    account = f"{found['USER']}:{found['PASSWORD']}"
    url = f"postgres://{account}@/{found['NAME']}?{where}"
    monkeypatch.setenv("DATABASE_URL", url)


@pytest.mark.usefixtures("child_uses_test_database")
def test_the_first_classifier_is_trained_apart_and_once() -> None:
    plant()

    tasks.train_first()
    tasks.train_first()

    row = NluModel.objects.get()
    assert (row.active, row.note) == (True, "first")
    assert understanding.progress() == {}


@pytest.mark.usefixtures("child_uses_test_database")
def test_a_training_apart_that_fails_says_why_to_whoever_watches() -> None:
    tasks.train_nlu()
    assert understanding.progress()["what"] == understanding.NOT_ENOUGH


def test_a_training_apart_ends_with_its_worker() -> None:
    apart = understanding.Apart()
    codes: list[int] = []
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    thread = threading.Thread(target=lambda: codes.append(apart.run(sleeper)))
    thread.start()
    while not apart.running:
        thread.join(0.01)

    apart.stop()
    thread.join(30)

    assert codes == [-15]
    assert not apart.running


def test_the_tasks_go_to_the_default_worker() -> None:
    app.loader.import_default_modules()
    for task in (tasks.train_nlu, tasks.train_first):
        assert task.name in app.tasks
        assert app.amqp.router.route({}, task.name)["queue"].name == "default"
