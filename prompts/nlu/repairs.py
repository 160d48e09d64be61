"""What kind of turn a message is, beside what it asks: say it again, I don't follow, I'd rather not, never mind.

Used by prompts.nlu.references. Plain Python, no state; works on folded lower-case text, see prompts.nlu.slots.fold.
"""

import re

REPEAT, CLARIFY, SKIP, WITHDRAW, DENY, RETURN, SLIP = (
    "repeat", "clarify", "skip", "withdraw", "deny", "return", "slip",
)  # fmt: skip

HAN = re.compile("[\u4e00-\u9fff]")
WORDS = re.compile("[a-z]{2}")

QUESTION = re.compile(
    r"[??]|[吗么嘛呢]\s*$|[吗么嘛呢][,。!\s]|什么|怎么|咋|哪|谁|几[个天点号]|多少|多[大长久高重]|有没有|是不是|能不能|可不可以|会不会|可以不|能不$|行不行|[没不]$"
    r"|\b(?:what|which|how|when|where|why|who|is|are|does|do|did|can|could|will|would|should) (?:you|it|this|that|there|i|the|they|we|long|much|many|size|colou?r)\b|\bwhat'?s\b"
)

FLAGS_ZH = {
    # "I say it again" is an angry customer, "say it again" is a question.
    REPEAT: re.compile(
        r"(?<!我)(?<!我都)(?<!要我)(?:再|重新)(?:说|讲)(?:一[遍次下]|遍)|(?<!我)重复一[遍下次]|(?:^|[,。\s刚我])没(?:看|听)清(?:楚)?(?:$|[,。!\s再你])|(?:刚才|刚刚)(?:说|讲)(?:的)?(?:什么|啥)"
    ),
    # "What do you people mean" is a reproach, "what does this mean" a question.
    CLARIFY: re.compile(
        r"(?<!你)(?<!们)(?<!你这)(?<!们这)(?<!你是)(?<!们是)(?<!这是)(?:什么|啥)意思|没(?:太)?(?:看|听)?(?:懂|明白)|(?:不太?|看不|听不)(?:懂|明白|理解)|怎么理解|解释一下"
    ),
    SKIP: re.compile(
        r"跳过|略过|先不(?:说|填|提供|给)|不(?:太)?(?:想|方便|愿意?)(?:说|提供|给|透露|告诉)|不能(?:说|提供|透露|告诉)|(?:没有|没|不知道|不记得|忘了?|找不到|查不到|看不到)(?:我的|这个|是)?(?:订单号|单号|订单编号)"
        r"|(?:订单号|单号|编号)(?:我)?(?:忘了|不记得|记不得|找不到|不知道|没有|没了|丢了)|记不(?:得|住|清)(?:了)?$"
    ),
    RETURN: re.compile(
        r"(?:刚才|刚刚|之前|前面|先前|上面|一开始)(?:说|问|提|聊|讲|咨询)?(?:到|过)?的?(?:那[个件单笔]|这[个件单笔]|问题|事|退|换|改|查|订|发)|(?:回到|说回|再说|聊回|转回)(?:刚|之|前|退|换|改|发|物|快|那)|回过头"
        r"|接着(?:刚才|前面|之前|说|办)|继续(?:刚才|前面|之前|办|说|退|换|改|查)"
    ),
    SLIP: re.compile(r"[打写输填报记念贴敲]错|说错了|(?:复制|手机|号码?|单号)错了|口误|手误|手滑|笔误"),
    DENY: re.compile(r"^(?:不是|不对|错了|不是的|并不是)(?:不是)?[的啊哦呀呢了,。.!\s]*$"),
    WITHDRAW: re.compile(
        r"^[那哦唉哎嗯额呃,\s]*算了|(?:^|[,。!?\s])算了(?:吧|$|[,。!\s])|(?:^|[,。!\s那就也])不用了|不需要了|不必了|当我没(?:说|问)|不(?:弄|办|处理|问|查)了"
    ),
}  # fmt: skip
FLAGS_EN = {
    REPEAT: re.compile(
        r"say (?:that|it) again|repeat (?:that|it|your)|come again\b|what did you (?:just )?say|\bpardon\b|didn'?t catch"
    ),
    CLARIFY: re.compile(
        r"what do(?:es)? (?:you|that|it|this) mean|(?:don'?t|do not) (?:really )?(?:understand|get it|get that|follow)|can you (?:explain|clarify)|confused"
    ),
    SKIP: re.compile(
        r"^skip\b|skip (?:this|that|it)|(?:i'?d|i would|would|i) (?:rather|prefer) not|no order number"
        r"|(?:don'?t|do not|can'?t|cannot) (?:have|know|remember|find) (?:the|my|any|an|that) ?(?:order number|number|tracking|order id)"
    ),
    RETURN: re.compile(
        r"back to|as i (?:said|was saying)|going back|earlier (?:question|issue|request|one)|where were we|returning to (?:my|the)"
    ),
    SLIP: re.compile(
        r"typo|mistyp|wrong (?:order )?number|my mistake|my bad|misspoke|made a mistake"
    ),
    DENY: re.compile(
        r"^(?:no|nope|nah|wrong|not that|that'?s (?:wrong|not it|not right))[,.!\s]*(?:it'?s not|it isn'?t|that'?s wrong)?[.!\s]*$"
    ),
    WITHDRAW: re.compile(
        r"never ?mind|forget (?:about )?it|(?:don'?t|do not|no longer) (?:need|want) (?:it|that|this|to|you to)?.{0,16}any ?more|changed my mind|no longer needed"
    ),
}
SKIPPED = (
    ("order_number", re.compile(r"订单|单号|编号|order")),
    ("phone", re.compile(r"手机|电话|phone")),
    ("address", re.compile(r"地址|address")),
    ("name", re.compile(r"姓名|名字|\bname")),
)

