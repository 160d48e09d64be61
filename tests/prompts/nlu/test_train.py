"""prompts.nlu.train: what it learns, what it reports, what it refuses."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from prompts.nlu import fitting, trial, weights
from prompts.nlu.features import WORD, features
from prompts.nlu.normalise import normalise
from prompts.nlu.train import Example, TooFewExamples, train
from prompts.nlu.weights import EMOTIONS, INTENTS
from tests.prompts.nlu.examples import TEMPLATES, examples, trained


def test_heads_name_what_the_examples_name() -> None:
    found, _ = trained()

    assert found.heads[INTENTS].labels == tuple(sorted(TEMPLATES))
    assert found.heads[EMOTIONS].labels == ("negative", "neutral", "positive")
    assert found.unknown.label == "other"
    assert 0 < found.unknown.threshold < 1


def test_report_is_of_rows_not_seen_and_fits_json() -> None:
    _, report = trained()

    assert report.rows == len(examples())
    assert 0.9 < report.accuracy <= 1
    assert [one.label for one in report.classes] == sorted(TEMPLATES)
    assert sum(one.rows for one in report.classes) == report.rows
    assert sum(one.rows for one in report.confusions) == round((1 - report.accuracy) * report.rows)
    assert json.loads(json.dumps(asdict(report)))["macro_f1"] == report.macro_f1


def test_same_examples_give_the_same_weights() -> None:
    again, _ = train(examples(), unknown="other")

    assert weights.digest(weights.dump(again)) == weights.digest(weights.dump(trained()[0]))


def test_wrong_label_is_among_the_doubtful() -> None:
    wrong = Example("手机快递什么时候送到", "invoice")

    _, report = train([*examples(), wrong], unknown="other")

    [doubtful] = [one for one in report.doubtful if one.place == len(examples())]
    assert (doubtful.label, doubtful.taken_for) == ("invoice", "logistics")


def test_one_mood_is_no_question() -> None:
    calm = [example for example in examples() if example.emotion == "neutral"]

    found, report = train(calm)

    assert tuple(found.heads) == (INTENTS,)
    assert report.emotion_accuracy is None


def test_two_intents_are_enough() -> None:
    pair = [e for e in examples() if e.intent in ("return", "invoice")]

    found, report = train(pair)

    assert found.heads[INTENTS].labels == ("invoice", "return")
    assert report.accuracy > 0.8
    assert found.unknown.threshold == 1.0


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[str, int, int]] = []

    train(examples(), progress=lambda *step: told.append(step), unknown="other")

    assert told[0] == ("reading examples", 0, len(examples()))
    what, done, steps = told[-1]
    assert (what, done) == ("fitting", steps)


@pytest.mark.parametrize(
    "few",
    [
        [],
        [Example("a", "x")],
        [Example(str(n), "x") for n in range(9)],
        [Example("a", "x"), Example("b", "y")],
    ],
)
def test_too_few_examples_are_refused(few: list[Example]) -> None:
    with pytest.raises(TooFewExamples):
        train(few)


def test_intent_with_one_example_does_not_stop_training() -> None:
    found, _ = train([*examples(), Example("想修一下冰箱", "repair")], unknown="other")

    assert "repair" in found.heads[INTENTS].labels


def test_between_two_labels_what_divides_them_weighs_more() -> None:
    rows = [(f"{word} 东西", label) for label in ("good", "bad") for word in (label, "both", "the")]
    texts = [features(normalise(text)) for text, _ in rows * 4]
    counts = fitting.count(texts, shares={WORD: 1.0}, least=1)
    targets = trial.one_hot([(label,) for _, label in rows * 4], ["bad", "good"])

    weights = fitting.weigh(counts, np.arange(len(texts)), targets, least=1)

    of = dict(zip(counts.names, weights, strict=True))
    rare = fitting.rarity(counts, np.arange(len(texts)), least=1)
    plain = dict(zip(counts.names, rare, strict=True))
    assert of["wgood"] / of["wboth"] > plain["wgood"] / plain["wboth"]
