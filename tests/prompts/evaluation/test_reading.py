"""A file of cases is taken whole or not at all, and nobody's data with it."""

import json

import pytest

from prompts.evaluation import reading
from prompts.evaluation.reading import Taken, Unreadable
from prompts.models import EvalCase, EvalSet

pytestmark = pytest.mark.django_db


@pytest.fixture
def chosen() -> EvalSet:
    return EvalSet.objects.create(name="shop", title="Shop")


def line(**fields: object) -> bytes:
    return json.dumps({"key": "a", "text": "怎么还不发货", **fields}).encode() + b"\n"


def test_a_file_adds_cases_and_renews_those_with_the_same_key(chosen: EvalSet) -> None:
    content = line(
        history=[["visitor", "在吗"], ["bot", "在的"]], must_contain=["催"], max_chars=30
    )
    first = reading.take(chosen, reading.read(content))
    again = reading.take(chosen, reading.read(line(critical=True) + line(key="b", text="hi there")))

    assert (first, again) == (Taken(1, 0), Taken(1, 1))
    kept = EvalCase.objects.get(key="a")
    assert (kept.must_contain, kept.critical, kept.source) == ([], True, "file")
    assert EvalCase.objects.get(key="b").language == "en"


def test_personal_data_is_masked_before_it_is_stored(chosen: EvalSet) -> None:
    content = line(text="我电话13812345678", history=[["visitor", "13812345678"]])
    reading.take(chosen, reading.read(content))

    kept = EvalCase.objects.get()
    assert "13812345678" not in kept.text + str(kept.history)
    assert "<PHONE_1>" in kept.text
    assert kept.history == [["visitor", "<PHONE_1>"]]


@pytest.mark.parametrize(
    ("content", "number", "part"),
    [
        (b"", 0, "no case"),
        ("编号".encode("gbk"), 0, "UTF-8"),
        (line() + line(), 2, "twice"),
        (line() + b"{", 2, "JSON"),
        (line() + line(key="b", textt="x"), 2, "textt"),
        (line(key="b", text="x" * 1001), 1, "text"),
        (line(max_chars="30"), 1, "max_chars"),
        (line(history=[["boss", "x"]]), 1, "history"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(content: bytes, number: int, part: str) -> None:
    with pytest.raises(Unreadable) as refused:
        reading.read(content)

    assert refused.value.number == number
    assert part in refused.value.detail


def test_a_case_written_out_reads_as_itself(chosen: EvalSet) -> None:
    wanted = reading.read(line(emotion="negative", apology_first=True, slots={"color": "红"}))
    reading.take(chosen, wanted)

    written = reading.as_line(EvalCase.objects.get())
    again = reading.read(written.encode())

    assert again == [wanted[0].model_copy(update={"language": "zh"})]
