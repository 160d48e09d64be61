"""What a topic is called to whoever reads of it."""

import pytest

from chat.dialogue.titles import title_for


@pytest.mark.parametrize(
    ("intent", "called", "language", "title"),
    [
        pytest.param("refund", "退款多久到账", "zh", "退款多久到账", id="as the SOP calls it"),
        pytest.param("refund", "退款多久到账", "en", "refund", id="by the intent in its language"),
        pytest.param("refund", "Refund time", "en", "Refund time", id="an English SOP"),
        pytest.param("refund", "Refund time", "zh", "退款", id="an English SOP to Chinese agents"),
        pytest.param("custom", "定制进度", "en", "定制进度", id="nothing in that language"),
        pytest.param("refund", "", "en", "refund", id="no SOP"),
        pytest.param("custom", "", "en", "custom", id="one that staff added"),
    ],
)
def test_title_is_in_the_readers_language_where_there_is_one(
    intent: str, called: str, language: str, title: str
) -> None:
    assert title_for(intent, called=called, language=language) == title
