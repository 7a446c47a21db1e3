"""The outbox tasks: what the app wants from Matrix, kept in the outbox until it is done.

Each task says what is wanted, not how. Tasks such as `PublishState` and `RefreshCard` carry no
content: they write the live space as it is when they are carried out.
"""

from dataclasses import dataclass
from typing import ClassVar

from spaces_bridge.core.events import Reminder
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId, UtteranceId


@dataclass(frozen=True, slots=True)
class MakeRoom:
    """Make the live space's room, or adopt it by its alias."""

    stored_as: ClassVar = "room.make"

    space: SpaceId


@dataclass(frozen=True, slots=True)
class PublishState:
    """Write `io.spacesbridge.live`, name, topic and avatar of the room as the live space is."""

    stored_as: ClassVar = "room_state.publish"

    space: SpaceId


@dataclass(frozen=True, slots=True)
class ArrangeRoom:
    """Write the room's permissions (levels asked for, join rule) as the live space is."""

    stored_as: ClassVar = "room_permissions.write"

    space: SpaceId


@dataclass(frozen=True, slots=True)
class WriteCallMember:
    """Write the bot's membership in the call of the room (MatrixRTC) as the live space is.

    When it is over, everybody else's goes, too.
    """

    stored_as: ClassVar = "call_member.write"

    space: SpaceId


@dataclass(frozen=True, slots=True)
class ClearCallMember:
    """End a person's membership in the room's call by one device.

    `gone_at_ms`: when the device's connection ended without its saying so; None: the call is over.
    """

    stored_as: ClassVar = "call_member.clear"

    space: SpaceId
    user: UserId
    device: str
    gone_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class EndStageCall:
    """End a person's membership in the room's call by all devices, as the floor is gone.

    That is so only where nobody else may be in the call; elsewhere they stay there as listeners.
    """

    stored_as: ClassVar = "call_member.leave_stage"

    space: SpaceId
    user: UserId


@dataclass(frozen=True, slots=True)
class RingFollowers:
    """Ring, or notify, followers in the room who chose so: the live space is live (MSC4075).

    `live_at_ms` is when it went live. It is once: what comes too late is dropped.
    """

    stored_as: ClassVar = "followers.ring"

    space: SpaceId
    live_at_ms: int


@dataclass(frozen=True, slots=True)
class RefreshCard:
    """Write the live card as the live space is."""

    stored_as: ClassVar = "card.refresh"

    space: SpaceId


@dataclass(frozen=True, slots=True)
class RefreshBubble:
    """Write the small card in the community's room as the live space is."""

    stored_as: ClassVar = "community_card.refresh"

    space: SpaceId


@dataclass(frozen=True, slots=True)
class ListSpace:
    """Write the entry in the bridge's directory (an `m.space`) as the live space is."""

    stored_as: ClassVar = "directory.update"

    space: SpaceId


@dataclass(frozen=True, slots=True)
class BanPerson:
    """Keep somebody with an account out of the room, whether they are in it or not."""

    stored_as: ClassVar = "person.ban"

    space: SpaceId
    user: UserId
    reason: str


@dataclass(frozen=True, slots=True)
class UnbanPerson:
    stored_as: ClassVar = "person.unban"

    space: SpaceId
    user: UserId


@dataclass(frozen=True, slots=True)
class PinPost:
    """Show a shared link in the room, and pin the newest ones."""

    stored_as: ClassVar = "post.pin"

    space: SpaceId
    number: int


@dataclass(frozen=True, slots=True)
class WriteLevel:
    """Write this person's own `users` entry. None: no entry."""

    stored_as: ClassVar = "level.write"

    space: SpaceId
    user: UserId
    level: int | None


@dataclass(frozen=True, slots=True)
class SeatGuest:
    """Register the guest's ghost and bring it into the room."""

    stored_as: ClassVar = "guest.join"

    space: SpaceId
    user: UserId
    name: str


@dataclass(frozen=True, slots=True)
class HideGuestName:
    """Name a guest's ghost like any guest, as its own name looks like that of a role's holder."""

    stored_as: ClassVar = "guest.hide_name"

    space: SpaceId
    user: UserId


@dataclass(frozen=True, slots=True)
class UnseatGuest:
    """Let the guest's ghost leave the room."""

    stored_as: ClassVar = "guest.leave"

    space: SpaceId
    user: UserId


