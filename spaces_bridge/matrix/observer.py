"""Reads rooms as the homeserver holds them now, writes levels, and tells the live spaces.

What is read or written is told in the same order: one lock per room around both.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from spaces_bridge.app.ports import RoomSnapshot
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import RequestState
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.matrix import levels
from spaces_bridge.matrix.client import MatrixClient, StateEvent
from spaces_bridge.matrix.doors import SpacesDoor
from spaces_bridge.matrix.errors import Away
from spaces_bridge.matrix.grants import GrantHistory, Notes
from spaces_bridge.matrix.names import tidy

log = logging.getLogger(__name__)

POWER = "m.room.power_levels"
WRITE_ATTEMPTS = 5
BUSY = "The live space has too much to do to look at its levels."


class RoomObserver:
    """Implements the app's ``RoomReader``."""

    def __init__(self, bot: MatrixClient, spaces: SpacesDoor, notes: Notes) -> None:
        self._bot = bot
        self._spaces = spaces
        self._grants = GrantHistory(bot, notes)
        self._locks: defaultdict[RoomId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read_room(self, room: RoomId) -> RoomSnapshot:
        """Levels and joined people, the bot left out. Raises AdapterError."""
        async with self._locks[room]:
            return await self._read_room(room)

    async def observe_room(self, space: SpaceId, room: RoomId) -> None:
        """Read everything and tell. Raises AdapterError."""
        async with self._locks[room]:
            snapshot = await self._read_room(room)
            await self._tell(space, cmd.ObserveRoom(snapshot.levels, snapshot.joined))

    async def observe_levels(self, space: SpaceId, room: RoomId) -> None:
        """Read the levels and tell. Raises AdapterError."""
        async with self._locks[room]:
            held = levels.own_levels(await self._levels(room), self._bot.user)
            await self._tell(space, cmd.ObserveLevels(held))

    async def observe_member(self, space: SpaceId, room: RoomId, user: UserId) -> None:
        """Read one membership and tell. Raises AdapterError."""
        async with self._locks[room]:
            member = await self._bot.state(room, "m.room.member", user) or {}
            joined = member.get("membership") == "join"
            name = tidy(member.get("displayname"), user) if joined else ""
            await self._tell(space, cmd.ObserveMember(user, joined, name))

    async def grant(
        self, space: SpaceId, room: RoomId, user: UserId, level: int, key: str
    ) -> None:
        """Write the level of somebody who was accepted and waits for it: once per ``key``.

        If it was given already and taken away again, the request ends with it. Raises Refused,
        Away, StorageError.
        """
        async with self._locks[room]:
            held = await self._bot.state_event(room, POWER)
            if not await self._waits(space, user, held):
                log.info("a grant in %s is no longer waited for", room)
            elif await self._grants.undone(room, user, level, key, held):
                log.info("a grant in %s was given and taken away before we knew", room)
                if not await self._tell(space, cmd.CancelRequest(user)) and self._accepted(
                    space, user
                ):
                    raise Away(BUSY)
            else:
                await self._write(space, room, user, level, held)

    async def _waits(self, space: SpaceId, user: UserId, held: StateEvent) -> bool:
        """Whether the live space wants the grant, knowing the levels and all it was told before.

        Only after a command of ours is done, what was stored with the wish can be seen.
        """
        observed = levels.own_levels(held.content, self._bot.user)
        told = await self._tell(space, cmd.ObserveLevels(observed))
        if not told and self._spaces.view(space) is not None:
            raise Away(BUSY)
        return self._accepted(space, user)

    def _accepted(self, space: SpaceId, user: UserId) -> bool:
        view = self._spaces.view(space)
        request = view.requests.get(user) if view is not None else None
        return request is not None and request.state is RequestState.ACCEPTED

    async def write_level(
        self, space: SpaceId, room: RoomId, user: UserId, level: int | None
    ) -> None:
        """Write one person's own entry, look whether it stands, and tell what stands.

        Hosts write the same event with their own clients: what is there is read just before,
        only our entry changes, and a write that got lost is repeated. Raises Refused, Away.
        """
        async with self._locks[room]:
            held = await self._bot.state_event(room, POWER)
            await self._write(space, room, user, level, held)

    async def _write(
        self, space: SpaceId, room: RoomId, user: UserId, level: int | None, held: StateEvent
    ) -> None:
        content, stands = held.content, True
        for _ in range(WRITE_ATTEMPTS):
            if stands and levels.own_levels(content, self._bot.user).get(user) == level:
                break
            wanted = levels.with_level(content, user, level)
            ours = await self._bot.write_state(room, POWER, wanted)
            now = await self._bot.state_event(room, POWER)
            crossed = await self._crossed(room, held, ours, now)
            # What ours took the place of unread is what our change must be made to.
            content, stands = (now.content, True) if crossed is None else (crossed, False)
            held = now
        else:
            raise Away("Somebody else keeps changing the power levels.")
        observed = levels.own_levels(content, self._bot.user)
        await self._tell(space, cmd.ObserveLevels(observed, settled=user))

    async def _crossed(
        self, room: RoomId, read: StateEvent, ours: EventId, now: StateEvent
    ) -> Mapping[str, Any] | None:
        """The levels somebody else wrote between our look and our write, if so."""
        if now.event != ours or read.event is None or now.replaced in (None, read.event):
            return None
        log.info("a power level write of ours in %s crossed with somebody else's", room)
        return (await self._bot.event(room, now.replaced)).content

    async def _read_room(self, room: RoomId) -> RoomSnapshot:
        held, joined = await asyncio.gather(self._levels(room), self._bot.joined(room))
        people = {u: tidy(name, u) for u, name in joined.items() if u != self._bot.user}
        return RoomSnapshot(levels.own_levels(held, self._bot.user), people)

    async def _levels(self, room: RoomId) -> Mapping[str, Any]:
        return await self._bot.state(room, POWER) or {}

    async def _tell(self, space: SpaceId, command: cmd.Command) -> bool:
        try:
            await self._spaces.ask(space, command)
        except Rejected as refusal:
            if refusal.code == "busy":
                raise Away(BUSY) from refusal
            log.info("live space %s no longer observes: %s", space, refusal.code)
            return False
        return True
