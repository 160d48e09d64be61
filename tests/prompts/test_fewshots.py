"""Few-shot examples: which are chosen for a turn, and that unchanged rows are not read twice."""

from typing import Any

import pytest

from prompts import fewshots
from prompts.fewshots import Library
from prompts.models import FewShotExample, PromptVersion

pytestmark = pytest.mark.django_db


def add(key: str, said: str, **changes: Any) -> FewShotExample:
    messages = [{"role": "visitor", "text": said}, {"role": "bot", "text": "好的"}]
    fields = {"language": "zh", "intent": "other", "messages": messages}
    return FewShotExample.objects.create(key=key, **{**fields, **changes})


def how(mode: str, **changes: Any) -> PromptVersion:
    return PromptVersion(example_mode=mode, **changes)


def keys(
    library: Library, wording: PromptVersion, asked: str = "退款什么时候到", **about: Any
) -> list[str]:
    found = library.choose(wording, asked=asked, language="zh", **about)
    return [example.key for example in found]


@pytest.fixture
def library() -> Library:
    add("a", "快递到哪了", intent="logistics", tags=["x"])
    add("b", "退款什么时候到账", intent="refund")
    add("c", "怎么开发票", intent="invoice")
    add("d", "我的退款呢", intent="refund", emotion="negative", tags=["x"])
    add("e", "退款", language="en")
    add("f", "退款", enabled=False)
    return fewshots.read(Library())


def test_fixed_examples_are_those_named_in_their_order_or_the_first(library: Library) -> None:
    assert keys(library, how("fixed")) == ["a", "b", "c"]
    assert keys(library, how("fixed", example_keys=["d", "gone", "a"])) == ["d", "a"]
    assert keys(library, how("none")) == []


def test_nearest_examples_come_by_words_then_intent_and_mood(library: Library) -> None:
    assert keys(library, how("nearest", example_limit=2)) == ["b", "d"]
    assert keys(
        library, how("nearest", example_limit=1), "退款", intent="refund", emotion="negative"
    ) == ["d"]
    assert keys(library, how("nearest", example_limit=4), "完全无关的词") == ["a", "b", "c", "d"]


def test_tags_narrow_what_is_near(library: Library) -> None:
    assert keys(library, how("nearest", example_tags=["x", "y"])) == ["d", "a"]


def test_budget_passes_over_what_is_too_long(library: Library) -> None:
    add("0", "退款" * 150)
    longer = fewshots.read(library)

    assert keys(longer, how("fixed", example_tokens=60, example_limit=2)) == ["a", "b"]
    assert keys(longer, how("fixed", example_tokens=0)) == []


def test_only_changed_rows_are_read_anew(library: Library, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert fewshots.read(library) is library

    row = FewShotExample.objects.get(key="a")
    row.messages[0]["text"] = "退款什么时候到"
    row.save()
    fresh = fewshots.read(library)

    assert fresh.shelves["zh"].examples[1] is library.shelves["zh"].examples[1]
    assert keys(fresh, how("nearest", example_limit=1)) == ["a"]
