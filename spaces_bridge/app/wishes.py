"""What the app wishes from Matrix, kept in the outbox until it is true.

Each wish says what is wanted, not how. ``PublishState`` and ``RefreshCard`` carry no content: they
are made true from the live space as it is when they are done.
"""

from dataclasses import dataclass

from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId, UtteranceId


@dataclass(frozen=True, slots=True)
class MakeRoom:
    """Make the live space's room, or adopt it by its alias."""

    space: SpaceId


@dataclass(frozen=True, slots=True)
class PublishState:
    """``io.spacesbridge.live``, name, directory entry: as the live space is."""

    space: SpaceId


@dataclass(frozen=True, slots=True)
class RefreshCard:
    """The live card, and the community's bubble: as the live space is."""

    space: SpaceId


@dataclass(frozen=True, slots=True)
class WriteLevel:
    """This person's own ``users`` entry. None: no entry."""

    space: SpaceId
    user: UserId
    level: int | None


@dataclass(frozen=True, slots=True)
class SeatGuest:
    """Register the guest's ghost and bring it into the room."""

    space: SpaceId
    user: UserId
    name: str


@dataclass(frozen=True, slots=True)
class UnseatGuest:
    """The guest's ghost leaves the room."""

    space: SpaceId
    user: UserId


@dataclass(frozen=True, slots=True)
class PostCaption:
    space: SpaceId
    utterance: UtteranceId
    speaker: UserId
    name: str
    start_ms: int
    end_ms: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class PromptModerator:
    """Ask one host or co-host by DM, with ✅ and ❌ to tap, about a raised hand."""

    space: SpaceId
    moderator: UserId
    user: UserId
    guest: bool


@dataclass(frozen=True, slots=True)
class OfferFloor:
    """Tell somebody with an account that the floor is theirs, with the link to speak."""

    space: SpaceId
    user: UserId


@dataclass(frozen=True, slots=True)
class TellUser:
    """One plain sentence to one person with an account, by DM."""

    user: UserId
    text: str


@dataclass(frozen=True, slots=True)
class Announce:
    """One plain sentence to everybody in the room."""

    space: SpaceId
    text: str


@dataclass(frozen=True, slots=True)
class RedactEvent:
    space: SpaceId
    event: EventId


@dataclass(frozen=True, slots=True)
class InviteByMessage:
    """The invitation DM of the contract."""

    space: SpaceId
    user: UserId
    by: UserId


@dataclass(frozen=True, slots=True)
class SendLink:
    """A fresh personal link by DM."""

    space: SpaceId
    user: UserId


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a command, in the room where it was given."""

    room: RoomId
    event: EventId
    text: str
    ok: bool


Wish = (
    MakeRoom
    | PublishState
    | RefreshCard
    | WriteLevel
    | SeatGuest
    | UnseatGuest
    | PostCaption
    | PromptModerator
    | OfferFloor
    | TellUser
    | Announce
    | RedactEvent
    | InviteByMessage
    | SendLink
    | Reply
)


def queue_of(wish: Wish) -> str:
    """The ordered lane of the outbox in which the wish waits its turn."""
    match wish:
        case MakeRoom() | SeatGuest() | UnseatGuest() | WriteLevel():
            return f"{wish.space}|urgent"
        case PublishState():
            return f"{wish.space}|state"
        case RefreshCard():
            return f"{wish.space}|card"
        case PostCaption():
            return f"{wish.space}|captions"
        case RedactEvent():
            return f"{wish.space}|redactions"
        case Announce():
            return f"{wish.space}|timeline"
        case PromptModerator():
            return f"dm|{wish.moderator}"
        case OfferFloor() | TellUser() | InviteByMessage() | SendLink():
            return f"dm|{wish.user}"
        case Reply():
            return f"{wish.room}|replies"
