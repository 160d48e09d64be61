"""From rows to splits: read, mask, leave out, split by customer. What decides is a seed, so the same rows give the same files."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from analytics.finetuning import likeness, sources
from analytics.finetuning.masking import RedactionFailed, has_secret, masked
from analytics.finetuning.sample import Count, Sample, Split
from analytics.finetuning.sources import Scope
from prompts.models import EvalCase

# Of a hundred groups.
VALID, TEST = 10, 10


@dataclass(slots=True)
class Gathered:
    """The samples by split, and what was read and left out."""

    splits: dict[Split, list[Sample]]
    count: Count
    cases: list[str] = field(default_factory=list)

    @property
    def samples(self) -> list[Sample]:
        return [sample for samples in self.splits.values() for sample in samples]


def gather(scope: Scope, *, seed: int, most: int) -> Gathered:
    """Reads until there are `most` samples: memory grows with them, not with the history."""
    count = Count()
    found: list[Sample] = []
    for sample in fit(sources.all_of(scope, count), count):
        found.append(sample)
        if len(found) == most:
            break
    cases = evaluated()
    found = leave(found, likeness.measured(found, cases), "asked in an evaluation set", count)
    unique = likeness.kept(found)
    count.left_out["nearly the same as another"] += len(found) - len(unique)
    return Gathered(divided(present(unique, count), seed=seed), count, cases)


def fit(samples: Iterable[Sample], count: Count) -> Iterator[Sample]:
    """Masked, without what could not be examined to the end and what holds a key."""
    for sample in samples:
        if has_secret(line.text for line in sample.lines):
            count.left_out["with what looks like a key"] += 1
            continue
        try:
            yield masked(sample)
        except RedactionFailed:
            count.left_out["not examined to the end for personal data"] += 1


def evaluated() -> list[str]:
    """What evaluation sets ask, cases that are switched off included."""
    return list(EvalCase.objects.order_by("pk").values_list("text", flat=True))


def leave(samples: Sequence[Sample], places: set[int], why: str, count: Count) -> list[Sample]:
    count.left_out[why] += len(places)
    return [sample for at, sample in enumerate(samples) if at not in places]


def present(samples: Sequence[Sample], count: Count) -> list[Sample]:
    """Those whose conversation was not erased while the others were read."""
    there = sources.still_there([each.conversation for each in samples if each.conversation])
    found = [each for each in samples if not each.conversation or each.conversation in there]
    count.left_out["of an erased conversation"] += len(samples) - len(found)
    return found


def divided(samples: Sequence[Sample], *, seed: int) -> dict[Split, list[Sample]]:
    splits: dict[Split, list[Sample]] = {"train": [], "valid": [], "test": []}
    for sample in samples:
        splits[split_of(sample.group, seed=seed)].append(sample)
    return splits


def split_of(group: str, *, seed: int) -> Split:
    """The same for the same group and seed, whatever else is there."""
    digest = hashlib.sha256(f"{seed} {group}".encode()).digest()
    place = int.from_bytes(digest[:8]) % 100
    if place < TEST:
        return "test"
    return "valid" if place < TEST + VALID else "train"
