"""Messages as bytes, and back. Pure.

A message is ``u32 length, u32 header length, header, tail``, both numbers big-endian. The header
is a JSON object with the kind and its fields; the tail is the one field that is bytes, if there
is one. The length counts everything after itself. Every field is checked against the type it is
declared with, so what comes out of here is what `messages` says.
"""

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Final, TypeAlias, cast, get_args, get_origin, get_type_hints

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.messages import BadMessage, FromWorker, Message, Peer, ToWorker
from spaces_bridge.media.worker.values import Direction, Phase

MAX_MESSAGE: Final = 8 * 1024 * 1024
"""Bytes. Anything longer is not one of our messages."""

_LENGTHS: Final = struct.Struct(">II")
_Reader: TypeAlias = Callable[[object], object]


def encode(message: Message) -> bytes:
    """The message as bytes for the wire."""
    kind = type(message)
    tail_field = _TAILS[kind]
    values = {name: getattr(message, name) for name in _READERS[kind] if name != tail_field}
    tail: bytes = getattr(message, tail_field) if tail_field else b""
    header = json.dumps({"kind": kind.__name__, **values}, default=_plain).encode()
    return _LENGTHS.pack(4 + len(header) + len(tail), len(header)) + header + tail


def decode(body: bytes) -> Message:
    """A message from its bytes after the length; BadMessage if they are not one."""
    size = int.from_bytes(body[:4], "big")
    header, tail = body[4 : 4 + size], body[4 + size :]
    try:
        values = json.loads(header)
        kind = _KINDS[values.pop("kind")]
        tail_field = _TAILS[kind]
        if tail_field is not None:
            values[tail_field] = tail
        elif tail:
            raise BadMessage("a message without sound has a tail")
        return kind(**_read(_READERS[kind], values))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadMessage("the header of a message is not understood") from error


class Framer:
    """Cuts a stream of bytes into message bodies."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bodies complete now; BadMessage for an impossible length."""
        self._buffer += data
        while len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[:4], "big")
            if not 4 <= length <= MAX_MESSAGE:
                raise BadMessage(f"a message of {length} bytes is impossible")
            if len(self._buffer) < 4 + length:
                return
            body = bytes(self._buffer[4 : 4 + length])
            del self._buffer[: 4 + length]
            yield body


def _plain(value: object) -> object:
    """A peer inside a message becomes a JSON object."""
    if isinstance(value, Peer):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no place in a message")


# --- how fields are read ---------------------------------------------------------------------


def _read(readers: Mapping[str, _Reader], values: Mapping[str, object]) -> Mapping[str, object]:
    if values.keys() != readers.keys():
        raise BadMessage("a message has other fields than its kind")
    return {name: readers[name](value) for name, value in values.items()}


def _exactly(kind: type) -> _Reader:
    def read(value: object) -> object:
        if type(value) is not kind:
            raise BadMessage(f"a field is {type(value).__name__}, not {kind.__name__}")
        return value

    return read


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadMessage(f"a field is {type(value).__name__}, not a number")
    return float(value)


def _tuple_of(item: _Reader) -> _Reader:
    def read(value: object) -> object:
        if not isinstance(value, list):
            raise BadMessage("a field is not a list")
        return tuple(item(each) for each in value)

    return read


def _mapping_of(item: _Reader) -> _Reader:
    def read(value: object) -> object:
        if not isinstance(value, dict):
            raise BadMessage("a field is not an object")
        return {key: item(each) for key, each in value.items()}

    return read


def _peer(value: object) -> object:
    if not isinstance(value, dict):
        raise BadMessage("a peer is not an object")
    return cast("Callable[..., Peer]", Peer)(**_read(_readers_of(Peer), value))


_PLAIN: Final[Mapping[object, _Reader]] = {
    str: _exactly(str),
    SpaceId: _exactly(str),
    UserId: _exactly(str),
    int: _exactly(int),
    bool: _exactly(bool),
    bytes: _exactly(bytes),
    float: _number,
    Direction: lambda value: Direction(cast("str", value)),
    Phase: lambda value: Phase(cast("str", value)),
    Peer: _peer,
}


def _reader_of(hint: object) -> _Reader:
    """How a field of this declared type is checked and read."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        return _tuple_of(_reader_of(inner[0]))
    if origin is not None:
        return _mapping_of(_reader_of(inner[1]))
    return _PLAIN[hint]


def _readers_of(kind: type) -> Mapping[str, _Reader]:
    return {name: _reader_of(hint) for name, hint in get_type_hints(kind).items()}


_KINDS: Final[Mapping[str, Callable[..., Message]]] = {
    kind.__name__: kind for kind in (*get_args(ToWorker), *get_args(FromWorker))
}
_READERS: Final[Mapping[Callable[..., Message], Mapping[str, _Reader]]] = {
    kind: _readers_of(cast("type", kind)) for kind in _KINDS.values()
}
_TAILS: Final[Mapping[Callable[..., Message], str | None]] = {
    kind: next((name for name, hint in get_type_hints(kind).items() if hint is bytes), None)
    for kind in _KINDS.values()
}
