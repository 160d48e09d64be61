"""What a message refers to: which order "the other one" is, which topic "that return" was, what "no, I meant" changes.

Used by the analysis step, after prompts.nlu.slots, with the dialogue so far. Plain Python, no state.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from prompts.nlu import pointing, repairs
from prompts.nlu.pointing import NOT_THIS, ORDER, ORDERS, TAIL, Thread, TopicLike, only_that
from prompts.nlu.slots import Slot, fold

# Acting on a wrong one of these costs somebody money or a parcel.
CONFIRMED = frozenset({ORDER, TAIL, "courier_number", "phone", "address"})
EARLIER = "earlier"
POINTED = "pointed"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What was said, made whole by what is known."""

    slots: tuple[Slot, ...] = ()
    # The id of the topic that is meant; EARLIER for what was offered to go on with; "" for the current or a new one.
    topic_ref: str = ""
    corrected: bool = False
    # Slots to be confirmed; one that `slots` does not hold is to be asked for.
    doubtful: tuple[str, ...] = ()
    reason: str = ""
    # Values that the visitor says are not meant.
    rejected: tuple[str, ...] = ()
    # Intents given up by name: "I don't want to return it any more".
    withdrawn: tuple[str, ...] = ()
    # Slots the visitor cannot or will not give; "" where none is named.
    skipped: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    # Whether it is put as a question.
    asks: bool = False


NOTHING = Resolution()
NO_ORDERS: Mapping[str, str] = {}

CORRECTION = re.compile(
    r"不是(?:这|那|的)|不是(?!说|已经|应该|都|会|有|可以|很|我|因为).{0,30}?(?:而?是|[,,])|(?:^|[,。!;])(?:啊|哦|额|呃|诶|等等|等下|抱歉|不好意思)?[,\s]*不对(?![劲板])|[打写输说填报看记弄搞念贴]错|我(?:说|指|问|要)的(?:不是|是)|应该是|更正|口误|手误|手滑"
    r"|\bi meant?\b|\bnot (?:that|this|the|order)\b|^(?:no|nope|wrong|sorry|oops|wait)\b|typo|mistake|mistyp|\bactually\b|wrong (?:one|order|number)|\bcorrection\b|should be|instead of|\bisn'?t\b|\bnot \w*\d"
)
# One of them is in every correction.
HINTS = (
    "不", "错", "的是", "该是", "更正", "误", "滑", "mean", "no", "wrong", "sorry", "oops", "wait", "typo", "mist", "actually", "correct",
    "should", "instead", "isn",
)  # fmt: skip
NEGATED = re.compile(
    r"(?:不是|并非|不要|别用|别查|not|isn'?t|wasn'?t|instead of)[\s:]*(?:尾号|订单号?|单号|那个|这个|那单|这单|the|my|that|this|order|number|one|ending in|#|[\s:])*$",
    re.IGNORECASE,
)
NOT = re.compile("不是|不要|并非|别用|别查|[Nn]ot|n'?t|[Ii]nstead")
ASKED_AGAIN = re.compile(
    r"^(?:那么?|还有|哦)?(?:我的|这个|那个)?(?P<zh>.{1,8}?)(?:的事|这边|那边)?呢[??]?$|(?:what|how) about (?:the|my|that) (?P<en>[a-z ]{3,24})"
)
EARLIER_WORDS = re.compile(
    r"昨[天晚](?:说|问|聊|讲|咨询|反映|那[个单件笔]|没(?:说|办|弄)完)|上[次回](?:说|问|聊|讲|咨询|那[个单件笔]|的(?:问题|事|退|换|订))|之前(?:说|问|咨询|反映|那[个单件笔]|的(?:问题|事))|前[天几](?:天)?(?:说|问|咨询|反映|那[个单件笔])"
    r"|接着(?:昨天|上次|说|来)|继续(?:上次|昨天|之前|查|处理|$)|(?:we|i) (?:talked|spoke|asked|discussed|chatted|mentioned|reported).{0,30}(?:yesterday|last time|before|earlier|last night)"
    r"|last time|pick up where|^continue\b|continue (?:with|our|from)|yesterday'?s (?:question|issue|problem|chat|conversation|order|return|refund)|where we left off"
)
# They lead back to what was interrupted, whatever that was.
INTERRUPTED = re.compile(
    r"回到|说回|聊回|转回|回过头|接着|继续|(?:刚才|刚刚|之前|前面|先前|上面)(?:说|问|提|聊|讲|咨询)?的?(?:那个|这个)?(?:问题|事|$|[,。?!])"
    r"|back to|as i (?:said|was saying)|going back|earlier (?:question|issue|request|one)|where were we"
)
# The first that fits names the topic.
TOPIC_WORDS = (
    ("change_address", re.compile(r"改(?:收货)?(?:地址|电话)|地址|address")),
    ("exchange", re.compile(r"换货|换一|换个|调换|换|exchange|replacement")),
    ("refund", re.compile(r"退款|退钱|refund|money back")),
    ("return", re.compile(r"退货|退回|退|return(?!ing to)")),
    ("invoice", re.compile(r"发票|开票|invoice|receipt")),
    ("logistics", re.compile(r"物流|快递|包裹|shipping|delivery|tracking|parcel|package")),
    ("repair", re.compile(r"维修|保修|修|安装|repair|warranty")),
    ("cancel_order", re.compile(r"取消|cancel")),
    ("price_protection", re.compile(r"价保|保价|差价|price (?:match|protection|drop)")),
    ("promotion", re.compile(r"优惠|活动|券|coupon|discount|promo")),
    ("payment", re.compile(r"付款|支付|扣款|payment|charged?")),
    ("stock", re.compile(r"有货|库存|补货|stock")),
    ("damaged_or_wrong", re.compile(r"坏|破|错发|发错|少发|damaged|broken|wrong item|missing")),
    ("complaint", re.compile(r"投诉|complain")),
    ("account", re.compile(r"账号|账户|会员|密码|account|password")),
    ("urge", re.compile(r"催")),
    ("order_status", re.compile(r"订单|发货|order")),
    ("product_info", re.compile(r"商品|产品|尺码|product|size")),
)


