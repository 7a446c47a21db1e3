"""The events of a live space, in the past tense: the journal keeps them, `evolve` applies them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.floor import Doubt, QueueOrder, SpeakPolicy
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.core.roles import Role, RoleLevels


@dataclass(frozen=True, slots=True)
class SpaceCreated:
    """The first event of every journal; `born` makes the live space from it."""

    stored_as: ClassVar = "space.created"

    space: SpaceId
    slug: str
    title: str
    host: UserId
    host_name: str
    at_ms: int
    private: bool
    speak_policy: SpeakPolicy
    scheduled_at_ms: int | None
    levels: RoleLevels
    max_speakers: int
    language: str
    captions: bool
    community: RoomId | None
    max_cohosts: int = 2
    queue_order: QueueOrder = QueueOrder.ARRIVAL


@dataclass(frozen=True, slots=True)
class RoomAttached:
    stored_as: ClassVar = "space.room_attached"

    room: RoomId


@dataclass(frozen=True, slots=True)
class SpaceStarted:
    stored_as: ClassVar = "space.started"

    by: UserId
    at_ms: int


@dataclass(frozen=True, slots=True)
class SpaceEnded:
    stored_as: ClassVar = "space.ended"

    by: UserId | None
    at_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class SpaceRescheduled:
    stored_as: ClassVar = "space.rescheduled"

    scheduled_at_ms: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class SpaceRetitled:
    stored_as: ClassVar = "space.retitled"

    title: str


@dataclass(frozen=True, slots=True)
class SpeakPolicyChanged:
    stored_as: ClassVar = "speak_policy.changed"

    policy: SpeakPolicy


@dataclass(frozen=True, slots=True)
class CaptionsSwitched:
    stored_as: ClassVar = "captions.switched"

    on: bool
    language: str


@dataclass(frozen=True, slots=True)
class SpaceLocked:
    stored_as: ClassVar = "space.locked"

    by: UserId


@dataclass(frozen=True, slots=True)
class SpaceUnlocked:
    stored_as: ClassVar = "space.unlocked"

    by: UserId


@dataclass(frozen=True, slots=True)
class ChatSwitched:
    stored_as: ClassVar = "chat.switched"

    on: bool


@dataclass(frozen=True, slots=True)
class GuestsLimited:
    stored_as: ClassVar = "guest_policy.changed"

    policy: GuestPolicy


class Reminder(StrEnum):
    """A reminder, by its time; it goes to the people who asked for it."""

    DAY_BEFORE = "day"
    SOON = "soon"
    HOST_DUE = "due"
    """The scheduled time has come: only the host is told, who alone can start."""


@dataclass(frozen=True, slots=True)
class ReminderWanted:
    stored_as: ClassVar = "reminder.requested"

    user: UserId


@dataclass(frozen=True, slots=True)
class ReminderDropped:
    stored_as: ClassVar = "reminder.cancelled"

    user: UserId


@dataclass(frozen=True, slots=True)
class ReminderDue:
    stored_as: ClassVar = "reminder.due"

    kind: Reminder


@dataclass(frozen=True, slots=True)
class HostLeftPage:
    """The host's page is gone; by itself that changes nothing (see `HostMissed`)."""

    stored_as: ClassVar = "host.left_page"

    user: UserId


@dataclass(frozen=True, slots=True)
class HostMissed:
    """The live space was found without a host: from now on the grace time runs."""

    stored_as: ClassVar = "host.missed"

    at_ms: int


@dataclass(frozen=True, slots=True)
class HostReturned:
    stored_as: ClassVar = "host.returned"

    user: UserId


@dataclass(frozen=True, slots=True)
class PersonJoined:
    """A person with an account came into the room, or took another name."""

    stored_as: ClassVar = "person.joined"

    user: UserId
    name: str


