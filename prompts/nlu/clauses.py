"""Takes a message apart: what is only politeness or a card, and the clauses that may each ask for something.

Used by prompts.nlu.intents, on normalised text (see prompts.nlu.normalise). Plain Python, no state.
"""

import re

HAN = "\u3400-\u4dbf\u4e00-\u9fff"
CARDS = re.compile(r"[KL]")
GREETING = re.compile(
    r"^(?:(?:(?:你|您|妮|尼)们?好[啊呀哈呐呢]?|(?:hello|hi|hey)\b|哈喽|哈罗|嗨|喂|在吗|在么|在不|在嘛|有人吗|有人在吗|亲爱的|亲亲|亲|"
    r"(?:早上|上午|中午|下午|晚上)好|早啊?|客服|good (?:morning|afternoon|evening)|dear (?:team|sir|madam))[\s,.!?~:;E]*)+"
)
SEPARATOR = re.compile(
    rf"[,.;~、+&|\n]+|(?<=[!?])(?=[^!?])|(?<=[{HAN}])\s+|\s+(?=[{HAN}])|(?<=[A-Z])\s+(?![a-z])|(?<![a-z])\s+(?=[A-Z])"
    r"|那?(?:顺便|顺带|另外|此外|除此之外|然后|并且|而且|同时|对了|其次|以及|还有(?!多久|多长|几天|货|人|没)|再就是|接着)"
    r"|(?<=.)(?=再(?:帮|给|把|查|改|催|问|看|开|退|补))|(?<=.)(?=还(?:想|要(?!多久|几|等)|需要))|(?<=.)(?=也(?:想|要|帮))"
    r"|\b(?:and|also|plus|then|besides|by the way|btw|as well as|oh|additionally|secondly)\b"
)
SAYING = re.compile(rf"[{HAN}a-z]")
ANYTHING = re.compile(rf"[{HAN}a-zA-Z]")
SHORTEST = 2
MOST = 5
"""Clauses; what comes after is one with the last."""


def without_cards(text: str) -> str:
    """The text without order cards and links, as long as something is said besides."""
    rest = CARDS.sub(" ", text).strip()
    return rest if SAYING.search(rest) else text


def without_greeting(text: str) -> str:
    """The text without the hello it begins with, as long as something follows."""
    hello = GREETING.match(text)
    rest = text[hello.end() :] if hello else text
    return rest if len(SAYING.findall(rest)) >= SHORTEST else text


def clauses(text: str) -> list[tuple[int, int]]:
    """Where the clauses are: the hello, then cut at punctuation, at spaces next to Chinese, at 顺便 or "and"."""
    start = len(text) - len(without_greeting(text))
    found = [(0, start)] if start else []
    for cut in SEPARATOR.finditer(text, start):
        found.append((start, cut.start()))
        start = cut.end()
    found.append((start, len(text)))
    spans = [(one, end) for one, end in found if ANYTHING.search(text, one, end)]
    if len(spans) <= MOST:
        return spans
    return [*spans[: MOST - 1], (spans[MOST - 1][0], spans[-1][1])]
