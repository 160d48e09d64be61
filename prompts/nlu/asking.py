"""What is asked about an order that is named: "查下 2026…" is no mere data, "order 2026…" beside a wish is no question.

Used by the analysis step, after prompts.nlu.intents, whose examples seldom hold numbers. Plain Python, no state; works
on folded lower-case text, see prompts.nlu.slots.fold.
"""

import re
from dataclasses import replace

from prompts.nlu.clauses import clauses
from prompts.nlu.intents import Found

DATA, STATUS, PERSON = "provide_info", "order_status", "human"
BESIDE = frozenset({DATA, "greeting", "confirm", "thanks_bye", "other"})
CHECKED = re.compile(
    r"[查看](?:一?下|一查|一看|询|查|看)|帮.{0,2}[查看]|[查看]个|查.{0,3}(?:订单|单)"
    r"|(?:怎么样|咋样|什么情况|啥情况|什么状态|进度)|发货了?[没吗么]"
    r"|\bstatus\b|\bcheck\b|look up|\bupdate on\b|any (?:news|update)|(?:has|have|did|is) .{0,30}ship"
)
# The first that fits names what is asked.
ASKED = (
    ("change_address", re.compile(
        r"(?:改|换|更新).{0,4}(?:地址|电话|手机|收件人)"
        r"|(?:new|change|update|different|wrong) (?:the |my |delivery |shipping )*(?:phone|address|recipient)"
    )),
    ("urge", re.compile(
        r"催|(?:怎么|咋|为什么|为啥|为何|什么时候|啥时候|何时|多久).{0,4}(?:发货|发|法货|出库)|还[不没](?:发|法)货?|没发货|赶紧发|快点发"
        r"|hurry|still (?:not|hasn'?t|waiting)|hasn'?t (?:been )?(?:shipped|sent|arrived)|not (?:yet )?(?:shipped|arrived)"
    )),
    ("logistics", re.compile(
        r"到哪|在哪|哪里了|哪儿了|物流|快递(?!单号)|派送|包裹|(?:什么时候|啥时候|几天|多久|怎么还没|还没|没).{0,3}(?:送到|收到|到)(?!账)"
        r"|where(?:'?s| is| are)\b|\btrack\b|when (?:will|does|is|do).{0,30}(?:arriv|get here|come|deliver|reach)"
    )),
    (STATUS, CHECKED),
)  # fmt: skip
# A clause that speaks of it asks for that, not for the order's state.
BUSINESS = re.compile(
    r"[退换改修坏赔票券款]|取消|价|物流|快递|催|return|refund|exchang|invoice|cancel|address|repair|track|where|deliver"
)
# How sure it is that such words ask that; less than this adds no wish for a person to a number.
SURE, HEARD = 0.75, 0.8


def of_order(low: str, at: int, found: Found) -> Found:
    """What was found in a text that names an order at position `at`, with what is asked about it."""
    if dict(found.intents).get(PERSON, 1.0) < HEARD and len(found.said) > 1:
        found = without(found, PERSON)
    wishes = [name for name in found.said if name not in BESIDE]
    if not wishes or found.unknown:
        asked = next((name for name, pattern in ASKED if pattern.search(low)), "")
        return added(found, asked) if asked else found
    if wishes == [STATUS] and not CHECKED.search(low):
        asked = next((name for name, pattern in ASKED if pattern.search(low)), STATUS)
        return found if asked == STATUS else added(without(found, STATUS), asked)
    if STATUS not in wishes and is_checked(low, at):
        return added(found, STATUS, first=True)
    if STATUS in wishes and len(wishes) > 1 and not CHECKED.search(low):
        return without(found, STATUS)
    return found


def is_checked(low: str, at: int) -> bool:
    """True where the first of several clauses names the order, and asks to look it up."""
    spans = clauses(low)
    if len(spans) < 2 or not spans[0][0] <= at < spans[0][1]:
        return False
    clause = low[spans[0][0] : spans[0][1]]
    return CHECKED.search(clause) is not None and BUSINESS.search(clause) is None


def added(found: Found, asked: str, *, first: bool = False) -> Found:
    if found.unknown:
        found = replace(found, intents=(), said=(), unknown=False, unknown_p=1 - SURE)
    rest = [pair for pair in found.intents if pair[0] in BESIDE]
    wishes = [pair for pair in found.intents if pair[0] not in BESIDE]
    return replace(
        found,
        intents=(*wishes, (asked, SURE), *rest),
        said=(asked, *found.said) if first else (*found.said, asked),
        margin=max(found.margin, 2 * SURE - 1),
    )


def without(found: Found, name: str) -> Found:
    return replace(
        found,
        intents=tuple(pair for pair in found.intents if pair[0] != name),
        said=tuple(each for each in found.said if each != name),
    )
