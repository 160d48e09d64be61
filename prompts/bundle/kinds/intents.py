"""Intents in a bundle, each with its examples by language and mood."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import StringConstraints
from typing_extensions import override

from prompts.bundle import places
from prompts.bundle.kinds.kind import Change, Identity, Kind, Shape, Stored, World
from prompts.bundle.masking import is_masked, masked
from prompts.models import Intent, IntentExample

Title = Annotated[str, StringConstraints(max_length=60)]
Utterance = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[-a-zA-Z0-9_]+$")]
MOODS, LANGUAGES = ("neutral", "negative", "positive"), ("zh", "en")


class ByMood(Shape):
    neutral: list[Utterance] = []
    negative: list[Utterance] = []
    positive: list[Utterance] = []


class IntentShape(Shape):
    name: Slug
    title_zh: Title = ""
    title_en: Title = ""
    enabled: bool = True
    zh: ByMood = ByMood()
    en: ByMood = ByMood()


class IntentKind(Kind):
    """Candidates stay where they are; an example that a file no longer has is switched off, not deleted."""

    name = "intent"
    shape = IntentShape

    @override
    def identity(self, said: Mapping[str, Any]) -> Identity:
        return (said["name"],)

    @override
    def place(self, said: Mapping[str, Any]) -> str:
        return places.intent(said["name"])

    @override
    def stored(self) -> Iterator[Stored]:
        examples: dict[int, list[IntentExample]] = defaultdict(list)
        for row in counting().order_by("text"):
            examples[row.intent_id].append(row)
        for intent in Intent.objects.order_by("name"):
            yield as_stored(self, intent, examples[intent.pk])

    @override
    def prepared(self, said: dict[str, Any], stored: Stored | None, world: World) -> dict[str, Any]:
        """Masked, but for what stands there already: shipped examples are nobody's."""
        found = dict(said)
        for language in LANGUAGES:
            there = stored.raw[language] if stored else {}
            found[language] = {
                mood: sorted(
                    dict.fromkeys(
                        text if text in there.get(mood, ()) else hidden(text, language)
                        for text in said[language][mood]
                    )
                )
                for mood in MOODS
            }
        return found

    @override
    def store(self, changes: Sequence[Change]) -> None:
        for change in changes:
            said = change.said
            intent, _ = Intent.objects.update_or_create(
                name=said["name"],
                defaults={name: said[name] for name in ("title_zh", "title_en", "enabled")},
            )
            for language in LANGUAGES:
                if language in change.changed:
                    word(intent, language, kept(change, language))


def counting() -> Any:
    """The examples that a classifier is trained from."""
    shown = IntentExample.objects.filter(enabled=True)
    return shown.exclude(source=IntentExample.Source.CANDIDATE)


def as_stored(kind: IntentKind, intent: Intent, examples: Sequence[IntentExample]) -> Stored:
    said: dict[str, Any] = {
        name: getattr(intent, name) for name in ("name", "title_zh", "title_en", "enabled")
    }
    raw = {**said, **grouped((row.language, row.emotion, row.text) for row in examples)}

    def leave() -> tuple[dict[str, Any], tuple[str, ...]]:
        """Shipped examples are nobody's."""
        texts = grouped(
            (row.language, row.emotion, row.text if row.source == "default" else hidden(row.text, row.language))
            for row in examples
        )  # fmt: skip
        return {**said, **texts}, tuple(name for name in LANGUAGES if raw[name] != texts[name])

    return Stored(kind.identity(raw), kind.place(raw), raw, leave)


def grouped(examples: Any) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {
        language: {mood: [] for mood in MOODS} for language in LANGUAGES
    }
    for language, mood, text in examples:
        found[language][mood].append(text)
    return {
        language: {mood: sorted(texts) for mood, texts in moods.items()}
        for language, moods in found.items()
    }


def hidden(text: str, language: str) -> str:
    """Raises RedactionFailed."""
    said: str = masked({"text": text}, ("text",), language=language)[0]["text"]
    return said


def kept(change: Change, language: str) -> dict[str, str]:
    """What the examples of one language shall be, text to mood; a masked one is the row it was masked from."""
    raw = change.stored.raw[language] if change.stored else {mood: [] for mood in MOODS}
    there = {text for mood in MOODS for text in raw[mood]}
    wanted = [text for mood in MOODS for text in change.said[language][mood]]
    came_masked = any(is_masked(text) for text in wanted if text not in there)
    shown = {hidden(text, language): text for text in there} if came_masked else {}
    shown |= {text: text for text in there}
    return {shown.get(text, text): mood for mood in MOODS for text in change.said[language][mood]}


def word(intent: Intent, language: str, wanted: Mapping[str, str]) -> None:
    """Makes these the intent's examples; words that are filed elsewhere move here."""
    rows = IntentExample.objects.filter(language=language)
    known = {row.text: row for row in rows.filter(text__in=wanted)}
    own = counting().filter(intent=intent, language=language)
    own.exclude(text__in=wanted).update(enabled=False)
    changed = []
    for text, row in known.items():
        there = (row.intent_id, row.emotion, row.enabled) == (intent.pk, wanted[text], True)
        if not there or row.source == IntentExample.Source.CANDIDATE:
            row.intent, row.emotion, row.enabled = intent, wanted[text], True
            if row.source == IntentExample.Source.CANDIDATE:
                row.source = IntentExample.Source.STAFF
            changed.append(row)
    IntentExample.objects.bulk_update(changed, ["intent", "emotion", "enabled", "source"], 500)
    IntentExample.objects.bulk_create(
        [
            IntentExample(intent=intent, language=language, text=text, emotion=mood)
            for text, mood in wanted.items()
            if text not in known
        ],
        500,
    )
