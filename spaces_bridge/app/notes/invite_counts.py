"""Notes about invitations: their senders and receivers, and how many there were in a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from spaces_bridge.app.notes.record import MONTH, AfterSpace, AfterWriting, ForEver, Key, Note
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import Phase


@dataclass(frozen=True, slots=True)
class Invited(Note):
    """A person was invited to a live space. Key: the live space, the inviter, the person.

    `phase` is how the live space was then, `task` the key of the outbox task. Kept for a
    month after the live space: nobody is invited to what is over.
    """

    kind: ClassVar = "invited"
    key_fields: ClassVar = ("space", "by", "user")
    expiry: ClassVar = AfterSpace(MONTH)

    space: SpaceId
    by: UserId
    user: UserId
    phase: Phase
    task: str

    @classmethod
    def key(cls, space: SpaceId, by: UserId, user: UserId) -> Key[Self]:
        return Key(cls, (space, by, user))


@dataclass(frozen=True, slots=True)
class LatestFrom(Note):
    """The live space of the latest invitation from one person to another. Key: the two people.

    Kept for ever, like a follow or a 🔕: an invitation that is never answered is a no.
    """

    kind: ClassVar = "latest_from"
    key_fields: ClassVar = ("sender", "user")
    expiry: ClassVar = ForEver("pairs of people who know each other")

    sender: UserId
    user: UserId
    space: SpaceId

    @classmethod
    def key(cls, sender: UserId, user: UserId) -> Key[Self]:
        return Key(cls, (sender, user))


class Counted(StrEnum):
    """The things that are limited for each person and day."""

    STRANGERS_MET = "strangers_met"
    INVITATIONS_SENT = "invitations_sent"
    INVITATIONS_GOT = "invitations_got"


@dataclass(frozen=True, slots=True)
class DayCount(Note):
    """The things counted against one person's limit of a day. Key: `counted`, the person.

    `day` counts from 1970, `taken` names each thing once. Kept for two days: the next day
    begins anew.
    """

    kind: ClassVar = "day_count"
    key_fields: ClassVar = ("counted", "user")
    expiry: ClassVar = AfterWriting(2)

    counted: Counted
    user: UserId
    day: int
    taken: tuple[str, ...]

    @classmethod
    def key(cls, counted: Counted, user: UserId) -> Key[Self]:
        return Key(cls, (counted.value, user))


@dataclass(frozen=True, slots=True)
class UninvitedFollowers(Note):
    """Followers who got no invitation, until the inviter is told.

    Key: the live space, the inviter. The value of each follower says whether they had enough
    invitations that day. Kept for a month after the live space: the inviter is told within
    minutes.
    """

    kind: ClassVar = "uninvited_followers"
    key_fields: ClassVar = ("space", "by")
    expiry: ClassVar = AfterSpace(MONTH)

    space: SpaceId
    by: UserId
    had_enough: Mapping[str, bool]

    @classmethod
    def key(cls, space: SpaceId, by: UserId) -> Key[Self]:
        return Key(cls, (space, by))


@dataclass(frozen=True, slots=True)
class FollowersInvited(Note):
    """Somebody's followers were invited to a live space. Key: the live space, the inviter.

    `source` names the request. Kept for a month after the live space: nobody can ask again.
    """

    kind: ClassVar = "followers_invited"
    key_fields: ClassVar = ("space", "by")
    expiry: ClassVar = AfterSpace(MONTH)

    space: SpaceId
    by: UserId
    source: str

    @classmethod
    def key(cls, space: SpaceId, by: UserId) -> Key[Self]:
        return Key(cls, (space, by))
