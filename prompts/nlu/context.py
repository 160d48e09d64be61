"""What an answer to the agent's line before is likely to be: a hint for short messages, never a verdict.

Used by prompts.nlu.intents. Plain Python, no state; knows the names of the default intents.
"""

import re

from prompts.nlu.normalise import normalise
from prompts.nlu.tone import TONES

SHORT, TOPIC_SHORT = 12, 24
"""Characters: what is longer speaks for itself, as an answer and as a further question."""
ASKED_CHARS, TOPIC_CHARS = 80, 120
ASKS_DATA = re.compile(
    r"(?:提供|告知|告诉|告之|发|报|说|写|留)(?:一?下|给|个)?.{0,12}(?:订单|单号|电话|号码|手机|姓名|名字|地址|照片|图片|截图|税号|抬头|账号|邮箱|身份证|商品|链接|信息|编号|卡号)"
    r"|(?:哪个|哪款|哪一|哪单|什么颜色|什么型号|什么尺码|多少号|几号|贵姓|怎么称呼)"
    r"|(?:provide|share|send|tell me|give me|confirm|whats|what is).{0,24}(?:order|number|name|address|phone|email|photo|picture|screenshot|details|zip)"
)
ASKS_YES = re.compile(
    r"(?:吗|么|嘛|是不是|对吧|可以不|行不|好不)[\s?.!~:E亲哦呢的]*$|(?:is (?:that|this|it)|are you|do you|did you|would you|can i|shall i|correct)[^.?]*\?\s*$"
)
ASKS_WHICH = re.compile(
    r"(?:什么|哪|几|多少|还是|怎么|为何|为什么|具体)[^.!?]{0,30}(?:[?]|呢|吗)?[\s.!~E哦亲]*$|\b(?:what|which|when|where|how|why|or)\b[^.?]*\?\s*$"
)
ASKS_MORE = re.compile(
    r"(?:还有|有没有|有).{0,8}(?:其他|别的|其它|什么).{0,14}(?:帮|问题|服务|需要|咨询)|anything else"
)
# What an agent says whatever the matter is.
PHRASES = re.compile(
    r"(?:请问)?(?:您|你)?(?:看)?(?:亲)?(?:还|请问)?有(?:没有)?(?:其他|其它|别的|什么)[^.!?~]{0,24}(?:帮|效劳|服务|问题|需要|处理|解决|咨询)[^.!?~]{0,12}|"
    r"[^.!?~,\s]{0,8}(?:稍等|久等|耐心等待|为您查询|帮您查询|帮您查看|帮您看一?下|不客气|应该做的|谅解|很高兴|感谢|祝您|再见|评价|对不起|抱歉|请问是这个)[^.!?~,]{0,24}|"
    r"anything else[^.!?]*|(?:one moment|please wait|thank|sorry|youre welcome|happy to help)[^.!?]*"
)
CONTENT_CHARS = 4
QUESTION = TONES["question"]
YES_OR_NO = re.compile(
    r"^(?:没有?|不是?|对|是|好|嗯+|恩+|行|可以|有|要|不用|不要|没了|没有了|yes|no|ok|sure|yeah)[的了啊哦呢吧呀,.!~\s]*$"
)
MORE, WHICH, YES, TOPIC = 0.25, 0.8, 0.25, 0.8
"""In units of a decision: an SVM's margin is 1. Set on rows that are in no reported set."""


def topic_of(prev: str) -> str:
    """What the agent's line is about, normalised: its end, less what an agent says whatever the matter is."""
    rest = PHRASES.sub(" ", normalise(prev)[-TOPIC_CHARS:]).strip(" .!?~,")
    return rest if len(rest) >= CONTENT_CHARS else ""


def expected(text: str, *, prev: str) -> dict[str, float]:
    """What to add to the decisions of labels when a short text answers the agent's line `prev`."""
    if not prev or len(text) > SHORT or "?" in text:
        return {}
    asked = normalise(prev)[-ASKED_CHARS:]
    wanted: dict[str, float] = {}
    if ASKS_MORE.search(asked):
        return {"confirm": MORE}
    if ASKS_DATA.search(asked):
        wanted["provide_info"] = YES
    if ASKS_WHICH.search(asked) and not (QUESTION.search(text) or YES_OR_NO.match(text)):
        wanted["provide_info"] = WHICH
    if ASKS_YES.search(asked):
        wanted["confirm"] = YES
    return wanted


def follows(text: str) -> float:
    """How far a text takes up what the agent spoke of: the share of the topic's probabilities to add."""
    return TOPIC * max(0.0, 1 - len(text) / TOPIC_SHORT)
