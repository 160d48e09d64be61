"""Durations as sketches: buckets that are counted in SQL by the rule of DDSketch and read back by its library.

Percentiles of many spans come from the sum of their buckets, never from averages of percentiles.
"""

import math
from collections.abc import Iterable

from ddsketch.ddsketch import BaseDDSketch
from ddsketch.mapping import LogarithmicMapping
from ddsketch.store import DenseStore

# A percentile is at most this share away from the true one.
ACCURACY = 0.01
MAPPING = LogarithmicMapping(ACCURACY)
# Durations below a millisecond count as one.
LEAST_MS = 1.0


def bucket_sql(milliseconds: str) -> str:
    """The bucket of a duration, as the library's mapping has it, as an expression of SQL."""
    return (
        f"ceil(ln(greatest({milliseconds}, {LEAST_MS})::float8) / {math.log(MAPPING.gamma)!r})::int"
    )


def percentile(buckets: Iterable[tuple[int, int]], share: float) -> float | None:
    """The duration in milliseconds that `share` of them do not exceed; None of none."""
    store = DenseStore()
    for key, count in buckets:
        store.add(key, count)
    sketch = BaseDDSketch(MAPPING, store, DenseStore(), 0)
    found: float | None = sketch.get_quantile_value(share)
    return found
