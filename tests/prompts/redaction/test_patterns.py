"""Stage 1: what has a pattern is found in every disguise, and what only looks like it is not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.redaction import patterns
from prompts.redaction.normal import normal
from prompts.redaction.spans import resolved


def find(text: str, *, language: str = "zh", orders: str = "") -> list[tuple[str, str]]:
    """(kind, what was written) of everything found."""
    form = normal(text)
    not_personal = [re.compile(orders)] if orders else []
    spans = resolved(patterns.find(form.text, language=language, not_personal=not_personal))
    found = [(span.type, form.back(span.start, span.end)) for span in spans]
    return [(kind, text[start:end]) for kind, (start, end) in found]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("我的手机13812345678谢谢", "PHONE", "13812345678"),
        ("打138 1234 5678", "PHONE", "138 1234 5678"),
        ("打１３８１２３４５６７８", "PHONE", "１３８１２３４５６７８"),
        ("138-1234-5678", "PHONE", "138-1234-5678"),
        ("138—1234—5678", "PHONE", "138—1234—5678"),
        ("+86 13812345678", "PHONE", "+86 13812345678"),
        ("(+86)138-1234-5678", "PHONE", "(+86)138-1234-5678"),
        ("8613812345678", "PHONE", "8613812345678"),
        ("tel13812345678x", "PHONE", "13812345678"),
        ("https://x.cn/?m=13812345678&a=1", "PHONE", "13812345678"),
        ("一三八一二三四五六七八", "PHONE", "一三八一二三四五六七八"),
        ("1\u200b3812345678", "PHONE", "1\u200b3812345678"),
        ("010-62345678转801", "PHONE", "010-62345678转801"),
        ("座机0571 8765 4321", "PHONE", "0571 8765 4321"),
        ("座机是87654321", "PHONE", "87654321"),
        ("+44 20 7946 0958", "PHONE", "+44 20 7946 0958"),
        ("身份证11010519491231002X，", "ID_CARD", "11010519491231002X"),
        ("证110105 19491231 002x", "ID_CARD", "110105 19491231 002x"),
        ("身份证号110105194912310021", "ID_CARD", "110105194912310021"),
        ("老证件110105491231002", "ID_CARD", "110105491231002"),
        ("卡号4111111111111111谢谢", "BANK_CARD", "4111111111111111"),
        ("6222 0212 3456 7890 128", "BANK_CARD", "6222 0212 3456 7890 128"),
        ("银行卡号:6222021234567890129", "BANK_CARD", "6222021234567890129"),
        ("我的邮箱是zhang.wei@qq.com哦", "EMAIL", "zhang.wei@qq.com"),
        ("zhang＠qq。com", "EMAIL", "zhang＠qq。com"),
        ("zhang[at]qq[dot]com", "EMAIL", "zhang[at]qq[dot]com"),
        ("12345@qq点com", "EMAIL", "12345@qq点com"),
        ("车牌京A12345停着", "PLATE", "京A12345"),
        ("粤B·D12345", "PLATE", "粤B·D12345"),
        ("护照号G12345678", "PASSPORT", "G12345678"),
        ("passport no. G1234567", "PASSPORT", "G1234567"),
        ("SF1234567890123到哪了", "COURIER", "SF1234567890123"),
        ("快递单号:75312345678901", "COURIER", "75312345678901"),
        ("EA123456789CN", "COURIER", "EA123456789CN"),
        ("iban GB82 WEST 1234 5698 7654 32", "IBAN", "GB82 WEST 1234 5698 7654 32"),
        ("ssn 853-37-1694", "ID_CARD", "853-37-1694"),
        ("ip是192.168.10.7吗", "IP", "192.168.10.7"),
        ("2001:db8::8a2e:370:7334", "IP", "2001:db8::8a2e:370:7334"),
    ],
)
def test_find_sees_it(text: str, kind: str, value: str) -> None:
    assert find(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "订单号:18110787537",
        "18110787537 这个订单",
        "订单 381388285623",
        "下单时间:2018-12-09 12:13:14 金额7771.69",
        "https://item.jd.com/52219987.html",
        "订单编号6222021234567890128",
        "版本 1.2.3.4",
        "v10.0.0.1",
        "999.1.1.1",
        "12:13:14",
        "::",
        "新E5-2620",
        "580-750-1316",
        "MODEL123456789",
        "GB83 WEST 1234 5698 7654 32",
        "G12345678",
        "一二三四五六七八九十一二",
        "+1 2 3",
        "00123842",
    ],
)
def test_find_leaves_it(text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("call me on 9472 7916", "9472 7916"),
        ("Phone:\n(71) 4233-6306", "(71) 4233-6306"),
        ("416 60 039 office", "416 60 039"),
        ("(602)272-9781", "(602)272-9781"),
        ("001-518-640-0854", "001-518-640-0854"),
        ("463-612-6138x036", "463-612-6138x036"),
    ],
)
def test_english_numbers_are_phones_by_form_or_by_a_word(text: str, value: str) -> None:
    assert find(text, language="en") == [("PHONE", value)]


def test_order_numbers_of_the_shop_are_neither_phone_nor_card() -> None:
    assert find("13812345678") == [("PHONE", "13812345678")]
    assert find("13812345678", orders=r"1\d{10}") == []
    assert find("6222021234567890128", orders=r"62\d{17}") == []
    assert find("SF1234567890123", orders=r"SF\d+") == []


def test_a_number_that_is_called_a_phone_is_one_whatever_the_shop_says() -> None:
    assert find("手机号13812345678", orders=r"1\d{10}") == [("PHONE", "13812345678")]


mobiles = st.from_regex(r"\A1(3[0-9]|5[0-35-9]|8[0-9])[0-9]{8}\Z")


@given(
    mobile=mobiles,
    separator=st.sampled_from(["", " ", "-", ".", "－", "·", " - "]),
    before=st.sampled_from(["", "打", "，", "我的电话是", "(", "tel:"]),
    after=st.sampled_from(["", "谢谢", "。", ")", " 张三", "abc"]),
    wide=st.booleans(),
)
def test_a_mobile_number_is_found_however_it_is_split_and_wherever_it_stands(
    mobile: str, separator: str, before: str, after: str, wide: bool
) -> None:
    written = separator.join((mobile[:3], mobile[3:7], mobile[7:]))
    if wide:
        written = written.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789"})
    assert ("PHONE", written) in find(before + written + after)
