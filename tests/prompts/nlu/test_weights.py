"""prompts.nlu.weights: kept without loss, refused when damaged."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from prompts.nlu import weights
from prompts.nlu.weights import BadWeights
from tests.prompts.nlu.examples import trained

Document = dict[str, Any]


def test_weights_survive_the_way_through_bytes() -> None:
    before, _ = trained()

    data = weights.dump(before)

    assert weights.load(data) == before
    assert weights.dump(weights.load(data)) == data


def test_digest_is_of_what_is_inside() -> None:
    data = weights.dump(trained()[0])
    stored = gzip.compress(gzip.decompress(data), compresslevel=1)

    assert stored != data
    assert weights.digest(stored) == weights.digest(data)
    assert len(weights.digest(data)) == 64


def drop_feature(document: Document) -> None:
    document["features"].pop()


def repeat_feature(document: Document) -> None:
    document["features"][1] = document["features"][0]


def other_format(document: Document) -> None:
    document["format"] = 2


def no_intents(document: Document) -> None:
    document["heads"] = {"emotions": document["heads"]["emotions"]}


def short_matrix(document: Document) -> None:
    document["matrix"] = document["matrix"][: len(document["matrix"]) // 8 * 4]


def cut_number(document: Document) -> None:
    document["idf"] = "AAAA"


def extra_field(document: Document) -> None:
    document["code"] = "import os"


def label_twice(document: Document) -> None:
    labels = document["heads"]["intents"]["labels"]
    labels[0] = labels[1]


@pytest.mark.parametrize(
    "damage",
    [
        drop_feature,
        repeat_feature,
        other_format,
        no_intents,
        short_matrix,
        cut_number,
        extra_field,
        label_twice,
    ],
)
def test_damaged_document_is_refused(damage: Callable[[Document], None]) -> None:
    document = json.loads(gzip.decompress(weights.dump(trained()[0])))
    damage(document)

    with pytest.raises(BadWeights):
        weights.load(gzip.compress(json.dumps(document).encode()))


@pytest.mark.parametrize(
    "data",
    [b"", b"no gzip", gzip.compress(b"no json"), gzip.compress(b"{}")[:-4]],
    ids=["empty", "no gzip", "no JSON", "cut"],  # gzip writes the time into what it makes
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BadWeights):
        weights.load(data)


def test_document_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "LARGEST_BYTES", 1000)

    with pytest.raises(BadWeights, match="too large"):
        weights.load(weights.dump(trained()[0]))
