"""Raw values are sealed, opened by every key that is still given, and bound to where they belong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.redaction.vault import Vault, VaultError

OLD, NEW = b"o" * 32, b"n" * 32


@given(st.text())
def test_open_sealed_gives_back_what_was_sealed(value: str) -> None:
    vault = Vault([NEW])
    assert vault.open_sealed(vault.seal(value)) == value


def test_a_token_shows_nothing_and_never_repeats() -> None:
    vault = Vault([NEW])
    one, other = vault.seal("13812345678"), vault.seal("13812345678")
    assert one != other
    assert "13812345678" not in one
    assert one.startswith("v1.")


def test_the_first_key_seals_and_every_key_opens() -> None:
    token = Vault([OLD]).seal("张伟")
    both = Vault([NEW, OLD])
    assert both.open_sealed(token) == "张伟"
    with pytest.raises(VaultError, match="not a token of these keys"):
        Vault([OLD]).open_sealed(both.seal("张伟"))


def test_rotate_seals_anew_with_the_first_key_and_only_once() -> None:
    token = Vault([OLD]).seal("张伟", bound_to="row 1")
    both = Vault([NEW, OLD])
    rotated = both.rotate(token, bound_to="row 1")
    assert rotated != token
    assert Vault([NEW]).open_sealed(rotated, bound_to="row 1") == "张伟"
    assert both.rotate(rotated, bound_to="row 1") == rotated


def test_a_token_opens_only_where_it_belongs() -> None:
    vault = Vault([NEW])
    with pytest.raises(VaultError, match="belongs elsewhere"):
        vault.open_sealed(vault.seal("张伟", bound_to="row 1"), bound_to="row 2")


@pytest.mark.parametrize("broken", ["", "v1", "v2.x.y", "v1..", "x"])
def test_what_is_no_token_is_refused(broken: str) -> None:
    with pytest.raises(VaultError):
        Vault([NEW]).open_sealed(broken)


@pytest.mark.parametrize(
    "change", [lambda t: t[:-8], lambda t: t + "*", lambda t: t[:20] + "AAAA" + t[24:]]
)
def test_a_changed_token_is_refused(change: object) -> None:
    vault = Vault([NEW])
    with pytest.raises(VaultError, match="was changed"):
        vault.open_sealed(change(vault.seal("张伟, 138")))  # type: ignore[operator]


@pytest.mark.parametrize("keys", [[], [b"short"], [NEW, b"short"]])
def test_keys_must_be_keys(keys: list[bytes]) -> None:
    with pytest.raises(VaultError, match="32 bytes"):
        Vault(keys)
