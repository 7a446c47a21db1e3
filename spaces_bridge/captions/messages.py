"""What the control process and the caption worker say to each other.

A message is ``u32 length, u32 header length, header, tail``, both numbers big-endian: the header
is a JSON object with the kind and its fields, the tail is the sound (s16le, 16 kHz, mono). The
length counts everything after itself. Times are milliseconds since the live space started.
"""

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final, Protocol, TypeAlias

from spaces_bridge.core.ids import SpaceId, UserId, UtteranceId

SAMPLE_RATE: Final = 16_000
BYTES_PER_MS: Final = 32
MAX_MESSAGE: Final = 4 * 1024 * 1024
"""Bytes; about two minutes of sound. Anything longer is not one of our messages."""

_LENGTHS: Final = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class Load:
    """First message: load this CTranslate2 model directory; ``language`` is a code or ``auto``.

    ``partials``: whether to draft utterances while they are spoken.
    """

    model: str
    language: str
    partials: bool = True


@dataclass(frozen=True, slots=True)
class OpenTrack:
    """A microphone opened; ``language`` is a code, or ``auto``."""

    space: SpaceId
    speaker: UserId
    language: str


@dataclass(frozen=True, slots=True)
class Speech:
    """Sound of one speaker that starts at ``at_ms``."""

    space: SpaceId
    speaker: UserId
    at_ms: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class EndOfTrack:
    """The microphone closed: what is open becomes final, then `TrackEnded` follows."""

    space: SpaceId
    speaker: UserId


@dataclass(frozen=True, slots=True)
class Ping:
    """Answered with `Pong` between two decodes."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded; ``multilingual`` is false for English-only models."""

    multilingual: bool


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The model cannot be loaded; the worker ends. ``reason`` is a plain sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An utterance that is being spoken, as far as ``end_ms``; no text: it came to nothing.

    The first ``committed`` characters (code points) of ``text`` are in all its later drafts. Its
    final, if one comes, bears the same id.
    """

    space: SpaceId
    speaker: UserId
    utterance: UtteranceId
    start_ms: int
    end_ms: int
    text: str
    committed: int
    language: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """One finished utterance."""

    space: SpaceId
    speaker: UserId
    utterance: UtteranceId
    start_ms: int
    end_ms: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything this speaker said before ``until_ms`` is in a `Utterance`, or was no speech."""

    space: SpaceId
    speaker: UserId
    until_ms: int


@dataclass(frozen=True, slots=True)
class TrackEnded:
    """All finals of a track whose end was told are out."""

    space: SpaceId
    speaker: UserId


@dataclass(frozen=True, slots=True)
class Missed:
    """An utterance was thrown away, because the worker was too far behind."""

    space: SpaceId
    speaker: UserId
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The worker is alive."""


ToWorker: TypeAlias = Load | OpenTrack | Speech | EndOfTrack | Ping
FromWorker: TypeAlias = Ready | LoadFailed | Draft | Utterance | Heard | TrackEnded | Missed | Pong
Message: TypeAlias = ToWorker | FromWorker

_KINDS: Final[Mapping[str, Callable[..., Message]]] = {
    kind.__name__: kind
    for kind in (
        Load, OpenTrack, Speech, EndOfTrack, Ping,
        Ready, LoadFailed, Draft, Utterance, Heard, TrackEnded, Missed, Pong,
    )
}  # fmt: skip


class BadMessage(ValueError):
    """Bytes that are no message of ours: the stream cannot be trusted any more."""


class Readable(Protocol):
    """The one thing `read_message` needs of a blocking stream."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, fewer only at the end of the stream."""
        ...


def encode(message: Message) -> bytes:
    """The message as bytes for the wire."""
    fields = asdict(message)
    tail: bytes = fields.pop("pcm", b"")
    header = json.dumps({"kind": type(message).__name__, **fields}).encode()
    return _LENGTHS.pack(4 + len(header) + len(tail), len(header)) + header + tail


def length_of(prefix: bytes) -> int:
    """How many bytes follow the first four; BadMessage if that is absurd."""
    length = int.from_bytes(prefix, "big")
    if not 4 <= length <= MAX_MESSAGE:
        raise BadMessage(f"a message of {length} bytes is impossible")
    return length


def decode(body: bytes) -> Message:
    """A message from its bytes after the first four; BadMessage if they are not one."""
    header_length = int.from_bytes(body[:4], "big")
    header, tail = body[4 : 4 + header_length], body[4 + header_length :]
    try:
        fields = json.loads(header)
        kind = _KINDS[fields.pop("kind")]
        return kind(**fields, pcm=tail) if kind is Speech else kind(**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadMessage("the header of a message is not understood") from error


def read_message(stream: Readable) -> Message | None:
    """The next message of a blocking stream; None at its end, also in the middle of a message."""
    prefix = stream.read(4)
    if len(prefix) < 4:
        return None
    length = length_of(prefix)
    body = stream.read(length)
    return decode(body) if len(body) == length else None
