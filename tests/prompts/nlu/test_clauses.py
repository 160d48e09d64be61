"""prompts.nlu.clauses: where one request ends and the next begins."""

import pytest

from prompts.nlu.clauses import MOST, clauses, without_cards, without_greeting


def parts(text: str) -> list[str]:
    return [text[start:end] for start, end in clauses(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("查下订单+改地址+催发货", ["查下订单", "改地址", "催发货"]),
        ("帮我查快递顺便开发票再帮我催一下", ["帮我查快递", "开发票", "再帮我催一下"]),
        ("到哪了?能快点吗", ["到哪了?", "能快点吗"]),
        ("你好我要退货", ["你好", "我要退货"]),
        ("track my order and send the invoice", ["track my order ", " send the invoice"]),
        ("还有多久到", ["还有多久到"]),
        ("退货 退款", ["退货", "退款"]),
        ("where is it", ["where is it"]),
        ("", []),
        ("!!!", []),
    ],
)
def test_clauses_are_cut_where_requests_change(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


def test_many_clauses_end_in_one() -> None:
    found = parts(",".join("退货发票快递地址催单"))

    assert len(found) == MOST
    assert found[-1].startswith("快,递")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("K 还没到", "还没到"), ("L这个怎么用", "这个怎么用"), ("K", "K"), ("K L", "K L")],
)
def test_cards_go_when_something_is_said(text: str, expected: str) -> None:
    assert without_cards(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好,在吗,退货", "退货"),
        ("hi, where is it", "where is it"),
        ("你好", "你好"),
        ("亲", "亲"),
        ("high price", "high price"),
    ],
)
def test_greeting_goes_when_something_follows(text: str, expected: str) -> None:
    assert without_greeting(text) == expected
