"""prompts.nlu.scoring gives what scikit-learn and numpy would give."""

import numpy as np
import pytest

from prompts.nlu import fitting
from prompts.nlu.features import features
from prompts.nlu.normalise import normalise
from prompts.nlu.scoring import Scorer, packed, probabilities
from prompts.nlu.weights import INTENTS, Head
from tests.prompts.nlu.examples import examples, trained

SAID = ["快递到哪了", "我要退货,发票怎么开", "没见过的词语呀", "hello", "x"]


def test_decisions_are_those_of_the_matrix() -> None:
    weights, _ = trained()
    counts = fitting.count(
        [features(normalise(e.text)) for e in examples()], shares=weights.groups, least=1
    )
    vectors = fitting.vectors(counts, np.asarray(weights.idf, dtype=float)).toarray()
    cells = np.frombuffer(weights.matrix, dtype=np.int8).reshape(-1, weights.columns)
    biases = [bias for head in weights.heads.values() for bias in head.intercepts]
    expected = vectors @ (cells * np.asarray(weights.scales)[:, None]) + np.array(biases)
    scorer = Scorer(weights)

    found = [scorer.score(features(normalise(e.text))).decisions for e in examples()]

    rows = [[score for head in weights.heads for score in one[head]] for one in found]
    assert np.abs(np.array(rows) - expected).max() < 1e-4


@pytest.mark.parametrize("text", ["", "龘", "zzqqxx"])
def test_text_of_nothing_known_gets_the_intercepts(text: str) -> None:
    weights, _ = trained()
    found = {group: [f"{group}never seen {text}"] for group in weights.groups}

    scored = Scorer(weights).score(found)

    assert scored.decisions[INTENTS] == list(weights.heads[INTENTS].intercepts)
    assert scored.coverage == 0.0


@pytest.mark.parametrize("text", SAID)
def test_probabilities_sum_to_one(text: str) -> None:
    weights, _ = trained()
    decisions = Scorer(weights).score(features(normalise(text))).decisions[INTENTS]

    assert sum(probabilities(decisions, head=weights.heads[INTENTS])) == pytest.approx(1)


def test_labels_that_may_hold_together_stand_alone() -> None:
    head = Head(labels=("a", "b"), intercepts=(0.0, 0.0), temperature=2.0, several=True)

    assert probabilities([0.0, -1000.0], head=head) == [0.5, 0.0]


def test_cells_lie_side_by_side() -> None:
    assert packed(bytes([0, 1, 255])) == 128 + (129 << 32) + (127 << 64)
