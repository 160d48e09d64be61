"""`manage.py evaluate_nlu`: how well the trainer and the default examples do, beside plain scikit-learn.

With --train and --test on files of one's own; without, the tables of docs/understanding.md on the public sets, where
their folder is there. Tables go to standard output, progress to standard error, the last line is JSON.
"""

import json
import time
from argparse import ArgumentParser
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from prompts.default_files import FOLDER
from prompts.nlu import emotion, public_sets
from prompts.nlu.intents import Classifier
from prompts.nlu.measure import (
    Figure,
    Measured,
    Row,
    f1,
    figure,
    measure,
    only,
    percentile,
    share_right,
    timed,
)
from prompts.nlu.person import wants_human
from prompts.nlu.public_sets import Split
from prompts.nlu.report import Report
from prompts.nlu.train import Example, TooFewExamples, train
from prompts.nlu.weights import Weights

INTENTS_FOLDER = FOLDER / "intents"
TIMED_ROWS = 1000
SETS = ("banking77", "clinc150", "smp2017", "online_shopping", "nlupp", "own")


class Command(BaseCommand):
    help = "Trains and scores classifiers of intents; prints tables and, last, one line of JSON."
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--train", help="JSONL {text, intent} to train on")
        parser.add_argument("--test", help="JSONL {text, intent} to score")
        parser.add_argument("--oos", default="", metavar="LABEL", help="the label of no intent")
        parser.add_argument("--data", type=Path, help="the folder of the public sets")
        parser.add_argument("--only", nargs="+", choices=SETS, default=SETS, help="some tables")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["train"]) != bool(options["test"]):
            raise CommandError("--train and --test belong together")
        if options["train"]:
            report = self.files(options["train"], options["test"], outside=options["oos"])
        else:
            folder = options["data"] or settings.BASE_DIR.parent / "shared" / "data"
            report = self.tables(folder, only=options["only"])
        self.stdout.write(json.dumps(report))

    def files(self, train_file: str, test_file: str, *, outside: str) -> dict[str, Any]:
        split = Split("files", read_rows(train_file), read_rows(test_file), outside=outside)
        report = self.split(split)
        self.table([("", report)])
        return report

    def tables(self, folder: Path, *, only: list[str]) -> dict[str, Any]:
        report: dict[str, Any] = {}
        if "own" in only:
            report |= self.own(folder)
        if "nlupp" in only and (rows := public_sets.several(folder)):
            report["nlupp"] = self.several(rows)
        if folder.is_dir():
            for split in public_sets.splits(folder):
                if split.name in only:
                    report[split.name] = self.split(split)
                    self.table([(split.target, report[split.name])], name=split.name)
        else:
            self.stderr.write(f"{folder}: not there; only what comes with the platform is measured")
        return report

    # --- sets of one intent a row ------------------------------------------------------------------

    def split(self, split: Split) -> dict[str, Any]:
        weights, trained = self.trained(split.train, name=split.name, outside=split.outside)
        classifier = Classifier(weights)
        if split.test:
            rows = [Row(example.text, (example.intent,)) for example in split.test]
            report = shown(measure(classifier, rows, outside=split.outside))
        else:
            report = cross_validated(trained, classifier, split.train)
        self.stderr.write(f"{split.name}: plain TF-IDF and LinearSVC")
        report |= self.baseline(split)
        return report | {"train_rows": trained.rows, "train_seconds": trained.seconds}

    def trained(
        self, examples: list[Example], *, name: str, outside: str = ""
    ) -> tuple[Weights, Report]:
        def progress(what: str, done: int, steps: int) -> None:
            self.stderr.write(f"{name}: {what} {done}/{steps}")

        try:
            return train(examples, progress=progress, unknown=outside)
        except TooFewExamples as error:
            raise CommandError(f"{name}: too few examples: {error}") from error

    def baseline(self, split: Split) -> dict[str, Any]:
        """What plain scikit-learn does on the same rows, with intervals."""
        # scikit-learn takes seconds to load.
        from prompts.nlu import baseline  # noqa: PLC0415

        texts = [example.text for example in split.train]
        labels = [example.intent for example in split.train]
        tested = split.test or split.train
        if split.test:
            said = baseline.predict(texts, labels, unseen=[example.text for example in tested])
        else:
            said = baseline.cross_validated(texts, labels)
        outcomes: Counter[Any] = Counter(
            (bool(split.outside) and row.intent == split.outside, one == row.intent)
            for one, row in zip(said, tested, strict=True)
        )
        return plain_shown(outcomes)

    # --- the default examples ----------------------------------------------------------------------

    def own(self, folder: Path) -> dict[str, Any]:
        examples = public_sets.own_examples(INTENTS_FOLDER)
        weights, trained = self.trained(examples, name="own")
        classifier = Classifier(weights)
        report: dict[str, Any] = {"own": cross_validated(trained, classifier, examples)}
        report["own"] |= {"train_rows": trained.rows, "train_seconds": trained.seconds}
        report["own"] |= self.baseline(Split("own", examples, []))
        self.table([("", report["own"])], name="default examples")
        report["several"] = order_kept(classifier, public_sets.own_several(INTENTS_FOLDER))
        self.lines("messages of several intents", report["several"])
        if customers := public_sets.shop_customers(folder):
            report["jddc_intents"] = self.customers(classifier, customers, examples)
            self.lines("jddc_intents", report["jddc_intents"])
        return report

    def customers(
        self, classifier: Classifier, rows: list[dict[str, Any]], examples: list[Example]
    ) -> dict[str, Any]:
        judged = [Row(row["text"], (*row["a"], *row["b"]), prev=row["prev"]) for row in rows]
        strict = [Row(row["text"], (row["a"][0], row["b"][0]), prev=row["prev"]) for row in rows]
        # scikit-learn takes seconds to load.
        from prompts.nlu import baseline  # noqa: PLC0415

        texts, labels = [one.text for one in examples], [one.intent for one in examples]
        plain = baseline.predict(texts, labels, unseen=[row.text for row in judged])
        hits: Counter[Any] = Counter(
            (False, one in row.intents) for one, row in zip(plain, judged, strict=True)
        )
        return {
            **shown(measure(classifier, judged)),
            "strict_accuracy": numbers(measure(classifier, strict).accuracy),
            **plain_shown(hits),
            **whole_analysis(classifier, rows),
        }

    # --- several intents a row -----------------------------------------------------------------------

    def several(self, rows: list[tuple[int, Example]]) -> dict[str, Any]:
        outcomes: Counter[Any] = Counter()
        folds = sorted({fold for fold, _ in rows})
        for part in range(2):
            unseen = {fold for fold in folds if fold % 2 == part}
            weights, _ = self.trained([e for fold, e in rows if fold not in unseen], name="nlupp")
            tested = [e for fold, e in rows if fold in unseen]
            found, _ = timed(Classifier(weights), [Row(e.text, (e.intent,)) for e in tested])
            for one, example in zip(found, tested, strict=True):
                meant, said = {example.intent, *example.also}, set(one.said)
                outcomes[(True, True)] += len(meant & said)
                outcomes[(True, False)] += len(meant - said)
                outcomes[(False, True)] += len(said - meant)
        report = {"rows": len(rows), "f1": numbers(figure(outcomes, f1))}
        self.lines("nlupp", report)
        return report

    # --- output --------------------------------------------------------------------------------------

    def table(self, rows: list[tuple[str, dict[str, Any]]], *, name: str = "") -> None:
        for target, report in rows:
            self.lines(f"{name} (target {target})" if target else name, report)

    def lines(self, title: str, report: dict[str, Any]) -> None:
        if title:
            self.stdout.write(title)
        for key, value in report.items():
            self.stdout.write(f"  {key:<22} {text_of(value)}")


