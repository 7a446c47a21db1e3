"""The messages between the control process and the caption worker.

Sound is as in `spaces_bridge.wire.pcm`. Times are milliseconds since the live space started.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

from spaces_bridge.core.ids import SpaceId, UserId, UtteranceId
from spaces_bridge.wire.messages import MessageCodec

MAX_MESSAGE: Final = 4 * 1024 * 1024
"""Bytes; about two minutes of sound. Anything longer is not one of our messages."""


@dataclass(frozen=True, slots=True)
class Load:
    """The first message: load this CTranslate2 model directory; `language` is a code or `auto`.

    `partials` says whether to draft utterances while they are spoken.
    """

    model: str
    language: str
    partials: bool = True


@dataclass(frozen=True, slots=True)
class OpenTrack:
    """Open a track for a microphone that opened; `language` is a code, or `auto`."""

    space: SpaceId
    speaker: UserId
    language: str


@dataclass(frozen=True, slots=True)
class Speech:
    """Speech is sound of one speaker that starts at `at_ms`."""

    space: SpaceId
    speaker: UserId
    at_ms: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class EndOfTrack:
    """End a track: its open utterance becomes final, then `TrackEnded` follows."""

    space: SpaceId
    speaker: UserId


@dataclass(frozen=True, slots=True)
class RestDrafts:
    """Make no drafts from now on, or make them again; finals go on as they are."""

    on: bool


@dataclass(frozen=True, slots=True)
class CaptionsPing:
    """Ask for a sign of life; the worker answers with `CaptionsPong` between two decodes."""


@dataclass(frozen=True, slots=True)
class CaptionsReady:
    """The model is loaded; `multilingual` is false for English-only models."""

    multilingual: bool


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The model cannot be loaded; the worker ends. `reason` is a plain sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class DraftMessage:
    """A draft of an utterance that is being spoken, up to `end_ms`; no text: it came to nothing.

    The first `committed` characters (code points) of `text` are in all its later drafts. Its
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
    """An utterance that is finished, with its final text."""

    space: SpaceId
    speaker: UserId
    utterance: UtteranceId
    start_ms: int
    end_ms: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class TranscribedUntil:
    """All this speaker said before `until_ms` is in an `Utterance`, or was no speech."""

    space: SpaceId
    speaker: UserId
    until_ms: int


@dataclass(frozen=True, slots=True)
class TrackEnded:
    """All finals of a track that was ended have been sent."""

    space: SpaceId
    speaker: UserId


@dataclass(frozen=True, slots=True)
class Missed:
    """An utterance was missed: thrown away, because the worker was too far behind."""

    space: SpaceId
    speaker: UserId
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class CaptionsPong:
    """The worker is alive."""


ToCaptionWorker: TypeAlias = Load | OpenTrack | Speech | EndOfTrack | RestDrafts | CaptionsPing
FromCaptionWorker: TypeAlias = (
    CaptionsReady
    | LoadFailed
    | DraftMessage
    | Utterance
    | TranscribedUntil
    | TrackEnded
    | Missed
    | CaptionsPong
)
CaptionsMessage: TypeAlias = ToCaptionWorker | FromCaptionWorker

CODEC: Final[MessageCodec[CaptionsMessage]] = MessageCodec(
    {
        "Load": Load,
        "OpenTrack": OpenTrack,
        "Speech": Speech,
        "EndOfTrack": EndOfTrack,
        "RestDrafts": RestDrafts,
        "Ping": CaptionsPing,
        "Ready": CaptionsReady,
        "LoadFailed": LoadFailed,
        "Draft": DraftMessage,
        "Utterance": Utterance,
        "Heard": TranscribedUntil,
        "TrackEnded": TrackEnded,
        "Missed": Missed,
        "Pong": CaptionsPong,
    },
    MAX_MESSAGE,
)
