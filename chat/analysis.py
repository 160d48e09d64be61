"""What the visitor's lines say, found without a model: language, intents, mood, slots, what they refer to.

Pure functions, called by turn. The texts are masked: slots hold placeholders where personal data stood. Where the
classifier is unsure, `advise` asks a model for a second opinion; what it knows better stands.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from chat import dialogue as dialogues
from chat.dialogue import Dialogue, Understood
from prompts.nlu import asking, emotion, person, references, slots
from prompts.nlu.emotion import Label, Mood
from prompts.nlu.intents import Classifier, Found, importance
from prompts.nlu.pointing import ORDERS
from prompts.nlu.slots import PLACEHOLDER, Slot, SlotPatterns
from prompts.opinion import Heard, Opinion

Advise = Callable[[str, Found, Mood], Heard]

HAN = re.compile("[\u3400-\u9fff]")
RESUME_REPLIES = frozenset({"1", "\uff11", "\u2460", "一"})
THANKS, COMPLAINT = "thanks_bye", "complaint"
GRIEVANCES = frozenset({COMPLAINT, "damaged_or_wrong"})
# Without a classifier little is known of the words' mood: lexicon and context must be able to outweigh it.
NO_CHANCES = {"negative": 0.25, "neutral": 0.65, "positive": 0.1}
# What a model says counts as this sure: it does not say how sure it is.
OPINION_P = 0.8
# A mood this sure stands against the model's: irony is heard in the conversation, which the model does not see.
SURE_MOOD = 0.7
UNKNOWN = "other"
# Personal data is found by redaction alone; a model has no say in it.
PERSONAL = frozenset(slots.PLACEHOLDERS.values())


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of the visitor's lines before a model is asked. `found` is None without a classifier."""

    language: str
    takes_up_earlier: bool
    understood: Understood
    found: Found | None = None
    # What the classifier made of them, and what a model was asked about it.
    local: Found | None = None
    local_mood: Mood | None = None
    heard: Heard | None = None

    @property
    def intent(self) -> str:
        """The most important intent; "unknown" where it is honest to say so."""
        return self.found.intents[0][0] if self.found and not self.found.unknown else "unknown"

    @property
    def sureness(self) -> float:
        return self.found.intents[0][1] if self.found else 0.0

    @property
    def margin(self) -> float:
        return self.found.margin if self.found else 0.0

    @property
    def emotion(self) -> Label:
        return self.understood.emotion  # type: ignore[return-value]  # a Mood's label

    @property
    def anger(self) -> float:
        """0 calm, 1 furious."""
        negative = self.understood.emotion == "negative"
        return self.understood.emotion_score if negative else 0.0

    def told(self, after: Dialogue) -> dict[str, Any]:
        """What frames tell of it: intents in the order said, the mood, and where that goes in the dialogue after it."""
        return {
            "intents": [name for name, _ in self.understood.intents],
            "emotion": self.understood.emotion,
            "trend": dialogues.trend(after),
        }

    def as_json(self) -> dict[str, Any]:
        """What the turn's page explains: the classifier's word, the model's where it was asked, and what stood."""
        understood = self.understood
        opinion = self.heard.opinion if self.heard else None
        local = self.local and {
            "intents": rounded(intents_of(self.local)),
            "lead": round(lead(self.local), 3),
            "unknown_p": round(self.local.unknown_p, 3),
        }
        mood = self.local_mood and [self.local_mood.label, round(self.local_mood.score, 3)]
        return {
            "intents": rounded(understood.intents),
            "emotion": [understood.emotion, round(understood.emotion_score, 3)],
            "local": local and {**local, "emotion": mood},
            "model": opinion
            and {
                "intents": list(opinion.intents),
                "emotion": opinion.emotion,
                "slots": [name for name, _ in opinion.slots],
                "endpoint": opinion.endpoint,
            },
            "asked": self.heard is not None,
            "why": self.heard.why if self.heard else "",
            "ms": self.heard.ms if self.heard else 0.0,
        }


