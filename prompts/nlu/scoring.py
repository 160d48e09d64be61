"""Scores features with trained weights in plain Python: no numpy, no scikit-learn, some 30 µs for a short message.

Used by prompts.nlu.intents. The cells of a feature's row lie side by side in one large integer, 32 bits each, so that
one multiplication and one addition of Python's integers serve every label at once.
"""

import math
import sys
from array import array
from collections import Counter
from dataclasses import dataclass

from prompts.nlu.features import Features
from prompts.nlu.weights import Head, Weights

LANE_BYTES = 4
OFFSET = (
    128  # cells are stored as 1..255: lanes never go below zero, so none borrows from its neighbour
)
LARGEST_SUM = (
    2**24 - 2**16
)  # of all factors: times 255 it still fits a lane; the rest is room for rounding


@dataclass(frozen=True, slots=True)
class Scored:
    decisions: dict[str, list[float]]
    """By head, one for each of its labels."""
    coverage: float
    """Share of the message's features, by weight of their rarity, that training has seen; 1 for an empty message."""


class Scorer:
    """The weights, unpacked for scoring: about 100 bytes + 4 a label for each feature."""

    def __init__(self, weights: Weights) -> None:
        columns = weights.columns
        self.heads = weights.heads
        self.groups = weights.groups
        self.columns = columns
        self.rarest = max(weights.idf, default=1.0)
        self.rows = {
            feature: (
                weights.idf[number],
                weights.scales[number],
                packed(weights.matrix[number * columns : (number + 1) * columns]),
            )
            for number, feature in enumerate(weights.features)
        }

    def score(self, found: Features) -> Scored:
        factors: list[tuple[float, int]] = []
        known = unknown = 0.0
        for group, share in self.groups.items():
            values, missing = self.values(found.get(group, []))
            norm = math.sqrt(sum(value * value for value, _, _ in values))
            factors += [(share * value / norm * scale, lanes) for value, scale, lanes in values]
            known += len(values)
            unknown += missing
        sums = self.summed(factors)
        decisions, at = {}, 0
        for name, head in self.heads.items():
            cells = sums[at : at + len(head.labels)]
            decisions[name] = [
                cell + bias for cell, bias in zip(cells, head.intercepts, strict=True)
            ]
            at += len(head.labels)
        return Scored(
            decisions=decisions, coverage=known / (known + unknown) if known + unknown else 1.0
        )

    def values(self, features: list[str]) -> tuple[list[tuple[float, float, int]], int]:
        """(tf · idf, scale, cells) of each feature that training has seen, and how many it has not."""
        values, missing = [], 0
        for feature, count in Counter(features).items():
            row = self.rows.get(feature)
            if row is None:
                missing += 1
                continue
            often = 1.0 if count == 1 else 1.0 + math.log(count)
            values.append((often * row[0], row[1], row[2]))
        return values, missing

    def summed(self, factors: list[tuple[float, int]]) -> list[float]:
        """Σ factor · cell for each column."""
        whole = sum(factor for factor, _ in factors)
        if not whole:
            return [0.0] * self.columns
        unit = LARGEST_SUM / whole
        total = added = 0
        for factor, lanes in factors:
            rounded = int(factor * unit + 0.5)
            total += rounded * lanes
            added += rounded
        lanes_sum = array("I", total.to_bytes(self.columns * LANE_BYTES, sys.byteorder))
        if sys.byteorder == "big":
            lanes_sum.reverse()
        return [(lane - OFFSET * added) / unit for lane in lanes_sum]


def packed(cells: bytes) -> int:
    """int8 cells as one integer of 32-bit lanes, the first column lowest."""
    lanes = array("I", [cell + OFFSET for cell in array("b", cells)])
    if sys.byteorder == "big":
        lanes.reverse()
    return int.from_bytes(lanes.tobytes(), sys.byteorder)


def probabilities(decisions: list[float], *, head: Head) -> list[float]:
    """Calibrated: they sum to one where one label holds, each stands alone where several may."""
    scaled = [decision * head.temperature for decision in decisions]
    if head.several:
        return [logistic(number) for number in scaled]
    most = max(scaled)
    parts = [math.exp(number - most) for number in scaled]
    whole = sum(parts)
    return [part / whole for part in parts]


def logistic(number: float) -> float:
    return 1 / (1 + math.exp(-number)) if number > -700 else 0.0
