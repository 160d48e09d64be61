"""Which order words point at: the other one, the second one, last week's, it.

Used by prompts.nlu.references. Plain Python, no state; works on folded lower-case text, see prompts.nlu.slots.fold.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from prompts.nlu import dates
from prompts.nlu.slots import Slot

ORDER, TAIL = "order_number", "order_tail"
ORDERS = (ORDER, TAIL)

NOT_THIS = re.compile(
    r"不是(?:这|那|的是这|的是那)(?:一)?[个单笔件](?:订单)?(?:$|[,。.!\s啊呀哦是])|\bnot (?:that|this)(?: one| order|$|[,.;!])|wrong (?:one|order)\b"
)
# "The second company" is no order: behind 个 there is 订单, or nothing.
ONE = r"(?:[单笔]|个(?:订单|(?=$|[,。!?的呢吧啊呀\s])))"
OTHER = re.compile(
    rf"(?:另(?:外)?(?:一|那)?|其他(?:那)?|别的(?:那)?){ONE}"
    r"|\b(?:the|my) other (?:one|order)|\bother order\b|another order"
)
ORDINALS = (
    (0, re.compile(rf"(?:第[一1]|头[一1]|最[早先]的?那?|最开始的?那?){ONE}|\b(?:first|former|1st|earliest) (?:one|order)")),
    (1, re.compile(rf"第[二两2]{ONE}|\b(?:second|2nd) (?:one|order)")),
    (2, re.compile(rf"第[三3]{ONE}|\b(?:third|3rd) (?:one|order)")),
    (-1, re.compile(rf"(?:最[后近]的?那?一?|后(?:一|面那|面的那)){ONE}|\b(?:last|latter|latest|most recent) (?:one|order)\b")),
)  # fmt: skip
IT = re.compile(
    r"(?:那|这)一?[单笔]|(?:那|这)个(?:订单|包裹|快递|也)|(?:那|这)件也|(?<!其)它|\bit\b|\b(?:that|this) (?:one|order|package|parcel)\b"
)
BEFORE_DAY = re.compile(
    r"(?:\bone|order|bought|purchased?|placed)(?: (?:it|from|i|was|made|placed|bought|on|in))* ?$"
)
AFTER_DAY = re.compile(
    r"(?:我?[买下拍]的)?的?(?:那|这)?一?(?:[个单笔件]|订单)|我?[买下拍]的|'?s? ?(?:order|one|purchase)"
)
NAMED_ORDER = re.compile(r"[单笔]|[那这]个|order|\bone\b")
ELLIPSIS = re.compile(
    r"^(?:那么?|哦|嗯)?[,\s]*(?:那个|这个|那单|这单|(?<!其)它|那)呢?[?\s]*$|^(?:and |so )?(?:what|how) about (?:that|this|it)(?: one)?[?\s]*$"
)


class TopicLike(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def intent(self) -> str: ...
    @property
    def slots(self) -> Mapping[str, str]: ...
    @property
    def state(self) -> str: ...
    @property
    def opened(self) -> int: ...


class Thread(Protocol):
    """What is read of the dialogue so far; its topics come with the latest touched first."""

    @property
    def topics(self) -> Sequence[TopicLike]: ...
    @property
    def current(self) -> str: ...
    @property
    def slots(self) -> Mapping[str, str]: ...
    @property
    def orders(self) -> Sequence[str]: ...
    @property
    def earlier(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Pointed:
    """Orders that words may point at; more or fewer than one have to be asked about."""

    candidates: list[str]
    reason: str
    start: int
    end: int
    certain: bool = True


def find(
    low: str,
    slots: Sequence[Slot],
    dialogue: Thread,
    *,
    known: list[str],
    orders: Mapping[str, str],
) -> Pointed | None:
    """What is pointed at among the `known` orders of the dialogue and the `orders` of the shop."""
    return (
        find_other(low, dialogue, known)
        or find_ordinal(low, known)
        or find_dated(low, slots, dialogue, dict.fromkeys(known, "") | dict(orders))
        or find_it(low, dialogue, known)
    )


def find_other(low: str, dialogue: Thread, known: list[str]) -> Pointed | None:
    match = OTHER.search(low) if known else None
    others = [number for number in known if number != dialogue.slots.get(ORDER)]
    return Pointed(others, "other_order", *match.span()) if match else None


def find_ordinal(low: str, known: list[str]) -> Pointed | None:
    """ "The second one"; without two orders such words are about something else."""
    if len(known) < 2:
        return None
    for place, pattern in ORDINALS:
        match = pattern.search(low)
        if match and place < len(known):
            return Pointed([known[place]], "ordinal", *match.span())
    return None


def find_dated(
    low: str, slots: Sequence[Slot], dialogue: Thread, orders: Mapping[str, str]
) -> Pointed | None:
    """ "Last week's order": by the shop's day of purchase, else the day many shops put in front of the number."""
    for slot in slots:
        around = low[max(0, slot.start - 24) : slot.start], low[slot.end : slot.end + 8]
        if slot.name != "date" or not (BEFORE_DAY.search(around[0]) or AFTER_DAY.match(around[1])):
            continue
        candidates = bought_in(slot.value, orders, taken_back=taken_back(low, dialogue))
        named = NAMED_ORDER.search(around[0]) or NAMED_ORDER.search(around[1])
        if candidates is not None and (len(candidates) == 1 or named):
            return Pointed(candidates, "dated", slot.start, slot.end, certain=False)
    return None


def taken_back(low: str, dialogue: Thread) -> str:
    """The current order, where the message says that it is not meant."""
    return dialogue.slots.get(ORDER, "") if NOT_THIS.search(low) else ""


def bought_in(days: str, orders: Mapping[str, str], *, taken_back: str) -> list[str] | None:
    """The orders of a day, week or month; None where it may be one whose day nobody knows."""
    first, last = dates.span(days)
    day_of = {n: bought or day_in(n) for n, bought in orders.items() if n != taken_back}
    within = [n for n, day in day_of.items() if first.isoformat() <= day <= last.isoformat()]
    undated = [n for n, day in day_of.items() if not day]
    if within or not undated:
        return within
    return undated if taken_back else None


def day_in(number: str) -> str:
    """The ISO day an order number begins with, if it does."""
    match = re.match(r"[A-Za-z]*(20\d\d)(\d\d)(\d\d)", number)
    return "-".join(match.groups()) if match else ""


def find_it(low: str, dialogue: Thread, known: list[str]) -> Pointed | None:
    """ "It", "this order"; "that one" and nothing else is open to doubt where there are several."""
    current = dialogue.slots.get(ORDER)
    match = IT.search(low) if current and not NOT_THIS.search(low) else None
    if match is None or current is None:
        return None
    return Pointed([current], "it", *match.span(), certain=not (len(known) > 1 and only_that(low)))


def only_that(low: str) -> bool:
    return ELLIPSIS.match(low.strip()) is not None
