"""Notes about commands and events from Matrix that may be handled more than once."""

from dataclasses import dataclass
from typing import ClassVar, Self

from spaces_bridge.app.notes.record import (
    MONTH,
    WEEK,
    AfterHandling,
    AfterWriting,
    ForEver,
    Key,
    Note,
)
from spaces_bridge.core.ids import EventId, SpaceId, UserId


@dataclass(frozen=True, slots=True)
class CommandSpace(Note):
    """The live space that a command was about when it was first handled. Key: the message.

    Kept until the message is handled, and a week more.
    """

    kind: ClassVar = "command_space"
    key_fields: ClassVar = ("event",)
    expiry: ClassVar = AfterHandling(WEEK)

    event: EventId
    space: SpaceId

    @classmethod
    def key(cls, event: EventId) -> Key[Self]:
        return Key(cls, (event,))


@dataclass(frozen=True, slots=True)
class CommandPerson(Note):
    """The person that a command was about when it was first handled. Key: the message.

    `rest` is what was written after the name. Kept until the message is handled, and a week
    more.
    """

    kind: ClassVar = "command_person"
    key_fields: ClassVar = ("event",)
    expiry: ClassVar = AfterHandling(WEEK)

    event: EventId
    user: UserId
    rest: str

    @classmethod
    def key(cls, event: EventId) -> Key[Self]:
        return Key(cls, (event,))


@dataclass(frozen=True, slots=True)
class CommandUnblocked(Note):
    """The entry that a command took off a block list when first handled. Key: the message.

    Kept until the message is handled, and a week more.
    """

    kind: ClassVar = "command_unblocked"
    key_fields: ClassVar = ("event",)
    expiry: ClassVar = AfterHandling(WEEK)

    event: EventId
    target: str

    @classmethod
    def key(cls, event: EventId) -> Key[Self]:
        return Key(cls, (event,))


@dataclass(frozen=True, slots=True)
class CommandReworded(Note):
    """The edit by which a message became a command that was carried out. Key: the message.

    Kept for a month: a message is edited once into a command, not again and again.
    """

    kind: ClassVar = "command_reworded"
    key_fields: ClassVar = ("message",)
    expiry: ClassVar = AfterWriting(MONTH)

    message: EventId
    edit: EventId

    @classmethod
    def key(cls, message: EventId) -> Key[Self]:
        return Key(cls, (message,))


@dataclass(frozen=True, slots=True)
class ReadBackFrom(Note):
    """The time from which rooms are being read back after an outage. There is one.

    Dropped when all rooms are read.
    """

    kind: ClassVar = "read_back_from"
    key_fields: ClassVar = ()
    expiry: ClassVar = ForEver("there is one")

    since_ms: int

    @classmethod
    def key(cls) -> Key[Self]:
        return Key(cls, ())
