"""What an answer to the agent's line before is likely to be: a hint for short messages, never a verdict.

Used by prompts.nlu.intents. Plain Python, no state; knows the names of the default intents.
"""

import re

from prompts.nlu.normalise import normalise

SHORT = 12
DATA, CLASSES_ONLY = "data", re.compile(r"^[A-Z\s,.:;/-]+$")
ASKS_DATA = re.compile(
    r"(?:提供|告知|告诉|告之|发|报|说|写|留)(?:一?下|给|个)?.{0,12}(?:订单|单号|电话|号码|手机|姓名|名字|地址|照片|图片|截图|税号|抬头|账号|邮箱|身份证|商品|链接|信息|编号|卡号)"
    r"|(?:哪个|哪款|哪一|哪单|什么颜色|什么型号|什么尺码|多少号|几号|贵姓|怎么称呼)"
    r"|(?:provide|share|send|tell me|give me|confirm|whats|what is).{0,24}(?:order|number|name|address|phone|email|photo|picture|screenshot|details|zip)"
)
ASKS_YES = re.compile(
    r"(?:吗|么|嘛|是不是|对吧|可以不|行不|好不)[\s?.!~:E亲哦呢的]*$|(?:is (?:that|this|it)|are you|do you|did you|would you|can i|shall i|correct)[^.?]*\?\s*$"
)
ASKS_MORE = re.compile(
    r"(?:还有|有没有|有).{0,8}(?:其他|别的|其它|什么).{0,14}(?:帮|问题|服务|需要|咨询)|anything else"
)
BONUS = 0.25
"""In units of a decision: an SVM's margin is 1."""


def expected(text: str, *, prev: str, labels: tuple[str, ...]) -> list[float] | None:
    """What to add to the decision of each label; None when the agent's line says nothing about the answer."""
    if not prev or len(text) > SHORT or "?" in text:
        return None
    asked = normalise(prev)[-80:]
    wanted: dict[str, float] = {}
    if ASKS_DATA.search(asked):
        wanted["provide_info"] = BONUS
    if ASKS_YES.search(asked) or ASKS_MORE.search(asked):
        wanted["confirm"] = BONUS
    return [wanted.get(label, 0.0) for label in labels] if wanted else None
