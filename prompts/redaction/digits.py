"""Numbers written in groups, and the arithmetic that tells an identity card or a bank card from any other number.

Called by prompts.redaction.patterns; takes normalised text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

# Customers split numbers by blanks, dashes, dots; never by more than three of them.
CLUSTER = re.compile(r"\d(?:[ ._·-]{0,3}\d){10,}")
GROUP = re.compile(r"\d+")
DIGITS_MIN, DIGITS_MAX = 11, 19
SPOKEN = str.maketrans("零〇一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖", "0011223456789123456789")
SPOKEN_PART = re.compile("[零〇一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖]{3}")
SPOKEN_RUN = re.compile(r"[0-9零〇一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖]{11,}")

ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECK = "10X98765432"
PROVINCES_TEXT = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
PROVINCES = frozenset(PROVINCES_TEXT.split())
DATE = re.compile(r"(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
SHORT_DATE = re.compile(r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
# Mobile networks of China; the prefixes of devices (140, 141, 144, 146, 148) belong to nobody.
MOBILE = re.compile(r"1(?:3\d|4[579]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}")
USUAL_MOBILE = frozenset({(3, 4, 4), (3, 8), (7, 4), (4, 4, 3), (3, 3, 5), (4, 3, 4), (5, 6)})
# First digits of UnionPay, Visa, Mastercard, American Express, JCB, Diners, Discover, Maestro, and older ICBC cards.
BIN = re.compile(
    r"62|60|81|9558|4|5[0-8]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[4-8]|30[0-5]|6[345789]|1800|2131"
)


@dataclass(frozen=True, slots=True)
class Number:
    """Groups of digits that were written as one number; `digits` without what stood between them."""

    start: int
    end: int
    digits: str
    sizes: tuple[int, ...]
    mixed: bool = False
    """Different separators stand between the groups."""


def numbers(text: str) -> Iterator[Number]:
    """Every number of at least 11 digits, and every row of neighbouring groups that may be one."""
    for cluster in CLUSTER.finditer(text):
        groups = [match.span() for match in GROUP.finditer(text, *cluster.span())]
        if len(groups) == 1:
            start, end = groups[0]
            yield Number(start, end, text[start:end], (end - start,))
        else:
            yield from rows(text, groups)


def rows(text: str, groups: list[tuple[int, int]]) -> Iterator[Number]:
    for first, (start, _) in enumerate(groups):
        digits, sizes, between, last = "", [], set(), start
        for left, right in groups[first : first + DIGITS_MAX]:
            digits += text[left:right]
            if len(digits) > DIGITS_MAX:
                break
            sizes.append(right - left)
            if left > last:
                between.add(text[last:left])
            last = right
            if len(digits) < DIGITS_MIN or is_part_of_row(groups, first, len(sizes)):
                continue
            yield Number(start, right, digits, tuple(sizes), mixed=len(between) > 1)


def is_part_of_row(groups: list[tuple[int, int]], first: int, count: int) -> bool:
    """Whether single digits go on before or after these single digits: then these are no number of their own."""
    beyond = groups[max(0, first - 1) : first + count + 1]
    return len(beyond) > count and all(end - start == 1 for start, end in beyond)


def spoken(text: str) -> Iterator[Number]:
    """Numbers with Chinese numerals among their digits: 一三八…."""
    if SPOKEN_PART.search(text) is None:
        return
    for match in SPOKEN_RUN.finditer(text):
        start, end = match.span()
        if end - start in {11, 18} and not match.group().isdigit():
            yield Number(start, end, match.group().translate(SPOKEN), (end - start,))


def is_mobile(number: Number) -> bool:
    if MOBILE.fullmatch(number.digits) is None:
        return False
    if len(number.sizes) == 1 or number.sizes in USUAL_MOBILE:
        return True
    # Any other row of groups only if it is even: one separator, no single digits among longer groups, no date.
    return (
        not number.mixed
        and (max(number.sizes) == 1 or min(number.sizes) >= 2)
        and not holds_date(number)
    )


def without_country_code(number: Number) -> Number:
    """8613812345678 and 008613812345678 as 13812345678."""
    for code in ("86", "0086"):
        if number.digits.startswith(code) and len(number.digits) == len(code) + 11:
            return Number(number.start, number.end, number.digits[len(code) :], (11,))
    return number


def holds_date(number: Number) -> bool:
    """A group of four that is a year, and one of two that is a month after it."""
    at = 0
    for size, following in pairwise(number.sizes):
        group, after = (
            number.digits[at : at + size],
            number.digits[at + size : at + size + following],
        )
        if size == 4 and group[:2] in {"19", "20"} and following <= 2 and 1 <= int(after) <= 12:
            return True
        at += size
    return False


def is_id_card(digits: str) -> bool:
    """18 digits, the last maybe X, with the check digit of GB 11643 (ISO 7064, mod 11-2)."""
    if len(digits) != 18 or not is_id_shaped(digits):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(ID_WEIGHTS, digits, strict=False))
    return ID_CHECK[total % 11] == digits[-1].upper()


def is_id_shaped(digits: str) -> bool:
    """Province and birthday of an 18-digit card make sense, whatever its check digit."""
    return len(digits) == 18 and digits[:2] in PROVINCES and DATE.match(digits, 6) is not None


def is_old_id_card(digits: str) -> bool:
    """15 digits: region, birthday without century, order number; there was no check digit."""
    return (
        len(digits) == 15
        and digits[:2] in PROVINCES
        and "01" <= digits[2:4] <= "53"
        and SHORT_DATE.match(digits, 6) is not None
    )


def is_bank_card(number: Number) -> bool:
    """13 to 19 digits of a known issuer with a valid last digit, in groups as they are printed."""
    sizes = number.sizes
    printed = len(sizes) == 1 or (not number.mixed and (max(sizes) == 1 or min(sizes[:-1]) >= 3))
    digits = number.digits
    return (
        printed
        and 13 <= len(digits) <= 19
        and BIN.match(digits) is not None
        and len(set(digits)) > 1
        and luhn(digits)
    )


def luhn(digits: str) -> bool:
    """ISO/IEC 7812: every second digit from the right doubled, the sum of all digits a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban(text: str) -> bool:
    """ISO 13616: the first four characters moved to the end, letters as 10 to 35, remainder 1 by 97."""
    if not 15 <= len(text) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1
