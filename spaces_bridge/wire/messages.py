"""Messages between processes as bytes, and back. Pure.

A message is `u32 length, u32 header length, header, tail`, both numbers big-endian. The header
is a JSON object with the kind and its fields; the tail is the one field that is bytes, if there
is one. The length counts everything after itself.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Final, Generic, Protocol, TypeVar

from spaces_bridge.wire.schema import Schema, schema_of

_MessageT = TypeVar("_MessageT")

_LENGTHS: Final = struct.Struct(">II")


class BadMessage(ValueError):
    """A bad message: bytes that are none of ours; the stream cannot be trusted any more."""


class TooLong(ValueError):
    """A message longer than its protocol allows: the other side would give the stream up."""


class ByteReader(Protocol):
    """A byte reader is the part of a blocking stream that `MessageCodec.read` needs."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, fewer only at the end of the stream."""
        ...


class MessageCodec(Generic[_MessageT]):
    """A message codec makes bytes of one protocol's messages, and messages of bytes.

    The kinds are names in the protocol: a class may be renamed, its kind may not.
    """

    def __init__(self, kinds: Mapping[str, type[_MessageT]], most_bytes: int) -> None:
        """`most_bytes`: anything longer is no message of this protocol."""
        self._most_bytes = most_bytes
        self._schemas: dict[str, Schema[_MessageT]] = {
            kind: schema_of(cls) for kind, cls in kinds.items()
        }
        self._kind_of: dict[type, str] = {cls: kind for kind, cls in kinds.items()}

    def encode(self, message: _MessageT) -> bytes:
        """Return the bytes of a message, its length first. Raises TooLong."""
        kind = self._kind_of[type(message)]
        schema = self._schemas[kind]
        fields = schema.to_json(message)
        tail = fields.pop(schema.bytes_field) if schema.bytes_field is not None else b""
        assert isinstance(tail, bytes)
        header = json.dumps({"kind": kind, **fields}).encode()
        length = 4 + len(header) + len(tail)
        if length > self._most_bytes:
            raise TooLong(f"a {kind} of {length} bytes is more than a message may have")
        return _LENGTHS.pack(length, len(header)) + header + tail

    def decode(self, body: bytes) -> _MessageT:
        """Return the message of the bytes after its length. Raises BadMessage."""
        size = int.from_bytes(body[:4], "big")
        header, tail = body[4 : 4 + size], body[4 + size :]
        try:
            values = json.loads(header)
            schema = self._schemas[values.pop("kind")]
            if schema.bytes_field is not None:
                values[schema.bytes_field] = tail
            elif tail:
                raise BadMessage("a message without bytes has a tail")
            return schema.from_json(values)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadMessage("the header of a message is not understood") from error

    def framer(self) -> "Framer":
        """Make a framer, which cuts one stream into messages."""
        return Framer(self._most_bytes)

    def read(self, stream: ByteReader) -> _MessageT | None:
        """Wait for the next message of a stream; return None at its end, also within a message.

        Raises BadMessage.
        """
        prefix = stream.read(4)
        if len(prefix) < 4:
            return None
        length = _checked(int.from_bytes(prefix, "big"), self._most_bytes)
        body = stream.read(length)
        return self.decode(body) if len(body) == length else None


class Framer:
    """A framer cuts a stream of bytes into the bodies of messages."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the bodies that are complete now. Raises BadMessage for an impossible length."""
        self._buffer += data
        while len(self._buffer) >= 4:
            length = _checked(int.from_bytes(self._buffer[:4], "big"), self._most_bytes)
            if len(self._buffer) < 4 + length:
                return
            body = bytes(self._buffer[4 : 4 + length])
            del self._buffer[: 4 + length]
            yield body


def _checked(length: int, most_bytes: int) -> int:
    if not 4 <= length <= most_bytes:
        raise BadMessage(f"a message of {length} bytes is impossible")
    return length
