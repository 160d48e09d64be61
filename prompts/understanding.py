"""The classifier in force: trained from the examples staff edit, kept as rows, heard by every process within seconds.

Called by chat.analysis to understand, by the admin and by tasks to train, activate and go back.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from redis import RedisError

from prompts.locks import Lock
from prompts.models import Intent, IntentExample, NluModel
from prompts.nlu import weights
from prompts.nlu.intents import Classifier
from prompts.nlu.train import Example, train
from prompts.redis import connection as redis_connection
from prompts.snapshot import announce, release_connection, snapshot

log = structlog.get_logger(__name__)

# A new classifier speaks by itself unless it is worse than this by cross-validation.
WORSE_BY = 0.005
PROGRESS_KEY, PROGRESS_SECONDS = "nlu:training", 120
# What belongs to no intent teaches the honest "unknown".
UNKNOWN = "other"
# Longer words make no example.
CANDIDATE_CHARS = 200
# What `manage.py train_nlu` ends with where it did not train.
TOO_FEW, BUSY = 3, 4
# What is told beside the steps of the training itself.
QUEUED, FAILED, NOT_ENOUGH = "queued", "failed", "too few examples"


class AlreadyTraining(Exception):
    """Another process trains at this moment."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A training's outcome. `report` is nlu.report.Report as JSON; its doubtful rows name their example's key."""

    weights: bytes
    report: dict[str, Any]
    examples: int
    seconds: float


class Loaded:
    """The process's classifier; loaded anew when another version is in force, with its intents' titles by language."""

    def __init__(self) -> None:
        self.number = 0
        self.classifier: Classifier | None = None
        self.titles: dict[str, dict[str, str]] = {}
        self.lock = threading.Lock()

    def get(self, number: int) -> Classifier | None:
        if number == self.number:
            return self.classifier
        with self.lock:
            if number != self.number:
                self.titles = titles()
                self.classifier, self.number = load(number), number
            return self.classifier

    def forget(self) -> None:
        with self.lock:
            self.classifier, self.number = None, 0


LOADED = Loaded()


def classifier() -> Classifier | None:
    """The classifier in force; None before the first was trained."""
    return LOADED.get(snapshot().nlu_number)


def taxonomy() -> tuple[tuple[str, ...], int]:
    """The names of the intents the classifier in force knows, and its version."""
    found = classifier()
    return (tuple(found.head.labels), LOADED.number) if found else ((), 0)


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


def titles() -> dict[str, dict[str, str]]:
    rows = Intent.objects.values_list("name", "title_zh", "title_en")
    return {name: {"zh": zh, "en": en} for name, zh, en in rows}


def listed(names: Sequence[str], *, language: str) -> str:
    """Intents with their titles, a line each, as a prompt shows them."""
    known = LOADED.titles
    return "\n".join(f"- {name}: {known.get(name, {}).get(language) or name}" for name in names)


def suggest(
    text: str,
    *,
    intent: str,
    language: str,
    emotion: str,
    trace_id: str,
    opinions: Mapping[str, Any],
) -> None:
    """Keeps masked words of a customer as a candidate, for staff to judge; once, whatever became of it before."""
    row = Intent.objects.filter(name=intent).only("pk").first()
    if row is None or not text.strip() or len(text) > CANDIDATE_CHARS:
        return
    candidate = IntentExample(
        intent=row,
        language=language,
        text=text,
        emotion=emotion,
        source=IntentExample.Source.CANDIDATE,
        trace_id=trace_id,
        opinions=dict(opinions),
    )
    IntentExample.objects.bulk_create([candidate], ignore_conflicts=True)


def forget_candidates(trace_ids: Sequence[str]) -> None:
    """Removes what these turns suggested and nobody accepted."""
    IntentExample.objects.filter(
        source=IntentExample.Source.CANDIDATE, trace_id__in=trace_ids
    ).delete()


