"""The history of grants: finds one that was given and undone while its answer got lost.

A homeserver may take a write and die before it answers. Whoever takes the level away meanwhile has
the last word: the next try must not bring it back.
"""

from typing import Protocol

from spaces_bridge.app.notes.rooms import LevelsBefore
from spaces_bridge.app.ports import NoteStore
from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import StateEvent
from spaces_bridge.matrix.events import levels

STEPS = 10
"""The number of earlier events that are read; a try that cannot be judged is made."""


class GrantEvents(Protocol):
    """The part of `MatrixClient` that is needed here."""

    @property
    def user(self) -> UserId: ...

    async def event(self, room: RoomId, event: EventId) -> StateEvent: ...


class GrantHistory:
    """The grant history notes, per room, the levels before the first try of the latest grant.

    One note a room is enough: the grants of a live space are carried out one after the other.
    """

    def __init__(self, events: GrantEvents, notes: NoteStore) -> None:
        self._events = events
        self._notes = notes

    async def undone(
        self, room: RoomId, user: UserId, level: int, key: str, now: StateEvent
    ) -> bool:
        """Return whether the level was held since this task's first try, and is not in `now`.

        Raises Away, StorageError.
        """
        before = await self._notes.get(LevelsBefore.key(room))
        if before is None or before.task != key:
            if now.event is not None:
                await self._notes.put(LevelsBefore(room, now.event, key))
            return False
        if self._held(now, user) == level:
            return False
        return await self._was_held(room, user, level, before.event, now)

    async def _was_held(
        self, room: RoomId, user: UserId, level: int, before: EventId, now: StateEvent
    ) -> bool:
        event = now
        for _ in range(STEPS):
            if event.event == before or event.replaced in {None, before}:
                return False
            try:
                event = await self._events.event(room, EventId(str(event.replaced)))
            except RequestRefused:
                return False
            if self._held(event, user) == level:
                return True
        return False

    def _held(self, event: StateEvent, user: UserId) -> int | None:
        return levels.own_levels(event.content, self._events.user).get(user)
