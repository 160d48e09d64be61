"""Numbers are read through their separators, and check digits tell what they are."""

import pytest

from prompts.redaction import digits
from prompts.redaction.digits import Number


def read(text: str) -> list[str]:
    return [number.digits for number in digits.numbers(text)]


def one(text: str) -> Number:
    return max(digits.numbers(text), key=lambda number: len(number.digits))


def test_numbers_are_whole_and_long() -> None:
    assert read("订单13812345678,1234567890") == ["13812345678"]
    assert read("2018-11-25") == []


def test_numbers_of_groups_are_every_row_of_neighbours() -> None:
    assert read("138 1234 5678") == ["13812345678"]
    assert "13812345678" in read("12 138-1234-5678")


def test_rows_end_where_no_number_is_so_long() -> None:
    assert max(map(len, read("1234567 1234567 1234567 1234567"))) == 14


def test_single_digits_are_only_a_number_together() -> None:
    assert read("1 3 8 1 2 3 4 5 6 7 8") == ["13812345678"]
    assert read(" ".join("1" * 30)) == []


def test_spoken_numerals_are_digits() -> None:
    assert [n.digits for n in digits.spoken("电话一三八一二三四五六七八")] == ["13812345678"]
    assert [n.digits for n in digits.spoken("幺三八12345六七八")] == ["13812345678"]
    assert list(digits.spoken("13812345678 一二三")) == []
    assert list(digits.spoken("一二三四五六七八九十")) == []


@pytest.mark.parametrize(
    "text",
    [
        "13812345678",
        "138 1234 5678",
        "138-12345678",
        "1381234-5678",
        "138.1234.5678",
        "1 3 8 1 2 3 4 5 6 7 8",
        "13 81 23 45 678",
        "19912345678",
    ],
)
def test_is_mobile_accepts_the_ways_people_write(text: str) -> None:
    assert digits.is_mobile(one(text))


@pytest.mark.parametrize(
    "text",
    [
        "12812345678",
        "14812345678",
        "15 2018-11-258",
        "15-2018-11-258",
        "1 381234567 8",
        "138123456789",
    ],
)
def test_is_mobile_refuses_other_numbers(text: str) -> None:
    assert not any(digits.is_mobile(number) for number in digits.numbers(text))


def test_without_country_code_leaves_eleven_digits() -> None:
    assert digits.without_country_code(one("8613812345678")).digits == "13812345678"
    assert digits.without_country_code(one("008613812345678")).digits == "13812345678"
    assert digits.without_country_code(one("86138123456789")).digits == "86138123456789"


def test_is_id_card_needs_province_birthday_and_check_digit() -> None:
    assert digits.is_id_card("11010519491231002X")
    assert digits.is_id_card("11010519491231002x")
    assert not digits.is_id_card("110105194912310021")
    assert not digits.is_id_card("99010519491231002X")
    assert not digits.is_id_card("11010519491331002X")
    assert not digits.is_id_card("1101051949123100")
    assert digits.is_id_shaped("110105194912310021")


def test_is_old_id_card_needs_province_and_birthday() -> None:
    assert digits.is_old_id_card("110105491231002")
    assert not digits.is_old_id_card("110105491331002")
    assert not digits.is_old_id_card("990105491231002")
    assert not digits.is_old_id_card("11010549123100")


@pytest.mark.parametrize(
    "text",
    [
        "6222021234567890128",
        "4111 1111 1111 1111",
        "5555-5555-5555-4444",
        "378282246310005",
        "6222 0212 3456 7890 128",
    ],
)
def test_is_bank_card_accepts_known_issuers(text: str) -> None:
    assert digits.is_bank_card(one(text))


@pytest.mark.parametrize(
    "text",
    [
        "6222021234567890129",
        "1111111111111117",
        "4111 11 1111 1111 11",
        "411111111111",
        "9911111111111118",
        "4444444444444444",
    ],
)
def test_is_bank_card_refuses_other_numbers(text: str) -> None:
    assert not digits.is_bank_card(one(text))


def test_iban_checks_length_and_remainder() -> None:
    assert digits.iban("GB82WEST12345698765432")
    assert not digits.iban("GB83WEST12345698765432")
    assert not digits.iban("GB82WEST")
