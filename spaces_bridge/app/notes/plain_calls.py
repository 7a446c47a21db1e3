"""Notes about plain calls (`m.call.*`), for after a restart and for later."""

from dataclasses import dataclass
from typing import ClassVar, Self

from spaces_bridge.app.notes.record import MONTH, WEEK, AfterSpace, AfterWriting, Key, Note
from spaces_bridge.core.ids import RoomId, SpaceId, UserId


@dataclass(frozen=True, slots=True)
class NotedCall:
    """A plain call that is on, or rings.

    `version`: of the signalling, as the client writes it; `is_number`: not as text. `peer`: the
    other side's `party_id`, "" while none is known. `session`: its media session, "" before there
    is one. `ours`: the bot called. `until_ms`: so long it may ring. `answered`: there was an
    answer. `description`: our session description, "" once sound flows: until then it may not
    have been sent.
    """

    room: RoomId
    call: str
    user: UserId
    space: SpaceId | None
    version: str
    is_number: bool
    peer: str
    session: str
    ours: bool
    until_ms: int
    answered: bool
    description: str = ""


@dataclass(frozen=True, slots=True)
class PlainCallsOn(Note):
    """The plain calls that are on, for after a restart. There is one note.

    Replaced with each change. Kept for a week: a call is over long before.
    """

    kind: ClassVar = "plain_calls_on"
    key_fields: ClassVar = ()
    expiry: ClassVar = AfterWriting(WEEK)

    calls: tuple[NotedCall, ...]

    @classmethod
    def key(cls) -> Key[Self]:
        return Key(cls, ())


@dataclass(frozen=True, slots=True)
class CallsWanted(Note):
    """The people who want to be called when a live space goes live. Key: the live space.

    Kept for a month after its end, or until they were called.
    """

    kind: ClassVar = "calls_wanted"
    key_fields: ClassVar = ("space",)
    expiry: ClassVar = AfterSpace(MONTH)

    space: SpaceId
    users: tuple[UserId, ...]

    @classmethod
    def key(cls, space: SpaceId) -> Key[Self]:
        return Key(cls, (space,))
