"""What can be asked of a live space. Imperative; ``decide`` may refuse any of them.

``by`` is who asks; times are integer Unix milliseconds unless they say otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.core.roles import DEFAULT_LEVELS, Levels


@dataclass(frozen=True, slots=True)
class CreateSpace:
    """The first command of a live space's life: see ``spaces_bridge.core.rules.create``."""

    space: SpaceId
    slug: str
    title: str
    by: UserId
    host_name: str
    at_ms: int
    private: bool = False
    speak_policy: SpeakPolicy = SpeakPolicy.REQUEST
    scheduled_at_ms: int | None = None
    levels: Levels = DEFAULT_LEVELS
    max_speakers: int = 10
    language: str = "auto"
    captions: bool = True
    community: RoomId | None = None


@dataclass(frozen=True, slots=True)
class AttachRoom:
    """The homeserver has made (or found again) the room of this live space."""

    room: RoomId


@dataclass(frozen=True, slots=True)
class StartSpace:
    by: UserId
    at_ms: int


@dataclass(frozen=True, slots=True)
class EndSpace:
    """``by`` None: the bridge itself ends it."""

    by: UserId | None
    at_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RequestToSpeak:
    """Raise the hand. ``name`` matters for guests, whom no member event names."""

    by: UserId
    at_ms: int
    name: str = ""
    guest: bool = False
    reaction: EventId | None = None


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Lower one's own hand. ``reaction_gone``: by taking back the reaction that raised it."""

    by: UserId
    reaction_gone: bool = False


@dataclass(frozen=True, slots=True)
class ApproveSpeaker:
    by: UserId
    listener: UserId


@dataclass(frozen=True, slots=True)
class DenySpeaker:
    by: UserId
    listener: UserId


@dataclass(frozen=True, slots=True)
class DemoteSpeaker:
    by: UserId
    speaker: UserId


@dataclass(frozen=True, slots=True)
class LeaveStage:
    """Give up the floor."""

    by: UserId


@dataclass(frozen=True, slots=True)
class OpenMicrophone:
    """The speaker's own act, without which nobody is heard."""

    by: UserId


@dataclass(frozen=True, slots=True)
class CloseMicrophone:
    """The speaker muted, hung up, or the connection was lost."""

    by: UserId


@dataclass(frozen=True, slots=True)
class SuspectLoss:
    """A hint that this person may have lost the floor: shut first, look afterwards."""

    user: UserId


@dataclass(frozen=True, slots=True)
class ObserveLevels:
    """The room's ``users`` power levels as the homeserver holds them now.

    ``settled`` names whose level we have just written (or found as wished): only that, or a level
    seen to fall, ends a closing of ours.
    """

    levels: Mapping[UserId, int]
    settled: UserId | None = None


@dataclass(frozen=True, slots=True)
class ObserveMember:
    """One person's membership as the homeserver holds it now."""

    user: UserId
    joined: bool
    name: str = ""


@dataclass(frozen=True, slots=True)
class ObserveRoom:
    """The whole room as the homeserver holds it now: levels, and the joined with their names."""

    levels: Mapping[UserId, int]
    joined: Mapping[UserId, str]


@dataclass(frozen=True, slots=True)
class ObserveRefusedGrant:
    """The homeserver refused for good to write this person's level."""

    user: UserId
    reason: str


@dataclass(frozen=True, slots=True)
class CaptionUtterance:
    """A finished utterance. ``start_ms``/``end_ms`` count from the start of the live space."""

    utterance: UtteranceId
    speaker: UserId
    start_ms: int
    end_ms: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class React:
    """``annotation`` is the Matrix reaction that carries it, if one does."""

    by: UserId
    emoji: str
    annotation: EventId | None = None


@dataclass(frozen=True, slots=True)
class InvitePerson:
    """Invite somebody by direct message."""

    by: UserId
    user: UserId


Command = (
    AttachRoom
    | StartSpace
    | EndSpace
    | RequestToSpeak
    | CancelRequest
    | ApproveSpeaker
    | DenySpeaker
    | DemoteSpeaker
    | LeaveStage
    | OpenMicrophone
    | CloseMicrophone
    | SuspectLoss
    | ObserveLevels
    | ObserveMember
    | ObserveRoom
    | ObserveRefusedGrant
    | CaptionUtterance
    | React
    | InvitePerson
)
