"""Notes about calls."""

from dataclasses import dataclass
from typing import ClassVar, Self

from spaces_bridge.app.notes.record import WEEK, AfterWriting, Key, Note
from spaces_bridge.core.ids import SpaceId, UserId


@dataclass(frozen=True, slots=True)
class DelegatedLeave:
    """A delayed leave event (MSC4140) that a participant of a call delegated to us.

    `identity` is the participant's name at LiveKit, the same in each call of a device; the event
    is at the homeserver of `user`.
    """

    space: SpaceId
    identity: str
    user: UserId
    delay_id: str
    delay_ms: int


@dataclass(frozen=True, slots=True)
class DelegatedLeaves(Note):
    """The delayed leave events that are looked after, for after a restart. There is one note.

    Replaced with each change. Kept for a week: events are delayed by a day at most.
    """

    kind: ClassVar = "delegated_leaves"
    key_fields: ClassVar = ()
    expiry: ClassVar = AfterWriting(WEEK)

    leaves: tuple[DelegatedLeave, ...]

    @classmethod
    def key(cls) -> Key[Self]:
        return Key(cls, ())
