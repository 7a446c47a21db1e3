"""SCTP packets and their chunks as bytes (RFC 9260, 3), read and written. Pure.

The checksum of what comes is not looked at: DTLS has authenticated each packet (RFC 9653, 4).
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from spaces_bridge.media.worker.edge.sctp.checksum import crc32c

PORT: Final = 5000
"""Our port, as in our descriptions (RFC 8841)."""
MOST_CHUNKS: Final = 64
"""Chunks that are read of one packet."""
MOST_BLOCKS: Final = 16
"""Gap blocks that are read of one SACK, and written into one."""

FIRST, LAST = 0x02, 0x01
"""Flags of a DATA chunk: the first, and the last, fragment of a message."""

_HEADER: Final = struct.Struct(">HHII")
_CHUNK: Final = struct.Struct(">BBH")
_DATA: Final = struct.Struct(">IHHI")
_INIT: Final = struct.Struct(">IIHHI")
_SACK: Final = struct.Struct(">IIHH")
_BLOCK: Final = struct.Struct(">HH")

_STATE_COOKIE, _FORWARD_TSN_SUPPORTED, _ZERO_CHECKSUM = 7, 0xC000, 0x8001
_DTLS: Final = (1).to_bytes(4)
"""RFC 9653's number of the error detection that DTLS is."""


class BadPacket(ValueError):
    """The bytes are no SCTP packet, or a chunk of it is too short for its kind."""


class Kind(IntEnum):
    """The kinds of chunks that are understood."""

    DATA = 0
    INIT = 1
    INIT_ACK = 2
    SACK = 3
    HEARTBEAT = 4
    HEARTBEAT_ACK = 5
    ABORT = 6
    SHUTDOWN = 7
    SHUTDOWN_ACK = 8
    ERROR = 9
    COOKIE_ECHO = 10
    COOKIE_ACK = 11
    SHUTDOWN_COMPLETE = 14
    FORWARD_TSN = 192


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk: its kind, which may be unknown, its flags and its value."""

    kind: int
    flags: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet: the sender's port, the verification tag and the chunks."""

    port: int
    tag: int
    chunks: Sequence[Chunk]


@dataclass(frozen=True, slots=True)
class Init:
    """The value of INIT and INIT ACK.

    `forwards`: knows FORWARD TSN (RFC 3758); `trusts_dtls`: takes packets without checksum
    (RFC 9653); `cookie` is only in INIT ACK.
    """

    tag: int
    window: int
    streams_out: int
    streams_in: int
    tsn: int
    forwards: bool
    trusts_dtls: bool
    cookie: bytes = b""


@dataclass(frozen=True, slots=True)
class Data:
    """The value of a DATA chunk."""

    flags: int
    tsn: int
    stream: int
    sequence: int
    protocol: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Sack:
    """The value of a SACK; `blocks` are offsets from `cumulative`, both ends included."""

    cumulative: int
    window: int
    blocks: Sequence[tuple[int, int]]


def later(one: int, other: int) -> bool:
    """Return whether a TSN is later than another one (RFC 1982, 32 bits)."""
    return 0 < (one - other) & 0xFFFFFFFF < 1 << 31


# --- reading -------------------------------------------------------------------------------------


def read_packet(data: bytes) -> Packet:
    """Return the packet. Raises BadPacket."""
    if len(data) < _HEADER.size + _CHUNK.size:
        raise BadPacket("too short for an SCTP packet")
    port, _, tag, _ = _HEADER.unpack_from(data)
    return Packet(port, tag, tuple(_chunks(data)))


def _chunks(data: bytes) -> Iterator[Chunk]:
    at = _HEADER.size
    for _ in range(MOST_CHUNKS):
        if at >= len(data):
            return
        if len(data) - at < _CHUNK.size:
            raise BadPacket("a chunk has no header")
        kind, flags, size = _CHUNK.unpack_from(data, at)
        if not _CHUNK.size <= size <= len(data) - at:
            raise BadPacket("the length of a chunk is not its own")
        yield Chunk(kind, flags, data[at + _CHUNK.size : at + size])
        at += size + -size % 4
    if at < len(data):
        raise BadPacket("too many chunks")


