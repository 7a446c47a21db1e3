"""What the app wishes from Matrix, kept in the outbox until it is true.

Each wish says what is wanted, not how. ``PublishState`` and ``RefreshCard`` carry no content: they
are made true from the live space as it is when they are done.
"""

from dataclasses import dataclass

from spaces_bridge.core.events import Reminder
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId, UtteranceId


@dataclass(frozen=True, slots=True)
class MakeRoom:
    """Make the live space's room, or adopt it by its alias."""

    space: SpaceId


@dataclass(frozen=True, slots=True)
class PublishState:
    """``io.spacesbridge.live``, name, topic, avatar: as the live space is."""

    space: SpaceId


@dataclass(frozen=True, slots=True)
class ArrangeRoom:
    """What levels are needed for what, and who may join: as the live space is."""

    space: SpaceId


@dataclass(frozen=True, slots=True)
class RefreshCard:
    """The live card: as the live space is."""

    space: SpaceId


@dataclass(frozen=True, slots=True)
class RefreshBubble:
    """The small card in the community's room: as the live space is."""

    space: SpaceId


@dataclass(frozen=True, slots=True)
class ListSpace:
    """The entry in the bridge's directory (an ``m.space``): as the live space is."""

    space: SpaceId


@dataclass(frozen=True, slots=True)
class BanPerson:
    """Keep somebody with an account out of the room, whether they are in it or not."""

    space: SpaceId
    user: UserId
    reason: str


@dataclass(frozen=True, slots=True)
class UnbanPerson:
    space: SpaceId
    user: UserId


@dataclass(frozen=True, slots=True)
class PinPost:
    """Show a shared link in the room, and pin the newest ones."""

    space: SpaceId
    number: int


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
class HideGuestName:
    """The guest's ghost is called like any guest: somebody with a role looks like its name."""

    space: SpaceId
    user: UserId


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
class ChatWords:
    """What somebody wrote on the page. ``name``: as everybody in the room may know it.

    ``named`` False: a guest without the floor, whose own name stays on the page.
    """

    id: str
    user: UserId
    name: str
    text: str
    at_ms: int
    guest: bool = False
    named: bool = True


@dataclass(frozen=True, slots=True)
class PostChat:
    """Say in the room what was written on the page; more than one after a wait."""

    space: SpaceId
    lines: tuple[ChatWords, ...]


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
class OfferToSpeak:
    """Ask somebody by DM, with ✅ and ❌ to tap, whether they want to speak."""

    space: SpaceId
    user: UserId
    by: UserId


@dataclass(frozen=True, slots=True)
class RemindPerson:
    """Remind somebody of a scheduled live space by DM."""

    space: SpaceId
    user: UserId
    kind: Reminder


@dataclass(frozen=True, slots=True)
class AnnounceLive:
    """Invite the host's followers, and those who asked to be reminded: it is live."""

    space: SpaceId


@dataclass(frozen=True, slots=True)
class InviteFollowers:
    """Invite the followers of ``by``, who asked for it."""

    space: SpaceId
    by: UserId


@dataclass(frozen=True, slots=True)
class SumUpInvitations:
    """Tell ``by`` in one message how many followers got no invitation, once that is known."""

    space: SpaceId
    by: UserId


@dataclass(frozen=True, slots=True)
class ForwardReport:
    """Show a stored report to the bridge's moderators, and to the homeserver's."""

    report: int


@dataclass(frozen=True, slots=True)
class TellUser:
    """One plain sentence to one person with an account, by DM."""

    user: UserId
    text: str


@dataclass(frozen=True, slots=True)
class Announce:
    """One plain sentence to everybody in the room.

    ``locked``: it says so, and is dropped when that is news no more.
    """

    space: SpaceId
    text: str
    locked: bool | None = None


@dataclass(frozen=True, slots=True)
class RedactEvent:
    """A reaction that was answered, or is over: until it is gone, its sender cannot give it again.

    ``expired``: its time is over. ``crowd``: a hand that no host answered by itself: taken down,
    refused, or cleared with all others. A hand that was answered waits behind none of those.
    """

    space: SpaceId
    event: EventId
    expired: bool = False
    crowd: bool = False


@dataclass(frozen=True, slots=True)
class InviteByMessage:
    """The invitation DM of the contract.

    ``announcement``: because they follow ``by``, or asked to be reminded.
    """

    space: SpaceId
    user: UserId
    by: UserId
    announcement: bool = False


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
    thread: EventId | None = None
    """The root of the thread it was given in."""


Wish = (
    MakeRoom
    | PublishState
    | ArrangeRoom
    | RefreshCard
    | RefreshBubble
    | ListSpace
    | BanPerson
    | UnbanPerson
    | PinPost
    | WriteLevel
    | SeatGuest
    | HideGuestName
    | UnseatGuest
    | PostCaption
    | PostChat
    | PromptModerator
    | OfferFloor
    | OfferToSpeak
    | RemindPerson
    | AnnounceLive
    | InviteFollowers
    | SumUpInvitations
    | ForwardReport
    | TellUser
    | Announce
    | RedactEvent
    | InviteByMessage
    | SendLink
    | Reply
)
