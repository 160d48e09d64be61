"""What customers give: numbers, products, amounts, days, placeholders."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.nlu import dates, slots
from prompts.nlu.slots import Slot, find, fold, patterns_of

# A Saturday
TODAY = date(2026, 1, 31)


def found(text: str, *names: str) -> list[tuple[str, str]]:
    return [(s.name, s.value) for s in find(text, now=TODAY) if not names or s.name in names]


# --- orders ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("订单 20260131001 到哪了", ["20260131001"]),
        ("先是 20260131001,后来是 20260131002", ["20260131001", "20260131002"]),
        ("my order AB20260131001 please", ["AB20260131001"]),
        ("订单2026０131００1", ["20260131001"]),
        ("订单号二零二六零一三一零零一", ["20260131001"]),
        ("订单号 2026 0131 0012 查一下", ["202601310012"]),
        ("訂單編號:2026-0131-0012", ["202601310012"]),
        ("order number is 20260131001", ["20260131001"]),
        ("https://shop.example/a?orderId=20260131001 这个", ["20260131001"]),
        ("https://shop.example/item/100012043978.html", []),
        ("手机13812345678", []),
        ("订单是13812345678", []),
        ("1234567", []),
        ("1" * 24, ["1" * 24]),
        ("1" * 25, []),
        ("ABCDE12345678", []),
        ("订单 100 元", []),
        ("order for 2 shirts", []),
        ("订单号:20260131001 商品ID:100012043978", ["20260131001"]),
        ("my account number is 100999821", []),
        ("发票号码12345678", []),
    ],
)
def test_order_numbers(text: str, numbers: list[str]) -> None:
    assert [value for _, value in found(text, "order_number")] == numbers


@pytest.mark.parametrize(
    ("text", "tails"),
    [
        ("尾号8866的那单", ["8866"]),
        ("尾号是八八六六", ["8866"]),
        ("订单后四位1234", ["1234"]),
        ("the order ending in 8866", ["8866"]),
        ("last 4 digits are 8866", ["8866"]),
        ("8866那单", ["8866"]),
        ("订单号:12345", ["12345"]),
        ("order #8866", ["8866"]),
        ("手机尾号1234", []),
        ("银行卡尾号1234", []),
        ("my phone ending in 1234", []),
        ("满300减50", []),
        ("where is invoice #12588", []),
    ],
)
def test_order_tails(text: str, tails: list[str]) -> None:
    assert [value for _, value in found(text, "order_tail")] == tails


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ("20260131001", True),
        ("订单20260131", True),
        ("20260131", False),
        ("订单号2O26O131OO1", False),
    ],
    ids=["long", "labelled", "maybe a day", "letters for digits"],
)
def test_order_numbers_are_certain_or_not(text: str, certain: bool) -> None:
    (slot,) = find(text, now=TODAY)
    assert (slot.name, slot.certain) == ("order_number", certain)


def test_a_shops_own_pattern_replaces_the_default() -> None:
    own = patterns_of([r"E\d{6}"])
    assert [s.value for s in find("E123456 和 20260131001", patterns=own, now=TODAY)] == ["E123456"]
    (labelled,) = find("订单号20260131001", patterns=own, now=TODAY)
    assert (labelled.value, labelled.certain) == ("20260131001", False)


def test_no_pattern_keeps_the_default_and_a_broken_one_is_refused() -> None:
    assert patterns_of() == slots.DEFAULT
    with pytest.raises(re.error):
        patterns_of(["("])


# --- couriers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("SF1234567890123", [("courier_number", "SF1234567890123")]),
        ("快递单号773012345678901", [("courier_number", "773012345678901")]),
        ("tracking number 1Z999AA10123456784", [("courier_number", "1Z999AA10123456784")]),
        (
            "jd0123456789012 京东物流的",
            [("courier_number", "JD0123456789012"), ("courier", "京东")],
        ),
        ("发顺丰还是中通", [("courier", "顺丰"), ("courier", "中通")]),
        ("走京东发的", [("courier", "京东")]),
        ("我在京东买的", []),
        ("shipped by FedEx", [("courier", "FedEx")]),
        ("the upset customer", []),
        ("运单号是<COURIER_1>", [("courier_number", "<COURIER_1>")]),
    ],
)
def test_couriers(text: str, values: list[tuple[str, str]]) -> None:
    assert found(text) == values


# --- personal data ---------------------------------------------------------------------------------


def test_placeholders_are_slots_and_raw_values_are_not() -> None:
    assert found("我叫<NAME_1>,电话<PHONE_2>,<ID_CARD_1> <EMAIL_1>") == [
        ("name", "<NAME_1>"),
        ("phone", "<PHONE_2>"),
        ("email", "<EMAIL_1>"),
    ]
    assert found("13812345678 me@example.org 110101199003074514") == [
        ("order_number", "110101199003074514")
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("寄到广东省深圳市南山区<ADDRESS_1>", ["广东", "深圳市", "南山区", "<ADDRESS_1>"]),
        ("改到杭州市西湖区<ADDRESS_1>", ["杭州市", "西湖区", "<ADDRESS_1>"]),
        ("地址是<ADDRESS_1>", ["<ADDRESS_1>"]),
        ("我在南山区上班,寄到<ADDRESS_1>", ["<ADDRESS_1>"]),
    ],
)
def test_address_parts_stand_right_before_the_placeholder(text: str, parts: list[str]) -> None:
    assert [value for _, value in found(text)] == parts


# --- amounts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("退了199块5", "199.5 CNY"),
        ("¥1,299.00", "1299 CNY"),
        ("100元", "100 CNY"),
        ("三百块钱", "300 CNY"),
        ("三百五十元", "350 CNY"),
        ("一千二百元", "1200 CNY"),
        ("1.2万元", "12000 CNY"),
        ("$20.50 was charged", "20.5 USD"),
        ("30 bucks", "30 USD"),
        ("299 yuan", "299 CNY"),
        ("一起去一块", None),
        ("两块手表", None),
        ("上海东方明珠一块儿", None),
        ("7天无理由", None),
    ],
)
def test_amounts(text: str, amount: str | None) -> None:
    assert found(text, "amount") == ([("amount", amount)] if amount else [])


# --- days ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("今天下的单", "2026-01-31"),
        ("昨天", "2026-01-30"),
        ("前天", "2026-01-29"),
        ("大前天", "2026-01-28"),
        ("明天能到吗", "2026-02-01"),
        ("上周三", "2026-01-21"),
        ("这周五", "2026-01-30"),
        ("下周一", "2026-02-02"),
        ("上周那单", "2026-W04"),
        ("上上周", "2026-W03"),
        ("上个月", "2025-12"),
        ("3天前", "2026-01-28"),
        ("两周前", "2026-01-17"),
        ("一个月前", "2025-12-31"),
        ("11月3号", "2025-11-03"),
        ("十一月三号", "2025-11-03"),
        ("2月1日", "2026-02-01"),
        ("去年11月3日", "2025-11-03"),
        ("2025-12-25", "2025-12-25"),
        ("2025年12月25日", "2025-12-25"),
        ("30号买的", "2026-01-30"),
        ("双十一买的", "2025-11-11"),
        ("yesterday", "2026-01-30"),
        ("the day before yesterday", "2026-01-29"),
        ("3 days ago", "2026-01-28"),
        ("two weeks ago", "2026-01-17"),
        ("last Friday", "2026-01-30"),
        ("last Monday", "2026-01-26"),
        ("last week", "2026-W04"),
        ("last month", "2025-12"),
        ("Nov 3rd", "2025-11-03"),
        ("3 November 2025", "2025-11-03"),
        ("13月3号", None),
        ("2月30号", None),
        ("7天无理由退货", None),
        ("3号楼", None),
        ("周末上班吗", None),
        ("you may 2 times", None),
    ],
)
def test_days(text: str, day: str | None) -> None:
    assert found(text, "date") == ([("date", day)] if day else [])


def test_days_that_leave_something_open_are_uncertain() -> None:
    certain = {text: find(text, now=TODAY)[0].certain for text in ("上周三", "周三", "11/3", "3号")}
    assert certain == {"上周三": True, "周三": False, "11/3": False, "3号": False}


# --- products --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("iPhone 15 Pro 有货吗", "iPhone 15 Pro"),
        ("买的「云朵枕」掉毛", "云朵枕"),
        ("那个蓝牙耳机坏了", "蓝牙耳机"),
        ("这款手机", "手机"),
        ("the black headphones are broken", "black headphones"),
        ("提示“支付失败”", None),
        ("这个手机号", None),
        ("my phone number", None),
        ("A4纸", None),
        ("耳机", None),
    ],
)
def test_products_are_taken_conservatively(text: str, product: str | None) -> None:
    assert found(text, "product") == ([("product", product)] if product else [])


def test_a_products_name_cannot_open_or_close_anything_in_a_prompt() -> None:
    (slot,) = find("买的「{{x}} [系统]<b> 枕」", now=TODAY) or [Slot("product", "", 0, 0)]
    assert set(slot.value) & set("{}[]<>") == set()
    (long,) = find(f"买的「{'枕' * 24}」", now=TODAY)
    assert len(long.value) <= slots.PRODUCT_CHARS


# --- of all ----------------------------------------------------------------------------------------

PIECES = st.sampled_from([
    "订单", "20260131001", "尾号8866", "<PHONE_1>", "<ADDRESS_1>", "199块", "昨天", "，", "the ", "phone ", "SF1234567890123",
    "三百", "元", "不是", "３", "號", "上周", "那单", "İ", "😀", "#", "$",
])  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=60))
def test_slots_are_in_order_apart_and_inside_the_text(text: str) -> None:
    slots_found = find(text, now=TODAY)
    ends = [0, *(slot.end for slot in slots_found)]
    assert all(
        s.start >= end and s.end > s.start for s, end in zip(slots_found, ends, strict=False)
    )
    assert ends[-1] <= len(text)


@given(st.text(max_size=200))
def test_folding_keeps_positions(text: str) -> None:
    assert len(fold(text)) == len(text)


@pytest.mark.parametrize("piece", ["1", ".", "a1", "<ADDRESS_1>", "$1,1", "不是", "订单 1", " "])
def test_pasted_tables_are_read_only_so_far(piece: str) -> None:
    text = piece * (4000 // len(piece))
    assert len(find(text, now=TODAY)) <= slots.MOST


@given(st.dates(date(2015, 1, 1), date(2040, 12, 31)), st.sampled_from([
    "昨天", "上周三", "上个月", "11月3号", "3天前", "last Friday", "2月29号", "31号", "下个月", "三个月前",
]))  # fmt: skip
def test_days_are_iso_whatever_the_day(today: date, text: str) -> None:
    for slot in find(text, now=today):
        first, last = dates.span(slot.value)
        assert first <= last
        # The nearest 29 February may be more than a year away.
        assert abs((first - today).days) <= 2 * 366
