"""Chinese names stand out from the chat around them; brands, towns and everyday words do not."""

import pytest

from prompts.redaction import names_zh


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in names_zh.find(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("我叫王丽", ["王丽"]),
        ("收件人:陈建国,电话", ["陈建国"]),
        ("好的刘韵洁", ["刘韵洁"]),
        ("配送员:邓涛,电话", ["邓涛"]),
        ("姓名:欧阳娜娜", ["欧阳娜娜"]),
        ("联系人 于东", ["于东"]),
        ("收货人改成高伟", ["高伟"]),
        ("吴桂芳女士您好", ["吴桂芳"]),
        ("请张先生接电话", ["张"]),
        ("请高先生接电话", ["高"]),
        ("查女士您好", ["查"]),
        ("收件人:查建国,电话", ["查建国"]),
        ("作家查良镛的书", ["查良镛"]),
        ("转给孙志强,谢谢", ["孙志强"]),
    ],
)
def test_find_sees_names(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "什么时候发货",
        "谢谢,马上安排",
        "我要退货,申请价保",
        "祝您身体健健康康",
        "华为手机和戴尔电脑哪个好",
        "发到石家庄和黄山",
        "常温保存,易碎品",
        "高清大屏,全面屏",
        "查实付、优惠分摊、运费",
        "查支付方式构成",
        "莫名其妙扣了会员费",
    ],
)
def test_find_leaves_everyday_words(text: str) -> None:
    assert found(text) == []


def test_a_surer_name_scores_higher_and_all_score_below_numbers() -> None:
    [form] = names_zh.find("收件人:陈建国")
    [chat] = names_zh.find("的陈建国那")
    assert 0.45 <= chat.score < form.score < 0.7
