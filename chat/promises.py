"""Finds what an answer promises in the shop's name: a call back, money back, a compensation. Pure; called by turn.

A promise is a commitment of ours, done or to come. How refunds work, what a customer may ask for, what depends on a
condition, and what is denied or asked, are none.
"""

import re
from collections.abc import Collection
from enum import StrEnum


class Promise(StrEnum):
    CALLBACK = "callback"
    REFUND = "refund"
    COMPENSATION = "compensation"


SENTENCE = re.compile(r"[^。！？!?;；\n.]+(?:[.](?=\d)[^。！？!?;；\n.]+)*[。！？!?;；\n.]*")
# We, or whoever is ours, and what makes it a commitment: done, or to be done without a condition.
OURS = (
    r"(?:我们?|咱们|这边|小助手|客服|专员|专人|工作人员|同事|主管|经理|售后(?:人员|同事|专员)|财务)"
)
WILL = r"(?:会|将|马上|立即|立刻|稍后|尽快|现在就|这就|已经?|正在|安排|帮|为|给|替)"
GIFT = r"(?:优惠券|红包|代金券|现金券|积分|补偿券|无门槛券|小礼品|礼品|赠品)"
ZH = {
    Promise.CALLBACK: (
        rf"{OURS}[^，,]{{0,12}}{WILL}[^，,]{{0,10}}(?:回电|回拨|致电|打电话|来电|电话联系|电话回访|联系您|联系你|与您联系|和您联系|回访您)",
        r"(?:稍后|尽快|马上|小时内|分钟内|今天内|明天)[^，,]{0,10}(?:给您|给你|为您|与您|和您|跟您|主动)[^，,]{0,6}(?:回电|回拨|致电|打电话|电话|联系|回复电话)",
        r"(?:已|已经)[^，,]{0,6}(?:登记|安排|预约)[^，,]{0,8}(?:回电|回拨|回访|致电)",
    ),
    Promise.REFUND: (
        r"(?:已|已经|马上|立即|立刻|这就|现在就|正在|稍后)[^，,。]{0,4}(?:为|给|帮|替)?(?:您|你)?(?:(?:补发|换货|换新|重发)(?:或者?|和|并))?(?:全额|办理|申请|提交|发起|操作|处理|安排)?(?:了)?(?:退款|退还|打款|退货退款)(?:了|啦|哦|哈|申请|给您|给你|，|,|$|。|！|!)",
        rf"{OURS}(?:会|将|马上|立即|立刻|这就|可以马上)(?:为|给|帮|替|把)?[^，,]{{0,10}}(?:退款给|退给|退还|全额退|办理退款|申请退款|打款给|给您退|为您退|帮您退)",
        r"(?:给|为|帮|替)(?:您|你)(?:全额)?(?:退款|退了|退钱|退差价|办理(?:了)?退款|申请(?:了)?退款|提交(?:了)?退款)(?:了|啦|哦|哈|呢|的|$)",
        r"(?:退款)(?:已|已经)(?:为您|给您|帮您)?(?:提交|发起|申请|办理|处理|操作)",
    ),
    Promise.COMPENSATION: (
        rf"{OURS}[^，,]{{0,6}}(?:会|将|愿意|马上|这就|已经?|可以)[^，,]{{0,8}}(?:补偿|赔偿|赔付|赔给|赔您)",
        r"(?:已|已经|马上|这就|现在就|特意|额外)?(?:为|给|帮)(?:您|你)[^，,]{0,8}(?:补偿|赔偿|赔付)",
        rf"(?:送|赠送|补发|发放|补|申请|赠)(?:您|你|给您|给你|了|一张|一个|\d+)[^，,]{{0,10}}{GIFT}",
        rf"(?:为|给|帮)(?:您|你)[^，,]{{0,6}}(?:送|赠送|补发|发放|补|申请)[^，,]{{0,10}}{GIFT}",
        rf"{GIFT}[^，,]{{0,4}}(?:已|已经)[^，,]{{0,4}}(?:发放|发到|补发|到您|到账)",
    ),
}
EN = {
    Promise.CALLBACK: (
        r"\b(?:we|i|someone|somebody|a (?:colleague|specialist|representative|manager|team member|member of (?:our|the) team)|an agent|our (?:team|staff|specialist|agent|support team))(?:'ll| will| is going to| are going to|'m going to)\b[^,.]{0,25}\b(?:call|phone|ring|contact|reach out to|get back to)\b[^,.]{0,12}\byou",
        r"\b(?:arranged|scheduled|booked)\b[^,.]{0,15}\bcall[- ]?back",
        r"\byou(?:'ll| will) (?:receive|get) a (?:phone )?call\b",
    ),
    Promise.REFUND: (
        r"\b(?:i|we)(?:'ve| have| just)?(?: just| already| now)? (?:issued|processed|initiated|submitted|approved|arranged|refunded)\b[^,.]{0,30}(?:refund|money|\byou\b|amount)",
        r"\b(?:i|we)(?:'ll| will|'m going to| am going to| are going to)\b[^,.]{0,15}\b(?:refund (?:you|your|the|it)|(?:issue|process|give|send|arrange|submit|initiate)\b[^,.]{0,15}\brefund|return your money)",
        r"\byour refund (?:has been|was|is being|is now being) (?:issued|processed|initiated|approved|submitted|sent)",
        r"\byou(?:'ve| have) been refunded",
    ),
    Promise.COMPENSATION: (
        r"\b(?:i|we)(?:'ll| will|'ve| have|'d like to| would like to|'m going to| am going to)\b[^,.]{0,20}\b(?:compensat\w+|(?:give|send|offer|add|credit|apply|issue)\w*\b[^,.]{0,25}\b(?:coupon|voucher|gift card|store credit|discount code|free gift|compensation))",
        r"\byou(?:'ll| will) (?:receive|get) (?:a|an|some)\b[^,.]{0,20}\b(?:coupon|voucher|gift card|store credit|compensation)",
    ),
}
PATTERNS = {kind: re.compile("|".join((*ZH[kind], *EN[kind])), re.IGNORECASE) for kind in Promise}
# A condition, a denial, a question, or something the customer may do.
NO_PROMISE = re.compile(
    r"如果|若|如需|的话|一旦|只要|除非|是否|吗|无法|不能|没法|不会|不支持|不予|未能|没有办法|暂时?不|不可以|不可|"
    r"审核(?:通过|[^，,。]{0,8}后)|通过后|收到(?:货|退|商品|您|包裹|后)|签收后|验收|退回后|寄回后|核实后|确认后|处理后|之后再|成功后|完成后|"
    r"您可以|可以(?:申请|联系|拨打)|请您|请(?:点击|在|到|先|联系|拨打)|您(?:需要|先|自行)|需要您|建议您|符合|视情况|具体以|政策|规则|一般|通常|正常情况|"
    r"\b(?:if|once|when|after|unless|whether|should you|as soon as|until|provided|can't|cannot|can not|unable|not able|won't|don't|do not|not)\b|"
    r"\byou (?:can|may|could|need|should|must)\b|\bplease\b|\busually\b|\bnormally\b|\bgenerally\b|\beligible\b|\?|？",
    re.IGNORECASE,
)
# Whoever delivers calls for that, and so does the carrier's own schedule: that is how a delivery goes.
DELIVERING = re.compile(r"确认送货|(?:师傅|快递员|配送员|派送员)[^，,]{0,4}(?:联系|致电|打电话)")
# An order's state, with nobody to whom it is given. From what a tool has read it may be told.
STATE = re.compile(
    r"(?:订单|[此这]单)[^，,。为给帮替]{0,12}(?:已经?|成功)[^，,。为给帮替]{0,4}退款(?!给)"
)
# What is spoken of is not promised: a rule, or what somebody else has said.
QUOTED = re.compile(r'"[^"\n]*"|“[^”\n]*”|「[^」\n]*」|『[^』\n]*』')
# What a tool is called, or is for, that does what was promised.
MADE_BY = {
    Promise.CALLBACK: re.compile(r"call_?back|phone_?call|回电|回访", re.IGNORECASE),
    Promise.REFUND: re.compile(r"refund|return|退", re.IGNORECASE),
    Promise.COMPENSATION: re.compile(
        r"compensat|coupon|voucher|gift|credit|补偿|赔|券", re.IGNORECASE
    ),
}


