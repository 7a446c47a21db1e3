"""Opus in Ogg (RFC 7845, RFC 3533) for people who listen over plain HTTP. Pure."""

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

PRE_SKIP: Final = 3840
"""Samples a decoder needs to settle when it joins in the middle of a stream (RFC 7845, 4.2)."""
PACKET_SAMPLES: Final = 960
PACKETS_PER_PAGE: Final = 5
"""100 ms: less would cost headers, more would cost delay."""
PAGE_LEAST: Final = 800
"""The fewest bytes of a page with sound: 8 kB/s, as much as WebRTC takes on its way.

Some players (Chromium) read by blocks of 32 kB. Silence is small: unpadded, such a block would
hold a minute of it, and the next word would come as late as that.
"""
LONGEST_HOLE: Final = 250
"""Packets; a hole longer than 5 s is not filled: time goes on after it."""

_CAPTURE: Final = b"OggS"
_BEGIN, _END = 2, 4
_HEADERS: Final = 2
"""The number of header pages."""
_VENDOR: Final = b"spaces-bridge"
_PAGE: Final = struct.Struct("<4sBBqIIIB")
_CRC_AT: Final = 22
_FRAMES: Final = 0b11
"""The bits of a packet's first byte for its number of frames. 0: one; 3: the next byte tells."""
_ONE_PADDED_FRAME: Final = 0b0100_0001
_LEAST_PADDING: Final = 2
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class OggOpus:
    """An Ogg stream of Opus packets: `head` for each reader, `add` for each packet, then `end`."""

    def __init__(self, serial: int) -> None:
        self._serial = serial
        self._page = _HEADERS
        self._granule = 0
        self._next: int | None = None  # the sequence expected
        self._waiting: list[bytes] = []

    def head(self, tags: Mapping[str, str]) -> bytes:
        """Return the two header pages, at any time. `tags`: names in ASCII (RFC 7845, 5.2)."""
        identity = struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, PRE_SKIP, 48_000, 0, 0)
        comments = [f"{name}={value}".encode(errors="replace") for name, value in tags.items()]
        told = [_sized(_VENDOR), struct.pack("<I", len(comments)), *map(_sized, comments)]
        pages = [([identity], _BEGIN), ([b"OpusTags" + b"".join(told)], 0)]
        return b"".join(
            self._page_of(packets, 0, flags, number)
            for number, (packets, flags) in enumerate(pages)
        )

    def add(self, sequence: int, packet: bytes) -> Sequence[bytes]:
        """Add the next 20 ms; return pages to send, often none. Drops a packet out of order."""
        if self._next is None:
            self._next = sequence
        if sequence < self._next or not packet:
            return ()
        pages = [page for each in self._fill(sequence, packet) if (page := self._put(each))]
        self._next = sequence + 1
        return pages

    def end(self) -> bytes:
        """Return the last page."""
        packets, self._waiting = self._waiting, []
        return self._make(packets, self._granule, _END)

    def _fill(self, sequence: int, packet: bytes) -> Iterator[bytes]:
        """Turn holes into packets without content, which decoders conceal (RFC 7845, 4.1)."""
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
        missing = PAGE_LEAST - _PAGE.size - sum(len(each) + _laced(each) for each in packets)
        packets[-1] = padded(packets[-1], missing)
        return self._make(packets, self._granule, 0)

    def _make(self, packets: list[bytes], granule: int, flags: int) -> bytes:
        self._page += 1
        return self._page_of(packets, granule, flags, self._page - 1)

    def _page_of(self, packets: list[bytes], granule: int, flags: int, number: int) -> bytes:
        lacing = b"".join(
            b"\xff" * (len(each) // 255) + bytes([len(each) % 255]) for each in packets
        )
        fields = (_CAPTURE, 0, flags, granule, self._serial, number, 0, len(lacing))
        page = bytearray(_PAGE.pack(*fields) + lacing + b"".join(packets))
        page[_CRC_AT : _CRC_AT + 4] = struct.pack("<I", checksum(bytes(page)))
        return bytes(page)


def padded(packet: bytes, more: int) -> bytes:
    """Return the packet with `more` bytes of padding (RFC 6716, 3.2.5) if it has one frame.

    Any other packet, and one that is to grow by less than padding takes, stays as it is.
    """
    if more < _LEAST_PADDING or packet[0] & _FRAMES:
        return packet
    whole, rest = divmod(more - _LEAST_PADDING, 255)
    length = b"\xff" * whole + bytes([rest])  # 255 stands for 254 and goes on
    head = bytes([packet[0] | _FRAMES, _ONE_PADDED_FRAME])
    return head + length + packet[1:] + bytes(254 * whole + rest)


def _sized(text: bytes) -> bytes:
    return struct.pack("<I", len(text)) + text


def _laced(packet: bytes) -> int:
    """Return the bytes that the length of the packet takes in its page."""
    return len(packet) // 255 + 1


def checksum(page: bytes) -> int:
    """Return Ogg's CRC-32 (RFC 3533, 6): zlib's, but most significant bit first, not inverted."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
