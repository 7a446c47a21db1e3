"""The messages that open data channels (DCEP, RFC 8832). Pure."""

import struct
from dataclasses import dataclass
from typing import Final

PROTOCOL: Final = 50
"""The payload protocol identifier of these messages."""
BINARY: Final = 53
"""That of binary messages on a channel (RFC 8831, 8)."""
MOST_LABEL: Final = 64
"""Bytes of a label that is read."""

ACK: Final = b"\x02"

_OPEN: Final = struct.Struct(">BBHIHH")
_OPEN_KIND, _RELIABLE = 3, 0


@dataclass(frozen=True, slots=True)
class ChannelOpen:
    """A channel that the other side opens; `is_reliable`: nothing is lost, and all in order."""

    label: str
    is_reliable: bool


def read_open(message: bytes) -> ChannelOpen | None:
    """Return the channel that a message opens; None if it opens none that could be ours."""
    if len(message) < _OPEN.size:
        return None
    kind, channel, _, _, label_size, protocol_size = _OPEN.unpack_from(message)
    if kind != _OPEN_KIND or len(message) != _OPEN.size + label_size + protocol_size:
        return None
    if label_size > MOST_LABEL:
        return None
    label = message[_OPEN.size : _OPEN.size + label_size].decode(errors="replace")
    return ChannelOpen(label, channel == _RELIABLE)


def write_open(label: str) -> bytes:
    """Return the message that opens a reliable channel, in order."""
    name = label.encode()
    return _OPEN.pack(_OPEN_KIND, _RELIABLE, 0, 0, len(name), 0) + name
