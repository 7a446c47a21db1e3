"""What happened to a live space. Past tense; the journal keeps them, ``evolve`` applies them."""

from dataclasses import dataclass
from enum import StrEnum

from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.core.roles import Levels, Role


@dataclass(frozen=True, slots=True)
class SpaceCreated:
    """The first event of every journal; ``born`` makes the live space from it."""

    space: SpaceId
    slug: str
    title: str
    host: UserId
    host_name: str
    at_ms: int
    private: bool
    speak_policy: SpeakPolicy
    scheduled_at_ms: int | None
    levels: Levels
    max_speakers: int
    language: str
    captions: bool
    community: RoomId | None


@dataclass(frozen=True, slots=True)
class RoomAttached:
    room: RoomId


@dataclass(frozen=True, slots=True)
class SpaceStarted:
    by: UserId
    at_ms: int


@dataclass(frozen=True, slots=True)
class SpaceEnded:
    by: UserId | None
    at_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class PersonJoined:
    """Somebody with an account is in the room, or now bears another name."""

    user: UserId
    name: str


@dataclass(frozen=True, slots=True)
class PersonLeft:
    user: UserId


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """The homeserver holds another own level for this person. None: no own entry."""

    user: UserId
    level: int | None
    role: Role


@dataclass(frozen=True, slots=True)
class LevelForfeited:
    """Somebody who is gone still has a level; it is to be taken away."""

    user: UserId


@dataclass(frozen=True, slots=True)
class SpeakRequested:
    user: UserId
    at_ms: int
    name: str
    guest: bool
    reaction: EventId | None


@dataclass(frozen=True, slots=True)
class SpeakRequestWithdrawn:
    user: UserId
    reaction: EventId | None


@dataclass(frozen=True, slots=True)
class SpeakerApproved:
    """Accepted: a host said yes, the homeserver has not yet."""

    user: UserId
    by: UserId | None
    reaction: EventId | None


@dataclass(frozen=True, slots=True)
class SpeakerDenied:
    user: UserId
    by: UserId
    reaction: EventId | None


@dataclass(frozen=True, slots=True)
class GrantRefused:
    """The homeserver refused the level: the hand is up again."""

    user: UserId
    reason: str


class FloorEnd(StrEnum):
    """Why somebody's floor is being taken."""

    RELEASED = "released"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class FloorClosing:
    """Our intent to take somebody's level; it shuts the gate from now on, whatever is read."""

    user: UserId
    by: UserId
    end: FloorEnd


class MicrophoneEnd(StrEnum):
    """Why a microphone closed."""

    OWN = "own"
    LOST_FLOOR = "lost_floor"
    SUSPECTED = "suspected"
    SPACE_ENDED = "space_ended"


@dataclass(frozen=True, slots=True)
class MicrophoneOpened:
    user: UserId


@dataclass(frozen=True, slots=True)
class MicrophoneClosed:
    user: UserId
    why: MicrophoneEnd


@dataclass(frozen=True, slots=True)
class UtteranceCaptioned:
    utterance: UtteranceId
    speaker: UserId
    name: str
    start_ms: int
    end_ms: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Reacted:
    user: UserId
    emoji: str
    annotation: EventId | None


@dataclass(frozen=True, slots=True)
class PersonInvited:
    user: UserId
    by: UserId


Event = (
    RoomAttached
    | SpaceStarted
    | SpaceEnded
    | PersonJoined
    | PersonLeft
    | LevelChanged
    | LevelForfeited
    | SpeakRequested
    | SpeakRequestWithdrawn
    | SpeakerApproved
    | SpeakerDenied
    | GrantRefused
    | FloorClosing
    | MicrophoneOpened
    | MicrophoneClosed
    | UtteranceCaptioned
    | Reacted
    | PersonInvited
)
