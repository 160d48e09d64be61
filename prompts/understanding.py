"""The classifier in force: trained from the examples staff edit, kept as rows, heard by every process within seconds.

Called by chat.analysis to understand, by the admin and by tasks to train, activate and go back.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict

import structlog
from django.conf import settings
from django.db import connection, transaction
from redis import RedisError

from prompts.models import IntentExample, NluModel
from prompts.nlu import weights
from prompts.nlu.intents import Classifier
from prompts.nlu.report import Report
from prompts.nlu.train import Example, train
from prompts.redis import connection as redis_connection
from prompts.snapshot import announce, snapshot

log = structlog.get_logger(__name__)

# A new classifier speaks by itself unless it is worse than this by cross-validation.
WORSE_BY = 0.005
TRAINING_LOCK = 7_305_002
PROGRESS_KEY, PROGRESS_SECONDS = "nlu:training", 600
# What belongs to no intent teaches the honest "unknown".
UNKNOWN = "other"

Progress = Callable[[str, int, int], None]


class AlreadyTraining(Exception):
    """Another process trains at this moment."""


class Loaded:
    """The process's classifier; loaded anew when another version is in force."""

    def __init__(self) -> None:
        self.number = 0
        self.classifier: Classifier | None = None
        self.lock = threading.Lock()

    def get(self, number: int) -> Classifier | None:
        if number == self.number:
            return self.classifier
        with self.lock:
            if number != self.number:
                self.classifier, self.number = load(number), number
            return self.classifier


LOADED = Loaded()


def classifier() -> Classifier | None:
    """The classifier in force; None before the first was trained."""
    return LOADED.get(snapshot().nlu_number)


def load(number: int) -> Classifier | None:
    """The classifier of a version; None where there is none that can be read."""
    row = NluModel.objects.filter(number=number).first() if number else None
    if row is None:
        return None
    try:
        return Classifier(weights.load(bytes(row.weights)))
    except weights.BadWeights:
        log.exception("classifier_unreadable", number=number)
        return None


def train_now(*, user_id: int | None = None, note: str = "") -> NluModel:
    """Trains on the enabled examples; the result is in force at once unless it is worse than what is.

    Raises AlreadyTraining, and nlu.train.TooFewExamples.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [TRAINING_LOCK])
        if not cursor.fetchone()[0]:
            raise AlreadyTraining
        try:
            return keep(*learn(), user_id=user_id, note=note)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [TRAINING_LOCK])
            tell("", 0, 0)


def learn() -> tuple[bytes, Report, int, float]:
    """Weights, report, how many examples, and the seconds it took."""
    started = time.monotonic()
    examples = [
        Example(text=row.text, intent=row.intent.name, emotion=row.emotion, language=row.language)
        for row in usable()
    ]
    found, report = train(examples, progress=tell, unknown=UNKNOWN)
    return weights.dump(found), report, len(examples), time.monotonic() - started


def usable() -> list[IntentExample]:
    rows = IntentExample.objects.filter(enabled=True, intent__enabled=True)
    return list(
        rows.exclude(source=IntentExample.Source.CANDIDATE).select_related("intent").order_by("pk")
    )


def keep(
    data: bytes,
    report: Report,
    examples: int,
    seconds: float,
    *,
    user_id: int | None,
    note: str,
) -> NluModel:
    with transaction.atomic():
        last = NluModel.objects.select_for_update().order_by("-number").first()
        row = NluModel.objects.create(
            number=last.number + 1 if last else 1,
            weights=data,
            digest=weights.digest(data),
            examples=examples,
            accuracy=report.accuracy,
            macro_f1=report.macro_f1,
            report=asdict(report),
            seconds=round(seconds, 1),
            created_by_id=user_id,
            note=note,
        )
        current = NluModel.objects.filter(active=True).first()
        if current is None or row.macro_f1 >= current.macro_f1 - WORSE_BY:
            activate(row)
    log.info("classifier_trained", number=row.number, macro_f1=row.macro_f1, active=row.active)
    return row


def activate(row: NluModel) -> None:
    """Puts a version in force, on every process within seconds; going back is the same."""
    with transaction.atomic():
        NluModel.objects.select_for_update().filter(active=True).update(active=False)
        NluModel.objects.filter(pk=row.pk).update(active=True)
        row.active = True
        announce()


def train_apart() -> None:
    """Trains in a process of its own: scikit-learn would leave a worker with 200 MB for good."""
    command = [sys.executable, "manage.py", "train_nlu"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, check=False, capture_output=True)  # noqa: S603
    if done.returncode:
        log.error("training_failed", code=done.returncode)


def tell(what: str, done: int, steps: int) -> None:
    """Where the training is, for whoever watches; an empty `what` ends it."""
    try:
        if what:
            fields = {"what": what, "done": done, "steps": steps}
            redis_connection().hset(PROGRESS_KEY, mapping=fields)
            redis_connection().expire(PROGRESS_KEY, PROGRESS_SECONDS)
        else:
            redis_connection().delete(PROGRESS_KEY)
    except RedisError:
        return


def progress() -> dict[str, str]:
    """{"what", "done", "steps"} of a training that runs; empty when none does."""
    try:
        kept: dict[bytes, bytes] = redis_connection().hgetall(PROGRESS_KEY)  # type: ignore[assignment]
    except RedisError:
        return {}
    return {name.decode(): value.decode() for name, value in kept.items()}
