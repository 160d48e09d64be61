"""Stage 1 of redaction: everything that has a pattern, by regular expressions and check digits.

Called by prompts.redaction.engine for every text; takes normalised text. No pattern can backtrack over more than a
few characters, none uses a word boundary, which does not exist between Han and digits.
"""

import ipaddress
import re
from collections.abc import Iterator, Sequence

from prompts.redaction import digits
from prompts.redaction.digits import Number
from prompts.redaction.spans import Span, Type

CONTEXT_CHARS = 16
CERTAIN, LIKELY, POSSIBLE = 1.0, 0.9, 0.7

PHONE_WORD = re.compile(
    r"(?:电话|手机|座机|固话|号码|联系方式|致电|拨打|phone|mobile|tel|call|cell)[^\d,;]{0,6}$",
    re.IGNORECASE,
)
ORDER_WORD = re.compile(
    r"(?:订单|单号|编号|流水|交易号|序列号|税号|识别号|商品|快照|order|invoice|tracking|serial|sku|ref)[^\d,;]{0,8}$",
    re.IGNORECASE,
)
ORDER_NEXT = re.compile(r" {0,2}(?:这个|这笔|这|那个|那笔|此)?订?单")
CARD_WORD = re.compile(
    r"(?:银行卡|信用卡|储蓄卡|借记卡|卡号|card|(?<![a-z])cc)[^\d,;]{0,8}$", re.IGNORECASE
)
ID_WORD = re.compile(r"(?:身份证|证件|identity|id card|id number)[^\d,;]{0,8}$", re.IGNORECASE)
COUNTRY_CODE = re.compile(r"(?:\(?\+ ?86\)?|\(?0086\)?|\(86\)|(?<!\d)86(?=[ -]))[ -]{0,2}$")

# The look-behinds come after the first character: what begins with a literal is found fastest.
LANDLINE = re.compile(
    r"0(?<!\d0)(?:10|2\d|[3-9]\d{2})\)?[ -]{0,2}[2-9]\d{2,3}[ -]?\d{4}(?:[ -]{0,2}(?:转|ext\.?|-) ?\d{1,6})?(?!\d)"
)
FOREIGN_PHONE = re.compile(
    r"[+0](?<![\w+].)(?:(?<=\+)|0)(?!86)[1-9]\d{0,2}[ .-]{0,2}(?:\(0\))?[ .-]{0,2}\(?\d{1,4}\)?(?:[ .-]?\d{1,5}){1,5}(?:x\d{1,5})?(?![\dA-Za-z])"
)
AMERICAN_PHONE = re.compile(
    r"(?<![\w.+-])(?:\(\d{3}\) ?|\d{3}[.-])\d{3}[.-]\d{4}(?:x\d{1,5})?(?![\w-])"
)
# Numbers that only a word beside them makes a phone number; English, where people sign with them.
CALL_WORD = r"(?:call(?: me| us)?|phone|mobile|cell|tel|telephone|desk|fax|whatsapp|text me|reach me|contact|messages? (?:to|on|at)|sms(?: to)?|registered)(?: number| no| is| on| at|\.|:)*"
LOOSE = r"\(?\d{1,4}\)?(?:[ .-]?\(?\d{1,5}\)?){1,6}(?:x\d{1,5})?"
CALL_WORDS = (
    "call",
    "phone",
    "mobile",
    "cell",
    "tel",
    "desk",
    "fax",
    "whatsapp",
    "text me",
    "reach",
    "contact",
    "office",
    "home",
    "message",
    "sms",
    "registered",
)
CALLED = re.compile(rf"(?<![a-z]){CALL_WORD}[ :]{{1,2}}\n?(?P<number>{LOOSE})(?!\w)", re.IGNORECASE)
SIGNED = re.compile(
    rf"(?<![\w.])(?P<number>{LOOSE})[ -](?:office|fax|mobile|home|cell|desk)(?!\w)", re.IGNORECASE
)
WORDED_LANDLINE = re.compile(
    r"(?:座机|固话|固定电话|联系电话)(?:号码?)?[:是为 ]{0,3}(?P<number>[2-9]\d{6,7})(?!\d)"
)

