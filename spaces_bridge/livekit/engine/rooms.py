"""The rooms of all live spaces at a LiveKit server.

Implements `Audience`, `RelayListener` and `CallPresence`.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from spaces_bridge.app.audiences import QuietAudience
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import Draft
from spaces_bridge.app.relay_attendants import OWN_ROOM
from spaces_bridge.app.relay_ports import RelayedParticipant
from spaces_bridge.core.events import Event, UtteranceCaptioned
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.livekit.engine.limits import (
    ENDED_MAX,
    LOOK_EVERY_S,
    LOOK_PAUSE_S,
    OVER_FOR_S,
)
from spaces_bridge.livekit.engine.room import EngineRoom, RoomNeeds
from spaces_bridge.livekit.limits import FLOODS_PER_S
from spaces_bridge.livekit.names import room_name
from spaces_bridge.pacing.token_bucket import TokenBuckets

log = logging.getLogger(__name__)


class RoomLists(Protocol):
    """The server's lists of who is in its rooms, as `LiveKitApi` has them."""

    async def people(self, room: str) -> Sequence[RelayedParticipant]:
        """Return the participants of a room, hidden ones included. Raises AdapterError."""
        ...


class EngineRooms(QuietAudience):
    """The rooms at LiveKit: one for each live space while it is live, and a while longer."""

    def __init__(
        self,
        needs: RoomNeeds,
        lists: RoomLists,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._needs = needs
        self._lists = lists
        self._clock = clock
        self._rooms: dict[SpaceId, EngineRoom] = {}
        self._over_until: dict[SpaceId, float] = {}
        self._hinted: dict[str, None] = {}
        self._news = asyncio.Event()
        self._failures = TokenBuckets(1, FLOODS_PER_S)

    async def run(self) -> None:
        """Look at all rooms from time to time, and at those with news soon; until cancelled."""
        for view in self._needs.spaces.open():
            self.changed(view, ())
        is_recalled = False
        while True:
            is_recalled = is_recalled or await self._recall()
            await self._look(tuple(self._rooms.values()))
            looked_at = self._clock()
            while (left_s := looked_at + LOOK_EVERY_S - self._clock()) > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(left_s):
                        await self._news.wait()
                        self._news.clear()
                        await self._look(self._named())
                        await asyncio.sleep(LOOK_PAUSE_S)

    def stop(self) -> None:
        """Leave the rooms as they are: who is in one stays there until the bridge is back."""
        for room in self._rooms.values():
            room.stop()

    def hint(self, name: str) -> None:
        """Look at the room of this name soon: LiveKit has told something of it."""
        if any(room.name == name for room in self._rooms.values()):
            self._hinted[name] = None
            self._news.set()

    def live(self) -> Mapping[SpaceId, str]:
        """Return LiveKit's names of the rooms whose live spaces are not over."""
        return {space: room.name for space, room in self._rooms.items() if not room.is_over}

    def moved(self, space: SpaceId) -> None:
        """Take note that the room of a live space is at another node of LiveKit's."""
        room = self._rooms.get(space)
        if room is not None:
            self._guard(room, room.moved)

    async def _recall(self) -> bool:
        """Look after live spaces, too, that ended before the start; False: to be tried again."""
        context = self._needs.spaces.context
        try:
            ended = await context.directory.listing([Phase.ENDED.value], ENDED_MAX)
        except AdapterError as error:
            log.warning("rooms at LiveKit that are over cannot be ended yet: %s", error)
            return False
        in_use = {room.name for room in self._rooms.values()}
        for each in ended:
            if each.room is None or each.ended_at_ms is None or room_name(each.room) in in_use:
                continue
            left_s = OVER_FOR_S - (context.clock.now_ms() - each.ended_at_ms) / 1000
            if left_s > 0:
                room = EngineRoom(each.space, room_name(each.room), self._needs)
                room.is_over = True
                self._rooms[each.space] = room
                self._over_until[each.space] = self._clock() + left_s
        return True

    # --- looking ------------------------------------------------------------------------------

    def _named(self) -> Sequence[EngineRoom]:
        names, self._hinted = self._hinted, {}
        return [room for room in self._rooms.values() if room.name in names]

    async def _look(self, rooms: Sequence[EngineRoom]) -> None:
        for space, until in list(self._over_until.items()):
            if until <= self._clock():
                del self._over_until[space]
                self._rooms.pop(space).stop()
        await asyncio.gather(*map(self._look_at, rooms))

    async def _look_at(self, room: EngineRoom) -> None:
        if room.is_over:
            room.end()
            return
        try:
            people = await self._lists.people(room.name)
        except AdapterError:
            return  # said once by what asks; asked again with the next look
        self._guard(room, lambda: room.listed(people))

    def _guard(self, room: EngineRoom, act: Callable[[], None]) -> None:
        """Do something for a room; a bug in it ends neither the live space nor other rooms."""
        try:
            act()
        except Exception:
            if self._failures.take(room.space):
                log.exception("the call of live space %s at LiveKit failed", room.space)

    # --- Audience -----------------------------------------------------------------------------

    def changed(self, space: LiveSpace, events: Sequence[Event]) -> None:
        room = self._rooms.get(space.space)
        if room is None:
            if space.phase is Phase.LIVE and space.room is not None:
                room = EngineRoom(space.space, room_name(space.room), self._needs)
                self._rooms[space.space] = room
                self._guard(room, room.begin)
        elif space.phase is Phase.LIVE:
            self._guard(room, lambda: room.changed(space))
            for event in events:
                if isinstance(event, UtteranceCaptioned):
                    self._guard(room, partial(room.captions.captioned, event))
        elif not room.is_over:
            self._over_until[space.space] = self._clock() + OVER_FOR_S
            self._guard(room, room.end)

    def draft(self, space: SpaceId, draft: Draft) -> None:
        room = self._rooms.get(space)
        if room is not None and not room.is_over:
            self._guard(room, lambda: room.captions.draft(draft))

    # --- RelayListener ------------------------------------------------------------------------

    def room_changed(
        self, space: SpaceId, name: str, participants: Sequence[RelayedParticipant]
    ) -> None:
        room = self._rooms.get(space)
        if room is not None and name == OWN_ROOM:
            self._guard(room, lambda: room.relayed(participants))

    def room_lost(self, space: SpaceId, name: str, reason: str) -> None:
        room = self._rooms.get(space)
        if room is not None and name == OWN_ROOM:
            self._guard(room, room.relay_lost)
            self.hint(room.name)

    def track_replaced(self, space: SpaceId, name: str, sid: str) -> None:
        room = self._rooms.get(space)
        if room is not None and name == OWN_ROOM:
            self._guard(room, lambda: room.replaced(sid))

    # --- CallPresence -------------------------------------------------------------------------

    def is_connected(self, space: SpaceId, identity: str) -> bool:
        """Return whether a participant with this identity is in the room of this live space."""
        room = self._rooms.get(space)
        return room is not None and room.has(identity)