def found_in(
    text: str,
    *,
    made: Collection[str] = (),
    known: Collection[str] = (),
    looked_up: bool = False,
) -> dict[str, Promise]:
    """The sentences of `text` that promise something no tool has made.

    `made` are names, intents and titles of tools that did something in this turn; `known` are texts of the shop that
    may be repeated as they are. `looked_up`: a tool has read something, from which an order's state is known.
    """
    promised: dict[str, Promise] = {}
    for sentence in sentences(text):
        kind = kind_of(sentence)
        if kind is None or any(MADE_BY[kind].search(name) for name in made):
            continue
        if looked_up and STATE.search(sentence):
            continue
        if not any(sentence.strip("。！!.;； \n") in told for told in known):
            promised[sentence] = kind
    return promised


def sentences(text: str) -> list[str]:
    return [match.group() for match in SENTENCE.finditer(text)]


def kind_of(sentence: str) -> Promise | None:
    """What the sentence promises, or None."""
    sentence = QUOTED.sub("", sentence)
    if NO_PROMISE.search(sentence) or DELIVERING.search(sentence):
        return None
    return next((kind for kind, pattern in PATTERNS.items() if pattern.search(sentence)), None)


def without(text: str, promised: Collection[str]) -> str:
    """The text less the sentences that promise too much."""
    kept = (sentence for sentence in sentences(text) if sentence not in promised)
    return "".join(kept).strip()
