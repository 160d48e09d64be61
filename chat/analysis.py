"""What the visitor's lines say, found without a model: language, intents, mood, slots, what they refer to.

Pure functions, called by turn. The texts are masked: slots hold placeholders where personal data stood.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from chat import dialogue as dialogues
from chat.dialogue import Dialogue, Understood
from prompts.nlu import emotion, person, references, slots
from prompts.nlu.emotion import Label, Mood
from prompts.nlu.intents import Classifier, Found
from prompts.nlu.slots import SlotPatterns

HAN = re.compile("[\u3400-\u9fff]")
RESUME_REPLIES = frozenset({"1", "\uff11", "\u2460", "一"})
# Without a classifier little is known of the words' mood: lexicon and context must be able to outweigh it.
NO_CHANCES = {"negative": 0.25, "neutral": 0.65, "positive": 0.1}


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of the visitor's lines before a model is asked. `found` is None without a classifier."""

    language: str
    takes_up_earlier: bool
    understood: Understood
    found: Found | None = None

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


def analyse(
    lines: Sequence[str],
    *,
    language: str,
    dialogue: Dialogue,
    today: date,
    prev: str = "",
    classifier: Classifier | None = None,
    patterns: SlotPatterns = slots.DEFAULT,
) -> Analysis:
    """The analysis of the visitor's unanswered lines, oldest first; `prev` is the line they answer."""
    text = "\n".join(lines)
    found = classifier.intents(text, prev=prev) if classifier else None
    mood = mood_of(text, dialogue=dialogue, found=found)
    spoken = language_of(text, otherwise=language)
    return Analysis(
        language=spoken,
        takes_up_earlier=len(lines) == 1 and lines[0].strip() in RESUME_REPLIES,
        understood=Understood(
            intents=intents_of(found),
            unknown_p=found.unknown_p if found else 0.0,
            emotion=mood.label,
            emotion_score=mood.score,
            said=references.resolve(text, slots.find(text, patterns=patterns, now=today), dialogue),
            language=spoken,
            wants_human=person.wants_human(text, found=found),
        ),
        found=found,
    )


def intents_of(found: Found | None) -> tuple[tuple[str, float], ...]:
    """(name, probability) in the order said; none where it is honest to say "unknown"."""
    if found is None or found.unknown:
        return ()
    sure = dict(found.intents)
    return tuple((name, sure[name]) for name in found.said)


def mood_of(text: str, *, dialogue: Dialogue, found: Found | None) -> Mood:
    return emotion.mood(
        text,
        chances=(found.moods if found else {}) or NO_CHANCES,
        earlier=dialogues.moods_of(dialogue),
        solved=dialogues.solved(dialogue),
    )


def language_of(text: str, *, otherwise: str) -> str:
    """ "zh" or "en": Chinese as soon as a Han character occurs, `otherwise` when no letter does."""
    if HAN.search(text):
        return "zh"
    return "en" if re.search("[A-Za-z]{2}", text) else otherwise
