"""Reads rooms as the homeserver holds them now, writes levels, and tells the live spaces.

What is read or written is told in the same order: one lock per room around both.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

from spaces_bridge.app.ports import NoteStore, RoomSnapshot
from spaces_bridge.app.tasks import ArrangeRoom
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.text.names import account_name
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.client.matrix_client import MatrixClient, StateEvent
from spaces_bridge.matrix.doors import SpacesDoor
from spaces_bridge.matrix.events import levels
from spaces_bridge.matrix.rooms import tampering as meddling
from spaces_bridge.matrix.rooms.grants import GrantHistory
from spaces_bridge.matrix.rooms.members import Act, Membership, Memberships
from spaces_bridge.matrix.rooms.tampering import LevelTampering

log = logging.getLogger(__name__)

POWER = "m.room.power_levels"
WRITE_ATTEMPTS = 5
Change = Callable[[levels.LevelsContent], dict[str, Any]]
"""What a write of ours changes in the power levels."""
BUSY = "The live space has too much to do to look at its levels."


class RoomObserver:
    """Implements the app's `RoomReader`."""

    def __init__(self, bot: MatrixClient, spaces: SpacesDoor, notes: NoteStore) -> None:
        self._bot = bot
        self._spaces = spaces
        self._grants = GrantHistory(bot, notes)
        self._memberships = Memberships(bot)
        self._meddlers = LevelTampering(bot)
        self._locks: defaultdict[RoomId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read_room(self, room: RoomId) -> RoomSnapshot:
        """Levels, joined and banned people, the bot left out. Raises AdapterError."""
        async with self._locks[room]:
            return await self._read_room(room)

    async def observe_room(self, space: SpaceId, room: RoomId) -> None:
        """Read everything and tell. Raises AdapterError."""
        async with self._locks[room]:
            held = await self._read_room(room)
            await self._tell(space, cmd.ObserveRoom(held.levels, held.joined, held.banned))

    async def observe_levels(self, space: SpaceId, room: RoomId) -> None:
        """Read the levels and tell; what else they say must be ours. Raises AdapterError."""
        async with self._locks[room]:
            held = await self._bot.state_event(room, POWER)
            observed = levels.own_levels(held.content, self._bot.user)
            if await self._tell(space, cmd.ObserveLevels(observed, by=self._author(held))):
                await self._mind_structure(space, held)

    async def observe_member(self, space: SpaceId, room: RoomId, user: UserId) -> None:
        """Read one membership and tell, also who made it so. Raises AdapterError.

        A kick counts also when the person is back already: it keeps them out until the end.
        """
        async with self._locks[room]:
            member = await self._member(space, room, user)
            act = member.act
            if act is None:
                await self._tell_plainly(space, user, member)
                return
            if act.kind == "kick" or not member.joined:
                await self._tell_of_act(space, user, act)
            if member.joined:
                seen = cmd.ObserveMember(user, joined=True, name=member.name, by=act.by)
                await self._tell(space, seen)

    async def membership(self, space: SpaceId, room: RoomId, user: UserId) -> Membership:
        """The membership, told without what led to it: that may be long past.

        Only after a command of ours is done, what was stored with a wish can be seen. Raises
        AdapterError.
        """
        async with self._locks[room]:
            member = await self._member(space, room, user)
            await self._tell_plainly(space, user, member)
            return member

    async def _member(self, space: SpaceId, room: RoomId, user: UserId) -> Membership:
        view = self._spaces.view(space)
        was_joined = view is not None and view.person(user).joined
        return await self._memberships.read(room, user, was_joined=was_joined)

    async def _tell_plainly(self, space: SpaceId, user: UserId, member: Membership) -> None:
        """A ban of ours counts only where it is wished for: else it is about to be lifted."""
        told = await self._tell(space, cmd.ObserveMember(user, member.joined, member.name))
        view = self._spaces.view(space)
        if told and member.banned and view is not None and user in view.removed:
            await self._tell(space, cmd.ObserveMember(user, joined=False, banned=True))

    async def _tell_of_act(self, space: SpaceId, user: UserId, act: Act) -> None:
        """Once: a kick that was forgiven, and looked at again, is no second kick."""
        seen = cmd.ObserveMember(
            user,
            joined=False,
            banned=act.kind == "ban",
            kicked=act.kind == "kick",
            unbanned=act.kind == "unban",
            by=act.by,
        )
        await self._tell(space, seen, f"act:{act.event}")

    async def _mind_structure(self, space: SpaceId, held: StateEvent) -> None:
        """A write of ours may lie on top of somebody else's: whose it is does not matter here."""
        view = self._spaces.view(space)
        if view is None or held.event is None:
            return
        if levels.arranged(held.content, levels.needs_of(view)) != held.content:
            await self._spaces.wish(ArrangeRoom(space), f"arrange:{held.event}")

    def _author(self, held: StateEvent) -> UserId | None:
        return held.sender if held.sender != self._bot.user else None

    async def grant(
        self, space: SpaceId, room: RoomId, user: UserId, level: int, key: str
    ) -> None:
        """Write the level that the live space wants for somebody: once per `key`.

        If it was given already and taken away again, what led to it ends. Raises Refused, Away,
        StorageError.
        """
        async with self._locks[room]:
            held = await self._bot.state_event(room, POWER)
            if not await self._waits(space, user, level, held):
                log.info("a level in %s is no longer waited for", room)
            elif await self._undone(space, room, user, level, key, held):
                log.info("a level in %s was given and taken away before we knew", room)
                if not await self._tell(space, cmd.CancelRequest(user)) and self._wants(
                    space, user, level
                ):
                    raise Away(BUSY)
            else:
                change = partial(levels.with_level, user=user, level=level)
                await self._write(space, room, change, held, settled=user)

    async def _waits(self, space: SpaceId, user: UserId, level: int, held: StateEvent) -> bool:
        """Whether the live space wants it, knowing the levels and all it was told before.

        Only after a command of ours is done, what was stored with the wish can be seen.
        """
        observed = levels.own_levels(held.content, self._bot.user)
        seen = cmd.ObserveLevels(observed, by=self._author(held))
        told = await self._tell(space, seen)
        if not told and self._spaces.view(space) is not None:
            raise Away(BUSY)
        return self._wants(space, user, level)

    def _wants(self, space: SpaceId, user: UserId, level: int) -> bool:
        view = self._spaces.view(space)
        return view is not None and view.level_wanted(user) == level

    async def _undone(
        self, space: SpaceId, room: RoomId, user: UserId, level: int, key: str, held: StateEvent
    ) -> bool:
        view = self._spaces.view(space)
        if view is not None and user in view.overruled:
            return False  # who changes it again is overruled again
        return await self._grants.undone(room, user, level, key, held)

    async def write_level(
        self, space: SpaceId, room: RoomId, user: UserId, level: int | None
    ) -> None:
        """Write one person's own entry, look whether it stands, and tell what stands.

        Hosts write the same event with their own clients: what is there is read just before,
        only our entry changes, and a write that got lost is repeated. Raises Refused, Away.
        """
        async with self._locks[room]:
            held = await self._bot.state_event(room, POWER)
            change = partial(levels.with_level, user=user, level=level)
            await self._write(space, room, change, held, settled=user)

    async def arrange_levels(self, space: SpaceId, room: RoomId) -> None:
        """Make the levels say what is needed for what, in the same way. Raises Refused, Away.

        Whoever changed that is told that it was put back.
        """
        async with self._locks[room]:
            held = await self._bot.state_event(room, POWER)
            now = await self._spaces.find(space)
            if now is None:
                return
            needs = levels.needs_of(now)
            if levels.arranged(held.content, needs) == held.content:
                return
            culprit = await self._meddlers.find(room, held)
            if culprit is not None:
                await self._spaces.wish(*meddling.word_to(culprit, now))
            await self._write(space, room, partial(levels.arranged, needs=needs), held)

    async def _write(
        self,
        space: SpaceId,
        room: RoomId,
        change: Change,
        held: StateEvent,
        settled: UserId | None = None,
    ) -> None:
        content, stands, by = held.content, True, self._author(held)
        for _ in range(WRITE_ATTEMPTS):
            wanted = change(content)
            if stands and wanted == content:
                break
            ours = await self._bot.write_state(room, POWER, wanted)
            now = await self._bot.state_event(room, POWER)
            crossed = await self._crossed(room, held, ours, now)
            # What ours took the place of unread is what our change must be made to.
            content, stands = (now.content, True) if crossed is None else (crossed.content, False)
            by = by if crossed is None else self._author(crossed)
            held = now
        else:
            raise Away("Somebody else keeps changing the power levels.")
        observed = levels.own_levels(content, self._bot.user)
        await self._tell(space, cmd.ObserveLevels(observed, settled, by))

    async def _crossed(
        self, room: RoomId, read: StateEvent, ours: EventId, now: StateEvent
    ) -> StateEvent | None:
        """The levels somebody else wrote between our look and our write, if so."""
        if now.event != ours or read.event is None or now.replaced in (None, read.event):
            return None
        log.info("a power level write of ours in %s crossed with somebody else's", room)
        return await self._bot.event(room, now.replaced)

    async def _read_room(self, room: RoomId) -> RoomSnapshot:
        held, joined, banned = await asyncio.gather(
            self._bot.state(room, POWER), self._bot.joined(room), self._bot.banned(room)
        )
        people = {u: account_name(name, u) for u, name in joined.items() if u != self._bot.user}
        space = self._spaces.by_room(room)
        removed = space.removed if space is not None else {}
        # a ban of ours that nobody wishes for any longer is about to be lifted
        kept_out = frozenset(u for u, by in banned.items() if by != self._bot.user or u in removed)
        return RoomSnapshot(levels.own_levels(held or {}, self._bot.user), people, kept_out)

    async def _tell(self, space: SpaceId, command: cmd.Command, source: str | None = None) -> bool:
        try:
            await self._spaces.ask(space, command, source)
        except Rejected as refusal:
            if refusal.code == "overloaded":
                raise Away(BUSY) from refusal
            log.info("live space %s no longer observes: %s", space, refusal.code)
            return False
        return True
