"""The checksum of SCTP packets, CRC32c (RFC 9260, appendix A).

A caption goes to everybody in a call, and a byte costs 70 ns here: what is sent again and again is
looked at once. The state after some bytes is what it would be after as many zeros, exclusive-or
what those bytes alone lead to; and zeros are passed over by tables.
"""

from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_POLYNOMIAL: Final = 0x82F63B78  # reflected
_SHORT: Final = 32
"""Bytes; no shorter part is worth remembering."""
_REMEMBERED: Final = 64
_POWERS: Final = 11
"""Zeros are passed over by powers of two of them: this many powers are enough for a packet."""


def _table() -> Sequence[int]:
    entries = array("I")
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        entries.append(value)
    return entries


_TABLE: Final = _table()


def _after(value: int, data: bytes) -> int:
    table = _TABLE
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return value


_Zeros = Sequence[Sequence[int]]
"""What a number of zeros makes of a state: of each of its four bytes, to be exclusive-ored."""


def _passed(zeros: _Zeros, value: int) -> int:
    lowest, low, high, highest = zeros
    return (
        lowest[value & 0xFF]
        ^ low[value >> 8 & 0xFF]
        ^ high[value >> 16 & 0xFF]
        ^ highest[value >> 24]
    )


def _powers() -> Sequence[_Zeros]:
    powers: list[_Zeros] = [
        [array("I", (_after(byte << shift, b"\0") for byte in range(256))) for shift in _SHIFTS]
    ]
    while len(powers) < _POWERS:
        last = powers[-1]
        powers.append([array("I", (_passed(last, value) for value in part)) for part in last])
    return powers


_SHIFTS: Final = (0, 8, 16, 24)
_ZEROS: Final = _powers()


def _after_zeros(value: int, count: int) -> int:
    for zeros in _ZEROS:
        if count & 1:
            value = _passed(zeros, value)
        count >>= 1
    return value


@lru_cache(_REMEMBERED)
def _alone(data: bytes) -> int:
    return _after(0, data)


def crc32c(parts: Sequence[bytes]) -> int:
    """Return the CRC32c of parts that follow each other, each shorter than 2 KiB."""
    value = 0xFFFFFFFF
    for part in parts:
        if len(part) < _SHORT:
            value = _after(value, part)
        else:
            value = _after_zeros(value, len(part)) ^ _alone(part)
    return value ^ 0xFFFFFFFF
