"""The commands that can be given to a live space; `decide` may refuse any of them.

Their names are imperatives. `by` is the person who asks; times are integer Unix milliseconds
unless they say otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.floor import Doubt, QueueOrder, SpeakPolicy
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.core.roles import DEFAULT_LEVELS, RoleLevels


@dataclass(frozen=True, slots=True)
class CreateSpace:
    """Create a live space: the first command of its life (`spaces_bridge.core.rules.create`)."""

    space: SpaceId
    slug: str
    title: str
    by: UserId
    host_name: str
    at_ms: int
    private: bool = False
    speak_policy: SpeakPolicy = SpeakPolicy.REQUEST
    scheduled_at_ms: int | None = None
    levels: RoleLevels = DEFAULT_LEVELS
    max_speakers: int = 10
    language: str = "auto"
    captions: bool = True
    community: RoomId | None = None
    max_cohosts: int = 2
    queue_order: QueueOrder = QueueOrder.ARRIVAL


@dataclass(frozen=True, slots=True)
class AttachRoom:
    """Attach the room that the homeserver has made (or found again) for this live space."""

    room: RoomId


@dataclass(frozen=True, slots=True)
class StartSpace:
    by: UserId
    at_ms: int


@dataclass(frozen=True, slots=True)
class EndSpace:
    """End the live space. `by` None: the bridge itself ends it."""

    by: UserId | None
    at_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reschedule:
    by: UserId
    scheduled_at_ms: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Retitle:
    by: UserId
    title: str


@dataclass(frozen=True, slots=True)
class SetSpeakPolicy:
    by: UserId
    policy: SpeakPolicy


@dataclass(frozen=True, slots=True)
class SetCaptions:
    """Switch captions on or off. `language`: ISO 639-1, "auto", or empty to leave it as it is."""

    by: UserId
    on: bool
    language: str = ""


@dataclass(frozen=True, slots=True)
class PassTime:
    """Let the time be `at_ms`, for reminders, a host who is gone, a space nobody started.

    `host_grace_ms`: how long a missing host is waited for.
    """

    at_ms: int
    host_grace_ms: int


@dataclass(frozen=True, slots=True)
class NoteHostAway:
    """Note that the host's page is gone."""

    by: UserId


@dataclass(frozen=True, slots=True)
class NoteHostBack:
    """Note a sign of life of the host."""

    by: UserId


@dataclass(frozen=True, slots=True)
class WantReminder:
    """Ask to be reminded of a scheduled live space."""

    by: UserId


@dataclass(frozen=True, slots=True)
class DropReminder:
    by: UserId


@dataclass(frozen=True, slots=True)
class RequestToSpeak:
    """Raise the hand. `name` matters for guests, whom no member event names.

    `followed`: the host follows the asker (see `SpeakPolicy.FOLLOWED`).
    """

    by: UserId
    at_ms: int
    name: str = ""
    guest: bool = False
    reaction: EventId | None = None
    followed: bool = False


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Lower one's own hand. `reaction_gone`: the reaction that raised it was taken back."""

    by: UserId
    reaction_gone: bool = False


@dataclass(frozen=True, slots=True)
class ApproveSpeaker:
    by: UserId
    listener: UserId


@dataclass(frozen=True, slots=True)
class ApproveNext:
    """Approve the person who is first in the hand queue."""

    by: UserId


@dataclass(frozen=True, slots=True)
class DenySpeaker:
    by: UserId
    listener: UserId


@dataclass(frozen=True, slots=True)
class ClearQueue:
    """Lower all hands."""

    by: UserId


@dataclass(frozen=True, slots=True)
class OrderQueue:
    by: UserId
    order: QueueOrder


@dataclass(frozen=True, slots=True)
class BringSpeaker:
    """Invite somebody to speak. Nobody is put on the stage unasked: see `AcceptInvitation`."""

    by: UserId
    user: UserId


@dataclass(frozen=True, slots=True)
class AcceptInvitation:
    """Accept an invitation to speak, and take the floor."""

    by: UserId


@dataclass(frozen=True, slots=True)
class DeclineInvitation:
    by: UserId


@dataclass(frozen=True, slots=True)
class DemoteSpeaker:
    """Take the floor from somebody. `by` None: the server's admin does."""

    by: UserId | None
    speaker: UserId


@dataclass(frozen=True, slots=True)
class LeaveStage:
    """Give up the floor."""

    by: UserId


@dataclass(frozen=True, slots=True)
class MuteSpeaker:
    """Mute somebody so that only a moderator can lift it."""

    by: UserId
    user: UserId


@dataclass(frozen=True, slots=True)
class MuteAll:
    """Mute every speaker; hosts and co-hosts go on."""

    by: UserId


@dataclass(frozen=True, slots=True)
class UnmuteSpeaker:
    """Lift a moderator's mute. The microphone stays shut until its owner opens it."""

    by: UserId
    user: UserId


@dataclass(frozen=True, slots=True)
class SetVolume:
    """Set how loud somebody is heard, in percent of the sound as they send it.

    `percent` None: automatically as loud as everybody else.
    """

    by: UserId
    user: UserId
    percent: int | None


@dataclass(frozen=True, slots=True)
class AppointCohost:
    by: UserId
    user: UserId


