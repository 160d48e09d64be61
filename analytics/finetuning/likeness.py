"""What asks nearly the same: duplicates among samples, and leaks from one split to another or from the evaluation sets.

Texts are compared by their pairs of characters, or of words where those are letters. The radar of SOPs weighs terms by
how rare they are, so that a polite word makes another question of one; here it must not.
"""

import itertools
import random
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from analytics.finetuning.sample import Sample, Split
from prompts.nlu import segment

# Dice's coefficient from which two texts ask the same.
ALIKE = 0.75
# Texts are looked at when a band of their MinHash is the same: of two at ALIKE, 999 in 1,000 pairs are.
BANDS, ROWS = 16, 2
PRIME = (1 << 61) - 1
_rng = random.Random(1)  # noqa: S311 no secret: the same everywhere
FACTORS = [(_rng.randrange(1, PRIME), _rng.randrange(PRIME)) for _ in range(BANDS * ROWS)]
TELLING_CHARS = 6


@dataclass(frozen=True, slots=True)
class Leak:
    """What stands on both sides of a line that separates learning from measuring."""

    kind: str
    text: str
    other: str


@dataclass(slots=True)
class Near:
    """Texts by their places, and which of them a text is nearly the same as."""

    _buckets: dict[tuple[int, ...], list[int]] = field(default_factory=lambda: defaultdict(list))
    _shingles: dict[int, "array[int]"] = field(default_factory=dict)

    def add(self, place: int, text: str) -> None:
        shingles = shingles_of(text)
        self._shingles[place] = array("L", shingles)
        for key in keys_of(shingles):
            self._buckets[key].append(place)

    def matches(self, text: str) -> list[int]:
        """The places, in order."""
        shingles = shingles_of(text)
        found = {place for key in keys_of(shingles) for place in self._buckets.get(key, ())}
        return sorted(place for place in found if dice(shingles, self._shingles[place]) >= ALIKE)


def shingles_of(text: str) -> set[int]:
    """The digests of a text's pairs; of one that is a single character or word, that."""
    units = list(units_of(text))
    pairs = list(itertools.pairwise(units)) or [(unit, "") for unit in units]
    return {zlib.crc32(f"{one}\0{other}".encode()) for one, other in pairs} or {0}


def units_of(text: str) -> Iterator[str]:
    for run in segment.runs(segment.normalise(text)):
        if segment.is_han(run):
            yield from run
        else:
            yield run


def keys_of(shingles: set[int]) -> list[tuple[int, ...]]:
    """The bands of a MinHash: equal where the smallest digests under the same hashes are."""
    least = [min((a * each + b) % PRIME for each in shingles) for a, b in FACTORS]
    return [(band, *least[band * ROWS : (band + 1) * ROWS]) for band in range(BANDS)]


def dice(one: set[int], other: "array[int]") -> float:
    return 2 * len(one.intersection(other)) / (len(one) + len(other))


def kept(samples: Sequence[Sample]) -> list[Sample]:
    """The samples without those that ask nearly what one before them asks."""
    near, found = Near(), []
    for at, sample in enumerate(samples):
        if not near.matches(sample.asked):
            near.add(at, sample.asked)
            found.append(sample)
    return found


def measured(samples: Sequence[Sample], cases: Sequence[str]) -> set[int]:
    """The places of samples of which a question, or all of them together, is nearly that of an evaluation case."""
    near = Near()
    for at, text in enumerate(cases):
        near.add(at, text)
    return {
        at
        for at, sample in enumerate(samples)
        if any(near.matches(text) for text in questions_of(sample))
    }


def questions_of(sample: Sample) -> set[str]:
    """All of them together, and each that says enough to be told from another: "thanks" is nobody's."""
    lines = {line.text for line in sample.lines if line.role == "user"}
    return {sample.asked, *(text for text in lines if len(text) >= TELLING_CHARS)}


def leaks(splits: Mapping[Split, Sequence[Sample]], cases: Sequence[str]) -> list[Leak]:
    """Groups and near-duplicates that stand in two splits, and cases of evaluation sets that stand in what is trained on."""
    return [*torn(splits), *shared(splits), *trained(splits.get("train", ()), cases)]


def torn(splits: Mapping[Split, Sequence[Sample]]) -> Iterator[Leak]:
    seen: dict[str, tuple[Split, Sample]] = {}
    for split, samples in splits.items():
        for sample in samples:
            where, other = seen.setdefault(sample.group, (split, sample))
            if where != split:
                yield Leak(f"one customer or SOP in {where} and {split}", sample.asked, other.asked)


def shared(splits: Mapping[Split, Sequence[Sample]]) -> Iterator[Leak]:
    near = Near()
    placed = [(split, sample.asked) for split, samples in splits.items() for sample in samples]
    for at, (split, text) in enumerate(placed):
        others = (placed[place] for place in near.matches(text))
        for where, other in ((where, other) for where, other in others if where != split):
            yield Leak(f"nearly the same in {where} and {split}", text, other)
        near.add(at, text)


def trained(samples: Sequence[Sample], cases: Sequence[str]) -> Iterable[Leak]:
    for at in sorted(measured(samples, cases)):
        yield Leak("an evaluation case in train", samples[at].asked, "")
