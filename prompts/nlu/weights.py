"""The weights of a trained classifier: what they are, and how they are kept as bytes. No pickle: loading runs nothing.

Written by prompts.nlu.train, read by prompts.nlu.intents, stored by whoever keeps models (a row, a file).
"""

import gzip
import hashlib
import json
import sys
import zlib
from array import array
from base64 import b64encode
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

FORMAT = 1
LARGEST_BYTES = 512 * 1024 * 1024
INTENTS, EMOTIONS = "intents", "emotions"

Finite = Annotated[float, Field(allow_inf_nan=False)]
Label = Annotated[str, Field(min_length=1, max_length=200)]


class BadWeights(ValueError):
    """The bytes are no weights of this format; the message says what is wrong."""


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Head(Closed):
    """One question the model answers: a label each for a column of the matrix."""

    labels: tuple[Label, ...] = Field(min_length=1)
    intercepts: tuple[Finite, ...]
    temperature: Finite = Field(gt=0)
    """Decisions times this, through softmax (or the logistic function when several labels may hold), are probabilities."""
    several: bool = False


class Unknown(Closed):
    """A logistic regression on how sure a decision looks, see prompts.nlu.intents.doubts."""

    coefficients: tuple[Finite, ...]
    intercept: Finite
    threshold: Finite = Field(ge=0, le=1)
    """From this probability on, the honest answer is that the intent is not known."""
    label: str = ""
    """The label of examples that belong to no intent, if there were any: it is never an answer."""


class Stored(Closed):
    """The JSON document; numbers of features are little-endian float32 in base64, the matrix is int8 by rows."""

    format: Literal[1]
    groups: dict[str, Finite]
    heads: dict[str, Head]
    unknown: Unknown
    features: list[str]
    idf: Base64Bytes
    scales: Base64Bytes
    matrix: Base64Bytes


@dataclass(frozen=True, slots=True)
class Weights:
    """A linear model over features: decision of a column = Σ value · scale · cell + intercept."""

    groups: dict[str, float]
    """Share of each group of features in a message's vector, as a factor on its normalised part."""
    heads: dict[str, Head]
    """Which columns answer what, in the order of the columns."""
    unknown: Unknown
    features: list[str]
    idf: "array[float]"
    scales: "array[float]"
    matrix: bytes
    """One int8 per feature and column, by rows."""

    @property
    def columns(self) -> int:
        return sum(len(head.labels) for head in self.heads.values())


def dump(weights: Weights) -> bytes:
    """The weights as gzipped JSON, the same bytes for the same weights."""
    document = {
        "format": FORMAT,
        "groups": weights.groups,
        "heads": {name: head.model_dump() for name, head in weights.heads.items()},
        "unknown": weights.unknown.model_dump(),
        "features": weights.features,
        "idf": b64encode(little(weights.idf)).decode(),
        "scales": b64encode(little(weights.scales)).decode(),
        "matrix": b64encode(weights.matrix).decode(),
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def load(data: bytes) -> Weights:
    """The weights in these bytes. Raises BadWeights when they are damaged, too large or of another format."""
    try:
        stored = Stored.model_validate_json(unpacked(data))
    except ValidationError as error:
        [first, *_] = error.errors(include_input=False, include_url=False)
        place = ".".join(map(str, first["loc"]))
        raise BadWeights(f"not a model of this version: {place}: {first['msg']}") from None
    weights = Weights(
        groups=stored.groups,
        heads=stored.heads,
        unknown=stored.unknown,
        features=stored.features,
        idf=floats(stored.idf),
        scales=floats(stored.scales),
        matrix=stored.matrix,
    )
    check(weights)
    return weights


def digest(data: bytes) -> str:
    """SHA-256 of the document inside, in hex: the same model has the same digest however it was compressed."""
    return hashlib.sha256(unpacked(data)).hexdigest()


def unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        document = unpacker.decompress(data, LARGEST_BYTES)
    except zlib.error as error:
        raise BadWeights(f"not gzip: {error}") from None
    if not unpacker.eof:
        raise BadWeights("cut short, or too large when unpacked")
    return document


def check(weights: Weights) -> None:
    rows = len(weights.features)
    if INTENTS not in weights.heads:
        raise BadWeights("no head of intents")
    for name, head in weights.heads.items():
        if len(head.labels) != len(head.intercepts) or len(set(head.labels)) != len(head.labels):
            raise BadWeights(
                f"{name}: labels and intercepts do not match, or a label is there twice"
            )
    if len(weights.idf) != rows or len(weights.scales) != rows:
        raise BadWeights("a number for each feature is missing")
    if len(weights.matrix) != rows * weights.columns:
        raise BadWeights("the matrix does not have a cell for each feature and label")
    if any(one >= other for one, other in pairwise(weights.features)):
        raise BadWeights("features are not sorted, or one is there twice")
    if not all(
        0 <= number < 1e6 for numbers in (weights.idf, weights.scales) for number in numbers
    ):
        raise BadWeights("a feature's number is out of range")


def little(numbers: "array[float]") -> bytes:
    ordered = array("f", numbers)
    if sys.byteorder == "big":
        ordered.byteswap()
    return ordered.tobytes()


def floats(data: bytes) -> "array[float]":
    numbers = array("f")
    try:
        numbers.frombytes(data)
    except ValueError:
        raise BadWeights("a list of numbers is cut short") from None
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