def train_now(*, user_id: int | None = None, note: str = "") -> NluModel:
    """Trains on the enabled examples; the result is in force at once unless it is worse than what is.

    Raises AlreadyTraining, and nlu.train.TooFewExamples.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [Lock.TRAINING])
        if not cursor.fetchone()[0]:
            raise AlreadyTraining
        try:
            return keep(learn(), user_id=user_id, note=note)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [Lock.TRAINING])
            tell("", 0, 0)


def learn() -> Learned:
    started = time.monotonic()
    rows = usable()
    examples = [
        Example(text=row.text, intent=row.intent.name, emotion=row.emotion, language=row.language)
        for row in rows
    ]
    found, report = train(examples, progress=tell, unknown=UNKNOWN)
    shown = asdict(report)
    # By its key, because rows that staff add or remove later shift every place.
    shown["doubtful"] = [{**asdict(one), "example": rows[one.place].pk} for one in report.doubtful]
    return Learned(weights.dump(found), shown, len(rows), time.monotonic() - started)


def usable() -> list[IntentExample]:
    rows = IntentExample.objects.filter(enabled=True, intent__enabled=True)
    return list(
        rows.exclude(source=IntentExample.Source.CANDIDATE).select_related("intent").order_by("pk")
    )


def keep(learned: Learned, *, user_id: int | None, note: str) -> NluModel:
    with transaction.atomic():
        last = NluModel.objects.select_for_update().only("number").order_by("-number").first()
        row = NluModel.objects.create(
            number=last.number + 1 if last else 1,
            weights=learned.weights,
            digest=weights.digest(learned.weights),
            examples=learned.examples,
            accuracy=learned.report["accuracy"],
            macro_f1=learned.report["macro_f1"],
            report=learned.report,
            seconds=round(learned.seconds, 1),
            created_by_id=user_id,
            note=note,
        )
        if not is_worse(row):
            activate(row)
    log.info("classifier_trained", number=row.number, macro_f1=row.macro_f1, active=row.active)
    return row


def is_worse(row: NluModel) -> bool:
    """Whether only a person may put it in force. Nothing is worse than one that cannot be read."""
    current = NluModel.objects.filter(active=True).only("number", "macro_f1").first()
    if current is None or row.macro_f1 >= current.macro_f1 - WORSE_BY:
        return False
    return load(current.number) is not None


def activate(row: NluModel) -> None:
    """Puts a version in force, on every process within seconds; going back is the same."""
    with transaction.atomic():
        # All of them: whoever activates another at this moment waits, and then finds this one active.
        list(NluModel.objects.select_for_update().order_by("pk").values_list("pk"))
        NluModel.objects.filter(active=True).update(active=False)
        NluModel.objects.filter(pk=row.pk).update(active=True)
        row.active = True
        announce()


class Apart:
    """The trainings that run in processes of their own, so that a worker that ends can end them."""

    def __init__(self) -> None:
        self.running: set[subprocess.Popen[bytes]] = set()

    def run(self, command: list[str]) -> int:
        """The code the command ended with; negative when it was ended."""
        with subprocess.Popen(  # noqa: S603 - our own command, no shell
            command,
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        ) as process:
            self.running.add(process)
            try:
                return process.wait()
            finally:
                self.running.discard(process)

    def stop(self) -> None:
        for process in list(self.running):
            process.terminate()


APART = Apart()


def train_apart(*, user_id: int | None = None, note: str = "", if_none: bool = False) -> None:
    """Trains in a process of its own: scikit-learn would leave a worker with 200 MB for good.

    That process is a patient one, because turns run beside it.
    """
    command = [sys.executable, "manage.py", "train_nlu", "--patient", f"--note={note}"]
    if user_id is not None:
        command.append(f"--user={user_id}")
    if if_none:
        command.append("--if-none")
    release_connection()
    code = APART.run(command)
    if code == TOO_FEW:
        log.warning("training_failed", reason=NOT_ENOUGH)
        tell(NOT_ENOUGH, 0, 0)
    elif code > 0 and code != BUSY:
        log.error("training_failed", code=code)
        tell(FAILED, 0, 0)
    elif code != BUSY:
        tell("", 0, 0)


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
    """{"what", "done", "steps"} of a training that waits, runs or has just failed; empty when there is none."""
    try:
        kept: dict[bytes, bytes] = redis_connection().hgetall(PROGRESS_KEY)  # type: ignore[assignment]
    except RedisError:
        return {}
    return {name.decode(): value.decode() for name, value in kept.items()}
