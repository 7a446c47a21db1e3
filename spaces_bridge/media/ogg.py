"""Opus in Ogg (RFC 7845, RFC 3533) for people who listen over plain HTTP. Pure."""

import struct
import zlib
from collections.abc import Iterator
from typing import Final

PRE_SKIP: Final = 3840
"""Samples a decoder needs to settle when it joins in the middle of a stream (RFC 7845, 4.2)."""
PACKET_SAMPLES: Final = 960
PACKETS_PER_PAGE: Final = 5
"""100 ms: less would cost headers, more would cost delay."""
LONGEST_HOLE: Final = 250
"""Packets. A hole longer than 5 s is not filled: time goes on after it."""

_CAPTURE: Final = b"OggS"
_BEGIN, _END = 2, 4
_VENDOR: Final = b"spaces-bridge"
_PAGE: Final = struct.Struct("<4sBBqIIIB")
_CRC_AT: Final = 22
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class OggOpus:
    """Packs one listener's stream: `head`, then `add` for each packet, then `end`."""

    def __init__(self, serial: int) -> None:
        self._serial = serial
        self._page = 0
        self._granule = 0
        self._next: int | None = None  # the sequence expected
        self._waiting: list[bytes] = []

    def head(self) -> bytes:
        """The two header pages."""
        identity = struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, PRE_SKIP, 48_000, 0, 0)
        tags = b"OpusTags" + struct.pack("<I", len(_VENDOR)) + _VENDOR + struct.pack("<I", 0)
        return self._make([identity], 0, _BEGIN) + self._make([tags], 0, 0)

    def add(self, sequence: int, packet: bytes) -> bytes:
        """The next 20 ms; bytes to send, often none. A packet out of order is left out."""
        if self._next is None:
            self._next = sequence
        if sequence < self._next or not packet:
            return b""
        pages = b"".join(self._put(each) for each in self._fill(sequence, packet))
        self._next = sequence + 1
        return pages

    def end(self) -> bytes:
        """The last page."""
        packets, self._waiting = self._waiting, []
        return self._make(packets, self._granule, _END)

    def _fill(self, sequence: int, packet: bytes) -> Iterator[bytes]:
        """Holes become packets without content, which decoders conceal (RFC 7845, 4.1)."""
        hole = sequence - (sequence if self._next is None else self._next)
        for _ in range(hole if hole <= LONGEST_HOLE else 0):
            yield bytes([packet[0] & 0xFC])
        yield packet

    def _put(self, packet: bytes) -> bytes:
        self._waiting.append(packet)
        self._granule += PACKET_SAMPLES
        if len(self._waiting) < PACKETS_PER_PAGE:
            return b""
        packets, self._waiting = self._waiting, []
        return self._make(packets, self._granule, 0)

    def _make(self, packets: list[bytes], granule: int, flags: int) -> bytes:
        lacing = b"".join(
            b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in packets
        )
        fields = (_CAPTURE, 0, flags, granule, self._serial, self._page, 0, len(lacing))
        page = bytearray(_PAGE.pack(*fields) + lacing + b"".join(packets))
        page[_CRC_AT : _CRC_AT + 4] = struct.pack("<I", checksum(bytes(page)))
        self._page += 1
        return bytes(page)


def checksum(page: bytes) -> int:
    """Ogg's CRC-32 (RFC 3533, 6): zlib's, but most significant bit first and nothing inverted."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