AT = r" ?(?:@|\[at\]|\(at\)) ?"
AT_SIGNS = ("@", "[at]", "(at)")
DOT = r"(?:\.|\[dot\]|\(dot\)|点)"
EMAIL = re.compile(
    rf"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_%+][A-Za-z0-9._%+-]{{0,63}}{AT}(?:[A-Za-z0-9-]{{1,63}}{DOT}){{1,5}}[A-Za-z]{{2,18}}"
)
PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][ ·-]?"
    r"(?=[A-Z0-9]{0,5}\d[A-Z0-9]{0,4}\d)(?:[A-HJ-NP-Z0-9]{6}|[A-HJ-NP-Z0-9]{5}|[A-HJ-NP-Z0-9]{4}[挂学警港澳领])(?![A-Za-z0-9])",
    re.IGNORECASE,
)
PASSPORT = re.compile(
    r"(?:护照|通行证|台胞证|回乡证|passport)[^\dA-Za-z]{0,6}(?:(?:number|no|is)[.: ]{1,2}){0,2}(?P<number>[A-Za-z]{0,2}\d{7,9})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
COURIER = re.compile(
    r"[A-Za-z](?<![A-Za-z0-9].)[A-Za-z]{1,4}\d{9,15}(?:[A-Za-z]{2})?(?![A-Za-z0-9])|1Z[0-9A-Z]{16}(?![A-Za-z0-9])"
)
# Letters that a carrier puts before its numbers, and how many digits it gives them.
CARRIERS = {
    "SF": (12, 15),
    "JD": (11, 15),
    "JDV": (11, 15),
    "JDX": (11, 15),
    "YT": (12, 15),
    "JT": (12, 15),
    "YD": (12, 15),
    "ZTO": (12, 14),
    "STO": (12, 14),
    "LP": (14, 15),
    "DPK": (10, 14),
    "TBA": (12, 12),
}
POSTAL = re.compile(r"1Z[0-9A-Z]{16}|[A-Z]{2}\d{9}[A-Z]{2}", re.IGNORECASE)
WORDED_COURIER = re.compile(
    r"(?:(?:快递|运|物流|包裹|面|货运)单?(?:号码?|单号|编号)|tracking (?:number|no|code)\.?)[:是为 ]{0,3}(?:is )?(?P<number>[A-Za-z]{0,4}\d{8,20})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?(?![A-Za-z0-9])"
)
SSN = re.compile(r"\d(?<![\d-].)\d{2}-\d{2}-\d{4}(?![\d-])")
IPV4 = re.compile(r"\d(?<![A-Za-z0-9_.].)\d{0,2}(?:\.\d{1,3}){3}(?![A-Za-z0-9_]|\.\d)")
VERSION = re.compile(r"(?:version|ver|v|版本|固件)[ :.号]{0,3}$", re.IGNORECASE)
IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")

HAS_DIGIT = re.compile(r"\d|[一二三四五六七八九零〇幺]{11}")


def find(text: str, *, language: str, not_personal: Sequence[re.Pattern[str]] = ()) -> list[Span]:
    """Spans of every kind but names and addresses, overlapping ones included.

    What a pattern of `not_personal` covers, a shop's order numbers, is neither phone nor card nor courier number.
    """
    found: list[Span] = []
    if any(sign in text for sign in AT_SIGNS):
        found += spans(EMAIL, text, "EMAIL", CERTAIN)
    if HAS_DIGIT.search(text) is None:
        return found
    covered = [match.span() for pattern in not_personal for match in pattern.finditer(text)]
    for number in (*digits.numbers(text), *digits.spoken(text)):
        span = judged(number, text)
        if span is not None and (not is_covered(span, covered) or is_worded_phone(span, text)):
            found.append(span)
    found += [span for span in written(text, language=language) if not is_covered(span, covered)]
    return found


def spans(pattern: re.Pattern[str], text: str, type_: Type, score: float) -> Iterator[Span]:
    """Of a pattern with a group `number` only that, else the whole match."""
    group = "number" if "number" in pattern.groupindex else 0
    for match in pattern.finditer(text):
        yield Span(*match.span(group), type_, score)


def is_covered(span: Span, covered: Sequence[tuple[int, int]]) -> bool:
    return any(start <= span.start and span.end <= end for start, end in covered)


def is_worded_phone(span: Span, text: str) -> bool:
    return span.type == "PHONE" and before(PHONE_WORD, text, span.start)


def before(pattern: re.Pattern[str], text: str, at: int) -> bool:
    return pattern.search(text, max(0, at - CONTEXT_CHARS), at) is not None


def judged(number: Number, text: str) -> Span | None:
    """What a number is by its digits and the words beside it."""
    return identity(number, text) or phone(number, text) or card(number, text)


def identity(number: Number, text: str) -> Span | None:
    value, end = number.digits, number.end
    if len(value) == 17 and text[end : end + 1] in {"x", "X"}:
        value, end = value + "X", end + 1
    if len(value) not in {15, 18}:
        return None
    if digits.is_id_card(value):
        return Span(number.start, end, "ID_CARD", CERTAIN)
    if digits.is_id_shaped(value) and before(ID_WORD, text, number.start):
        return Span(number.start, end, "ID_CARD", LIKELY)
    if len(number.sizes) == 1 and digits.is_old_id_card(value) and not is_order(number, text):
        return Span(number.start, end, "ID_CARD", POSSIBLE)
    return None


def phone(number: Number, text: str) -> Span | None:
    bare = digits.without_country_code(number)
    if not digits.is_mobile(bare):
        return None
    start = number.start
    if (code := COUNTRY_CODE.search(text, max(0, start - CONTEXT_CHARS), start)) is not None:
        start = code.start()
    if is_order(number, text) and not before(PHONE_WORD, text, start):
        return None
    return Span(start, number.end, "PHONE", CERTAIN)


def is_order(number: Number, text: str) -> bool:
    """Whether the words beside it make it an order."""
    if before(PHONE_WORD, text, number.start):
        return False
    return before(ORDER_WORD, text, number.start) or ORDER_NEXT.match(text, number.end) is not None


def card(number: Number, text: str) -> Span | None:
    if not 12 <= len(number.digits) <= 19 or (len(number.sizes) > 5 and max(number.sizes) > 1):
        return None
    worded = len(number.sizes) <= 5 and before(CARD_WORD, text, number.start)
    if worded or (digits.is_bank_card(number) and not is_order(number, text)):
        return Span(number.start, number.end, "BANK_CARD", LIKELY)
    return None


def written(text: str, *, language: str) -> Iterator[Span]:
    """What has letters, marks or words of its own around the digits."""
    yield from spans(LANDLINE, text, "PHONE", LIKELY)
    yield from spans(WORDED_LANDLINE, text, "PHONE", POSSIBLE)
    yield from foreign_phones(text, language=language)
    yield from spans(PLATE, text, "PLATE", LIKELY)
    yield from spans(PASSPORT, text, "PASSPORT", LIKELY)
    yield from couriers(text)
    yield from spans(SSN, text, "ID_CARD", LIKELY)
    yield from ibans(text)
    yield from addresses(text)


def couriers(text: str) -> Iterator[Span]:
    for match in COURIER.finditer(text):
        letters = match.group().rstrip("0123456789").upper()
        least, most = CARRIERS.get(letters, (0, 0))
        if least <= len(match.group()) - len(letters) <= most or POSTAL.fullmatch(match.group()):
            yield Span(*match.span(), "COURIER", LIKELY)
    yield from spans(WORDED_COURIER, text, "COURIER", LIKELY)


def ibans(text: str) -> Iterator[Span]:
    for match in IBAN.finditer(text):
        if digits.iban(match.group().replace(" ", "")):
            yield Span(*match.span(), "IBAN", CERTAIN)


def foreign_phones(text: str, *, language: str) -> Iterator[Span]:
    # Among Chinese customers 580-750-1316 is the size or the code of some product.
    patterns = [FOREIGN_PHONE, AMERICAN_PHONE] if language == "en" else [FOREIGN_PHONE]
    lower = text.lower()
    if any(word in lower for word in CALL_WORDS):
        patterns += [CALLED, SIGNED]
    for pattern in patterns:
        for span in spans(pattern, text, "PHONE", LIKELY):
            written_as = text[span.start : span.end]
            least = 10 if written_as.startswith("00") else 7
            if least <= sum(map(str.isdigit, written_as)) <= 20:
                yield span


def addresses(text: str) -> Iterator[Span]:
    """Addresses of the internet protocol; a version number has the same form."""
    patterns = [IPV4] if text.count(".") > 2 else []
    patterns += [IPV6] if text.count(":") > 1 else []
    for pattern in patterns:
        for match in pattern.finditer(text):
            if is_ip(match.group()) and not before(VERSION, text, match.start()):
                yield Span(*match.span(), "IP", CERTAIN)


def is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return text.strip(":") != ""
