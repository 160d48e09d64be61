"""prompts.nlu.slots: the same things said in many ways, and numbers that only look like them."""

from datetime import date

import pytest

from prompts.nlu.slots import find

# A Saturday
TODAY = date(2026, 1, 31)


def values(text: str, name: str) -> list[str]:
    return [slot.value for slot in find(text, now=TODAY) if slot.name == name]


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        ("尾号8866的", "8866"),
        ("尾号八八六六那单", "8866"),
        ("后四位是3321", "3321"),
        ("最后四位3321的订单", "3321"),
        ("订单末尾是5512", "5512"),
        ("末四位5512", "5512"),
        ("单号最后是 7788 的那个", "7788"),
        ("8866那单", "8866"),
        ("就是8866结尾的", "8866"),
        ("不是那个,是尾号8866的", "8866"),
        ("the one ending 8866", "8866"),
        ("ends with 4410", "4410"),
        ("last 4 digits are 9021", "9021"),
        ("order #5521", "5521"),
    ],
)
def test_tail_of_an_order(text: str, tail: str) -> None:
    assert values(text, "order_tail") == [tail]


@pytest.mark.parametrize(
    "text",
    [
        "手机尾号8866",
        "银行卡尾号6222",
        "验证码是886612",
        "身份证后四位1234",
        "一共8866元",
        "最后是2个",
        "my phone ends with 4410",
    ],
)
def test_other_numbers_are_no_tails(text: str) -> None:
    assert values(text, "order_tail") == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("單號２０２６０１３１００１", ["20260131001"]),
        ("订单编号：2026 0131 0019", ["202601310019"]),
        ("订单20260131001，20260131002都要退", ["20260131001", "20260131002"]),
        ("是20260131001不是20260131002", ["20260131001", "20260131002"]),
        ("order no. 20260131001", ["20260131001"]),
        ("order id: 20260131001", ["20260131001"]),
        ("it's AB20260131001 i think", ["AB20260131001"]),
        ("运单78901234567890", []),
    ],
)
def test_order_numbers(text: str, numbers: list[str]) -> None:
    assert values(text, "order_number") == numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("顺丰SF1234567890123", "SF1234567890123"),
        ("快递单号是YT1234567890123", "YT1234567890123"),
        ("运单78901234567890", "78901234567890"),
        ("面单78901234567890", "78901234567890"),
        ("物流单号:773012345678901", "773012345678901"),
        ("sf1234567890123 这个件", "SF1234567890123"),
        ("LX123456789CN到哪了", "LX123456789CN"),
        ("京东单号JDVA01234567890", "JDVA01234567890"),
        ("tracking number 1Z999AA10123456784", "1Z999AA10123456784"),
        ("awb: 123456789012", "123456789012"),
    ],
)
def test_courier_numbers(text: str, number: str) -> None:
    assert values(text, "courier_number") == [number]


@pytest.mark.parametrize(
    ("text", "couriers"),
    [
        ("你们发的中通吗", ["中通"]),
        ("能不能发顺丰", ["顺丰"]),
        ("是ems吗", ["EMS"]),
        ("走EMS可以不", ["EMS"]),
        ("shipped with dhl?", ["DHL"]),
        ("it has problems", []),
    ],
)
def test_couriers(text: str, couriers: list[str]) -> None:
    assert values(text, "courier") == couriers


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("退我35块", "35 CNY"),
        ("差价是12.5元", "12.5 CNY"),
        ("一共1,299元", "1299 CNY"),
        ("￥88.80没退", "88.8 CNY"),
        ("三十五块钱", "35 CNY"),
        ("两百块", "200 CNY"),
        ("一百二十元", "120 CNY"),
        ("19块9", "19.9 CNY"),
        ("$45.50 refund", "45.5 USD"),
        ("45 dollars", "45 USD"),
        ("rmb 300", "300 CNY"),
    ],
)
def test_amounts(text: str, amount: str) -> None:
    assert values(text, "amount") == [amount]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("昨天买的", "2026-01-30"),
        ("前天下的单", "2026-01-29"),
        ("大前天", "2026-01-28"),
        ("1月28号买的", "2026-01-28"),
        ("28号那单", "2026-01-28"),
        ("一月二十八号", "2026-01-28"),
        ("三天前", "2026-01-28"),
        ("今早下的单", "2026-01-31"),
        ("昨晚", "2026-01-30"),
        ("礼拜三买的", "2026-01-28"),
        ("去年12月5日", "2025-12-05"),
        ("上个月底", "2025-12"),
        ("双十一买的", "2025-11-11"),
        ("双12", "2025-12-12"),
        ("618买的", "2025-06-18"),
        ("元旦那天", "2026-01-01"),
        ("2026/1/28", "2026-01-28"),
        ("on january 28", "2026-01-28"),
        ("28 Jan", "2026-01-28"),
        ("3 days ago", "2026-01-28"),
        ("yesterday", "2026-01-30"),
        ("the day before yesterday", "2026-01-29"),
        ("last friday", "2026-01-30"),
    ],
)
def test_days(text: str, day: str) -> None:
    assert values(text, "date") == [day]


@pytest.mark.parametrize("text", ["订单618", "618元", "国庆快递停吗", "房间618"])
def test_numbers_and_feasts_that_are_no_days(text: str) -> None:
    assert values(text, "date") == []


@pytest.mark.parametrize(
    ("text", "product"),
    [("买的iphone 15 pro max", "iphone 15 pro max"), ("华为mate60到了吗", "mate60")],
)
def test_products(text: str, product: str) -> None:
    assert [one.lower() for one in values(text, "product")] == [product]
