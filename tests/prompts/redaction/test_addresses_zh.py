"""Chinese addresses are chains of parts; a part alone, and a bare region, is none."""

import pytest

from prompts.redaction import addresses_zh


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in addresses_zh.find(text)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (
            "寄到浙江省杭州市余杭区文一西路969号3号楼502室,谢谢",
            "浙江省杭州市余杭区文一西路969号3号楼502室",
        ),
        ("地址改成凯旋路1388号2楼", "凯旋路1388号2楼"),
        ("发往广西仙湖路2197号森都电器,急", "仙湖路2197号森都电器"),
        ("金华永康市江南街翁埠村1026号", "金华永康市江南街翁埠村1026号"),
        ("浙江杭州市登云路772号文化商城6楼", "浙江杭州市登云路772号文化商城6楼"),
        ("住朗霞街道新南王大田屋12号", "朗霞街道新南王大田屋12号"),
        ("西湖区转塘家园30幢992室", "西湖区转塘家园30幢992室"),
        ("成都浙江省临海市涌泉镇泾东村169号", "浙江省临海市涌泉镇泾东村169号"),
        ("浙江省嘉兴市秀洲区巴黎都市", "浙江省嘉兴市秀洲区巴黎都市"),
        ("3号楼2单元501室", "3号楼2单元501室"),
    ],
)
def test_find_sees_the_whole_address(text: str, address: str) -> None:
    assert found(text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "你好",
        "能送到浙江省杭州市吗",
        "无线路由器多少钱",
        "6号家里没人,2号才回来",
        "原路退回",
        "小区门口",
        "市场价和商场价有区别",
        "5月2号下午3点",
        "第3期免息",
        "6号2楼",
    ],
)
def test_find_leaves_regions_and_everyday_words(text: str) -> None:
    assert found(text) == []


def test_two_addresses_stay_two() -> None:
    one, other = "文一西路969号3楼", "上海市长宁区凯旋路1388号"
    assert found(f"从{one}改到{other}") == [one, other]


def test_a_number_that_is_a_phone_ends_an_address() -> None:
    assert found("文一西路969号3楼13812345678") == ["文一西路969号3楼"]


def test_more_parts_score_higher() -> None:
    [short] = addresses_zh.find("凯旋路1388号")
    [long] = addresses_zh.find("上海市长宁区凯旋路1388号2楼")
    assert 0.7 <= short.score < long.score < 0.9