@dataclass(frozen=True, slots=True)
class PostCaption:
    stored_as: ClassVar = "caption.post"

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
    """Words that somebody wrote in the page's chat. `name`: as everybody in the room may know it.

    `named` False: the writer is a guest without the floor, whose own name stays on the page.
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
    """Say in the room what was written on the page; after a wait, several lines at once."""

    stored_as: ClassVar = "chat.post"

    space: SpaceId
    lines: tuple[ChatWords, ...]


@dataclass(frozen=True, slots=True)
class PromptModerator:
    """Prompt one host or co-host by DM, with ✅ and ❌ to tap, about a raised hand."""

    stored_as: ClassVar = "hand.prompt"

    space: SpaceId
    moderator: UserId
    user: UserId
    guest: bool


@dataclass(frozen=True, slots=True)
class OfferFloor:
    """Tell a person with an account that the floor is theirs, with the link to speak."""

    stored_as: ClassVar = "floor.offer"

    space: SpaceId
    user: UserId


@dataclass(frozen=True, slots=True)
class OfferToSpeak:
    """Ask somebody by DM, with ✅ and ❌ to tap, whether they want to speak."""

    stored_as: ClassVar = "stage_invitation.send"

    space: SpaceId
    user: UserId
    by: UserId


@dataclass(frozen=True, slots=True)
class RemindPerson:
    """Remind somebody of a scheduled live space by DM."""

    stored_as: ClassVar = "reminder.send"

    space: SpaceId
    user: UserId
    kind: Reminder


@dataclass(frozen=True, slots=True)
class AnnounceLive:
    """Invite the host's followers, and those who asked to be reminded, as it is live now."""

    stored_as: ClassVar = "followers.announce_live"

    space: SpaceId


@dataclass(frozen=True, slots=True)
class InviteFollowers:
    """Invite the followers of `by`, a host or co-host who asked for it."""

    stored_as: ClassVar = "followers.invite"

    space: SpaceId
    by: UserId


@dataclass(frozen=True, slots=True)
class SumUpInvitations:
    """Tell `by` in one message how many followers got no invitation, once that is known."""

    stored_as: ClassVar = "followers.sum_up"

    space: SpaceId
    by: UserId


@dataclass(frozen=True, slots=True)
class ForwardReport:
    """Show a stored report to the bridge's moderators, and to the homeserver's."""

    stored_as: ClassVar = "report.forward"

    report: int


@dataclass(frozen=True, slots=True)
class TellUser:
    """Send one plain sentence to one person with an account, by DM."""

    stored_as: ClassVar = "person.tell"

    user: UserId
    text: str


@dataclass(frozen=True, slots=True)
class Announce:
    """Post one plain sentence to everybody in the room.

    `locked`: the sentence says that the room is locked (False: open again), and is dropped when
    that is news no more.
    """

    stored_as: ClassVar = "notice.post"

    space: SpaceId
    text: str
    locked: bool | None = None


@dataclass(frozen=True, slots=True)
class RedactEvent:
    """Redact a reaction that was answered, or is over, so that its sender can give it again.

    `expired`: its time is over. `crowd`: the reaction is a hand that no host answered singly:
    lowered, refused, or cleared with all others. Answered hands wait behind none of those.
    """

    stored_as: ClassVar = "reaction.redact"

    space: SpaceId
    event: EventId
    expired: bool = False
    crowd: bool = False


@dataclass(frozen=True, slots=True)
class InviteByMessage:
    """Send a person the invitation DM of the contract.

    `announcement`: because the person follows `by`, or asked to be reminded.
    """

    stored_as: ClassVar = "invitation.send"

    space: SpaceId
    user: UserId
    by: UserId
    announcement: bool = False


@dataclass(frozen=True, slots=True)
class SendLink:
    """Send a fresh personal link by DM."""

    stored_as: ClassVar = "personal_link.send"

    space: SpaceId
    user: UserId


@dataclass(frozen=True, slots=True)
class Reply:
    """Reply to a command, in the room where it was given."""

    stored_as: ClassVar = "command.reply"

    room: RoomId
    event: EventId
    text: str
    ok: bool
    thread: EventId | None = None
    """The root of the thread in which the command was given."""


@dataclass(frozen=True, slots=True)
class CallWaiting:
    """Call those who asked to be called when the live space goes live: it is live now."""

    stored_as: ClassVar = "callers.call"

    space: SpaceId
    live_at_ms: int


@dataclass(frozen=True, slots=True)
class CallPerson:
    """Call a person who asked for it (`m.call.invite`); once, and not late.

    `asked_at_ms`: when they asked, or when the live space went live.
    """

    stored_as: ClassVar = "person.call"

    space: SpaceId
    user: UserId
    asked_at_ms: int


@dataclass(frozen=True, slots=True)
class SignalCall:
    """Send an event of a plain call (`m.call.*`). `body`: its content, as JSON.

    `until_ms`: after that it is worth nothing any more, and not sent; None: it always is.
    """

    stored_as: ClassVar = "call_signal.send"

    room: RoomId
    type: str
    body: str
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class TellCaller:
    """Write one plain sentence to the chat in which a plain call is, as a notice."""

    stored_as: ClassVar = "caller.tell"

    room: RoomId
    text: str


OutboxTask = (
    MakeRoom
    | PublishState
    | ArrangeRoom
    | WriteCallMember
    | ClearCallMember
    | EndStageCall
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
    | RingFollowers
    | InviteFollowers
    | SumUpInvitations
    | ForwardReport
    | TellUser
    | Announce
    | RedactEvent
    | InviteByMessage
    | SendLink
    | Reply
    | CallWaiting
    | CallPerson
    | SignalCall
    | TellCaller
)
