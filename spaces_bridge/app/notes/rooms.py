"""Notes about messages and state that the bot wrote in a live space's room or its community's."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from spaces_bridge.app.notes.record import (
    MONTH,
    YEAR,
    AfterSpace,
    AfterWriting,
    ForEver,
    Key,
    Note,
)
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId


class Shown(StrEnum):
    """The messages that the bot keeps true by editing them."""

    CARD = "card"
    BUBBLE = "bubble"


@dataclass(frozen=True, slots=True)
class ShownMessage(Note):
    """The message that shows a live space: its card or its bubble. Key: which, the live space.

    Kept for a year after the live space: without it a second one would be sent.
    """

    kind: ClassVar = "shown_message"
    key_fields: ClassVar = ("shown", "space")
    expiry: ClassVar = AfterSpace(YEAR)

    shown: Shown
    space: SpaceId
    event: EventId

    @classmethod
    def key(cls, shown: Shown, space: SpaceId) -> Key[Self]:
        return Key(cls, (shown.value, space))


@dataclass(frozen=True, slots=True)
class ShownEdition(Note):
    """The present text of a card or bubble, in digests. Key: which, the live space.

    `frame` is the digest without and `whole` with the counters; `edits` are counted. Kept for a
    year after the live space, like the message itself.
    """

    kind: ClassVar = "shown_edition"
    key_fields: ClassVar = ("shown", "space")
    expiry: ClassVar = AfterSpace(YEAR)

    shown: Shown
    space: SpaceId
    frame: str
    whole: str
    at_ms: int
    edits: int

    @classmethod
    def key(cls, shown: Shown, space: SpaceId) -> Key[Self]:
        return Key(cls, (shown.value, space))


@dataclass(frozen=True, slots=True)
class ShownComplete(Note):
    """A card or bubble is pinned and has its reactions. Key: which, the live space.

    Kept for a year after the live space, like the message itself.
    """

    kind: ClassVar = "shown_complete"
    key_fields: ClassVar = ("shown", "space")
    expiry: ClassVar = AfterSpace(YEAR)

    shown: Shown
    space: SpaceId

    @classmethod
    def key(cls, shown: Shown, space: SpaceId) -> Key[Self]:
        return Key(cls, (shown.value, space))


@dataclass(frozen=True, slots=True)
class BubbleSpace(Note):
    """The live space that a bubble shows. Key: the bubble.

    Kept for a year after the live space: so long a 🔔 on it follows the host.
    """

    kind: ClassVar = "bubble_space"
    key_fields: ClassVar = ("event",)
    expiry: ClassVar = AfterSpace(YEAR)

    event: EventId
    space: SpaceId

    @classmethod
    def key(cls, event: EventId) -> Key[Self]:
        return Key(cls, (event,))


@dataclass(frozen=True, slots=True)
class BubbleGivenUp(Note):
    """A live space has no bubble any more, for a reason. Key: the live space.

    `reason` is the homeserver's error code, or "redacted". Kept for a year after the live space.
    """

    kind: ClassVar = "bubble_given_up"
    key_fields: ClassVar = ("space",)
    expiry: ClassVar = AfterSpace(YEAR)

    space: SpaceId
    reason: str

    @classmethod
    def key(cls, space: SpaceId) -> Key[Self]:
        return Key(cls, (space,))


@dataclass(frozen=True, slots=True)
class BubbleReaction(Note):
    """A reaction that the bot put on a bubble, to be tapped. Key: the live space, the emoji.

    Kept for a year after the live space, or until the bot takes it back.
    """

    kind: ClassVar = "bubble_reaction"
    key_fields: ClassVar = ("space", "emoji")
    expiry: ClassVar = AfterSpace(YEAR)

    space: SpaceId
    emoji: str
    event: EventId

    @classmethod
    def key(cls, space: SpaceId, emoji: str) -> Key[Self]:
        return Key(cls, (space, emoji))


@dataclass(frozen=True, slots=True)
class RoomShown(Note):
    """The state that the bot has written into a room, in digests by type. Key: the live space.

    State that the host changes by hand stands until there is something else to write. Kept for a
    year after the live space.
    """

    kind: ClassVar = "room_shown"
    key_fields: ClassVar = ("space",)
    expiry: ClassVar = AfterSpace(YEAR)

    space: SpaceId
    digests: Mapping[str, str]

    @classmethod
    def key(cls, space: SpaceId) -> Key[Self]:
        return Key(cls, (space,))


@dataclass(frozen=True, slots=True)
class PinnedPost(Note):
    """The message that shows a shared post. Key: the live space, the number of the post.

    Kept for a month after the live space: nothing is pinned when it is over.
    """

    kind: ClassVar = "pinned_post"
    key_fields: ClassVar = ("space", "number")
    expiry: ClassVar = AfterSpace(MONTH)

    space: SpaceId
    number: int
    event: EventId

    @classmethod
    def key(cls, space: SpaceId, number: int) -> Key[Self]:
        return Key(cls, (space, str(number)))


@dataclass(frozen=True, slots=True)
class LatestCaption(Note):
    """The latest caption in the room, to which the next one replies. Key: the live space.

    Kept for a month after the live space: the last captions come within minutes.
    """

    kind: ClassVar = "latest_caption"
    key_fields: ClassVar = ("space",)
    expiry: ClassVar = AfterSpace(MONTH)

    space: SpaceId
    event: EventId

    @classmethod
    def key(cls, space: SpaceId) -> Key[Self]:
        return Key(cls, (space,))


@dataclass(frozen=True, slots=True)
class LockAnnounced(Note):
    """The last announcement of the lock in the room, and its task. Key: the live space.

    Kept for a month after the live space: nobody locks what is over.
    """

    kind: ClassVar = "lock_announced"
    key_fields: ClassVar = ("space",)
    expiry: ClassVar = AfterSpace(MONTH)

    space: SpaceId
    locked: bool
    task: str

    @classmethod
    def key(cls, space: SpaceId) -> Key[Self]:
        return Key(cls, (space,))


@dataclass(frozen=True, slots=True)
class HandAsked(Note):
    """A moderator is being asked about a hand. Key: the live space, the moderator, the person.

    `hand_at_ms` tells which hand it is, `task` which prompt. Kept for a month after the live
    space: nobody raises a hand when it is over.
    """

    kind: ClassVar = "hand_asked"
    key_fields: ClassVar = ("space", "moderator", "user")
    expiry: ClassVar = AfterSpace(MONTH)

    space: SpaceId
    moderator: UserId
    user: UserId
    hand_at_ms: int
    task: str

    @classmethod
    def key(cls, space: SpaceId, moderator: UserId, user: UserId) -> Key[Self]:
        return Key(cls, (space, moderator, user))


@dataclass(frozen=True, slots=True)
class LevelsBefore(Note):
    """The power levels before the first try of a room's latest grant. Key: the room.

    Kept for a month: the task behind it is done or given up long before.
    """

    kind: ClassVar = "levels_before"
    key_fields: ClassVar = ("room",)
    expiry: ClassVar = AfterWriting(MONTH)

    room: RoomId
    event: EventId
    task: str

    @classmethod
    def key(cls, room: RoomId) -> Key[Self]:
        return Key(cls, (room,))


@dataclass(frozen=True, slots=True)
class UploadedPicture(Note):
    """The address of a picture that the homeserver has taken. Key: the digest of its file.

    Kept for ever, so that each picture is uploaded once.
    """

    kind: ClassVar = "uploaded_picture"
    key_fields: ClassVar = ("digest",)
    expiry: ClassVar = ForEver("the pictures that this program draws")

    digest: str
    address: str

    @classmethod
    def key(cls, digest: str) -> Key[Self]:
        return Key(cls, (digest,))