WITHDRAWN_ZH = re.compile(
    r"(?:不|别|不想|不要|不打算|先不|暂时不)(?P<what>退款|退货|退|换货|换|改地址|改|修|取消|开发票|开票|开|催|投诉|保价)(?:货|款|票|单)?(?:了|啦)(?![吗么嘛?])"
    r"|(?:取消|撤销|撤回|终止)(?:了|掉)?(?:刚才|之前)?(?:的|我的|这个|那个)?(?P<request>退货|退款|换货|维修|投诉|发票|改地址)(?:的)?(?:申请|请求|服务)?"
)
WITHDRAWN_EN = re.compile(
    r"(?:don'?t|do not|no longer|not|won'?t) (?:want to |need to |going to |wish to |be )?(?P<what>return(?:ing)?|refund|exchang(?:e|ing)|chang(?:e|ing) the address|cancel(?:l?ing)?|repair|complain(?:ing)?)"
    r"(?=.{0,24}(?:any ?more|after all|then|now|$))"
    r"|(?:cancel|drop|withdraw|stop) (?:the|my|that) (?P<request>return|refund|exchange|complaint|repair|invoice)"
    r"|(?P<keep>(?:i'?ll|i will|i am going to|i'?m going to|let me) keep (?:it|them|the|this|that))"
)
# "Why do you no longer refund it" is a reproach, nothing is given up by it.
REPROACH = re.compile(
    r"怎么|为什么|为啥|凭什么|是不是|你们|商家|店家|客服|如果|要是|难道|why|did you|you (?:guys )?$"
)
INTENTS_OF = (
    (("退款", "refund"), ("refund", "return")),
    (("退货", "return"), ("return",)),
    (("退", "keep"), ("return", "refund", "exchange")),
    (("换", "exchang"), ("exchange",)),
    (("改", "chang"), ("change_address",)),
    (("修", "repair"), ("repair",)),
    (("取消", "cancel"), ("cancel_order",)),
    (("开", "票", "invoice"), ("invoice",)),
    (("催",), ("urge",)),
    (("投诉", "complain"), ("complaint",)),
    (("保价",), ("price_protection",)),
)


def flags_of(low: str) -> frozenset[str]:
    """Which of REPEAT, CLARIFY, SKIP, WITHDRAW, DENY, RETURN, SLIP the text has."""
    found: set[str] = set()
    for script, flags in ((HAN, FLAGS_ZH), (WORDS, FLAGS_EN)):
        if script.search(low):
            found |= {name for name, pattern in flags.items() if has(pattern, low, name=name)}
    return frozenset(found)


def has(pattern: re.Pattern[str], low: str, *, name: str) -> bool:
    match = pattern.search(low)
    if match is None:
        return False
    return name != WITHDRAW or REPROACH.search(low[: match.start()]) is None


def withdrawn(low: str) -> tuple[str, ...]:
    """The intents that are given up by name."""
    match = WITHDRAWN_ZH.search(low) or WITHDRAWN_EN.search(low)
    if match is None or REPROACH.search(low[: match.start()]):
        return ()
    said = match["what"] or match["request"] or "keep"
    return next((intents for words, intents in INTENTS_OF if any(w in said for w in words)), ())


def skipped(low: str) -> tuple[str, ...]:
    """The slots that the visitor cannot or will not give; "" where none is named."""
    return tuple(name for name, pattern in SKIPPED if pattern.search(low)) or ("",)
