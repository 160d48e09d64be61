"""Stage 2 of redaction: names and addresses, by Presidio with recognizers of our own.

Presidio's own recognizers stay out: they need word boundaries, that Chinese has not, reach for the network, and its
URL recognizer takes seconds for a row of dots. Without an installed spaCy model no model is used, and none is ever
downloaded. Called by prompts.redaction.engine; takes normalised text.
"""

import logging
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from prompts.redaction import addresses_en, addresses_zh, names_en, names_zh
from prompts.redaction.spans import RedactionFailed, Span, Type

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine, EntityRecognizer
    from presidio_analyzer.nlp_engine import NlpEngine

Finder = Callable[[str], list[Span]]

FINDERS: dict[str, dict[Type, Finder]] = {
    "zh": {"ADDRESS": addresses_zh.find, "NAME": names_zh.find},
    "en": {"ADDRESS": addresses_en.find, "NAME": names_en.find},
}
# In the order of preference; used only when one of them is installed.
MODELS = {
    "zh": ("zh_core_web_trf", "zh_core_web_lg", "zh_core_web_md", "zh_core_web_sm"),
    "en": ("en_core_web_trf", "en_core_web_lg", "en_core_web_md", "en_core_web_sm"),
}
# Nobody writes more names into one message; Presidio compares every result with every other.
SPANS_MAX = 200
HAN = re.compile("[\u4e00-\u9fff]")
# In a Chinese conversation English words are products, unless somebody introduces himself.
INTRODUCTION = re.compile(
    r"\b(?:name|i['’]?m|i am|this is|mr|mrs|ms|miss|dr|address|street|road|avenue)\b", re.IGNORECASE
)
LETTERS = re.compile("[A-Za-z]{2}")

deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))
_lock = Lock()


def find(text: str, *, language: str) -> list[Span]:
    """Names and addresses, overlapping ones included. Raises RedactionFailed past the deadline."""
    found: list[Span] = []
    for reader in languages(text, language=language):
        for result in analyzer(reader).analyze(text=text, language=reader):
            type_: Type = "ADDRESS" if result.entity_type == "ADDRESS" else "NAME"
            found.append(Span(result.start, result.end, type_, result.score))
    return found


def languages(text: str, *, language: str) -> list[str]:
    """The languages to look for, by the letters that are there and the language of the conversation."""
    chinese = HAN.search(text) is not None
    if not LETTERS.search(text) and (chinese or language == "zh"):
        return ["zh"] if chinese else []
    english = language == "en" or not chinese or INTRODUCTION.search(text) is not None
    return ["zh"] * chinese + ["en"] * english


def analyzer(language: str) -> "AnalyzerEngine":
    """The one analyzer of a language in this process; the first call imports Presidio, which takes seconds."""
    with _lock:
        return _analyzer(language)


@cache
def _analyzer(language: str) -> "AnalyzerEngine":
    return build(language, model=installed_model(language))


def installed_model(language: str) -> str | None:
    import spacy.util  # slow: seconds and 100 MB, only where personal data is looked for

    return next((name for name in MODELS[language] if spacy.util.is_package(name)), None)


def build(language: str, *, model: str | None) -> "AnalyzerEngine":
    """An analyzer with our recognizers, and with the named entities of a spaCy model where there is one."""
    # It logs the text it reads at debug, and each start of a recognizer at info.
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry  # slow, as above

    recognizers = [
        recognizer(language, type_, finder) for type_, finder in FINDERS[language].items()
    ]
    if model is not None:
        from presidio_analyzer.predefined_recognizers import SpacyRecognizer  # slow, as above

        recognizers.append(
            SpacyRecognizer(
                supported_language=language, supported_entities=["PERSON"], ner_strength=0.6
            )
        )
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=recognizers, supported_languages=[language]),
        nlp_engine=nlp_engine(language, model=model),
        supported_languages=[language],
        context_aware_enhancer=no_enhancer(),
    )


def nlp_engine(language: str, *, model: str | None) -> "NlpEngine":
    from presidio_analyzer.nlp_engine import NoOpNlpEngine, SpacyNlpEngine  # slow, as above

    kind = NoOpNlpEngine if model is None else SpacyNlpEngine
    engine: NlpEngine = kind(models=[{"lang_code": language, "model_name": model or ""}])
    engine.load()
    return engine


def recognizer(language: str, type_: Type, finder: Finder) -> "EntityRecognizer":
    from presidio_analyzer import EntityRecognizer, RecognizerResult  # slow, as above

    class Own(EntityRecognizer):
        """One of our finders, as Presidio calls it."""

        def load(self) -> None:
            """Everything it needs is imported."""

        def analyze(
            self, text: str, entities: list[str], nlp_artifacts: Any = None
        ) -> list[RecognizerResult]:
            if time.monotonic() > deadline.get():
                raise RedactionFailed("timeout")
            found = finder(text)
            if len(found) > SPANS_MAX:
                raise RedactionFailed("too much personal data")
            return [RecognizerResult(span.type, span.start, span.end, span.score) for span in found]

    return Own(supported_entities=[type_], supported_language=language, name=f"{type_} {language}")


def no_enhancer() -> Any:
    """Our recognizers read their own context; the default one looks for lemmas that Chinese has not."""
    from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer  # slow, as above

    class NoEnhancer(ContextAwareEnhancer):
        def enhance_using_context(
            self, text: str, raw_results: Any, *args: Any, **kwargs: Any
        ) -> Any:
            return raw_results

    return NoEnhancer(0, 0, 0, 0)
