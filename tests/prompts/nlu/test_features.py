"""prompts.nlu.features and what they are made of: sound, tone, concepts."""

import pytest

from prompts.nlu.concepts import concepts
from prompts.nlu.features import GROUPS, PLACE, SOUND, features
from prompts.nlu.normalise import normalise
from prompts.nlu.sound import sounds, spelt
from prompts.nlu.tone import tones


def test_every_feature_carries_its_group() -> None:
    found = features(normalise("你好! kuaidi到哪了? I want a refund, order 12345678"))

    assert tuple(found) == GROUPS
    assert {
        name[0] for group, names in found.items() for name in names if name[0] != group
    } == set()
    assert all(found.values())


def test_words_of_chinese_clauses_tell_their_place() -> None:
    praise_last, blame_last = (
        set(features(normalise(text))[PLACE]) for text in ("贵,但是好看", "好看,但是贵")
    )

    assert {"cfirst 贵", "clast 好看", "cbut 好看"} <= praise_last
    assert {"cfirst 好看", "clast 贵", "cbut 贵"} <= blame_last
    assert features(normalise("好看但是贵"))[PLACE] == features(normalise("好看,但是贵"))[PLACE]


@pytest.mark.parametrize("text", ["快递到哪了", "it is late. where is it?", "", "?!"])
def test_one_clause_and_english_have_no_places(text: str) -> None:
    assert features(normalise(text))[PLACE] == []


def test_empty_text_has_only_its_length() -> None:
    found = features("")

    assert [name for names in found.values() for name in names if name[1:] != "^ $"] == ["mlength0"]


@pytest.mark.parametrize("mistyped", ["快低", "快弟", "筷递", "kuaidi"])
def test_homophones_sound_the_same(mistyped: str) -> None:
    right, wrong = (features(normalise(f"{word}到哪了"))[SOUND] for word in ("快递", mistyped))

    assert wrong == right


def test_similar_sounds_are_merged() -> None:
    assert sounds(list("是吃中")) == sounds(list("四次宗"))


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("kuaidi", ("kuai", "di")),
        ("tuikuan", ("tui", "kuan")),
        ("order", ()),
        ("xyz", ()),
        ("", ()),
    ],
)
def test_pinyin_is_read_in_syllables(run: str, expected: tuple[str, ...]) -> None:
    assert spelt(run) == expected


def test_english_has_no_sound() -> None:
    assert sounds(["where", "is", "it"]) == []


def test_concepts_take_the_longest_word() -> None:
    assert concepts(list("洗衣机什么时候发货")) == ["goods", "when", "ship"]
    assert concepts(["my", "laptop", "refund"]) == ["goods", "refund"]
    assert concepts(list("天气")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("什么破服务", "disappointment"),
        ("你们真行", "sarcasm"),
        ("都等了三天了", "delay"),
        ("没人处理", "neglect"),
        ("凭什么不退", "blame"),
        ("thank you so much", "thanks"),
        ("急", "haste"),
    ],
)
def test_tones_are_heard(text: str, expected: str) -> None:
    assert expected in tones(normalise(text))


def test_plain_question_has_no_hostile_tone() -> None:
    assert tones("快递到哪了") == ["question"]