@dataclass(frozen=True, slots=True)
class DismissCohost:
    """Make a co-host a speaker again."""

    by: UserId
    user: UserId


@dataclass(frozen=True, slots=True)
class HandOver:
    """Make somebody else the host; the old one becomes a co-host."""

    by: UserId
    user: UserId


@dataclass(frozen=True, slots=True)
class RemovePerson:
    """Remove a person until the live space ends; `blocked`: for longer than that.

    `by` None: a rule of the bridge (a block list, a policy list) removes them.
    """

    by: UserId | None
    user: UserId
    reason: str = ""
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class ReadmitPerson:
    """Let a removed person in again. `by` None: a rule of the bridge was lifted."""

    by: UserId | None
    user: UserId


@dataclass(frozen=True, slots=True)
class LockSpace:
    """Lock the live space: nobody new comes in, no hands, no chat of listeners."""

    by: UserId


@dataclass(frozen=True, slots=True)
class UnlockSpace:
    by: UserId


@dataclass(frozen=True, slots=True)
class SetChat:
    """Set whether listeners may write in the room."""

    by: UserId
    on: bool


@dataclass(frozen=True, slots=True)
class SetGuests:
    """Set what guests may do."""

    by: UserId
    policy: GuestPolicy


@dataclass(frozen=True, slots=True)
class OpenMicrophone:
    """Open one's own microphone. Without this act of the speaker nobody is heard."""

    by: UserId


@dataclass(frozen=True, slots=True)
class CloseMicrophone:
    """Close one's own microphone: the speaker muted, hung up, or the connection was lost."""

    by: UserId


@dataclass(frozen=True, slots=True)
class SuspectLoss:
    """Shut a microphone on a hint that its owner may have lost the floor, and look afterwards.

    Until the homeserver was asked for what `doubt` is about, the microphone stays shut.
    """

    user: UserId
    doubt: Doubt = Doubt.LEVEL


@dataclass(frozen=True, slots=True)
class ObserveLevels:
    """Observe the room's `users` power levels as the homeserver holds them now.

    `settled` is the person whose level we have just written (or found as wanted): only that, or a
    level seen to fall, ends a closing of ours. `by` wrote the levels; None: we ourselves, or
    nobody knows.
    """

    levels: Mapping[UserId, int]
    settled: UserId | None = None
    by: UserId | None = None


@dataclass(frozen=True, slots=True)
class ObserveMember:
    """Observe one person's membership as the homeserver holds it now.

    `by` made it so, when that was neither the person nor the bot. `kicked`: the person was joined
    before; `unbanned`: the person was banned before.
    """

    user: UserId
    joined: bool
    name: str = ""
    banned: bool = False
    kicked: bool = False
    unbanned: bool = False
    by: UserId | None = None


@dataclass(frozen=True, slots=True)
class ObserveRoom:
    """Observe the whole room as the homeserver holds it now.

    `levels` are the `users` power levels, `joined` maps members to their names.
    """

    levels: Mapping[UserId, int]
    joined: Mapping[UserId, str]
    banned: frozenset[UserId] = frozenset()


@dataclass(frozen=True, slots=True)
class ObserveRefusedGrant:
    """Observe that the homeserver refused for good to write this person's level."""

    user: UserId
    reason: str


@dataclass(frozen=True, slots=True)
class CaptionUtterance:
    """Caption a finished utterance. `start_ms`/`end_ms` count from the live space's start."""

    utterance: UtteranceId
    speaker: UserId
    start_ms: int
    end_ms: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class React:
    """React with an emoji. `annotation` is the Matrix reaction that carries it, if one does."""

    by: UserId
    emoji: str
    annotation: EventId | None = None


@dataclass(frozen=True, slots=True)
class CountReactions:
    """Count the reactions of guests since the last such command, by emoji."""

    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SharePost:
    """Share a link with everybody. `event`: a message of this room that the link is about."""

    by: UserId
    url: str
    at_ms: int
    event: EventId | None = None


@dataclass(frozen=True, slots=True)
class InvitePerson:
    """Invite somebody by direct message."""

    by: UserId
    user: UserId


Command = (
    AttachRoom
    | StartSpace
    | EndSpace
    | Reschedule
    | Retitle
    | SetSpeakPolicy
    | SetCaptions
    | PassTime
    | NoteHostAway
    | NoteHostBack
    | WantReminder
    | DropReminder
    | RequestToSpeak
    | CancelRequest
    | ApproveSpeaker
    | ApproveNext
    | DenySpeaker
    | ClearQueue
    | OrderQueue
    | BringSpeaker
    | AcceptInvitation
    | DeclineInvitation
    | DemoteSpeaker
    | LeaveStage
    | MuteSpeaker
    | MuteAll
    | UnmuteSpeaker
    | SetVolume
    | AppointCohost
    | DismissCohost
    | HandOver
    | RemovePerson
    | ReadmitPerson
    | LockSpace
    | UnlockSpace
    | SetChat
    | SetGuests
    | OpenMicrophone
    | CloseMicrophone
    | SuspectLoss
    | ObserveLevels
    | ObserveMember
    | ObserveRoom
    | ObserveRefusedGrant
    | CaptionUtterance
    | React
    | CountReactions
    | SharePost
    | InvitePerson
)
