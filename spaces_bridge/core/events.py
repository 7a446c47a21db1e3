"""What happened to a live space. Past tense; the journal keeps them, ``evolve`` applies them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from spaces_bridge.core.door import GuestPolicy
from spaces_bridge.core.floor import Doubt, QueueOrder, SpeakPolicy
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
    max_cohosts: int = 2
    queue_order: QueueOrder = QueueOrder.ARRIVAL


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
class SpaceRescheduled:
    scheduled_at_ms: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class SpaceRetitled:
    title: str


@dataclass(frozen=True, slots=True)
class SpeakPolicyChanged:
    policy: SpeakPolicy


@dataclass(frozen=True, slots=True)
class CaptionsSwitched:
    on: bool
    language: str


@dataclass(frozen=True, slots=True)
class SpaceLocked:
    by: UserId


@dataclass(frozen=True, slots=True)
class SpaceUnlocked:
    by: UserId


@dataclass(frozen=True, slots=True)
class ChatSwitched:
    on: bool


@dataclass(frozen=True, slots=True)
class GuestsLimited:
    policy: GuestPolicy


class Reminder(StrEnum):
    """What people who asked for it are reminded of."""

    DAY_BEFORE = "day"
    SOON = "soon"
    HOST_DUE = "due"
    """The time has come: only the host is told, who alone can start."""


@dataclass(frozen=True, slots=True)
class ReminderWanted:
    user: UserId


@dataclass(frozen=True, slots=True)
class ReminderDropped:
    user: UserId


@dataclass(frozen=True, slots=True)
class ReminderDue:
    kind: Reminder


@dataclass(frozen=True, slots=True)
class HostLeftPage:
    """The host's page is gone; by itself that changes nothing (see ``HostMissed``)."""

    user: UserId


@dataclass(frozen=True, slots=True)
class HostMissed:
    """Nobody hosts: from now on the grace time runs."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class HostReturned:
    user: UserId


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
class LevelOverruled:
    """Somebody gave a level that live roles do not allow; ``kept`` is to be put back."""

    user: UserId
    seen: int | None
    kept: int | None
    by: UserId | None
    why: str


@dataclass(frozen=True, slots=True)
class RoleAppointed:
    """Our intent to give this role; it counts once the homeserver holds its level."""

    user: UserId
    role: Role
    by: UserId | None


@dataclass(frozen=True, slots=True)
class AppointmentEnded:
    """The intended role will not come to be."""

    user: UserId
    reason: str


@dataclass(frozen=True, slots=True)
class HostChanged:
    user: UserId
    before: UserId


@dataclass(frozen=True, slots=True)
class PersonRemoved:
    """Kept out until the end, or for longer when ``blocked``. ``by`` None: a rule of ours.

    ``in_force``: it was a ban by somebody's own client, which the homeserver holds already.
    """

    user: UserId
    by: UserId | None
    reason: str
    blocked: bool
    in_force: bool = False


@dataclass(frozen=True, slots=True)
class RemovalInForce:
    """The homeserver holds the ban."""

    user: UserId


@dataclass(frozen=True, slots=True)
class PersonReadmitted:
    user: UserId
    by: UserId | None


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
    promised: bool = False


@dataclass(frozen=True, slots=True)
class SpeakRequestWithdrawn:
    user: UserId
    reaction: EventId | None


@dataclass(frozen=True, slots=True)
class SpeakerApproved:
    """Accepted: a host said yes, the homeserver has not yet. ``by`` None: the policy did."""

    user: UserId
    by: UserId | None
    reaction: EventId | None
    at_ms: int = 0
    """When, if the policy did."""


@dataclass(frozen=True, slots=True)
class SpeakerDenied:
    user: UserId
    by: UserId
    reaction: EventId | None


@dataclass(frozen=True, slots=True)
class QueueCleared:
    """All waiting hands were lowered."""

    by: UserId
    users: tuple[UserId, ...]
    reactions: tuple[EventId, ...]


@dataclass(frozen=True, slots=True)
class QueueReordered:
    order: QueueOrder


@dataclass(frozen=True, slots=True)
class SpeakerInvited:
    """Invited to speak; it needs their own yes."""

    user: UserId
    by: UserId


@dataclass(frozen=True, slots=True)
class SpeakInvitationDeclined:
    user: UserId
    by: UserId


@dataclass(frozen=True, slots=True)
class SpeakerMuted:
    user: UserId
    by: UserId


@dataclass(frozen=True, slots=True)
class SpeakerUnmuted:
    user: UserId
    by: UserId


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


@dataclass(frozen=True, slots=True)
class FloorDoubted:
    """They may have lost the floor: nobody knows until the homeserver was asked."""

    user: UserId
    doubt: Doubt


@dataclass(frozen=True, slots=True)
class FloorLookedInto:
    """The homeserver was asked."""

    user: UserId
    doubt: Doubt


class MicrophoneEnd(StrEnum):
    """Why a microphone closed."""

    OWN = "own"
    LOST_FLOOR = "lost_floor"
    SUSPECTED = "suspected"
    MUTED = "muted"
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
class ReactionsCounted:
    """Guests' reactions, added up."""

    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PostShared:
    """``number`` counts the posts of the live space from 1."""

    number: int
    url: str
    event: EventId | None
    by: UserId
    name: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class PersonInvited:
    user: UserId
    by: UserId


LifecycleEvent = (
    RoomAttached
    | SpaceStarted
    | SpaceEnded
    | SpaceRescheduled
    | SpaceRetitled
    | SpeakPolicyChanged
    | CaptionsSwitched
    | ReminderWanted
    | ReminderDropped
    | ReminderDue
)
RoleEvent = (
    HostLeftPage
    | HostMissed
    | HostReturned
    | HostChanged
    | LevelChanged
    | LevelOverruled
    | LevelForfeited
    | RoleAppointed
    | AppointmentEnded
)
AccessEvent = (
    PersonJoined
    | PersonLeft
    | PersonInvited
    | PersonRemoved
    | RemovalInForce
    | PersonReadmitted
    | SpaceLocked
    | SpaceUnlocked
    | ChatSwitched
    | GuestsLimited
)
FloorEvent = (
    SpeakRequested
    | SpeakRequestWithdrawn
    | SpeakerApproved
    | SpeakerDenied
    | GrantRefused
    | QueueCleared
    | QueueReordered
    | SpeakerInvited
    | SpeakInvitationDeclined
    | FloorClosing
    | FloorDoubted
    | FloorLookedInto
)
AudioEvent = SpeakerMuted | SpeakerUnmuted | MicrophoneOpened | MicrophoneClosed
ContentEvent = UtteranceCaptioned | Reacted | ReactionsCounted | PostShared
Event = LifecycleEvent | RoleEvent | AccessEvent | FloorEvent | AudioEvent | ContentEvent
"""Each event stands in one of the unions above, by its subject."""
