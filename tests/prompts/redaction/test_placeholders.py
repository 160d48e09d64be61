"""One value, one placeholder; a book tells nothing; only what is allowed comes back."""

import pytest

from prompts.redaction.placeholders import Placeholders, disarmed, restore

KEY = b"k" * 16


def test_the_same_value_has_the_same_placeholder_however_it_is_written() -> None:
    book = Placeholders(key=KEY)
    ways = [
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "１３８１２３４５６７８",
        "+86 13812345678",
    ]
    assert {book.placeholder(way, type_="PHONE") for way in ways} == {"<PHONE_1>"}
    assert book.placeholder("13812345679", type_="PHONE") == "<PHONE_2>"
    assert book.placeholder("Zhang@QQ.com", type_="EMAIL") == "<EMAIL_1>"
    assert book.placeholder("zhang@qq.com", type_="EMAIL") == "<EMAIL_1>"


def test_a_book_goes_on_where_it_was_stored() -> None:
    book = Placeholders(key=KEY)
    book.placeholder("张伟", type_="NAME")
    again = Placeholders(key=KEY, known=dict(book.known))
    assert again.placeholder("李娜", type_="NAME") == "<NAME_2>"
    assert again.placeholder("张伟", type_="NAME") == "<NAME_1>"


def test_a_book_holds_no_value_and_no_digest_that_another_key_makes() -> None:
    book, other = Placeholders(key=KEY), Placeholders(key=b"o" * 16)
    book.placeholder("13812345678", type_="PHONE")
    other.placeholder("13812345678", type_="PHONE")
    assert "13812345678" not in str(book.known)
    assert book.known.keys().isdisjoint(other.known)


def test_restore_gives_only_what_is_known_and_allowed() -> None:
    values = {"<PHONE_1>": "138", "<PHONE_2>": "139"}
    text = "<PHONE_1> <PHONE_2> <PHONE_3> <PHONE_01>"
    assert restore(text, values, allowed={"<PHONE_1>", "<PHONE_3>"}) == (
        "138 <PHONE_2> <PHONE_3> <PHONE_01>"
    )


@pytest.mark.parametrize(
    "typed",
    ["<PHONE_1>", "＜PHONE_1＞", "< phone _ 1 >", "‹PHONE_1›", "<PHONE＿１>", "《PHONE_1》"],
)
def test_what_a_customer_types_like_a_placeholder_is_never_restored(typed: str) -> None:
    kept = disarmed(typed)
    assert restore(kept, {"<PHONE_1>": "secret"}, allowed={"<PHONE_1>"}) == kept
    assert "<" not in kept
