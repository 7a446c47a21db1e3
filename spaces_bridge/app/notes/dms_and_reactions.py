"""Notes about direct messages: the people of direct rooms, and what reactions there mean."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from spaces_bridge.app.notes.record import YEAR, AfterSpace, AfterWriting, ForEver, Key, Note
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation to a live space of `host`; `by` may be a listener."""

    space: SpaceId
    user: UserId
    by: UserId
    host: UserId

    @property
    def senders(self) -> tuple[UserId, ...]:
        """The people a 🔕 is about: the one who invited, and the host of the live space."""
        return (self.by,) if self.by == self.host else (self.by, self.host)


@dataclass(frozen=True, slots=True)
class UserRoom(Note):
    """The direct room in which the bot writes to a person. Key: the person.

    Kept for ever: without it the person would get a second room.
    """

    kind: ClassVar = "user_room"
    key_fields: ClassVar = ("user",)
    expiry: ClassVar = ForEver("people")

    user: UserId
    room: RoomId

    @classmethod
    def key(cls, user: UserId) -> Key[Self]:
        return Key(cls, (user,))


@dataclass(frozen=True, slots=True)
class RoomUser(Note):
    """The person whose direct room with the bot a room is, or was. Key: the room.

    Kept for ever: people may leave and write in an older room, and it is direct still.
    """

    kind: ClassVar = "room_user"
    key_fields: ClassVar = ("room",)
    expiry: ClassVar = ForEver("people, and the direct rooms they made or left")

    room: RoomId
    user: UserId

    @classmethod
    def key(cls, room: RoomId) -> Key[Self]:
        return Key(cls, (room,))


@dataclass(frozen=True, slots=True)
class EncryptionExplained(Note):
    """The bot has said that it cannot read an encrypted room. Key: the room.

    `instead` is the direct room it offered. Kept for a year: after that it may be said again.
    """

    kind: ClassVar = "encryption_explained"
    key_fields: ClassVar = ("room",)
    expiry: ClassVar = AfterWriting(YEAR)

    room: RoomId
    instead: RoomId

    @classmethod
    def key(cls, room: RoomId) -> Key[Self]:
        return Key(cls, (room,))


@dataclass(frozen=True, slots=True)
class LatestInvitation(Note):
    """The latest invitation of a person: leaving the direct room says no to it. Key: the person.

    Kept for ever: people leave a room years later, too.
    """

    kind: ClassVar = "latest_invitation"
    key_fields: ClassVar = ("user",)
    expiry: ClassVar = ForEver("people")

    user: UserId
    invitation: Invitation

    @classmethod
    def key(cls, user: UserId) -> Key[Self]:
        return Key(cls, (user,))


@dataclass(frozen=True, slots=True)
class InvitationMessage(Note):
    """The message in which somebody was invited. Key: the message.

    Kept for a year after the live space: so long 🔕 and 🚫 on it are understood.
    """

    kind: ClassVar = "invitation_message"
    key_fields: ClassVar = ("event",)
    expiry: ClassVar = AfterSpace(YEAR)

    event: EventId
    invitation: Invitation

    @property
    def space(self) -> SpaceId:
        """The live space to which the person was invited."""
        return self.invitation.space

    @classmethod
    def key(cls, event: EventId) -> Key[Self]:
        return Key(cls, (event,))


@dataclass(frozen=True, slots=True)
class StageInvitationMessage(Note):
    """The message in which a listener was invited to speak. Key: the message.

    Kept for a year after the live space: until then a ✅ is answered with why it is too late.
    """

    kind: ClassVar = "stage_invitation_message"
    key_fields: ClassVar = ("event",)
    expiry: ClassVar = AfterSpace(YEAR)

    event: EventId
    space: SpaceId
    user: UserId

    @classmethod
    def key(cls, event: EventId) -> Key[Self]:
        return Key(cls, (event,))


@dataclass(frozen=True, slots=True)
class HandMessage(Note):
    """The message in which a moderator was asked about a raised hand. Key: the message.

    `user` raised the hand. Kept for a year after the live space: until then a ✅ is answered
    with why it is too late.
    """

    kind: ClassVar = "hand_message"
    key_fields: ClassVar = ("event",)
    expiry: ClassVar = AfterSpace(YEAR)

    event: EventId
    space: SpaceId
    user: UserId

    @classmethod
    def key(cls, event: EventId) -> Key[Self]:
        return Key(cls, (event,))


@dataclass(frozen=True, slots=True)
class InvitationReaction(Note):
    """A reaction to an invitation, with an effect that its redaction undoes.

    Key: the reaction. `hosts` are the people who were silenced by it. Kept for a year, or until
    it is undone.
    """

    kind: ClassVar = "invitation_reaction"
    key_fields: ClassVar = ("reaction",)
    expiry: ClassVar = AfterWriting(YEAR)

    reaction: EventId
    emoji: str
    space: SpaceId
    user: UserId
    message: EventId
    hosts: tuple[UserId, ...] = ()

    @classmethod
    def key(cls, reaction: EventId) -> Key[Self]:
        return Key(cls, (reaction,))


class CardReactionEffect(StrEnum):
    """The effect of a reaction to a card."""

    FOLLOW = "follow"
    REMIND = "remind"


@dataclass(frozen=True, slots=True)
class CardReaction(Note):
    """A 🔔 or ✅ on a card or bubble, which its redaction undoes. Key: the reaction.

    Kept for a year: so long taking it back unfollows the host.
    """

    kind: ClassVar = "card_reaction"
    key_fields: ClassVar = ("reaction",)
    expiry: ClassVar = AfterWriting(YEAR)

    reaction: EventId
    effect: CardReactionEffect
    user: UserId
    subject: str
    """The host who is followed, or the live space one is reminded of."""

    @classmethod
    def key(cls, reaction: EventId) -> Key[Self]:
        return Key(cls, (reaction,))
