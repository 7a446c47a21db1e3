"""The lanes of the outbox say which tasks run one after the other, and which side by side.

Tasks of one lane are done in the order in which they were stored. No lane waits for another.
A lane's text is stored with each of its tasks: `PARTITION|NAME|PRIORITY`, and `|PERSON` where
every person has a lane. So names and priorities are data, like the kinds of tasks.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from spaces_bridge.app import tasks


class Priority(StrEnum):
    """The priority of a lane: its share of the bot's rate budget."""

    URGENT = "urgent"
    """Its tasks never wait for the budget."""
    NORMAL = "normal"
    """Its tasks take turns with those of other partitions."""
    PACED = "paced"
    """The handlers of its tasks wait for the budget, event by event."""


class LaneName(StrEnum):
    """The name of a lane says what its tasks are about."""

    ANNOUNCEMENTS = "announcements"
    BANS = "bans"
    CALL = "call"
    CALLERS = "callers"
    CALL_NOTICES = "call_notices"
    CALL_SIGNALS = "call_signals"
    CAPTIONS = "captions"
    CARD = "card"
    CHAT = "chat"
    COMMUNITY_CARD = "community_card"
    CROWD = "crowd"
    HANDS = "hands"
    INVITATIONS = "invitations"
    LEVELS = "levels"
    LISTING = "listing"
    MESSAGES = "messages"
    PERMISSIONS = "permissions"
    PROMPTS = "prompts"
    REDACTIONS = "redactions"
    REPLIES = "replies"
    REPORTS = "reports"
    RINGS = "rings"
    STATE = "state"
    SUMMARIES = "summaries"
    TIMELINE = "timeline"
    UNBANS = "unbans"
    UNKNOWN = "unknown"
    """A lane that another version of the bridge has stored."""


DIRECT_MESSAGES = "dm"
"""The partition of all messages to single people."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane: one ordered queue of outbox tasks.

    The lanes of a `partition` share a budget: it is a live space, a room, or a constant.
    `person`: every person has a lane of this name, and this is theirs.
    """

    partition: str
    name: LaneName
    priority: Priority = Priority.NORMAL
    person: str = ""

    def __str__(self) -> str:
        parts = [_escaped(self.partition), self.name, self.priority]
        return "|".join([*parts, _escaped(self.person)] if self.person else parts)

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the lane with this text; one that another version stored is a lane of its own."""
        partition, *rest = text.split("|")
        try:
            name, priority, *person = rest
            [held] = person or [""]
            return cls(_unescaped(partition), LaneName(name), Priority(priority), _unescaped(held))
        except ValueError:
            return cls(text, LaneName.UNKNOWN)


def lane_of(task: tasks.OutboxTask) -> Lane:  # noqa: C901, PLR0912 - an arm per kind
    """Return the lane in which the task waits its turn."""
    match task:
        case (
            tasks.MakeRoom()
            | tasks.SeatGuest()
            | tasks.HideGuestName()
            | tasks.UnseatGuest()
            | tasks.WriteLevel()
        ):
            return Lane(task.space, LaneName.LEVELS, Priority.URGENT)
        case tasks.ArrangeRoom():
            # a lane of its own: a lock waits for no grant and for no bans
            return Lane(task.space, LaneName.PERMISSIONS, Priority.URGENT)
        case tasks.BanPerson():
            return Lane(task.space, LaneName.BANS, Priority.URGENT)
        case tasks.WriteCallMember() | tasks.ClearCallMember() | tasks.EndStageCall():
            return Lane(task.space, LaneName.CALL)
        case tasks.RingFollowers():
            # a lane of its own: it waits until the bot is in the call, and is worthless late
            return Lane(task.space, LaneName.RINGS)
        case tasks.CallWaiting():
            return Lane(task.space, LaneName.CALLERS)
        case tasks.CallPerson():
            # a lane of its own: a call waits for none of the person's messages
            return Lane(DIRECT_MESSAGES, LaneName.CALLERS, person=task.user)
        case tasks.SignalCall():
            # urgent: somebody holds a telephone to their ear
            return Lane(task.room, LaneName.CALL_SIGNALS, Priority.URGENT)
        case tasks.TellCaller():
            return Lane(task.room, LaneName.CALL_NOTICES)
        case tasks.PublishState():
            return Lane(task.space, LaneName.STATE)
        case tasks.UnbanPerson():
            return Lane(task.space, LaneName.UNBANS)
        case tasks.RefreshCard():
            return Lane(task.space, LaneName.CARD)
        case tasks.RefreshBubble():
            return Lane(task.space, LaneName.COMMUNITY_CARD)
        case tasks.ListSpace():
            return Lane("directory", LaneName.LISTING)
        case tasks.PostCaption():
            return Lane(task.space, LaneName.CAPTIONS)
        case tasks.PostChat():
            return Lane(task.space, LaneName.CHAT)
        case tasks.RedactEvent():
            return Lane(task.space, _name_for_redaction(task))
        case tasks.Announce() | tasks.PinPost():
            return Lane(task.space, LaneName.TIMELINE)
        case tasks.AnnounceLive() | tasks.InviteFollowers():
            return Lane(task.space, LaneName.ANNOUNCEMENTS)
        case tasks.SumUpInvitations():
            # a lane of its own: the summary waits until the last follower was written to
            return Lane(task.space, LaneName.SUMMARIES, person=task.by)
        case tasks.PromptModerator():
            # a lane of its own: prompts have their own limit, and links and offers overtake them
            return Lane(DIRECT_MESSAGES, LaneName.PROMPTS, person=task.moderator)
        case tasks.InviteByMessage() | tasks.RemindPerson():
            # a lane of its own: these wait for the invitations' pace, and nothing else may
            return Lane(DIRECT_MESSAGES, LaneName.INVITATIONS, Priority.PACED, task.user)
        case tasks.OfferFloor() | tasks.OfferToSpeak() | tasks.TellUser() | tasks.SendLink():
            return Lane(DIRECT_MESSAGES, LaneName.MESSAGES, person=task.user)
        case tasks.ForwardReport():
            return Lane("moderators", LaneName.REPORTS)
        case tasks.Reply():
            return Lane(task.room, LaneName.REPLIES)


def _name_for_redaction(task: tasks.RedactEvent) -> LaneName:
    if task.expired:
        return LaneName.REDACTIONS
    return LaneName.CROWD if task.crowd else LaneName.HANDS


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("|", "%7C")


def _unescaped(text: str) -> str:
    return text.replace("%7C", "|").replace("%25", "%")
