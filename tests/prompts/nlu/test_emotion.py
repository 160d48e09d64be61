"""prompts.nlu.emotion: the same words are praise or irony by what went before."""

import pytest

from prompts.nlu.emotion import Mood, mood, trend
from tests.prompts.nlu.examples import classifier

ANGRY = Mood("negative", 0.9)
CALM = Mood("neutral", 0.9)
HAPPY = Mood("positive", 0.9)
EVEN = {"negative": 0.2, "neutral": 0.5, "positive": 0.3}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("快递到哪了,太差劲了", "negative"),
        ("气死我了,什么破服务", "negative"),
        ("快递到哪了", "neutral"),
        ("发票怎么开", "neutral"),
        ("太好了谢谢", "positive"),
    ],
)
def test_mood_of_words(text: str, label: str) -> None:
    found = mood(text, chances=classifier().intents(text).moods)

    assert found.label == label
    assert 0 < found.score <= 1


@pytest.mark.parametrize(
    "text", ["你们真行", "真有你们的", "服了", "呵呵", "好得很", "厉害了", "可以的", "牛"]
)
def test_irony_after_displeasure_is_negative(text: str) -> None:
    assert mood(text, chances=EVEN, earlier=[ANGRY]).label == "negative"


@pytest.mark.parametrize(
    "text", ["你们真行", "真有你们的", "服了", "好得很", "厉害了", "可以的", "牛"]
)
def test_same_words_after_a_solution_are_not(text: str) -> None:
    assert mood(text, chances=EVEN, earlier=[ANGRY], solved=True).label != "negative"


@pytest.mark.parametrize("text", ["你们真行", "真有你们的", "服了"])
def test_bitter_words_alone_lean_to_negative(text: str) -> None:
    alone, after_thanks = (mood(text, chances=EVEN, earlier=before) for before in ([], [HAPPY]))

    assert alone.label == "negative"
    assert after_thanks.label != "negative"


@pytest.mark.parametrize("text", ["真快", "great", "good job", "可以 真可以"])
def test_short_praise_is_irony_only_after_displeasure(text: str) -> None:
    praise = {"negative": 0.05, "neutral": 0.5, "positive": 0.45}

    assert mood(text, chances=praise, earlier=[ANGRY]).label == "negative"
    assert mood(text, chances=praise, earlier=[ANGRY], solved=True).label != "negative"
    assert mood(text, chances=praise).label != "negative"


@pytest.mark.parametrize(
    "text", ["怎么投诉快递员", "投诉电话是多少", "在哪里写差评", "how do i file a complaint"]
)
def test_asking_where_to_complain_is_no_threat(text: str) -> None:
    threat = {"negative": 0.5, "neutral": 0.5, "positive": 0.0}

    assert mood(text, chances=threat).label == "neutral"
    assert mood("再不处理就投诉", chances=threat).label == "negative"


def test_real_anger_stays_after_a_solution() -> None:
    said = {"negative": 0.9, "neutral": 0.1, "positive": 0.0}

    assert mood("骗子,太差劲了", chances=said, solved=True).label == "negative"


def test_unknown_chances_give_no_error() -> None:
    assert mood("你好", chances={}).label in {"neutral", "positive"}


@pytest.mark.parametrize(
    ("moods", "sign"),
    [
        ([], 0),
        ([CALM], 0),
        ([HAPPY, CALM, ANGRY], -1),
        ([ANGRY, CALM, HAPPY], 1),
        ([CALM] * 4, 0),
        ([CALM, CALM, CALM, ANGRY, ANGRY], -1),
    ],
)
def test_trend_says_where_the_mood_goes(moods: list[Mood], sign: int) -> None:
    found = trend(moods)

    assert (found > 0) - (found < 0) == sign
    assert -2 <= found <= 2
