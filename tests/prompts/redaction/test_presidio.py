"""Presidio runs our recognizers only, offline, once per process."""

import threading
from pathlib import Path

import pytest
import spacy

from prompts.redaction import presidio
from prompts.redaction.spans import RedactionFailed


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("你好", "zh", ["zh"]),
        ("你好", "en", ["zh"]),
        ("hello", "zh", ["en"]),
        ("hello", "en", ["en"]),
        ("我买的iPhone坏了", "zh", ["zh"]),
        ("我买的iPhone坏了", "en", ["zh", "en"]),
        ("你好, my name is Anna", "zh", ["zh", "en"]),
        ("12345", "zh", []),
        ("12345", "en", ["en"]),
        ("", "zh", []),
    ],
)
def test_languages_follow_the_letters(text: str, language: str, expected: list[str]) -> None:
    assert presidio.languages(text, language=language) == expected


def test_analyzers_hold_our_recognizers_and_no_other() -> None:
    for language in ("zh", "en"):
        engine = presidio.build(language, model=None)
        names = {str(vars(recognizer)["name"]) for recognizer in engine.registry.recognizers}
        assert names == {f"ADDRESS {language}", f"NAME {language}"}


def test_find_gives_spans_of_both_kinds() -> None:
    found = presidio.find("陈建国,凯旋路1388号2楼", language="zh")
    assert {span.type for span in found} == {"NAME", "ADDRESS"}


def test_an_analyzer_is_built_once_for_all_threads() -> None:
    seen: list[object] = []
    threads = [
        threading.Thread(target=lambda: seen.append(presidio.analyzer("en"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(engine) for engine in seen}) == 1


def test_past_the_deadline_nothing_is_answered() -> None:
    token = presidio.deadline.set(0.0)
    try:
        with pytest.raises(RedactionFailed, match="timeout"):
            presidio.find("陈建国", language="zh")
    finally:
        presidio.deadline.reset(token)


def test_more_names_than_anybody_writes_are_refused() -> None:
    with pytest.raises(RedactionFailed, match="too much"):
        presidio.find("我叫陈建国," * 300, language="zh")


def test_an_installed_model_adds_its_persons(tmp_path: Path) -> None:
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "zorblax"}])  # type: ignore[attr-defined]
    pipeline.to_disk(tmp_path / "model")

    engine = presidio.build("en", model=str(tmp_path / "model"))
    [result] = engine.analyze("ask zorblax about it", language="en")

    assert (result.entity_type, result.start, result.end) == ("PERSON", 4, 11)


def test_no_model_is_asked_for_that_is_not_installed() -> None:
    for language, names in presidio.MODELS.items():
        model = presidio.installed_model(language)
        assert model is None or model in names
