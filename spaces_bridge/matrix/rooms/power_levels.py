"""The power levels of live spaces' rooms: written here alone, and read back with who is there.

Everything read or written is told in the same order: one lock per room is around both.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from spaces_bridge.app.ports import NoteStore, RoomSnapshot
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.tasks import ArrangeRoom
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.text.names import account_name
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.client.matrix_client import MatrixClient, StateEvent
from spaces_bridge.matrix.events import levels
from spaces_bridge.matrix.rooms import tampering
from spaces_bridge.matrix.rooms.grant_history import GrantHistory
from spaces_bridge.matrix.rooms.members import Act, Membership, Memberships
from spaces_bridge.matrix.rooms.tampering import LevelTampering
from spaces_bridge.matrix.settings import StageAccess
from spaces_bridge.pacing.keyed_locks import KeyedLocks

log = logging.getLogger(__name__)

POWER = "m.room.power_levels"
WRITE_ATTEMPTS = 5
Change = Callable[[levels.LevelsContent], dict[str, Any]]
"""A change of the power levels, by a write of ours."""
BUSY = "The live space has too much to do to look at its levels."


class PowerLevels:
    """The power levels and members of rooms, read as the homeserver holds them, and written.

    What was read is told to the live space. Implements the app's `RoomReader`.
    """

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        notes: NoteStore,
        call_stage: StageAccess = "off",
    ) -> None:
        self._bot = bot
        self._call_stage = call_stage
        self._spaces = spaces
        self._grants = GrantHistory(bot, notes)
        self._memberships = Memberships(bot)
        self._tampering = LevelTampering(bot)
        self._locks = KeyedLocks()

    async def read_room(self, room: RoomId) -> RoomSnapshot:
        """Return levels, joined and banned people, the bot left out. Raises AdapterError."""
        async with self._locks.holding(room):
            return await self._read_room(room)

    async def observe_room(self, space: SpaceId, room: RoomId) -> None:
        """Read the whole room and tell the live space. Raises AdapterError."""
        async with self._locks.holding(room):
            held = await self._read_room(room)
            await self._tell(space, cmd.ObserveRoom(held.levels, held.joined, held.banned))

    async def observe_levels(self, space: SpaceId, room: RoomId) -> None:
        """Read the levels and tell the live space. Raises AdapterError.

        The rest of the event must be as we arranged it; a task is enqueued where it is not.
        """
        async with self._locks.holding(room):
            held = await self._bot.state_event(room, POWER)
            observed = levels.own_levels(held.content, self._bot.user)
            if await self._tell(space, cmd.ObserveLevels(observed, by=self._author(held))):
                await self._mind_structure(space, held)

    async def observe_member(self, space: SpaceId, room: RoomId, user: UserId) -> None:
        """Read one membership and tell the live space, with its act. Raises AdapterError.

        A kick counts also when the person is back already: it keeps them out until the end.
        """
        async with self._locks.holding(room):
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
        """Return a membership and tell it, without the act behind it: it may be long past.

        Only after a command of ours is done, what was stored with a task can be seen. Raises
        AdapterError.
        """
        async with self._locks.holding(room):
            member = await self._member(space, room, user)
            await self._tell_plainly(space, user, member)
            return member

    async def _member(self, space: SpaceId, room: RoomId, user: UserId) -> Membership:
        view = self._spaces.view(space)
        was_joined = view is not None and view.person(user).joined
        return await self._memberships.read(room, user, was_joined=was_joined)

    async def _tell_plainly(self, space: SpaceId, user: UserId, member: Membership) -> None:
        """Tell a membership without its act.

        A ban of ours counts only where it is wanted: else it is about to be lifted.
        """
        told = await self._tell(space, cmd.ObserveMember(user, member.joined, member.name))
        view = self._spaces.view(space)
        if told and member.banned and view is not None and user in view.removed:
            await self._tell(space, cmd.ObserveMember(user, joined=False, banned=True))

    async def _tell_of_act(self, space: SpaceId, user: UserId, act: Act) -> None:
        """Tell an act, once: a kick that was forgiven and read again is no second kick."""
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
        """Enqueue `ArrangeRoom` where the levels' structure is not ours.

        A write of ours may lie on top of somebody else's: whose it is does not matter here.
        """
        view = self._spaces.view(space)
        if view is None or held.event is None:
            return
        if levels.arranged(held.content, levels.needs_of(view, self._call_stage)) != held.content:
            await self._spaces.enqueue_task(ArrangeRoom(space), f"arrange:{held.event}")

    def _author(self, held: StateEvent) -> UserId | None:
        return held.sender if held.sender != self._bot.user else None

    async def grant(
        self, space: SpaceId, room: RoomId, user: UserId, level: int, key: str
    ) -> None:
        """Write the level that the live space wants for somebody, once per `key`.

        If it was given already and taken away again, the request behind it ends. Raises
        RequestRefused, Away, StorageError.
        """
        async with self._locks.holding(room):
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
        """Return whether the live space wants the level, knowing all it was told before.

        Only after a command of ours is done, what was stored with the task can be seen.
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
            return False  # a level changed again is overruled again
        return await self._grants.undone(room, user, level, key, held)

    async def write_level(
        self, space: SpaceId, room: RoomId, user: UserId, level: int | None
    ) -> None:
        """Write one person's own entry, check that it stands, and tell the levels that stand.

        Hosts write the same event with their own clients: the levels are read just before, only
        our entry changes, and a write that got lost is repeated. Raises RequestRefused, Away.
        """
        async with self._locks.holding(room):
            held = await self._bot.state_event(room, POWER)
            change = partial(levels.with_level, user=user, level=level)
            await self._write(space, room, change, held, settled=user)

    async def arrange_levels(self, space: SpaceId, room: RoomId) -> None:
        """Write the levels required for each event and act, in the same way.

        Whoever changed them is told that they were put back. Raises RequestRefused, Away.
        """
        async with self._locks.holding(room):
            held = await self._bot.state_event(room, POWER)
            now = await self._spaces.find(space)
            if now is None:
                return
            needs = levels.needs_of(now, self._call_stage)
            if levels.arranged(held.content, needs) == held.content:
                return
            change = await self._tampering.find(room, held)
            if change is not None:
                await self._spaces.enqueue_task(*tampering.word_to(change, now))
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
            # Our write replaced levels we had not read: our change must be made to those.
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
        """Return the levels that somebody else wrote between our read and our write, if any."""
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
        # a ban of ours that is no longer wanted is about to be lifted
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