def analyse(
    lines: Sequence[str],
    *,
    language: str,
    dialogue: Dialogue,
    today: date,
    prev: str = "",
    classifier: Classifier | None = None,
    patterns: SlotPatterns = slots.DEFAULT,
    advise: Advise | None = None,
    margin: float = 0.0,
) -> Analysis:
    """The analysis of the visitor's unanswered lines, oldest first; `prev` is the line they answer.

    `advise` is asked where the classifier's lead is smaller than `margin`.
    """
    text = "\n".join(lines)
    given = slots.find(text, patterns=patterns, now=today)
    local = classifier.intents(text, prev=prev) if classifier else None
    order = next((slot for slot in given if slot.name in ORDERS), None)
    if local and order:
        local = asking.of_order(slots.fold(text).lower(), order.start, local)
    local_mood = mood_of(text, dialogue=dialogue, found=local)
    heard = None
    takes_up = len(lines) == 1 and lines[0].strip() in RESUME_REPLIES
    if takes_up and dialogue.earlier:
        advise = None  # nothing is unsure about it
    if advise and local and is_unsure(local, margin=margin):
        heard = advise(text, local, local_mood)
    found, mood = local, local_mood
    if local and heard and heard.opinion:
        found, mood = settled(local, heard.opinion), settled_mood(local_mood, heard.opinion)
        given = (*given, *added_slots(text, heard.opinion, given))
    spoken = language_of(text, otherwise=language)
    return Analysis(
        language=spoken,
        takes_up_earlier=takes_up,
        understood=Understood(
            intents=intents_of(found, pleased=mood.label == "positive"),
            unknown_p=found.unknown_p if found else 0.0,
            emotion=mood.label,
            emotion_score=mood.score,
            said=references.resolve(text, given, dialogue),
            language=spoken,
            wants_human=person.wants_human(text, found=found),
        ),
        found=found,
        local=local,
        local_mood=local_mood,
        heard=heard,
    )


def is_unsure(found: Found, *, margin: float) -> bool:
    """Whether it is worth a model's time: small talk that is surely that, is not."""
    if margin <= 0:
        return False
    unknown = found.unknown and found.intents[0][0] != UNKNOWN
    return unknown or lead(found) < margin


def lead(found: Found) -> float:
    """How far the classifier is from another answer; of several requests that of the least sure one."""
    if len(found.said) <= 1:
        return found.margin
    return max(0.0, 2 * min(p for _, p in found.intents) - 1)


def settled(local: Found, opinion: Opinion) -> Found:
    """The model's intents, as sure as OPINION_P; of none that it knows, that is the honest answer."""
    if not opinion.intents:
        return replace(local, unknown=True, unknown_p=max(local.unknown_p, OPINION_P))
    before = dict(local.intents)
    sure = {name: max(before.get(name, 0.0), OPINION_P) for name in opinion.intents}
    return replace(
        local,
        intents=tuple(sorted(sure.items(), key=lambda pair: -importance(*pair, overall=sure))),
        said=opinion.intents,
        unknown_p=min(local.unknown_p, 1 - OPINION_P),
        unknown=False,
        margin=max(local.margin, 2 * OPINION_P - 1),
    )


def settled_mood(local: Mood, opinion: Opinion) -> Mood:
    if local.score >= SURE_MOOD or local.label == opinion.emotion:
        return local
    return Mood(opinion.emotion, OPINION_P)


def added_slots(text: str, opinion: Opinion, given: Sequence[Slot]) -> tuple[Slot, ...]:
    """What the model read in the lines and the patterns did not find; to be confirmed, since a model may be wrong."""
    known = {slot.name for slot in given} | PERSONAL
    return tuple(
        Slot(name, value, text.index(value), text.index(value) + len(value), certain=False)
        for name, value in opinion.slots
        if name not in known and value and value in text
    )


def rounded(intents: Sequence[tuple[str, float]]) -> list[list[Any]]:
    return [[name, round(p, 3)] for name, p in intents]


def intents_of(found: Found | None, *, pleased: bool = False) -> tuple[tuple[str, float], ...]:
    """(name, probability) in the order said; none where it is honest to say "unknown".

    Who is pleased and complains means the words of a complaint as praise.
    """
    if found is None or found.unknown:
        return ()
    sure = dict(found.intents)
    praise = pleased and (found.said == (COMPLAINT,) or THANKS in found.said)
    said = [name for name in found.said if not (praise and name in GRIEVANCES)] or [THANKS]
    return tuple((name, sure.get(name, sure[found.said[0]])) for name in said)


def mood_of(text: str, *, dialogue: Dialogue, found: Found | None) -> Mood:
    return emotion.mood(
        text,
        chances=(found.moods if found else {}) or NO_CHANCES,
        earlier=dialogues.moods_of(dialogue),
        solved=dialogues.solved(dialogue),
    )


def language_of(text: str, *, otherwise: str) -> str:
    """ "zh" or "en": Chinese as soon as a Han character occurs, `otherwise` when no letter does."""
    said = PLACEHOLDER.sub("", text)
    if HAN.search(said):
        return "zh"
    return "en" if re.search("[A-Za-z]{2}", said) else otherwise