def shown(measured: Measured) -> dict[str, Any]:
    """The figures as JSON: a share is {"value", "low", "high"} beside its bare value."""
    report = asdict(measured)
    report["accuracy_interval"] = numbers(measured.accuracy)
    report["in_scope_interval"] = numbers(measured.in_scope_accuracy)
    report["accuracy"] = measured.accuracy.value
    report["in_scope_accuracy"] = measured.in_scope_accuracy.value
    if measured.oos_recall:
        report["oos_interval"] = numbers(measured.oos_recall)
        report["oos_recall"] = measured.oos_recall.value
    return report


def plain_shown(outcomes: Counter[Any]) -> dict[str, Any]:
    """The figures of plain scikit-learn from (outside, right) outcomes."""
    every, outside = figure(outcomes, share_right), only(outcomes, strange=True)
    report = {"baseline_accuracy": every.value, "baseline_interval": numbers(every)}
    if outside:
        report["baseline_in_scope"] = numbers(figure(only(outcomes, strange=False), share_right))
        report["baseline_oos_recall"] = numbers(figure(outside, share_right))
    return report


def cross_validated(
    trained: Report, classifier: Classifier, examples: list[Example]
) -> dict[str, Any]:
    """Accuracy by the trainer's own cross-validation; the times are of the finished classifier."""
    right = round(trained.accuracy * trained.rows)
    outcomes: Counter[Any] = Counter({(False, True): right, (False, False): trained.rows - right})
    step = max(1, len(examples) // TIMED_ROWS)
    _, times_ms = timed(classifier, [Row(one.text, (one.intent,)) for one in examples[::step]])
    return {
        "rows": trained.rows,
        "accuracy": trained.accuracy,
        "accuracy_interval": numbers(figure(outcomes, share_right)),
        "macro_f1": trained.macro_f1,
        "oos_recall": None,
        "calibration_error": trained.calibration_error,
        "ms_p50": percentile(times_ms, 0.5),
        "ms_p99": percentile(times_ms, 0.99),
    }


def order_kept(classifier: Classifier, rows: list[tuple[str, tuple[str, ...]]]) -> dict[str, Any]:
    """How often exactly the intents meant are found; F1 of them; and how often those found keep the order said."""
    found, _ = timed(classifier, [Row(text, meant) for text, meant in rows])
    outcomes: Counter[Any] = Counter()
    exact, ordered = Counter[Any](), Counter[Any]()
    for one, (_, meant) in zip(found, rows, strict=True):
        both = [name for name in meant if name in one.said]
        outcomes[(True, True)] += len(both)
        outcomes[(True, False)] += len(meant) - len(both)
        outcomes[(False, True)] += len(one.said) - len(both)
        exact[(False, one.said == meant)] += 1
        ordered[(False, [name for name in one.said if name in meant] == both)] += 1
    return {
        "rows": len(rows),
        "order_kept": numbers(figure(ordered, share_right)),
        "f1": numbers(figure(outcomes, f1)),
        "exactly_these": numbers(figure(exact, share_right)),
    }


def whole_analysis(classifier: Classifier, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """F1 of negative mood and of wanting a person, where both annotators agree; and the time of all that is found."""
    felt: Counter[Any] = Counter()
    asked: Counter[Any] = Counter()
    times_ms = []
    for row in rows:
        started = time.thread_time()
        found = classifier.intents(row["text"], prev=row["prev"])
        mood = emotion.mood(row["text"], chances=found.moods)
        human = wants_human(row["text"], found=found)
        times_ms.append((time.thread_time() - started) * 1000)
        if row["emotion"] is not None:
            felt[(row["emotion"] == emotion.NEGATIVE, mood.label == emotion.NEGATIVE)] += 1
        if row["wants_human"] is not None:
            asked[(row["wants_human"], human)] += 1
    return {
        "negative_f1": numbers(figure(felt, f1)),
        "negative_rows": felt[(True, True)] + felt[(True, False)],
        "wants_human_f1": numbers(figure(asked, f1)),
        "all_cpu_ms_p50": percentile(times_ms, 0.5),
        "all_cpu_ms_p99": percentile(times_ms, 0.99),
    }


def numbers(shown_as: Figure) -> dict[str, float]:
    return asdict(shown_as)


def text_of(value: Any) -> str:
    if isinstance(value, dict):
        return str(Figure(**value))
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def read_rows(name: str) -> list[Example]:
    """The examples of a file of JSON lines. Raises CommandError where a line is none."""
    try:
        rows = public_sets.read(Path(name))
    except (OSError, ValueError) as error:
        raise CommandError(f"{name}: {error}") from error
    return [example_of(row, at=f"{name}:{number}") for number, row in enumerate(rows, 1)]


def example_of(row: Any, *, at: str) -> Example:
    """{text, intent}; "label" does for "intent", as public sets name it."""
    text = row.get("text") if isinstance(row, dict) else None
    intent = row.get("intent", row.get("label")) if isinstance(row, dict) else None
    if not isinstance(text, str) or not isinstance(intent, str | int) or intent == "":
        raise CommandError(f'{at}: not an object with "text" and "intent"')
    return Example(text, str(intent))
