"""The messages between a relay and its SFU client; `codec` turns them into bytes.

The client makes one attempt to join for each `JoinSfuRoom`, which brings a fresh token, and says
how it went: `SfuRoomJoined` or `SfuRoomLost`. While it is in, short losses of the connection are
its own business; when the room is lost for good it says `SfuRoomLost`, once, and is asked to join
anew. All else is told whole each time, so that a message lost with a client costs nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from spaces_bridge.core.ids import SpaceId, UserId


@dataclass(frozen=True, slots=True)
class JoinSfuRoom:
    """Join a room: `url` is the SFU's WebSocket address; `token` is secret and belongs in no log.

    `attempt` comes back in what is told of the room. `publishes`: people who speak on the page are
    published there. `reports`: its participants are told of.
    """

    space: SpaceId
    name: str
    attempt: int
    url: str
    token: str = field(repr=False)
    publishes: bool
    reports: bool


@dataclass(frozen=True, slots=True)
class LeaveSfuRoom:
    """Leave a room, and tell of it no more."""

    space: SpaceId
    name: str


@dataclass(frozen=True, slots=True)
class TakeSfuTracks:
    """Hand the sound of exactly these tracks (by SID) to the media worker, as that user's."""

    space: SpaceId
    name: str
    tracks: Mapping[str, UserId]


@dataclass(frozen=True, slots=True)
class SendSfuText:
    """Say a text to all in a room, as a text stream; see `spaces_bridge.app.relay_ports`."""

    space: SpaceId
    name: str
    topic: str
    text: str
    attributes: Mapping[str, str]
    sender: str


@dataclass(frozen=True, slots=True)
class SfuPing:
    """Ask for a sign of life; the client answers with an `SfuPong` of the same number."""

    number: int


@dataclass(frozen=True, slots=True)
class SfuClientReady:
    """The client's first message: it is in no room."""

    pid: int


@dataclass(frozen=True, slots=True)
class SfuRoomJoined:
    """The room was joined."""

    space: SpaceId
    name: str
    attempt: int


@dataclass(frozen=True, slots=True)
class SfuTrack:
    """A microphone track: its SID, name, and whether it is muted by its owner."""

    sid: str
    name: str
    is_muted: bool


@dataclass(frozen=True, slots=True)
class SfuParticipant:
    """A participant of a room, the client itself included, and its microphone tracks."""

    identity: str
    sid: str
    attributes: Mapping[str, str]
    may_publish: bool
    tracks: tuple[SfuTrack, ...]


@dataclass(frozen=True, slots=True)
class SfuParticipants:
    """The participants of a room as they are now, all of them within the bounds."""

    space: SpaceId
    name: str
    attempt: int
    participants: tuple[SfuParticipant, ...]


@dataclass(frozen=True, slots=True)
class SfuTracksTaken:
    """The tracks whose sound comes now, of those that were to be taken."""

    space: SpaceId
    name: str
    attempt: int
    sids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SfuRoomLost:
    """The room was not joined, or is lost; `reason` says why, in the words of the SDK."""

    space: SpaceId
    name: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class SfuStats:
    """Numbers for the metrics, about once a second."""

    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SfuPong:
    """The client is alive."""

    number: int


ToSfuClient: TypeAlias = JoinSfuRoom | LeaveSfuRoom | TakeSfuTracks | SendSfuText | SfuPing
FromSfuClient: TypeAlias = (
    SfuClientReady | SfuRoomJoined | SfuParticipants | SfuTracksTaken | SfuRoomLost | SfuStats
    | SfuPong
)  # fmt: skip
SfuMessage: TypeAlias = ToSfuClient | FromSfuClient
