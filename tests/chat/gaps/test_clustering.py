"""Questions that ask the same are put together, and strangers are not."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from chat.gaps import clustering

BANKING = Path(__file__).resolve().parents[4] / "shared/data/banking77/train.jsonl.gz"
SAME = ["怎么开增值税发票", "我要开增值税专用发票", "增值税发票怎么开"]
OTHER = ["冰箱制冷有异响", "冰箱有异响正常吗"]


def test_what_asks_the_same_is_one_group_and_the_rest_stands_alone() -> None:
    texts = [*OTHER, "今天天气不错", *SAME]

    found = clustering.put_together(texts)

    assert [sorted(texts[place] for place in cluster.members) for cluster in found] == [
        sorted(SAME),
        sorted(OTHER),
    ]
    assert "增值税" in found[0].terms
    assert 0.5 < found[0].coherence <= 1


def test_the_same_questions_give_the_same_groups_and_tell_how_far_they_are() -> None:
    texts = [f"{text}{mark}" for text in (*SAME, *OTHER) for mark in ("", "呢", "吗")]
    told: list[tuple[int, int]] = []

    first = clustering.put_together(texts, progress=lambda done, total: told.append((done, total)))

    assert first == clustering.put_together(texts)
    assert told == [(15, 15)]


@pytest.mark.parametrize("texts", [[], ["一"], ["", "  "], ["在吗", "你好"]])
def test_nothing_to_put_together_is_no_group(texts: list[str]) -> None:
    assert clustering.put_together(texts) == []


def test_groups_of_labelled_questions_are_coherent() -> None:
    if not BANKING.exists():
        pytest.skip("the labelled questions of ../shared/data are not there")
    with gzip.open(BANKING, "rt") as file:
        rows = [json.loads(line) for line in file][::5]
    labels = [row["label"] for row in rows]

    found = clustering.put_together([row["text"] for row in rows])
    pairs = [
        labels[one] == labels[other]
        for cluster in found
        for at, one in enumerate(cluster.members)
        for other in cluster.members[at + 1 :]
    ]

    share = sum(pairs) / len(pairs)
    most = [max(Counter(labels[place] for place in c.members).values()) for c in found]
    members = sum(len(cluster.members) for cluster in found)
    print(
        f"{len(rows)} questions of 77 intents: {len(found)} groups cover {members / len(rows):.0%}, "
        f"purity {sum(most) / members:.0%}, {share:.0%} of pairs agree"
    )
    # By chance 1.6 % of pairs agree.
    assert share > 0.25
    assert sum(most) / members > 0.5
    assert members / len(rows) > 0.5
