"""Seals raw values before they are stored, and opens them again.

AES-256-GCM by the `cryptography` package. A token names its key, so keys can be changed: the first of the given keys
seals, all of them open. Called by whoever stores values; keys come from the caller, the environment is read elsewhere.
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12


class VaultError(Exception):
    """A key is no key, or a token cannot be opened. Never says what was in it."""


class Vault:
    """Token: "v1.<key id>.<base64url of nonce and ciphertext>"; the key id is public."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Raises VaultError without keys, and for a key that is not 32 bytes long."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise VaultError(f"at least one key of {KEY_BYTES} bytes is needed, and no other")
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._current = key_id(keys[0])

    def seal(self, value: str, *, bound_to: str = "") -> str:
        """A token that opens only with the same `bound_to`: name the row, and no token can be moved to another."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(
            nonce, value.encode("utf-8", "surrogatepass"), bound_to.encode()
        )
        body = base64.urlsafe_b64encode(nonce + sealed).decode()
        return f"{VERSION}.{self._current}.{body}"

    def open_sealed(self, token: str, *, bound_to: str = "") -> str:
        """The value. Raises VaultError: not a token, changed, bound to something else, or of a key that is gone."""
        version, _, rest = token.partition(".")
        name, _, body = rest.partition(".")
        if version != VERSION or name not in self._ciphers:
            raise VaultError("not a token of these keys")
        try:
            raw = base64.b64decode(body, altchars=b"-_", validate=True)
            value = self._ciphers[name].decrypt(
                raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise VaultError("the token was changed or belongs elsewhere") from error
        return value.decode("utf-8", "surrogatepass")

    def rotate(self, token: str, *, bound_to: str = "") -> str:
        """The token sealed anew with the first key; itself if it already is. Raises VaultError."""
        if token.startswith(f"{VERSION}.{self._current}."):
            return token
        return self.seal(self.open_sealed(token, bound_to=bound_to), bound_to=bound_to)


def key_id(key: bytes) -> str:
    """Eight hexadecimal digits that name a key without telling anything of it."""
    return hashlib.sha256(b"yingda vault key\0" + key).hexdigest()[:8]
