"""A file of cases is taken whole or not at all, and nobody's data with it."""

import json

import pytest
from django.utils import translation

from prompts.evaluation import reading
from prompts.evaluation.reading import Taken, Unreadable
from prompts.evaluation.sentences import sentence
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
    ("content", "number", "english", "chinese"),
    [
        (b"", 0, "there is no case in it", "里面没有用例"),
        ("编号".encode("gbk"), 0, "not UTF-8", "不是 UTF-8 编码"),
        (line() + line(), 2, "the key a stands there twice", "编号 a 出现了两次"),
        (line() + b"{", 2, "is no JSON", "不是 JSON"),
        (line() + line(key="b", textt="x"), 2, "textt: is no field of a case", "textt: 用例没有这个字段"),
        (line(text="x" * 1001), 1, "text: at most 1000 characters", "text: 最多 1000 个字"),
        (line(max_chars="30"), 1, "max_chars: a whole number is wanted", "max_chars: 要的是整数"),
        (line(max_chars=0), 1, "max_chars: must be at least 1", "max_chars: 至少是 1"),
        (line(emotion="sad"), 1, "emotion: must be '', 'negative', 'neutral' or 'positive'",
         "emotion: 只能是 '', 'negative', 'neutral' or 'positive'"),
        (line(history=[["boss", "x"]]), 1, "history.0.0: must be 'visitor' or 'bot'",
         "history.0.0: 只能是 'visitor' or 'bot'"),
        (line(critical="yes"), 1, "critical: true or false is wanted", "critical: 要的是 true 或 false"),
        (b"[1]", 1, "an object of fields is wanted", "要的是「字段: 值」的对象"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_line_in_both_languages(
    content: bytes, number: int, english: str, chinese: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        reading.read(content)

    found = refused.value
    assert found.number == number
    for language, said in (("en", english), ("zh-hans", chinese)):
        with translation.override(language):
            assert sentence(found.reason, found.values) == said


def test_a_case_written_out_reads_as_itself(chosen: EvalSet) -> None:
    wanted = reading.read(line(emotion="negative", apology_first=True, slots={"color": "红"}))
    reading.take(chosen, wanted)

    written = reading.as_line(EvalCase.objects.get())
    again = reading.read(written.encode())

    assert again == [wanted[0].model_copy(update={"language": "zh"})]
