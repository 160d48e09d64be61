"""What customers give: order and courier numbers, products, amounts, days, placeholders of personal data.

Used by prompts.nlu.references and the analysis step. Plain Python, no state. Texts come redacted: a raw phone is never
a slot, only its placeholder.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from prompts.nlu import dates
from prompts.nlu.synonyms import SIMPLIFIED

# Names and titles of slots. A slot not listed is a customer's own and shown by its name.
TITLES = {
    "order_number": {"zh": "订单号", "en": "order number"},
    "order_tail": {"zh": "订单尾号", "en": "order number ending in"},
    "courier_number": {"zh": "快递单号", "en": "tracking number"},
    "courier": {"zh": "快递公司", "en": "courier"},
    "phone": {"zh": "手机号", "en": "phone number"},
    "name": {"zh": "姓名", "en": "name"},
    "email": {"zh": "邮箱", "en": "e-mail"},
    "address": {"zh": "地址", "en": "address"},
    "province": {"zh": "省份", "en": "province"},
    "city": {"zh": "城市", "en": "city"},
    "district": {"zh": "区县", "en": "district"},
    "product": {"zh": "商品", "en": "product"},
    "amount": {"zh": "金额", "en": "amount"},
    "date": {"zh": "日期", "en": "date"},
}
PLACEHOLDERS = {
    "PHONE": "phone", "NAME": "name", "ADDRESS": "address", "EMAIL": "email", "COURIER": "courier_number",
}  # fmt: skip
PRODUCT_CHARS = 24
# Nobody gives more in one message; who pastes a table is not read to its end.
MOST = 40

# Full-width to half-width, traditional to simplified: one to one, so that positions hold.
PLAIN = {
    **SIMPLIFIED,
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **str.maketrans("\u3000’編", " '编"),
}
DIGIT = re.compile("[0-9]")
HAN_DIGITS = str.maketrans("零〇一二三四五六七八九幺两", "0012345678912")
HAN_NUMBER = re.compile("[零〇一二三四五六七八九幺两]{4,}")
LINK = re.compile(r"(?:https?://|www\.)[!-~]+", re.IGNORECASE)
LINKED_ORDER = re.compile(r"order_?(?:id|no|sn|number)=(\d{8,24})", re.IGNORECASE)

PLACEHOLDER = re.compile(r"<([A-Z]+(?:_[A-Z]+)*)_\d+>")
# A run of 8 to 24 digits, perhaps behind letters, not cut out of a longer one.
ORDER_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:[A-Za-z]{1,4})?\d{8,24}(?![0-9A-Za-z])")
# Behind the words "order number" also with gaps, letters typed for digits, and fewer digits.
LABELLED_ORDER = re.compile(
    r"(?<!快递)(?<!物流)(?<!运)(?:订单(?:编号|号码|号)?|单号|\border(?:'s)?(?: ?(?:number|no\.?|num|id))?)"
    r"\s*(?:是|为|is|was|[:#=])*\s*#?(?P<value>[A-Za-z]{0,4}[\dOoIl](?:[ -]?[\dOoIl]){3,27})(?![0-9A-Za-z])(?!\s?[元块天件])",
    re.IGNORECASE,
)
TAIL = re.compile(
    r"(?:(?:尾号|后[四五六4-6]位|[末最]后?[四4]位|(?:单|单号|编号)(?:的)?(?:末尾|最后|结尾))(?:数字?|号码)?|\b(?:one|order|number) ending(?: in| with)?|ending (?:in|with)|ends (?:in|with)|last (?:four|4|five|5|six|6)(?: digits)?)"
    r"\D{0,6}(?P<value>\d{4,7})(?!\d)",
    re.IGNORECASE,
)
TAIL_HINTS = ("尾", "位", "最后", "end", "last", "End", "Last")
SHORT = re.compile(
    r"(?<![\d#])#(?P<hash>\d{4,7})(?!\d)"
    r"|(?<!\d)(?P<pointed>\d{4,7})(?:的?那[个单笔]|的?这[个单笔]|的订单|那个订单|这个订单|结尾)"
)
SHORT_HINTS = ("#", "那", "这", "的订单", "结尾")
# What stands behind one of these is another kind of number.
OTHER_NUMBER = re.compile(
    r"(?:card|ssn|account|\bacct?|phone|mobile|invoice|bill|ticket|item|sku|product|tax|卡|账号|账户|身份证|手机|电话|税号|发票|商品|货号|型号|工单|预约)"
    r"(?: ?(?:number|no\.?|id|编号|号码|号))?\s*(?:is|was|是|为|[:#])*\s*$",
    re.IGNORECASE,
)
# As above, for tails, with words between.
OTHER_TAIL = re.compile("手机|电话|银行|卡|身份证|证件|phone|card", re.IGNORECASE)
PHONE = re.compile(r"(?:\+?86)?1[3-9]\d{9}")
COURIER_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])(?:(?:SF|YT|JT|YD|ZTO?|STO?|TT)\d{12,15}|JD[A-Z]{0,3}\d{11,15}(?:-\d{1,3}){0,2}-?|DPK\d{10,14}|[A-Z]{2}\d{9}[A-Z]{2}"
    r"|1Z[0-9A-Z]{16})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
LABELLED_COURIER = re.compile(
    r"(?:(?:快递|运|物流|面|包裹)单?(?:编号|号码|号)|[运面]单|\b(?:tracking|waybill|awb)(?: ?(?:number|no\.?|id|code))?)\s*(?:是|为|is|[:#])*\s*"
    r"(?P<value>[A-Za-z]{0,4}\d{8,20})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
COURIERS = {
    "顺丰": "顺丰", "中通": "中通", "圆通": "圆通", "申通": "申通", "韵达": "韵达", "极兔": "极兔", "德邦": "德邦", "百世": "百世",
    "邮政": "邮政", "ems": "EMS", "菜鸟": "菜鸟", "丹鸟": "丹鸟", "天天快递": "天天", "京东快递": "京东", "京东物流": "京东", "京东配送": "京东",
    "sf express": "SF Express", "dhl": "DHL", "fedex": "FedEx", "ups": "UPS", "usps": "USPS", "royal mail": "Royal Mail",
}  # fmt: skip
# 京东 alone is the shop's platform as often as the courier.
JINGDONG = re.compile(
    r"(?<=[发走用寄])京东(?!商城|自营|平台|上|[Ee]?卡|白条|支付|钱包|金融|会员|账)"
)

PROVINCES = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|"
    "内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
HAN = "[\u4e00-\u9fff]"
REGION = re.compile(
    rf"(?:(?P<province>{PROVINCES})(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区)?|(?<=[到成在是为址:,,\s]))"
    rf"(?P<city>{HAN}{{2,4}}?市)?(?P<district>{HAN}{{1,4}}?[区县旗])?\s?$"
)
REGION_CHARS = 24

AMOUNT = re.compile(
    r"(?P<sign>[¥￥$]|(?<![A-Za-z])(?:RMB|CNY|USD))\s?(?P<signed>\d{1,9}(?:,\d{3})*(?:\.\d{1,2})?)(?P<many>万)?"
    r"|(?<![\d.A-Za-z])(?P<number>\d{1,9}(?:,\d{3})*(?:\.\d{1,2})?)\s?(?P<ten>万)?(?P<unit>元|块钱?|圆|(?:rmb|cny|yuan|kuai|dollars?|usd|bucks)\b)"
    r"(?P<jiao>\d(?!\d))?"
    r"|(?P<han>[一二两三四五六七八九十百千万零]{1,9})(?P<hanunit>元|块钱|块)(?![上儿手表])",
    re.IGNORECASE,
)
DOLLARS = ("$", "usd", "dollar", "dollars", "bucks")
UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10000}

BRANDED = (
    r"iphone|ipad|macbook|airpods|mate|nova|pura|redmi|mi|galaxy|pixel|oneplus|reno|find|vivo|oppo|honor|"
    r"thinkpad|xps|surface|kindle|switch|playstation"
)
MODEL = re.compile(
    rf"(?<![A-Za-z0-9/_-])(?:(?:{BRANDED})[ -]?(?:[a-z]{{0,2}}\d{{1,4}}[a-z]{{0,2}})|[a-z]{{1,6}}-?\d{{1,4}}[a-z]{{0,3}})"
    r"(?:[ -]?(?:pro|max|plus|ultra|mini|lite|air|se)\b){0,3}(?![A-Za-z0-9/_-])",
    re.IGNORECASE,
)
BRAND = re.compile(rf"(?:{BRANDED})", re.IGNORECASE)
# Ways to say a version, a size, a day or a count: no product by themselves.
NO_MODEL = re.compile(
    r"(?:a[345]|v\d+|no\.?\d+|q\d|t\d|h\d|vip\d*|top\d+|covid\d*|mp[34]|day\d+|x\d|in\d+|of\d+|to\d+|order\d*|at\d+|rmb\d*|usd\d*|cny\d*|[a-z]{1,3}\d{3,4}那单)",
    re.IGNORECASE,
)
QUOTED = re.compile(r"[\"“”「『《]([^\"“”「」『』《》<>\n]{2,24})[\"“”」』》]")
QUOTE_CUE = re.compile(
    r"(?:买|拍|款|商品|产品|型号|品名|叫|bought|ordered|product|model|item|called)\S{0,3}\s?$",
    re.IGNORECASE,
)
NOUNS_ZH = (
    "手机壳|手机|耳机|电脑|笔记本|平板|手表|手环|充电器|充电宝|数据线|键盘|鼠标|音箱|音响|电视|冰箱|洗衣机|空调|微波炉|电饭煲|扫地机器人|扫地机|吸尘器|"
    "热水器|风扇|台灯|路由器|相机|打印机|显示器|衣服|上衣|裤子|牛仔裤|裙子|连衣裙|外套|羽绒服|毛衣|卫衣|T恤|衬衫|内衣|睡衣|运动鞋|高跟鞋|鞋子|拖鞋|靴子|鞋|"
    "背包|书包|钱包|手提包|行李箱|帽子|袜子|围巾|手套|床单|被子|枕头|床垫|沙发|椅子|桌子|书桌|衣柜|窗帘|水杯|杯子|保温杯|锅|奶粉|尿不湿|玩具|面膜|口红|"
    "洗面奶|洗发水|香水|眼镜|项链|戒指|自行车|电动车|滑板车|婴儿车|牙刷|剃须刀|吹风机"
)
POINTED_ZH = re.compile(
    rf"(?:[这那][个款件双台条部张把套瓶盒]|我的|买的|拍的|退)(?P<value>(?:[白黑红蓝绿灰粉黄紫]色?的?|无线|蓝牙|智能|小|大|新|旧|儿童|男款|女款){{0,2}}(?:{NOUNS_ZH}))(?![号卡膜费店])"
)
NOUNS_EN = (
    r"headphones?|earbuds|phone|laptop|computer|tablet|watch|charger|cable|keyboard|mouse|speakers?|tv|fridge|camera|printer|monitor|router|"
    r"shirt|t-shirt|jacket|coat|dress|skirt|jeans|trousers|pants|sweater|hoodie|shoes?|sneakers|boots|backpack|bag|wallet|suitcase|hat|socks|scarf|"
    r"gloves|sheets|pillow|mattress|sofa|chair|desk|table|curtains|mug|bottle|kettle|blender|vacuum|toy|lipstick|shampoo|perfume|glasses|necklace|ring|"
    r"bike|scooter|stroller|toothbrush|razor|dryer|lamp|fan|heater"
)
POINTED_EN = re.compile(
    r"\b(?:the|this|that|my|those|these)\s(?P<value>(?:(?:black|white|red|blue|green|gr[ea]y|pink|yellow|purple|wireless|bluetooth|smart|small|large|new|old|"
    rf"leather|winter|running|gaming|kids)\s){{0,2}}(?:{NOUNS_EN}))\b(?!\s(?:number|bill|case))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Slot:
    """`value` as said at [start, end) of the text; uncertain ones are confirmed before anything is done with them."""

    name: str
    value: str
    start: int
    end: int
    certain: bool = True


@dataclass(frozen=True, slots=True)
class SlotPatterns:
    """How this shop's numbers look. With patterns of its own, other runs of digits are doubtful at best."""

    order_number: tuple[re.Pattern[str], ...] = (ORDER_NUMBER,)
    courier_number: tuple[re.Pattern[str], ...] = (COURIER_NUMBER,)


