"""The encryption of secrets in the database: pickles of vodozemac, and the cross-signing seeds.

One secret of the config makes both keys by HKDF (RFC 5869). Whoever has the database alone can
read neither.
"""

import base64
import binascii
import os
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PICKLES: Final = b"spaces-bridge olm pickles"
_SEEDS: Final = b"spaces-bridge cross-signing seeds"
_NONCE_BYTES: Final = 12


class WrongPickleKeyError(Exception):
    """The secrets in the database were encrypted by another key."""

    def __init__(self) -> None:
        super().__init__(
            "The bot's encryption keys in the database cannot be read: they were stored with "
            "another `encryption.pickle_key`, or another `appservice.as_token` while that was "
            "empty. Set the one of before as `encryption.pickle_key`; or, to begin anew with "
            "another device (people see a new identity of the bot), delete all rows of the table "
            "crypto_own_device."
        )


@dataclass(frozen=True, slots=True)
class PickleKey:
    """The keys made of the config's secret: `olm` for vodozemac's pickles, the other for seeds."""

    olm: bytes = field(repr=False)
    _seeds: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> "PickleKey":
        """Return the keys made of a secret of the config."""
        return cls(_derived(secret, _PICKLES), _derived(secret, _SEEDS))

    def seal(self, secret: bytes) -> str:
        """Return a secret encrypted, in base64; each time another text."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + AESGCM(self._seeds).encrypt(nonce, secret, None)
        return base64.b64encode(sealed).decode()

    def open(self, sealed: str) -> bytes:
        """Return what `seal` was given. Raises WrongPickleKeyError."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            return AESGCM(self._seeds).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError, binascii.Error):
            raise WrongPickleKeyError from None


def _derived(secret: str, label: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=label).derive(secret.encode())
