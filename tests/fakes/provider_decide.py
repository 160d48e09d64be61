"""How the fake model decides: odds for yes, for one of several options, or for a level of a scale. Pure functions.

Rests on the same facts as answers in JSON, so that both say the same of one conversation.
"""

from __future__ import annotations

import re
from math import floor

from tests.fakes.provider_schema import MOOD_SCORES, MOOD_WORDS, Facts
from tests.fakes.provider_types import Question, QuestionKind

_ABOUT_PEOPLE = re.compile("human|transfer|escalat|handoff|handover|人工|转接")
_ABOUT_MOOD = re.compile("emotion|mood|sentiment|angry|anger|upset|urgen|情绪|生气|愤怒|不满|着急")
_ABOUT_SIZE = re.compile("difficult|complex|effort|tier|model|难|复杂|模型")
_LEFT_OVER = {"other", "unknown", "none", "其他"}
_SURE, _UNSURE = 0.9, 0.5
_LONG_CHARS = 60


def decide(question: Question, facts: Facts) -> tuple[float, ...]:
    """The odds for `question`: of yes alone for a predicate, else one for each option; those add up to 1."""
    subject = f"{question.name or ''} {question.instructions}".lower()
    match question.kind:
        case QuestionKind.PREDICATE:
            return (_yes(subject, facts),)
        case QuestionKind.CHOICE:
            return _choose(question, subject, facts)
        case QuestionKind.SCORE:
            return _grade(len(question.options), _fraction(subject, facts))


def _yes(subject: str, facts: Facts) -> float:
    if _ABOUT_PEOPLE.search(subject):
        return 0.95 if facts.wants_human else 0.6 if facts.mood == "angry" else 0.05
    if _ABOUT_MOOD.search(subject):
        return MOOD_SCORES[facts.mood]
    return 0.92 if any(name in subject for name in facts.topic_names) else 0.08


def _choose(question: Question, subject: str, facts: Facts) -> tuple[float, ...]:
    options = [(str(value).lower(), told.lower()) for value, told in question.options]
    if len(options) == 1:
        return (1.0,)
    if [value for value, _ in options] in (["true", "false"], ["false", "true"]):
        yes = _yes(subject, facts)
        return tuple(yes if value == "true" else 1 - yes for value, _ in options)
    if _ABOUT_SIZE.search(subject):
        return _grade(len(options), _fraction(subject, facts))
    words = MOOD_WORDS[facts.mood] if _ABOUT_MOOD.search(subject) else facts.topic_names
    best = _find(options, (facts.language,) if "lang" in subject else words)
    if best is not None and options[best][0] not in _LEFT_OVER:
        return _spread(len(options), best, _SURE)
    left_over = [at for at, (value, _) in enumerate(options) if value in _LEFT_OVER]
    return _spread(len(options), left_over[0] if left_over else 0, _UNSURE)


def _find(options: list[tuple[str, str]], words: tuple[str, ...]) -> int | None:
    """The option that is named by one of `words`, or else described by one."""
    for part in (0, 1):
        for word in words:
            for at, option in enumerate(options):
                if word in option[part]:
                    return at
    return None


def _spread(count: int, best: int, sure: float) -> tuple[float, ...]:
    rest = (1 - sure) / (count - 1)
    return tuple(sure if at == best else rest for at in range(count))


def _fraction(subject: str, facts: Facts) -> float:
    """Where on a scale from 0 to 1 the conversation is: by its mood, or by how long the last line is."""
    if _ABOUT_MOOD.search(subject):
        return MOOD_SCORES[facts.mood]
    return min(len(facts.said.split("\n")[-1]) / _LONG_CHARS, 1.0)


def _grade(count: int, fraction: float) -> tuple[float, ...]:
    """Odds of the two levels around `fraction` of the scale, such that their mean is exactly there."""
    place = fraction * (count - 1)
    low = min(floor(place), count - 2)
    odds = [0.0] * count
    odds[low], odds[low + 1] = 1 - (place - low), place - low
    return tuple(odds)