def read_init(value: bytes) -> Init:
    """Return the value of an INIT or INIT ACK. Raises BadPacket."""
    if len(value) < _INIT.size:
        raise BadPacket("too short for INIT")
    forwards, trusts, cookie = False, False, b""
    for kind, parameter in _parameters(value[_INIT.size :]):
        forwards |= kind == _FORWARD_TSN_SUPPORTED
        trusts |= kind == _ZERO_CHECKSUM and parameter == _DTLS
        if kind == _STATE_COOKIE:
            cookie = parameter
    tag, window, streams_out, streams_in, tsn = _INIT.unpack_from(value)
    return Init(tag, window, streams_out, streams_in, tsn, forwards, trusts, cookie)


def _parameters(value: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    for _ in range(MOST_CHUNKS):
        if len(value) - at < 4:
            return
        kind, size = int.from_bytes(value[at : at + 2]), int.from_bytes(value[at + 2 : at + 4])
        if not 4 <= size <= len(value) - at:
            raise BadPacket("the length of a parameter is not its own")
        yield kind, value[at + 4 : at + size]
        at += size + -size % 4


def read_data(chunk: Chunk) -> Data:
    """Return the value of a DATA chunk. Raises BadPacket."""
    if len(chunk.value) <= _DATA.size:  # without payload it would be a violation, too
        raise BadPacket("too short for DATA")
    tsn, stream, sequence, protocol = _DATA.unpack_from(chunk.value)
    return Data(chunk.flags, tsn, stream, sequence, protocol, chunk.value[_DATA.size :])


def read_sack(value: bytes) -> Sack:
    """Return the value of a SACK, with its first gap blocks. Raises BadPacket."""
    if len(value) < _SACK.size:
        raise BadPacket("too short for SACK")
    cumulative, window, count, _ = _SACK.unpack_from(value)
    if len(value) < _SACK.size + count * _BLOCK.size:
        raise BadPacket("a SACK has fewer blocks than it says")
    blocks = [
        _BLOCK.unpack_from(value, _SACK.size + place * _BLOCK.size)
        for place in range(min(count, MOST_BLOCKS))
    ]
    return Sack(cumulative, window, blocks)


def read_forward_tsn(value: bytes) -> int:
    """Return the TSN up to which nothing is to be waited for. Raises BadPacket."""
    if len(value) < 4:
        raise BadPacket("too short for FORWARD TSN")
    return int.from_bytes(value[:4])


# --- writing -------------------------------------------------------------------------------------


def chunk(kind: Kind, value: bytes = b"", flags: int = 0) -> bytes:
    """Return a chunk with its padding."""
    size = _CHUNK.size + len(value)
    return _CHUNK.pack(kind, flags, size) + value + bytes(-size % 4)


def packet(port: int, tag: int, *parts: bytes, checked: bool = True) -> bytes:
    """Return a packet of chunks to the other side's port; `checked`: with a checksum.

    What several packets have in common is best a part of its own: see `checksum`.
    """
    head = _HEADER.pack(PORT, port, tag, 0)
    if checked:
        head = head[:8] + crc32c((head, *parts)).to_bytes(4, "little")
    return head + b"".join(parts)


def init(kind: Kind, value: Init) -> bytes:
    """Return an INIT or INIT ACK chunk."""
    body = _INIT.pack(value.tag, value.window, value.streams_out, value.streams_in, value.tsn)
    if value.cookie:
        body += _parameter(_STATE_COOKIE, value.cookie)
    if value.forwards:
        body += _parameter(_FORWARD_TSN_SUPPORTED, b"")
    if value.trusts_dtls:
        body += _parameter(_ZERO_CHECKSUM, _DTLS)
    return chunk(kind, body)


def _parameter(kind: int, value: bytes) -> bytes:
    size = 4 + len(value)
    return kind.to_bytes(2) + size.to_bytes(2) + value + bytes(-len(value) % 4)


def data(value: Data) -> tuple[bytes, bytes, bytes]:
    """Return a DATA chunk: its head, the payload as it is, and its padding."""
    size = _CHUNK.size + _DATA.size + len(value.payload)
    head = _CHUNK.pack(Kind.DATA, value.flags, size)
    head += _DATA.pack(value.tsn, value.stream, value.sequence, value.protocol)
    return head, value.payload, bytes(-size % 4)


def sack(value: Sack) -> bytes:
    """Return a SACK chunk."""
    blocks = b"".join(_BLOCK.pack(*block) for block in value.blocks[:MOST_BLOCKS])
    head = _SACK.pack(value.cumulative, value.window, len(value.blocks[:MOST_BLOCKS]), 0)
    return chunk(Kind.SACK, head + blocks)
