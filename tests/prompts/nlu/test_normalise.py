"""prompts.nlu.normalise: one spelling for many."""

import pytest

from prompts.nlu.normalise import normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＡＢＣ，Ｈｅｌｌｏ！", "abc,hello!"),
        ("訂單退款 為什麼還沒到", "订单退款 为什么还没到"),
        ("哈哈哈哈哈", "哈哈"),
        ("急！！！！", "急!!"),
        ("I can't log in", "i cant log in"),
        ("好的🙏🏻", "好的🙏"),
        ("快​递", "快递"),
        ("", ""),
    ],
)
def test_spelling_is_made_one(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("打13812345678", "打P"),
        ("１３８１２３４５６７８", "P"),
        ("138 1234 5678", "P"),
        ("11010519491231002X", "X"),
        ("单号123456789012", "单号O"),
        ("JDVA00123456789", "O"),
        ("3天", "N天"),
        ("￥99.00", "Y"),
        ("2018-03-05 10:20", "D D"),
        ("看 https://a.example/b?c=d 这个", "看 L 这个"),
        ("me@example.com", "M"),
        ("<PHONE_1>和<ADDRESS_2>", "P和A"),
        ("[图片]", "I"),
        ("我要打12315了", "我要打消协了"),
        ("单号12315678901", "单号O"),
        ("[微笑吧]", "[微笑吧]"),
    ],
)
def test_figures_and_links_become_classes(text: str, expected: str) -> None:
    assert normalise(text) == expected


@pytest.mark.parametrize(
    "card",
    [
        "[订单编号:123456789012,订单金额:￥99.00,下单时间:2018-01-01 10:00:00]",
        "订单编号:<ORDER_1>",
        "咨询订单号:123456789 商品ID:998877",
        "order number: AB123456",
    ],
)
def test_order_card_is_one_class(card: str) -> None:
    assert normalise(card) == "K"


def test_normalising_twice_changes_nothing() -> None:
    once = normalise("您好!!! 訂單12345678什麼時候到 ㊣ ①")

    assert normalise(once.lower()).lower() == once.lower()
