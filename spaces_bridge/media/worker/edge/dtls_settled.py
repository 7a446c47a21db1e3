"""What is kept of a DTLS connection after its handshake, in place of OpenSSL's state.

OpenSSL keeps some 45 kB for each connection. Of a peer without data channels only three things
can still be asked for, and all of them fit into 200 bytes: our last flight, if the client did not
get it (RFC 6347, 4.2.4); our close_notify, which is sealed beforehand; and the key by which the
client seals its own. So a goodbye still counts at once, and only if it is authentic.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from spaces_bridge.media.worker.edge import dtls_intake

VERSION: Final = "DTLSv1.2"
"""The one version (RFC 6347) whose records are understood here, as OpenSSL calls it."""

_VERSION_BYTES: Final = b"\xfe\xfd"
_ALERT, _HANDSHAKE, _DATA = 21, 22, 23
_SEALED_EPOCH: Final = 1  # there are no renegotiations, hence no later one
_TAG: Final = 16
_CLOSE_NOTIFY: Final = 0  # the alert's second byte (RFC 5246, 7.2)


Digest = Literal["sha256", "sha384"]
"""The hash of a suite, by its name in `hashlib`."""


class _Cipher(NamedTuple):
    """An AEAD cipher of TLS 1.2 (RFC 5288, RFC 7905); sizes are bytes."""

    aead: type[AESGCM] | type[ChaCha20Poly1305]
    digest: Digest
    key: int
    salt: int
    explicit: int  # of the nonce, in each record


_CIPHERS: Final = {
    "AES128-GCM-SHA256": _Cipher(AESGCM, "sha256", 16, 4, 8),
    "AES256-GCM-SHA384": _Cipher(AESGCM, "sha384", 32, 4, 8),
    "CHACHA20-POLY1305": _Cipher(ChaCha20Poly1305, "sha256", 32, 12, 0),
}
"""By the end of the suite's OpenSSL name: how keys were agreed on and signed matters no more."""


class Secrets(NamedTuple):
    """The secrets of a handshake, from which the keys of its records are made."""

    master: bytes
    client_random: bytes
    server_random: bytes


@dataclass(frozen=True, slots=True)
class Opener:
    """An opener decrypts the records of one side of a connection."""

    cipher: _Cipher
    key: bytes = field(repr=False)
    salt: bytes = field(repr=False)

    @classmethod
    def of(cls, suite: str, secrets: Secrets, *, of_client: bool) -> "Opener | None":
        """Return the opener of one side's records; None for a suite that is not known here."""
        found = [cipher for name, cipher in _CIPHERS.items() if suite.endswith(name)]
        if not found:
            return None
        cipher = found[0]
        seed = secrets.server_random + secrets.client_random
        size = 2 * (cipher.key + cipher.salt)
        block = expanded(cipher.digest, secrets.master, b"key expansion" + seed, size)
        side = 0 if of_client else 1
        salts = 2 * cipher.key + side * cipher.salt
        key = block[side * cipher.key :][: cipher.key]
        return cls(cipher, key, block[salts : salts + cipher.salt])

    def open(self, kind: int, place: bytes, body: bytes) -> bytes | None:
        """Return what a record holds; None if it was not sealed by this side.

        `place` is the record's epoch and sequence number, 8 bytes.
        """
        cipher = self.cipher
        length = len(body) - cipher.explicit - _TAG
        if length < 0:
            return None
        bound = place + bytes([kind]) + _VERSION_BYTES + length.to_bytes(2)
        nonce = self.salt + body[: cipher.explicit]
        if not cipher.explicit:
            nonce = bytes(a ^ b for a, b in zip(self.salt, bytes(4) + place, strict=True))
        try:
            return cipher.aead(self.key).decrypt(nonce, body[cipher.explicit :], bound)
        except InvalidTag:
            return None


def expanded(digest: Digest, secret: bytes, seed: bytes, size: int) -> bytes:
    """Return bytes made of a secret by the pseudorandom function of TLS 1.2 (RFC 5246, 5)."""
    made, link = b"", seed
    while len(made) < size:
        link = hmac.digest(secret, link, digest)
        made += hmac.digest(secret, link + seed, digest)
    return made[:size]


class LateRecords(NamedTuple):
    """What the records of a datagram that came after the handshake mean."""

    repeats: bool  # our last flight is to be sent again
    left: bool  # it was the client's goodbye


@dataclass(frozen=True, slots=True)
class Settled:
    """A settled connection keys SRTP, and only says goodbye, or its last flight once more."""

    last_flight: Sequence[bytes]
    goodbye: bytes
    theirs: Opener

    def receive(self, datagram: bytes) -> LateRecords | None:
        """Take in a datagram; return None if it holds no DTLS records."""
        repeats, left, at = False, False, 0
        try:
            for kind, epoch, body in dtls_intake.records(datagram, _DATA):
                place = datagram[at + 3 : at + 11]
                at += dtls_intake.RECORD_HEADER + len(body)
                if epoch == _SEALED_EPOCH:
                    repeats = repeats or kind == _HANDSHAKE
                    left = left or (kind == _ALERT and self._is_goodbye(place, body))
        except ValueError:
            return None
        return LateRecords(repeats, left)

    def _is_goodbye(self, place: bytes, body: bytes) -> bool:
        alert = self.theirs.open(_ALERT, place, body)
        return alert is not None and len(alert) == 2 and alert[1] == _CLOSE_NOTIFY
