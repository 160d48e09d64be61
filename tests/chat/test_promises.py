"""Sentences that promise in the shop's name, and sentences that only sound like it."""

import pytest

from chat import promises
from chat.promises import Promise

CALLBACK = [
    "我们会尽快给您回电。", "稍后会有专员给您打电话哦", "我这边安排同事马上联系您", "客服主管会在2小时内致电您",
    "24小时内给您回电", "已为您登记回访", "售后专员稍后会与您联系。",
    "We will call you back within two hours.", "Someone will contact you shortly.", "I've arranged a callback for tomorrow.",
    "A specialist will reach out to you today.", "You'll receive a call from our team.",
]  # fmt: skip
REFUND = [
    "我已经为您申请退款了。", "马上给您退款", "让您失望了，马上给您补发或退款。", "已帮您提交退款，请留意", "我们会全额退给您的", "这就为您办理退款",
    "退款已为您提交", "已经给您退款啦",
    "I've issued a refund for your order.", "We will refund you in full.", "Your refund has been processed.",
    "I'll process the refund right away.", "You have been refunded.",
]  # fmt: skip
COMPENSATION = [
    "我们会补偿您20元", "已经给您补发了一张10元优惠券", "这边给您赔偿", "送您一张无门槛券表示歉意", "给您申请了5元红包",
    "优惠券已发放到您账户",
    "We'll give you a 10% discount code.", "I have added a voucher to your account.", "We will compensate you for the delay.",
    "You will receive a coupon for the trouble.",
]  # fmt: skip
NONE = [
    "退款会在1到3个工作日内原路退回。", "收到退货后我们会为您退款。", "如果审核通过，我们会给您退款。", "您可以在订单页申请退款。",
    "请问您需要退款吗？", "我们无法为您补偿。", "仓库签收后会退款给您。", "需要客服给您回电吗？", "您可以拨打客服电话联系我们。",
    "优惠券可以在我的-卡券里查看。", "一般退款3天到账。", "符合条件的话可以赔付。", "正在为您转接人工客服。", "我帮您查一下退款进度。",
    "退款进度可以在订单详情查看。", "抱歉给您带来不便。", "订单已经发货，请耐心等待。", "这款支持七天无理由退货。", "已经为您催促物流。",
    "Refunds usually take 3 to 5 days.", "Once we receive the item, we will refund you.", "You can request a refund in your orders.",
    "Would you like us to call you back?", "We can't offer compensation.", "If it is damaged, we will send a voucher.",
    "Please contact us to get a refund.", "I'll check the status of your refund.", "Your order has been shipped.",
    "I am transferring you to an agent.", "You may be eligible for a refund.",
    "预约客服会在收货日期的前一天与您联系确认送货", "到达站点后期师傅联系您也可以告知的", "商家审核24小时后给您退款的呢",
    'Nobody may say "we will call you back" here.', "规则写的是「我们会给您回电」。",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Promise.CALLBACK) for text in CALLBACK),
        *((text, Promise.REFUND) for text in REFUND),
        *((text, Promise.COMPENSATION) for text in COMPENSATION),
        *((text, None) for text in NONE),
    ],
)
def test_kind_of_a_sentence(text: str, kind: Promise | None) -> None:
    assert promises.kind_of(text) is kind


def test_what_a_tool_made_may_be_said() -> None:
    text = "已经为您申请退款。"
    assert promises.found_in(text, made=["create_return"]) == {}
    assert promises.found_in(text, made=["退货"]) == {}
    assert promises.found_in(text, made=["get_order"]) == {text: Promise.REFUND}


@pytest.mark.parametrize(
    "text", ["这个订单已经退款", "您的订单财务已退款", "您之前的订单已经取消成功退款了哦"]
)
def test_an_orders_state_may_be_told_once_a_tool_has_read_something(text: str) -> None:
    assert promises.found_in(text) == {text: Promise.REFUND}
    assert promises.found_in(text, looked_up=True) == {}
    ours = "这个订单已经为您退款了"
    assert promises.found_in(ours, looked_up=True) == {ours: Promise.REFUND}


def test_what_the_shop_says_itself_may_be_repeated() -> None:
    text = "我们会补偿您20元。"
    assert promises.found_in(text, known=["延迟发货，我们会补偿您20元"]) == {}
    assert promises.found_in(text, known=["别的"]) == {text: Promise.COMPENSATION}


def test_the_promise_is_taken_out_and_the_rest_stays() -> None:
    text = "非常抱歉。我已经为您申请退款了！金额是12.5元。"
    promised = promises.found_in(text)
    assert promises.without(text, promised) == "非常抱歉。金额是12.5元。"
