"""Whether a customer asks for a person: plain words first, the trained intent "human" where words leave it open.

Used by the analysis step of a turn and by the batch commands. Plain Python, no state.
"""

import re

from prompts.nlu.intents import Found
from prompts.nlu.normalise import normalise

HUMAN = "human"
SURE = 0.5

ASKING = re.compile(
    r"转(?:接)?(?:到)?(?:人工|真人|客服|专员|人)|(?:找|要|换|叫|来|接|有|想跟|和|跟)(?:个|一?个|一下|你们|你们的|真|活)*(?:人工|真人|活人|经理|主管|领导|负责人|老板|店长|专员)"
    r"|^人工(?:客服|服务)?[\s!?.~]*(?:$|你?您?好)|人工(?:客服|服务)(?!.{0,4}(?:什么时候|几点|电话是))|人工人工|转人工"
    r"|(?:打|回|拨)(?:个|一?个|我)*(?:电话|过来)(?:给我|联系我|吧|行吗|可以吗|吗)?|给我(?:打|回)(?:个|一个)?电话|(?:电话|回电)(?:联系|回复|沟通)(?:我|一下)?|回个?电"
    # Typed in pinyin, or with a character of the same sound or shape.
    r"|zhuan ?ren ?gong|ren ?gong ?(?:ke ?fu|fu ?wu)|^(?:ren ?gong|rg)[\s!?.~]*$|转(?:人公|仁工|人攻|人功|入工|人共|任工)"
    r"|(?:real|actual|live|human) (?:person|human|agent|being|rep)|^(?:human|agent|representative|operator|supervisor|manager)[\s!?.]*$"
    r"|\b(?:human|agent|representative|operator|supervisor|manager)[\s,]+(?:please|pls|now)\b"
    r"|(?:talk|speak|chat|transfer|connect|put me through)(?: me)?(?: to| with)(?: an?| the| your| some)*(?: real| live| human)? ?(?:human|person|agent|rep|representative|someone|somebody|operator|manager|supervisor|people)"
    r"|(?:call|phone|ring) me\b"
)
REFUSING = re.compile(
    r"(?:不要|不用|别|不想|不需要|无需|没有?|不是)(?:再)?(?:给我)?(?:转|找|要|打|叫|回)|(?:没|未)(?:人|给我|打)?.{0,3}(?:打|回)(?:过)?电话|(?:dont|do not|no need).{0,12}(?:call|agent|human|transfer)|人工(?:费|智能|成本|降噪|草)"
    # Somebody calls, called or will call: told or asked about, not asked for.
    r"|是(?:打)?电话|会(?:再)?(?:打|回)(?:过来|电)|自己(?:打|去|联系|催)|打电话自己|电话都?(?:不|打不|没)|联系方式|漏接|专员[,，]?是什么|还有人工客服"
)


def wants_human(text: str, *, found: Found | None = None) -> bool:
    """Whether the message asks for a person, a supervisor or a call. `found` are its intents, where they are known."""
    said = normalise(text)
    if REFUSING.search(said):
        return False
    if ASKING.search(said):
        return True
    return found is not None and dict(found.intents).get(HUMAN, 0.0) >= SURE and not found.unknown