@dataclass(frozen=True, slots=True)
class PersonLeft:
    stored_as: ClassVar = "person.left"

    user: UserId


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """The homeserver holds another own `users` level for this person. None: no own entry."""

    stored_as: ClassVar = "level.changed"

    user: UserId
    level: int | None
    role: Role


@dataclass(frozen=True, slots=True)
class LevelOverruled:
    """Somebody gave a level that live roles do not allow; `kept` is to be put back."""

    stored_as: ClassVar = "level.overruled"

    user: UserId
    seen: int | None
    kept: int | None
    by: UserId | None
    why: str


@dataclass(frozen=True, slots=True)
class RoleAppointed:
    """We intend to give this person the role; it counts once the homeserver holds its level."""

    stored_as: ClassVar = "role.appointed"

    user: UserId
    role: Role
    by: UserId | None


@dataclass(frozen=True, slots=True)
class AppointmentEnded:
    """The intended role will not come to be."""

    stored_as: ClassVar = "role.appointment_ended"

    user: UserId
    reason: str


@dataclass(frozen=True, slots=True)
class HostChanged:
    """Another person hosts now: the homeserver holds the host's level for `user`."""

    stored_as: ClassVar = "host.changed"

    user: UserId
    before: UserId


@dataclass(frozen=True, slots=True)
class PersonRemoved:
    """A person was removed until the end, or for longer when `blocked`.

    `by` None: a rule of ours removed them. `in_force`: it was a ban by somebody's own client,
    which the homeserver holds already.
    """

    stored_as: ClassVar = "person.removed"

    user: UserId
    by: UserId | None
    reason: str
    blocked: bool
    in_force: bool = False


@dataclass(frozen=True, slots=True)
class RemovalInForce:
    """The homeserver was seen to hold the ban of a removed person."""

    stored_as: ClassVar = "person.removal_confirmed"

    user: UserId


@dataclass(frozen=True, slots=True)
class PersonReadmitted:
    """A removed person may come in again. `by` None: no person is known to have done it."""

    stored_as: ClassVar = "person.readmitted"

    user: UserId
    by: UserId | None


@dataclass(frozen=True, slots=True)
class LevelForfeited:
    """A person who is gone still has a level; it is to be taken away."""

    stored_as: ClassVar = "level.forfeited"

    user: UserId


@dataclass(frozen=True, slots=True)
class SpeakRequested:
    """A hand was raised. `promised`: the policy gives the floor, but not at once."""

    stored_as: ClassVar = "hand.raised"

    user: UserId
    at_ms: int
    name: str
    guest: bool
    reaction: EventId | None
    promised: bool = False


@dataclass(frozen=True, slots=True)
class SpeakRequestWithdrawn:
    """A hand was lowered. `reaction`: the ✋ annotation that is still to be redacted, if any."""

    stored_as: ClassVar = "hand.lowered"

    user: UserId
    reaction: EventId | None


@dataclass(frozen=True, slots=True)
class SpeakerApproved:
    """A floor request was accepted; the homeserver does not hold the level yet.

    `by` None: the policy accepted it, and no host.
    """

    stored_as: ClassVar = "speaker.approved"

    user: UserId
    by: UserId | None
    reaction: EventId | None
    at_ms: int = 0
    """The time of it, if the policy accepted."""


@dataclass(frozen=True, slots=True)
class SpeakerDenied:
    stored_as: ClassVar = "speaker.denied"

    user: UserId
    by: UserId
    reaction: EventId | None


@dataclass(frozen=True, slots=True)
class QueueCleared:
    """All waiting hands were lowered."""

    stored_as: ClassVar = "hand_queue.cleared"

    by: UserId
    users: tuple[UserId, ...]
    reactions: tuple[EventId, ...]


@dataclass(frozen=True, slots=True)
class QueueReordered:
    stored_as: ClassVar = "hand_queue.reordered"

    order: QueueOrder


@dataclass(frozen=True, slots=True)
class SpeakerInvited:
    """A person was invited to speak; that needs their own yes."""

    stored_as: ClassVar = "stage_invitation.sent"

    user: UserId
    by: UserId


