"""The door of redaction: every disguise is found, every failure is closed, hostile text is quickly done with."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompts.redaction import engine, patterns
from prompts.redaction.placeholders import Placeholders, restore
from prompts.redaction.spans import RedactionFailed

KEY = b"k" * 16
IDENTITY = "我叫张伟，手机138 1234 5678，身份证11010519491231002X，住浙江省杭州市余杭区文一西路969号3号楼，邮箱zhang.wei@qq.com"
HOSTILE = [
    "." * 4096,
    "a." * 2048,
    "1" * 4096,
    "1 " * 2048,
    "张" * 4096,
    "浙江省" * 1365,
    "::" * 2048,
    "\ud800" * 99,
    "\0" * 99,
]


def book() -> Placeholders:
    return Placeholders(key=KEY)


def test_mask_puts_a_placeholder_for_every_kind() -> None:
    masked = engine.mask(IDENTITY, language="zh", book=book())
    assert (
        masked.text
        == "我叫<NAME_1>，手机<PHONE_1>，身份证<ID_CARD_1>，住<ADDRESS_1>，邮箱<EMAIL_1>"
    )
    assert masked.values["<PHONE_1>"] == "138 1234 5678"
    assert [IDENTITY[s.start : s.end] for s in masked.spans] == list(masked.values.values())


def test_mask_and_restore_give_back_the_text() -> None:
    masked = engine.mask(IDENTITY, language="zh", book=book())
    assert restore(masked.text, masked.values, allowed=masked.values) == IDENTITY


def test_a_value_keeps_its_placeholder_over_messages() -> None:
    shared = book()
    engine.mask("电话13812345678", language="zh", book=shared)
    masked = engine.mask("打138-1234-5678或13912345678", language="zh", book=shared)
    assert masked.text == "打<PHONE_1>或<PHONE_2>"


def test_a_typed_placeholder_is_disarmed() -> None:
    masked = engine.mask("<PHONE_1>和13812345678", language="zh", book=book())
    assert masked.text == "‹PHONE_1›和<PHONE_1>"


def test_a_placeholder_is_nobody_s_name() -> None:
    assert engine.find("Contact: <NAME_1> <PHONE_2>", language="en") == []


def test_order_numbers_of_the_shop_stay() -> None:
    text = "订购13812345678"
    assert engine.find(text, language="zh", not_personal=[re.compile(r"1\d{10}")]) == []


def test_a_phone_inside_an_address_does_not_bring_the_address_to_light() -> None:
    text = "浙江省杭州市余杭区文一西路13812345678号3号楼502室"
    masked = engine.mask(text, language="zh", book=book())
    assert "文一西路" not in masked.text
    assert "13812345678" not in masked.text


@pytest.mark.parametrize(
    "text",
    [
        "我的邮箱zhang.wei@qq.com谢谢",
        "卡号4111111111111111谢谢",
        "电话１３８１２３４５６７８",
        "https://shop.example/track?phone=13812345678",
        "{'mobile': '13812345678'}",
        "tel=13812345678;",
        "my name is john smith",
        "i'm called anna freeman",
    ],
)
def test_disguised_data_is_found(text: str) -> None:
    assert engine.find(text, language="zh")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_hostile_text_ends_long_before_the_deadline(text: str, language: engine.Language) -> None:
    engine.find(text, language=language, timeout_seconds=10)


def test_out_of_time_fails_closed() -> None:
    with pytest.raises(RedactionFailed, match="timeout"):
        engine.find("陈建国", language="zh", timeout_seconds=-1)
    with pytest.raises(RedactionFailed, match="timeout"):
        engine.find("12345", language="zh", timeout_seconds=-1)


def test_too_long_fails_closed() -> None:
    with pytest.raises(RedactionFailed, match="too long"):
        engine.find("a" * (engine.TEXT_CHARS_MAX + 1), language="zh")


def test_an_error_fails_closed_and_quotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str, **_: object) -> None:
        raise ValueError(text)

    monkeypatch.setattr(patterns, "find", broken)
    with pytest.raises(RedactionFailed) as raised:
        engine.mask("电话13812345678", language="zh", book=book())
    assert str(raised.value) == "ValueError"
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_warm_builds_the_analyzers() -> None:
    engine.warm("zh")
    engine.warm()


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["zh", "en"]))
def test_any_text_is_examined_and_masked_without_loss(text: str, language: engine.Language) -> None:
    masked = engine.mask(text, language=language, book=book())
    assert all(one.end <= other.start for one, other in pairwise(masked.spans))
    if not masked.spans:
        assert len(masked.text) <= len(text) + 2