def resolve(
    text: str, found: Sequence[Slot], dialogue: Thread, *, orders: Mapping[str, str] = NO_ORDERS
) -> Resolution:
    """What the message means after this dialogue.

    `orders` are orders the shop knows to be the visitor's: number to ISO day of purchase, "" where not known.
    """
    low = fold(text).lower()
    flags = repairs.flags_of(low)
    known = known_orders(dialogue)
    slots, rejected = without_negated(text, found)
    slots, unsure = with_tails(slots, known=[*known, *orders])
    resolution = Resolution(
        slots=slots,
        rejected=rejected,
        doubtful=unsure,
        reason="ambiguous_tail" if unsure else "",
        withdrawn=repairs.withdrawn(low),
        skipped=repairs.skipped(low) if repairs.SKIP in flags else (),
        flags=flags,
        asks=repairs.QUESTION.search(low) is not None,
    )
    corrected = any(hint in low for hint in HINTS) and CORRECTION.search(low) is not None
    if not any(slot.name in ORDERS for slot in slots):
        resolution = point(resolution, low, dialogue, known=known, orders=orders)
    if corrected or rejected:
        resolution = correct(resolution, low, dialogue)
    return with_doubts(replace(resolution, topic_ref=topic_of(resolution, low, dialogue)))


def known_orders(dialogue: Thread) -> list[str]:
    """The order numbers of the dialogue, in the order in which they came up."""
    topics = sorted(dialogue.topics, key=lambda topic: topic.opened)
    held = [topic.slots.get(ORDER, "") for topic in topics] + [dialogue.slots.get(ORDER, "")]
    if dialogue.orders:
        held = [*dialogue.orders, *held]
    return list(dict.fromkeys(number for number in held if number))


def without_negated(text: str, found: Sequence[Slot]) -> tuple[tuple[Slot, ...], tuple[str, ...]]:
    """The slots without those of "not 111 but …", and the values of these."""
    if not NOT.search(text):
        return tuple(found), ()
    negated = [s for s in found if is_negated(text[max(0, s.start - 24) : s.start])]
    kept = tuple(slot for slot in found if slot not in negated)
    return kept, tuple(slot.value for slot in negated)


def is_negated(before: str) -> bool:
    return NOT.search(before) is not None and NEGATED.search(before) is not None


def with_tails(
    slots: tuple[Slot, ...], *, known: Iterable[str]
) -> tuple[tuple[Slot, ...], tuple[str, ...]]:
    """Tails as the whole numbers they are known to end; ambiguous ones stay, and are to be confirmed."""
    whole = [slot.value for slot in slots if slot.name == ORDER]
    kept: list[Slot] = []
    unsure: tuple[str, ...] = ()
    for slot in slots:
        if slot.name != TAIL:
            kept.append(slot)
            continue
        ending = [n for n in dict.fromkeys((*whole, *known)) if n.endswith(slot.value)]
        if len(ending) == 1 and ending[0] not in whole:
            kept.append(replace(slot, name=ORDER, value=ending[0]))
        elif not any(n.endswith(slot.value) for n in whole):
            kept.append(slot)
            unsure = (ORDER,) if ending else unsure
    return tuple(kept), unsure


