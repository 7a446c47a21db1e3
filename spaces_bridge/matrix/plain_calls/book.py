"""The plain calls that are on or ring, in memory, and noted for after a restart."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from spaces_bridge.app.notes.plain_calls import NotedCall, PlainCallsOn
from spaces_bridge.app.ports import NoteStore
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.matrix.plain_calls.call import CallPhase, HangupReason, PlainCall
from spaces_bridge.matrix.plain_calls.floor import Floor, FloorStanding

ENDED_KEPT: Final = 500
"""Calls that are over and remembered, so that an invite that comes again is not answered again."""


@dataclass(slots=True)
class Ongoing:
    """A call that is on or rings.

    `language`: of what is said to the person. `among`: the live spaces that were asked about, and
    `offer`: the client's session description until one of them is chosen. `description`: ours,
    to be sent. `is_connected`: sound flows. `is_begun`: the person was told where they are.
    `leaving`: the reason for which the call ends when the last prompt was heard.
    """

    call: PlainCall
    floor: Floor = field(default_factory=Floor)
    language: str = "en"
    among: tuple[SpaceId, ...] = ()
    offer: str = ""
    description: str = ""
    is_connected: bool = False
    is_begun: bool = False
    leaving: HangupReason | None = None
    timer: asyncio.TimerHandle | None = None

    @property
    def is_on(self) -> bool:
        return self.call.phase is CallPhase.ON

    def rest(self) -> None:
        """Let no timer end the call any more."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class CallBook:
    """The book of calls. Its methods that wait raise StorageError."""

    def __init__(self, notes: NoteStore) -> None:
        self._notes = notes
        self._writing = asyncio.Lock()  # what is noted last is how the calls are
        self._calls: dict[tuple[RoomId, str], Ongoing] = {}
        self._ended: dict[tuple[RoomId, str], None] = {}
        self._writing = asyncio.Lock()

    def all(self) -> Sequence[Ongoing]:
        """Return all calls, oldest first."""
        return tuple(self._calls.values())

    def find(self, room: RoomId, call: str) -> Ongoing | None:
        """Return a call by its id in a room."""
        return self._calls.get((room, call))

    def knows(self, room: RoomId, call: str) -> bool:
        """Return whether the call is in the book, or was lately."""
        return (room, call) in self._calls or (room, call) in self._ended

    def by_session(self, session: str) -> Ongoing | None:
        """Return the call with this media session."""
        return next((o for o in self._calls.values() if o.call.session == session), None)

    def in_room(self, room: RoomId, user: UserId) -> Ongoing | None:
        """Return this person's call in a room."""
        mine = (o for o in self._calls.values() if (o.call.room, o.call.user) == (room, user))
        return next(mine, None)

    def in_any(self, room: RoomId) -> Sequence[Ongoing]:
        """Return all calls in a room."""
        return [o for o in self._calls.values() if o.call.room == room]

    def of(self, user: UserId) -> Ongoing | None:
        """Return a person's call: there is one at most."""
        return next((o for o in self._calls.values() if o.call.user == user), None)

    def in_space(self, space: SpaceId) -> Sequence[Ongoing]:
        """Return the calls to a live space."""
        return [o for o in self._calls.values() if o.call.space == space]

    def add(self, ongoing: Ongoing) -> None:
        """Add a call."""
        self._calls[ongoing.call.room, ongoing.call.call] = ongoing

    def remove(self, ongoing: Ongoing) -> bool:
        """Take a call out that is over; return whether it was in."""
        ongoing.rest()
        key = (ongoing.call.room, ongoing.call.call)
        if self._calls.pop(key, None) is None:
            return False
        self._ended[key] = None
        if len(self._ended) > ENDED_KEPT:
            del self._ended[next(iter(self._ended))]
        return True

    def forget(self, ongoing: Ongoing) -> None:
        """Take a call out that was never begun."""
        ongoing.rest()
        self._calls.pop((ongoing.call.room, ongoing.call.call), None)

    async def write(self) -> None:
        """Note the calls as they are now."""
        async with self._writing:  # the newest last
            await self._notes.put(PlainCallsOn(tuple(_noted(o) for o in self.all())))

    async def read(self) -> Sequence[Ongoing]:
        """Return the calls that were noted before a restart."""
        note = await self._notes.get(PlainCallsOn.key())
        return [_read(noted) for noted in note.calls] if note is not None else ()


def _noted(ongoing: Ongoing) -> NotedCall:
    call, floor = ongoing.call, ongoing.floor
    return NotedCall(
        room=call.room,
        call=call.call,
        user=call.user,
        space=call.space,
        version=str(call.version),
        is_number=isinstance(call.version, int),
        peer=call.peer,
        session=call.session,
        ours=call.ours,
        until_ms=call.until_ms,
        answered=call.phase is CallPhase.ON,
        description="" if ongoing.is_connected else ongoing.description,
        standing=floor.standing.value if ongoing.is_begun else "",
        wanted=floor.wanted,
        is_muted=floor.is_muted,
        is_held=floor.is_held,
    )


def _read(noted: NotedCall) -> Ongoing:
    rings = CallPhase.RINGING if noted.ours else CallPhase.CHOOSING
    call = PlainCall(
        room=noted.room,
        call=noted.call,
        user=noted.user,
        phase=CallPhase.ON if noted.answered else rings,
        version=int(noted.version) if noted.is_number else noted.version,
        peer=noted.peer,
        space=noted.space,
        session=noted.session,
        ours=noted.ours,
        until_ms=noted.until_ms,
    )
    floor = Floor(
        FloorStanding(noted.standing) if noted.standing else FloorStanding.LISTENER,
        wanted=noted.wanted,
        is_muted=noted.is_muted,
        is_held=noted.is_held,
    )
    return Ongoing(call, floor, description=noted.description, is_begun=bool(noted.standing))
