"""The dialogue state as a few lines for the model, so that it never asks again for what it has. Pure.

Called by chat.turn for the model's context.
"""

import re
from collections.abc import Iterator, Mapping

from chat.dialogue.advance import title_in
from chat.dialogue.state import OPEN, WITHDRAWN, Dialogue, Topic, find_topic
from chat.dialogue.views import trend
from prompts.nlu.slots import TITLES

PIECE = re.compile(r"[A-Za-z]+|\s+|.", re.DOTALL)
LETTERS_PER_TOKEN = 3
VALUE_CHARS = 64

WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "known": "已知(不要再问):{}",
        "confirm": "先向顾客确认:{}",
        "ask": "还需要问:{}",
        "rejected": "顾客说不是:{}",
        "skipped": "顾客给不了,不要追问:{}",
        "topic": "正在办:{}",
        "others": "还没办完,办好当前的再回到:{}",
        "withdrawn": "顾客已放弃:{}",
        "mood": "情绪:{}",
        "between": ";",
        "negative": "不满",
        "positive": "满意",
        "worse": ",越来越差",
        "better": ",好转",
        "correction": "顾客刚更正了信息,以上面的为准",
        "withdraw": "顾客刚放弃了上一件事,不要再推进",
        "repeat": "顾客请你把上一条回答再说一遍",
        "clarify": "顾客没看懂,换一种更简单的说法",
        "skip": "顾客不想回答刚才的问题,换个办法继续",
        "return": "顾客回到之前的话题,接着办,不要重新开始",
        "digression": "顾客先问了别的,答完再回到没办完的事",
        "cannot_handle": "顾客的意思不明确:资料里有就照资料答,否则请他换个说法,或提供转人工",
        "chit_chat": "顾客在寒暄,简短回应",
    },
    "en": {
        "known": "Known (do not ask again): {}",
        "confirm": "Confirm with the customer first: {}",
        "ask": "Still to ask for: {}",
        "rejected": "The customer says it is not: {}",
        "skipped": "The customer cannot give, do not insist: {}",
        "topic": "In hand: {}",
        "others": "Unfinished, come back to it afterwards: {}",
        "withdrawn": "Given up by the customer: {}",
        "mood": "Mood: {}",
        "between": "; ",
        "negative": "unhappy",
        "positive": "happy",
        "worse": ", getting worse",
        "better": ", getting better",
        "correction": "The customer has just corrected something; what is written above holds",
        "withdraw": "The customer has just given that up; do not pursue it",
        "repeat": "The customer asks you to say your last answer again",
        "clarify": "The customer did not follow; say it more simply",
        "skip": "The customer would rather not answer that; go on another way",
        "return": "The customer is back at an earlier topic; go on with it, do not start over",
        "digression": "The customer asked something else first; answer it, then come back",
        "cannot_handle": "It is unclear what the customer means: answer from the facts if they do, else ask for other words, or offer a person",
        "chit_chat": "The customer is making small talk; answer briefly",
    },
}


def state_block(dialogue: Dialogue, *, language: str, budget_tokens: int = 200) -> str:
    """What is known, in lines of falling weight, as many as `budget_tokens` hold; "" when nothing is known."""
    words = WORDS.get(language, WORDS["zh"])
    written: list[str] = []
    left = budget_tokens
    for name, parts in lines_of(dialogue, language=language):
        line, cost = fitted(words.get(name, name), parts, words["between"], left=left)
        if line:
            written.append(line)
            left -= cost
    return "\n".join(written)


def fitted(form: str, parts: list[str], between: str, *, left: int) -> tuple[str, int]:
    """The line with as many of its parts as fit, and its tokens with the line's end; "" when none does."""
    for count in range(len(parts), 0, -1):
        line = form.format(between.join(parts[:count]))
        cost = tokens(line) + 1
        if cost <= left:
            return line, cost
    return "", 0


def tokens(text: str) -> int:
    """No fewer than what a tokenizer makes of it: one for each sign and digit, one for a few letters."""
    return sum(
        0
        if piece == " "
        else -(-len(piece) // LETTERS_PER_TOKEN)
        if piece.isascii() and piece.isalpha()
        else len(piece)
        for piece in PIECE.findall(text)
    )


def lines_of(dialogue: Dialogue, *, language: str) -> Iterator[tuple[str, list[str]]]:
    """(name in WORDS, parts) of each line that has something to say."""
    topic = find_topic(dialogue, dialogue.current)
    slots = topic.slots if topic else dialogue.slots
    doubtful = topic.doubtful if topic else dialogue.doubtful
    sure = {name: value for name, value in slots.items() if name not in doubtful}
    lines = {
        "known": listed(sure, language),
        "confirm": listed({n: slots[n] for n in doubtful if n in slots}, language),
        "ask": [named(n, language) for n in doubtful if n not in slots],
        "skipped": [named(n, language) for n in topic.skipped if n not in slots] if topic else [],
        "topic": [title_in(topic, language)] if topic and topic.state == OPEN else [],
        dialogue.repair: [""] if dialogue.repair else [],
        "others": [summed(t, sure, language) for t in others(dialogue)],
        "rejected": list(topic.rejected[-3:]) if topic else [],
        "mood": moods(dialogue, language),
        "withdrawn": [title_in(t, language) for t in dialogue.topics if t.state == WITHDRAWN][:3],
    }
    yield from ((name, parts) for name, parts in lines.items() if parts)


def others(dialogue: Dialogue) -> list[Topic]:
    return [t for t in dialogue.topics if t.state == OPEN and t.id != dialogue.current]


def listed(slots: Mapping[str, str], language: str) -> list[str]:
    return [f"{named(name, language)} {value[:VALUE_CHARS]}" for name, value in slots.items()]


def named(slot: str, language: str) -> str:
    return TITLES.get(slot, {}).get(language, slot)


def summed(topic: Topic, known: Mapping[str, str], language: str) -> str:
    """Another topic, with what it knows differently."""
    own = {name: value for name, value in topic.slots.items() if known.get(name) != value}
    title = title_in(topic, language)
    return f"{title} ({', '.join(listed(own, language))})" if own else title


def moods(dialogue: Dialogue, language: str) -> list[str]:
    label = dialogue.moods[-1][0] if dialogue.moods else "neutral"
    words = WORDS.get(language, WORDS["zh"])
    return [words[label] + words.get(trend(dialogue), "")] if label in words else []
