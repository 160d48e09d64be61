"""Addresses outside China need a street, a box or a cue; what follows belongs to them."""

import pytest

from prompts.redaction import addresses_en


def found(text: str) -> list[str]:
    return [text[span.start : span.end] for span in addresses_en.find(text)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (
            "ship to 12 Main Street, Springfield, IL 62704 please",
            "12 Main Street, Springfield, IL 62704",
        ),
        ("69 Farnell Street", "69 Farnell Street"),
        ("28245 Puruntie 82 Apt. 595\n   LAPPEENRANTA\n    SK\n    53650", None),
        ("143 31 rue de la Hulotais Apt. 087 SAINT-PRIEST France", None),
        ("at PO Box 123, Springfield", "PO Box 123, Springfield"),
        ("PSC 4355, Box 4187\nAPO AP 28906", None),
        ("USNS Bergman\nFPO AP 93757", None),
        ("the corner of Dalbraut 99 and Frederikke Coves", None),
        ("My address is Hersnapvej 75", "Hersnapvej 75"),
        ("The shop is at 9816 214 Pavlou Drandaki", "9816 214 Pavlou Drandaki"),
        ("my zip code is 90210", "90210"),
        ("I live in Harburg. Bye", "Harburg"),
        (">228 Ringvej 144\n>Apt. 902\n>Qaqortoq", "228 Ringvej 144\n>Apt. 902\n>Qaqortoq"),
    ],
)
def test_find_sees_the_whole_address(text: str, address: str | None) -> None:
    assert found(text) == [address or text]


def test_an_address_ends_after_a_few_lines() -> None:
    [address] = found("12 Main Street, A1x, B2x, C3x, D4x, E5x, F6x, G7x, H8x")
    assert address.endswith("F6x")


def test_what_follows_an_address_is_no_part_of_it() -> None:
    assert found("12 Main Street, Springfield\nMobile: 123") == ["12 Main Street, Springfield"]
    assert found("12 Main Street, Springfield. Thanks a lot") == ["12 Main Street, Springfield"]
    assert found("12 Main Street, Springfield\nThanks") == ["12 Main Street, Springfield"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "2 at olive garden",
        "8 on the way",
        "1500 cc 2018",
        "7 x 7",
        "order 12345 item 3",
        "is it in Blue",
    ],
)
def test_find_leaves_other_numbers(text: str) -> None:
    assert found(text) == []