DEFAULT = SlotPatterns()


def patterns_of(
    order_number: Iterable[str] = (), *, courier_number: Iterable[str] = ()
) -> SlotPatterns:
    """Patterns as staff write them; none keeps the default. Raises re.error on one that is no pattern."""
    orders = tuple(re.compile(rf"(?<![0-9A-Za-z])(?:{p})(?![0-9A-Za-z])") for p in order_number)
    couriers = tuple(re.compile(rf"(?<![0-9A-Za-z])(?:{p})(?![0-9A-Za-z])") for p in courier_number)
    return SlotPatterns(orders or DEFAULT.order_number, couriers or DEFAULT.courier_number)


def find(text: str, *, patterns: SlotPatterns = DEFAULT, now: date) -> tuple[Slot, ...]:
    """The slots of `text` in reading order, without overlaps; `now` is the shop's day."""
    folded = fold(text)
    found: list[Slot] = []
    taken = bytearray(len(folded))
    for candidates in readers(folded, text, patterns=patterns, now=now):
        for slot in candidates:
            if len(found) < MOST and not any(taken[slot.start : slot.end]):
                taken[slot.start : slot.end] = b"\1" * (slot.end - slot.start)
                found.append(slot)
    return tuple(sorted(found, key=lambda slot: slot.start))