@dataclass(frozen=True, slots=True)
class SpeakInvitationDeclined:
    stored_as: ClassVar = "stage_invitation.declined"

    user: UserId
    by: UserId


@dataclass(frozen=True, slots=True)
class SpeakerMuted:
    """A moderator muted a person; only a moderator can lift that."""

    stored_as: ClassVar = "speaker.muted"

    user: UserId
    by: UserId


@dataclass(frozen=True, slots=True)
class SpeakerUnmuted:
    """A moderator's mute was lifted; the microphone stays shut until its owner opens it."""

    stored_as: ClassVar = "speaker.unmuted"

    user: UserId
    by: UserId


@dataclass(frozen=True, slots=True)
class VolumeSet:
    """A moderator set how loud a person is heard; `percent` None: automatically."""

    stored_as: ClassVar = "speaker.volume_set"

    user: UserId
    by: UserId
    percent: int | None


@dataclass(frozen=True, slots=True)
class GrantRefused:
    """The homeserver refused the level of an accepted request: the hand is up again."""

    stored_as: ClassVar = "floor.grant_refused"

    user: UserId
    reason: str


class FloorEnd(StrEnum):
    """The reason why a person's floor is being taken."""

    RELEASED = "released"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class FloorClosing:
    """We intend to take a person's level; that shuts the gate from now on, whatever is read."""

    stored_as: ClassVar = "floor.closing"

    user: UserId
    by: UserId
    end: FloorEnd


@dataclass(frozen=True, slots=True)
class FloorDoubted:
    """A person may have lost the floor: nobody knows until the homeserver was asked."""

    stored_as: ClassVar = "floor.doubted"

    user: UserId
    doubt: Doubt


@dataclass(frozen=True, slots=True)
class FloorLookedInto:
    """The homeserver was asked about a doubt, which is over by that."""

    stored_as: ClassVar = "floor.checked"

    user: UserId
    doubt: Doubt


class MicrophoneEnd(StrEnum):
    """The reason why a microphone closed."""

    OWN = "own"
    LOST_FLOOR = "lost_floor"
    SUSPECTED = "suspected"
    MUTED = "muted"
    SPACE_ENDED = "space_ended"


@dataclass(frozen=True, slots=True)
class MicrophoneOpened:
    stored_as: ClassVar = "microphone.opened"

    user: UserId


@dataclass(frozen=True, slots=True)
class MicrophoneClosed:
    stored_as: ClassVar = "microphone.closed"

    user: UserId
    why: MicrophoneEnd


@dataclass(frozen=True, slots=True)
class UtteranceCaptioned:
    stored_as: ClassVar = "utterance.captioned"

    utterance: UtteranceId
    speaker: UserId
    name: str
    start_ms: int
    end_ms: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Reacted:
    stored_as: ClassVar = "reaction.added"

    user: UserId
    emoji: str
    annotation: EventId | None


@dataclass(frozen=True, slots=True)
class ReactionsCounted:
    """Guests' reactions were added up, by emoji."""

    stored_as: ClassVar = "reactions.counted"

    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PostShared:
    """A link was shared. `number` counts the posts of the live space from 1."""

    stored_as: ClassVar = "post.shared"

    number: int
    url: str
    event: EventId | None
    by: UserId
    name: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class PersonInvited:
    """A person was invited to the live space by direct message."""

    stored_as: ClassVar = "person.invited"

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
AudioEvent = SpeakerMuted | SpeakerUnmuted | VolumeSet | MicrophoneOpened | MicrophoneClosed
ContentEvent = UtteranceCaptioned | Reacted | ReactionsCounted | PostShared
Event = LifecycleEvent | RoleEvent | AccessEvent | FloorEvent | AudioEvent | ContentEvent
"""Any event after the creation; each stands in one of the unions above, by its subject."""