def point(
    resolution: Resolution,
    low: str,
    dialogue: Thread,
    *,
    known: list[str],
    orders: Mapping[str, str],
) -> Resolution:
    """Adds the order that words such as "the other one", "last week's" or "it" point at."""
    found = pointing.find(low, resolution.slots, dialogue, known=known, orders=orders)
    if found is None:
        return resolution
    flags = resolution.flags | {POINTED}
    if len(found.candidates) != 1:
        return replace(resolution, doubtful=(ORDER,), reason="which_order", flags=flags)
    slot = Slot(ORDER, found.candidates[0], found.start, found.end, found.certain)
    return replace(resolution, slots=(*resolution.slots, slot), reason=found.reason, flags=flags)


def correct(resolution: Resolution, low: str, dialogue: Thread) -> Resolution:
    """Whether what was said before is taken back: replaced by what is said now, or just not meant."""
    held = dialogue.slots
    changed = [
        s for s in resolution.slots if is_change(s, held) and s.value not in resolution.rejected
    ]
    order = held.get(ORDER) or held.get(TAIL) or ""
    of_order = any(slot.name in ORDERS for slot in changed)
    if changed:
        rejected = (*resolution.rejected, *([order] if of_order and order else []))
        return replace(
            resolution,
            corrected=True,
            rejected=tuple(dict.fromkeys(rejected)),
            reason=resolution.reason or "corrected",
        )
    names_order = any(slot.name in ORDERS for slot in resolution.slots)
    if order and not names_order and (order in resolution.rejected or NOT_THIS.search(low)):
        return replace(
            resolution,
            corrected=True,
            rejected=tuple(dict.fromkeys((*resolution.rejected, order))),
            doubtful=(ORDER,),
            reason="which_order",
        )
    return resolution


def is_change(slot: Slot, held: Mapping[str, str]) -> bool:
    if slot.name in ORDERS:
        order = held.get(ORDER) or held.get(TAIL)
        return order is not None and not order.endswith(slot.value)
    return slot.name in held and held[slot.name] != slot.value


def topic_of(resolution: Resolution, low: str, dialogue: Thread) -> str:
    """The topic that is meant, see Resolution.topic_ref."""
    if dialogue.earlier and not dialogue.topics and EARLIER_WORDS.search(low):
        return EARLIER
    if repairs.RETURN in resolution.flags and (found := find_returned(low, dialogue)):
        return found
    if (match := ASKED_AGAIN.search(low)) and (
        found := find_named(match["zh"] or match["en"], dialogue.topics)
    ):
        return found
    if resolution.corrected:
        return dialogue.current
    if found := find_about(resolution.slots, dialogue):
        return found
    return dialogue.current if POINTED in resolution.flags or only_that(low) else ""


def find_returned(low: str, dialogue: Thread) -> str:
    """The topic that the words name, else the one that was interrupted."""
    named = find_named(low, dialogue.topics)
    if named or not INTERRUPTED.search(low):
        return named
    others = [topic for topic in dialogue.topics if topic.id != dialogue.current]
    return next((topic.id for topic in others if topic.state == "open"), "")


def find_named(low: str, topics: Sequence[TopicLike]) -> str:
    """The topic whose intent the words name, an open one first."""
    for intent, words in TOPIC_WORDS:
        named = [topic for topic in topics if topic.intent == intent]
        if named and words.search(low):
            return next((t.id for t in named if t.state == "open"), named[0].id)
    return ""


def find_about(slots: Sequence[Slot], dialogue: Thread) -> str:
    """The topic that is about the order named, the current one before others."""
    named = {slot.value for slot in slots if slot.name in ORDERS}
    about = [
        topic.id
        for topic in dialogue.topics
        if named & {topic.slots.get(ORDER), topic.slots.get(TAIL)}
    ]
    return dialogue.current if dialogue.current in about else next(iter(about), "")


def with_doubts(resolution: Resolution) -> Resolution:
    unsure = [slot.name for slot in resolution.slots if not slot.certain and slot.name in CONFIRMED]
    if not unsure:
        return resolution
    doubtful = tuple(dict.fromkeys((*resolution.doubtful, *unsure)))
    return replace(resolution, doubtful=doubtful, reason=resolution.reason or "unsure")