def fold(text: str) -> str:
    """`text` in half-width simplified characters, Chinese digits as digits, links blanked; positions hold."""
    folded = text.translate(PLAIN)
    folded = HAN_NUMBER.sub(lambda match: match[0].translate(HAN_DIGITS), folded)
    if "://" in folded or "www." in folded.lower():
        folded = LINK.sub(lambda match: " " * len(match[0]), folded)
    return folded


def readers(
    folded: str, text: str, *, patterns: SlotPatterns, now: date
) -> Iterator[Iterable[Slot]]:
    """Slots by kind, the surest kind first: what it took, a later one leaves alone."""
    digits = DIGIT.search(folded) is not None
    if "<" in folded:
        yield placeholders(folded)
    if digits:
        yield courier_numbers(folded, patterns.courier_number)
        yield order_numbers(folded, patterns.order_number)
        yield order_tails(folded)
    if "=" in text:
        yield linked_orders(text)
    if digits or any(unit in folded for unit in "元块"):
        yield amounts(folded)
    yield (Slot("date", d.value, d.start, d.end, d.certain) for d in dates.find(folded, today=now))
    yield products(folded)
    yield couriers(folded)


def placeholders(text: str) -> Iterator[Slot]:
    for match in PLACEHOLDER.finditer(text):
        name = PLACEHOLDERS.get(match[1])
        if name:
            yield Slot(name, match[0], match.start(), match.end())
        if name == "address":
            yield from regions(text, match.start())


