"""Bounds on what a DTLS handshake keeps and costs, checked before OpenSSL sees a datagram.

A fragment of a handshake message names the size of the whole (RFC 6347, 4.2.2), and OpenSSL sets
aside that much for it: up to 100 kB for each of eleven messages, for a few bytes sent. No WebRTC
client needs a tenth of it. And each fragment, however small, costs a microsecond or two.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

MOST_MESSAGES: Final = 16 * 1024
"""Bytes of all handshake messages of one side: a hello and a certificate have 1 to 5 kB."""
MOST_NUMBER: Final = 12
"""The largest message number; a full flight of either side ends with 7."""
MOST_SEALED: Final = 64
"""Encrypted handshake records: one Finished, and its repetitions."""
MOST_ALERTS: Final = 64
"""Other encrypted records that are no data: a goodbye, and what somebody forged."""
MOST_PARTS: Final = 512
"""Records and fragments in the clear: 10 to 30, again each time that a flight is repeated."""
MOST_AT_ONCE: Final = 16
"""Records and fragments of one datagram, data left out: a whole flight has 5 to 8."""

_CHANGE_CIPHER_SPEC, _HANDSHAKE, _DATA = 20, 22, 23  # 21: alerts
RECORD_HEADER: Final = 13
_MESSAGE_HEADER = 12


class Intake:
    """The intake of one handshake counts what the other side has announced so far."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}  # by message number, the largest that was named
        self._sealed = self._parts = self._alerts = 0

    def admits(self, datagram: bytes, *, data: bool = False) -> bool:
        """Return whether OpenSSL may see a datagram; only whole DTLS 1.2 records may pass.

        `data`: application data may, too; it is encrypted, or OpenSSL drops it.
        """
        sizes, sealed, parts, at_once = dict(self._sizes), self._sealed, self._parts, 0
        alerts = self._alerts
        try:
            for kind, epoch, message in _parts(datagram, _DATA if data else _HANDSHAKE):
                at_once += kind != _DATA
                parts += epoch == 0
                sealed += kind == _HANDSHAKE and epoch > 0
                alerts += kind < _HANDSHAKE and epoch > 0
                if parts > MOST_PARTS or at_once > MOST_AT_ONCE or alerts > MOST_ALERTS:
                    return False
                if message is not None:
                    number, size = message
                    sizes[number] = max(size, sizes.get(number, 0))
        except ValueError:
            return False
        if not datagram or sealed > MOST_SEALED or sum(sizes.values()) > MOST_MESSAGES:
            return False
        if max(sizes, default=0) > MOST_NUMBER:
            return False
        self._sizes, self._sealed, self._parts, self._alerts = sizes, sealed, parts, alerts
        return True


def count(datagram: bytes) -> int:
    """Return how many records a datagram costs OpenSSL, or us to refuse it: one at least."""
    found = 0
    with suppress(ValueError):
        for _ in records(datagram, _DATA):
            found += 1
    return max(found, 1)


def _parts(datagram: bytes, last: int) -> Iterator[tuple[int, int, tuple[int, int] | None]]:
    """Yield type and epoch of each record, and again for each fragment of a message in the clear.

    With a fragment come number and whole size of its message. Raises ValueError.
    """
    for kind, epoch, body in records(datagram, last):
        yield kind, epoch, None
        if kind == _HANDSHAKE and epoch == 0:
            for message in _messages(body):
                yield kind, epoch, message


def records(datagram: bytes, last: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield type, epoch and body of each record. Raises ValueError for what we do not speak."""
    at = 0
    while at < len(datagram):
        start = at + RECORD_HEADER
        end = start + int.from_bytes(datagram[at + 11 : start])
        if end > len(datagram) or not _CHANGE_CIPHER_SPEC <= datagram[at] <= last:
            raise ValueError("not a DTLS record of a handshake")
        yield datagram[at], int.from_bytes(datagram[at + 3 : at + 5]), datagram[start:end]
        at = end


def _messages(body: bytes) -> Iterator[tuple[int, int]]:
    """Yield number and whole size of the message of each fragment. Raises ValueError."""
    at = 0
    while at < len(body):
        if len(body) - at < _MESSAGE_HEADER:
            raise ValueError("not a handshake message")
        size, number = int.from_bytes(body[at + 1 : at + 4]), int.from_bytes(body[at + 4 : at + 6])
        offset, part = (
            int.from_bytes(body[at + 6 : at + 9]),
            int.from_bytes(body[at + 9 : at + 12]),
        )
        at += _MESSAGE_HEADER + part
        if at > len(body) or offset + part > size:
            raise ValueError("a fragment that does not fit")
        yield number, size
