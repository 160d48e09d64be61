"""prompts.nlu.shape: characters that look alike are mended in words, and only there."""

import pytest

from prompts.nlu.normalise import normalise
from prompts.nlu.shape import mended


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("己经三天了还没发贷", "已经三天了还没发货"),
        ("什么时侯到", "什么时候到"),
        ("末收到贷物", "未收到货物"),
        ("还末发货", "还未发货"),
        ("优惠卷怎么用", "优惠券怎么用"),
        ("申请退贷", "申请退货"),
        ("白洒碎了", "白酒碎了"),
        ("客报在吗", "客服在吗"),
        ("帐号登不上", "账号登不上"),
        ("地扯写错了", "地址写错了"),
        ("我要投拆商家", "我要投诉商家"),
    ],
)
def test_look_alikes_are_mended(written: str, meant: str) -> None:
    assert mended(written) == meant


@pytest.mark.parametrize(
    "text",
    [
        "我自己经常买",
        "贷款怎么还",
        "侯先生收",
        "折叠椅拆开了",
        "未来几天",
        "周末收货",
        "运动鞋",
        "",
        "hello",
    ],
)
def test_what_is_a_word_stays(text: str) -> None:
    assert mended(text) == text


def test_length_is_kept() -> None:
    assert len(mended("己经什么时侯发贷")) == len("己经什么时侯发贷")


def test_spelling_is_made_one_with_it() -> None:
    assert normalise("己經發貸了嗎") == "已经发货了吗"