def regions(text: str, end: int) -> Iterator[Slot]:
    """Province, city and district named right before an address."""
    match = REGION.search(text, max(0, end - REGION_CHARS), end)
    for part in ("province", "city", "district") if match else ():
        if match and match[part]:
            yield Slot(part, match[part], match.start(part), match.end(part))


def courier_numbers(text: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[Slot]:
    for match in LABELLED_COURIER.finditer(text):
        yield Slot("courier_number", match["value"].upper(), *match.span("value"))
    for pattern in patterns:
        for match in pattern.finditer(text):
            yield Slot("courier_number", match[0].upper(), match.start(), match.end())


def order_numbers(text: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[Slot]:
    for pattern in patterns:
        for match in pattern.finditer(text):
            if not PHONE.fullmatch(match[0]) and not is_other(text, match.start()):
                yield Slot("order_number", match[0], match.start(), match.end(), sure(match, text))
    for match in LABELLED_ORDER.finditer(text):
        yield from labelled(match, patterns)


def is_other(text: str, start: int) -> bool:
    """True for a number that is called something else: an account, an article, a bill."""
    return OTHER_NUMBER.search(text, max(0, start - 20), start) is not None


def sure(match: re.Match[str], text: str) -> bool:
    """False for eight digits that may as well be a day, where nothing says "order"."""
    number = match[0]
    if len(number) > len("20260131") or not number.isdigit():
        return True
    return bool(
        re.search(r"单|order|编号|#", text[max(0, match.start() - 8) : match.start()], re.I)
    )


def labelled(match: re.Match[str], patterns: Sequence[re.Pattern[str]]) -> Iterator[Slot]:
    """What follows the words "order number": digits with gaps or slips, or a tail."""
    said = match["value"]
    letters = re.match("[A-Za-z]{0,4}?(?=[0-9])|", said)
    prefix = letters[0] if letters else ""
    body = re.sub("[ -]", "", said[len(prefix) :])
    digits = body.translate(str.maketrans("OoIl", "0011"))
    number = prefix + digits
    if sum(map(str.isdigit, body)) < 4 or PHONE.fullmatch(number):
        return
    if len(digits) < 8:
        yield Slot("order_tail", digits, *match.span("value"), digits == body and len(digits) < 8)
        return
    known = any(pattern.fullmatch(number) for pattern in patterns)
    yield Slot("order_number", number, *match.span("value"), known and digits == body)


def linked_orders(text: str) -> Iterator[Slot]:
    for match in LINKED_ORDER.finditer(text):
        yield Slot("order_number", match[1], *match.span(1))


def order_tails(text: str) -> Iterator[Slot]:
    if any(hint in text for hint in TAIL_HINTS):
        for match in TAIL.finditer(text):
            if not OTHER_TAIL.search(text[max(0, match.start() - 6) : match.start()]):
                yield Slot("order_tail", match["value"], *match.span("value"))
    if any(hint in text for hint in SHORT_HINTS):
        for match in SHORT.finditer(text):
            group = "hash" if match["hash"] else "pointed"
            if not is_other(text, match.start(group)):
                yield Slot("order_tail", match[group], *match.span(group))


def couriers(text: str) -> Iterator[Slot]:
    lowered = text.lower()
    for said, name in COURIERS.items():
        if said in lowered:
            pattern = rf"(?<![a-z]){said}(?![a-z])" if said.isascii() else said
            for match in re.finditer(pattern, text, re.IGNORECASE):
                yield Slot("courier", name, match.start(), match.end())
    if "京东" in text:
        for match in JINGDONG.finditer(text):
            yield Slot("courier", "京东", match.start(), match.end())


def amounts(text: str) -> Iterator[Slot]:
    for match in AMOUNT.finditer(text):
        amount = han_amount(match) if match["han"] else written_amount(match)
        if amount is not None:
            yield Slot("amount", amount, match.start(), match.end())


def written_amount(match: re.Match[str]) -> str:
    """ "199.5 CNY": ¥199.50, 199块5, $20."""
    number = Decimal((match["signed"] or match["number"]).replace(",", ""))
    if match["many"] or match["ten"]:
        number *= 10000
    if match["jiao"] and "块" in match["unit"]:
        number += Decimal(match["jiao"]) / 10
    unit = (match["sign"] or match["unit"]).lower()
    return as_amount(number, currency="USD" if unit in DOLLARS else "CNY")


def han_amount(match: re.Match[str]) -> str | None:
    """三百块 is 300 CNY; 两块 may be two pieces of something."""
    number = han_number(match["han"])
    if number is None or (match["hanunit"] == "块" and number < 10):
        return None
    return as_amount(Decimal(number), currency="CNY")


def as_amount(number: Decimal, *, currency: str) -> str:
    written = f"{number:f}"
    return f"{written.rstrip('0').rstrip('.') if '.' in written else written} {currency}"


def han_number(text: str) -> int | None:
    """三百五 350, 一千二 1200, 二十 20; None for what is no number."""
    total = section = digit = 0
    last_unit = 10
    for character in text:
        if character in UNITS:
            unit = UNITS[character]
            section = (section + digit) * unit if unit == 10000 else section + (digit or 1) * unit
            digit, last_unit = 0, unit
        elif character == "零":
            last_unit = 10
        elif digit:
            return None
        else:
            digit = "一二三四五六七八九".find(character.replace("两", "二")) + 1
    total = section + digit * (last_unit // 10 or 1)
    return total or None


def products(text: str) -> Iterator[Slot]:
    for match in MODEL.finditer(text):
        if not NO_MODEL.fullmatch(match[0]):
            certain = BRAND.match(match[0]) is not None
            yield product(match[0], match.start(), match.end(), certain=certain)
    for match in QUOTED.finditer(text):
        if QUOTE_CUE.search(text[max(0, match.start() - 8) : match.start()]):
            yield product(match[1], *match.span(1), certain=True)
    for pattern in (POINTED_ZH, POINTED_EN):
        for match in pattern.finditer(text):
            yield product(match["value"], *match.span("value"), certain=False)


def product(said: str, start: int, end: int, *, certain: bool) -> Slot:
    """A product's name goes into the model's instructions: no signs that could end or open something there."""
    value = re.sub(r"[^\w .+-]", "", said)[:PRODUCT_CHARS].strip()
    return Slot("product", value, start, end, certain)
