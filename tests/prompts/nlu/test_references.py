"""What a message refers to, after what has been said."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from prompts.nlu import references, repairs, slots
from prompts.nlu.references import Resolution, resolve

TODAY = date(2026, 1, 31)
FIRST, SECOND, THIRD = "20260101111", "20260120222", "20260125333"


@dataclass(frozen=True)
class Subject:
    """A topic, as far as references are resolved against it."""

    id: str
    intent: str
    slots: dict[str, str]
    state: str = "open"
    opened: int = 0


@dataclass(frozen=True)
class Talk:
    topics: tuple[Subject, ...] = ()
    current: str = ""
    slots: dict[str, str] = field(default_factory=dict)
    earlier: dict[str, Any] = field(default_factory=dict)
    orders: tuple[str, ...] = ()


def talk(*subjects: tuple[str, str], **others: Any) -> Talk:
    """(intent, order number) of each topic, the latest, current one first."""
    topics = tuple(
        Subject(f"t{len(subjects) - i}", intent, {"order_number": number} if number else {}, opened=len(subjects) - i)
        for i, (intent, number) in enumerate(subjects)
    )  # fmt: skip
    current = topics[0] if topics else None
    return Talk(topics, current.id if current else "", current.slots if current else {}, **others)


def read(text: str, dialogue: Talk, **orders: str) -> Resolution:
    return resolve(text, slots.find(text, now=TODAY), dialogue, orders=orders.pop("orders", {}))  # type: ignore[arg-type]


def order_in(resolution: Resolution) -> str | None:
    return next((s.value for s in resolution.slots if s.name == "order_number"), None)


ONE = talk(("return", SECOND))
TWO = talk(("return", SECOND), ("logistics", FIRST))
THREE = talk(("refund", THIRD), ("return", SECOND), ("logistics", FIRST))


# --- corrections -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"不是{SECOND},是{FIRST}",
        f"是{FIRST}不是{SECOND}",
        f"不对,是{FIRST}",
        f"不好意思打错了,{FIRST}",
        f"我说的是{FIRST}",
        f"不是这个,{FIRST}",
        f"應該是{FIRST}",
        "不是那个,尾号1111的",
        f"sorry, I meant {FIRST}",
        f"not {SECOND} but {FIRST}",
        f"No, {FIRST}",
        f"wrong number, it’s {FIRST}",
        f"actually it's {FIRST}",
        "no, the one ending in 1111",
    ],
)
def test_a_correction_takes_the_new_order_and_rejects_the_old(text: str) -> None:
    resolution = read(text, TWO)
    assert (resolution.corrected, order_in(resolution)) == (True, FIRST)
    assert resolution.rejected == (SECOND,)
    assert resolution.topic_ref == TWO.current


@pytest.mark.parametrize(
    "text",
    [
        "你们发错了",
        "尺码不对",
        "不是说好昨天发货吗",
        "这个不是很好用",
        "不是这个意思",
        "no problem",
        "I'm not happy with it",
        "actually I like it",
        f"订单{SECOND}",
    ],
)
def test_not_everything_that_denies_is_a_correction(text: str) -> None:
    resolution = read(text, ONE)
    assert (resolution.corrected, resolution.rejected) == (False, ())


@pytest.mark.parametrize("text", ["不是这个订单", "不是那个,", "not that order", "wrong order"])
def test_a_rejected_order_without_another_is_asked_for(text: str) -> None:
    resolution = read(text, ONE)
    assert resolution.corrected
    assert (resolution.rejected, resolution.doubtful) == ((SECOND,), ("order_number",))
    assert (order_in(resolution), resolution.reason) == (None, "which_order")


def test_any_slot_may_be_corrected() -> None:
    known = Talk((Subject("t1", "refund", {"amount": "99 CNY"}),), "t1", {"amount": "99 CNY"})
    resolution = read("不对,是199元", known)
    assert (resolution.corrected, resolution.rejected) == (True, ())
    assert [(s.name, s.value) for s in resolution.slots] == [("amount", "199 CNY")]


def test_the_same_value_again_corrects_nothing() -> None:
    assert read(f"不对,是{SECOND}", ONE).corrected is False


# --- which order -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "dialogue", "order"),
    [
        ("另一个订单", TWO, FIRST),
        ("另外那单呢", TWO, FIRST),
        ("no, the other one", TWO, FIRST),
        ("第一单到哪了", TWO, FIRST),
        ("第二单呢", TWO, SECOND),
        ("the first order", THREE, FIRST),
        ("what about the second one", THREE, SECOND),
        ("最后那单", THREE, THIRD),
        ("那它什么时候到", TWO, SECOND),
        ("这个订单能开票吗", TWO, SECOND),
        ("can it be returned", TWO, SECOND),
        ("when does this order arrive", ONE, SECOND),
        ("尾号0222的", TWO, SECOND),
        ("the one ending in 1111", TWO, FIRST),
    ],
)
def test_words_point_at_an_order(text: str, dialogue: Talk, order: str) -> None:
    assert order_in(read(text, dialogue)) == order


@pytest.mark.parametrize(
    ("text", "reason"),
    [("另一单呢", "which_order"), ("no, the other one", "which_order")],
)
def test_more_than_one_other_order_is_asked_about(text: str, reason: str) -> None:
    resolution = read(text, THREE)
    assert (order_in(resolution), resolution.doubtful) == (None, ("order_number",))
    assert resolution.reason == reason


@pytest.mark.parametrize("text", ["第二件半价吗", "第一个问题", "it is raining", "那个呢"])
def test_without_an_order_there_is_nothing_to_point_at(text: str) -> None:
    assert order_in(read(text, talk(("promotion", "")))) is None


@pytest.mark.parametrize(
    "text", ["上周三那单到哪了", "我上周三买的那个订单", "the order I placed on Jan 21"]
)
def test_a_day_points_at_the_order_bought_then_and_is_confirmed(text: str) -> None:
    resolution = read(text, Talk(), orders={"88880001": "2026-01-21", "88880002": "2026-01-05"})  # type: ignore[arg-type]
    assert (order_in(resolution), resolution.doubtful) == ("88880001", ("order_number",))


def test_a_day_in_the_number_is_the_day_where_the_shop_names_none() -> None:
    resolution = read("上周二那单", THREE)
    assert (order_in(resolution), resolution.reason) == (SECOND, "dated")


def test_a_day_without_an_order_is_asked_about_only_where_an_order_is_named() -> None:
    assert read("上周那单呢", ONE).doubtful == () or order_in(read("上周那单呢", ONE)) == SECOND
    assert read("上个月那单呢", ONE).doubtful == ("order_number",)
    assert read("我上个月买的耳机坏了", ONE).doubtful == ()


def test_an_ambiguous_tail_stays_a_tail_to_be_confirmed() -> None:
    both = talk(("return", "202601118866"), ("logistics", "202601228866"))
    resolution = read("尾号8866的", both)
    assert [(s.name, s.value) for s in resolution.slots] == [("order_tail", "8866")]
    assert (resolution.doubtful, resolution.reason) == (("order_number",), "ambiguous_tail")


def test_a_tail_of_an_order_the_shop_knows_is_that_order() -> None:
    resolution = read("尾号0001的", Talk(), orders={"88880001": ""})  # type: ignore[arg-type]
    assert order_in(resolution) == "88880001"


def test_that_one_and_nothing_else_is_doubtful_among_several() -> None:
    assert read("what about that one?", TWO).doubtful == ("order_number",)
    assert read("what about that one?", ONE).doubtful == ()


# --- which topic -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("刚才那个物流", "t1"),
        ("刚才那个退货还没说完", "t2"),
        ("回到退货的事", "t2"),
        ("那退货呢", "t2"),
        ("物流呢", "t1"),
        ("what about the return?", "t2"),
        ("back to my delivery", "t1"),
        ("as I was saying", "t2"),
        (f"{FIRST}那个", "t1"),
        ("那它呢", "t3"),
        ("我想退款", ""),
        ("你好", ""),
    ],
)
def test_words_lead_to_a_topic(text: str, topic: str) -> None:
    assert read(text, THREE).topic_ref == topic


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("昨天说的那个怎么样了", "earlier"),
        ("继续", "earlier"),
        ("上次的退货问题", "earlier"),
        ("we talked about it yesterday", "earlier"),
        ("昨天买的耳机坏了", ""),
        ("你好", ""),
    ],
)
def test_words_take_up_what_was_offered(text: str, ref: str) -> None:
    offered = Talk(earlier={"topic": "退货", "slots": {}})
    assert read(text, offered).topic_ref == ref
    assert read(text, Talk()).topic_ref == ""


# --- what kind of turn -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("再说一遍", repairs.REPEAT),
        ("刚才说什么", repairs.REPEAT),
        ("say that again please", repairs.REPEAT),
        ("我再说一遍,退款", None),
        ("这个是什么意思", repairs.CLARIFY),
        ("没看懂", repairs.CLARIFY),
        ("I don’t understand", repairs.CLARIFY),
        ("你们什么意思", None),
        ("跳过吧", repairs.SKIP),
        ("没有订单号", repairs.SKIP),
        ("单号找不到了", repairs.SKIP),
        ("I don't have the order number", repairs.SKIP),
        ("算了", repairs.WITHDRAW),
        ("算了,不用了", repairs.WITHDRAW),
        ("never mind", repairs.WITHDRAW),
        ("你们是不是不处理了", None),
        ("不是", repairs.DENY),
        ("No.", repairs.DENY),
        ("不是这样的", None),
        ("刚才那个问题", repairs.RETURN),
        ("单号写错了", repairs.SLIP),
        ("你们寄错了", None),
        ("退货", None),
    ],
)
def test_flags(text: str, flag: str | None) -> None:
    flags = read(text, Talk()).flags
    assert flags == ({flag} if flag else frozenset())


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("算了不退了", ("return", "refund", "exchange")),
        ("我不退货了", ("return",)),
        ("不换了", ("exchange",)),
        ("不取消了", ("cancel_order",)),
        ("取消退货申请", ("return",)),
        ("发票不开了", ("invoice",)),
        ("不开发票了", ("invoice",)),
        ("please cancel my return", ("return",)),
        ("I don't want to return it any more", ("return",)),
        ("I'll keep it", ("return", "refund", "exchange")),
        ("为什么不退了", ()),
        ("你们不退款了?", ()),
        ("不退了吗", ()),
        ("不退款我就投诉", ()),
        ("我要取消订单", ()),
    ],
)
def test_what_is_given_up_by_name(text: str, intents: tuple[str, ...]) -> None:
    assert read(text, ONE).withdrawn == intents


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("订单号我没有,单号找不到", ("order_number",)),
        ("不方便给手机号", ("phone",)),
        ("跳过", ("",)),
    ],
)
def test_what_is_not_given(text: str, names: tuple[str, ...]) -> None:
    assert read(text, ONE).skipped == names


def test_unsure_values_are_to_be_confirmed() -> None:
    resolution = read("订单号2O26O131OO1", Talk())
    assert (resolution.doubtful, resolution.reason) == (("order_number",), "unsure")


def test_nothing_said_is_nothing_resolved() -> None:
    assert read("", THREE) == references.NOTHING


@pytest.mark.parametrize(
    "piece",
    ["不是", "刚才", "那", "not ", "what about the ", "不", "cancel my ", " ", "昨天那单", "it "],
)
def test_long_input_is_read_to_its_end(piece: str) -> None:
    text = piece * (4000 // len(piece))
    assert isinstance(read(text, THREE), Resolution)
