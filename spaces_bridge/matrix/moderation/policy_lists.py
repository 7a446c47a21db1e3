"""Policy lists that the admin has chosen to follow. Each is a room the bot is in.

Events are hints: what a list says is read from its current state, all of it at the start, from
time to time and after an outage, and one rule when that rule changes.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from spaces_bridge.app import policies
from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.ports import Outbox
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.client.errors import MatrixError, RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events.policy_rules import KINDS, key_of, rule_of, rules_in
from spaces_bridge.matrix.settings import MatrixSettings

log = logging.getLogger(__name__)

REREAD_EVERY_S = 600.0
RETRY_S = 30.0
SETTLE_S = 1.0
"""Seconds before lists are read again: rules are often taken back many at a time."""


class PolicyLists:
    """The policy lists are read into the ban lists; rooms follow when banned servers change."""

    def __init__(
        self,
        bot: MatrixClient,
        ban_lists: BanListService,
        spaces: Spaces,
        outbox: Outbox,
        settings: MatrixSettings,
        wake: Callable[[], None],
    ) -> None:
        """`wake` tells the outbox dispatcher of something new in the outbox."""
        self._bot = bot
        self._ban_lists = ban_lists
        self._spaces = spaces
        self._outbox = outbox
        self._settings = settings
        self._wake = wake
        self._rooms: dict[str, RoomId] = {}
        """The room of each list, by what the admin wrote."""
        self._lock = asyncio.Lock()
        self._again = asyncio.Event()

    def refresh(self) -> None:
        """Read all lists again, soon and once: something may have changed."""
        self._again.set()

    def follows(self, room: RoomId) -> bool:
        """Return whether the room is one of the lists."""
        return room in self._rooms.values()

    async def run(self) -> None:
        """Read all lists again and again, until cancelled."""
        while True:
            self._again.clear()
            well = await self._read_all()
            try:
                async with asyncio.timeout(REREAD_EVERY_S if well else RETRY_S):
                    await self._again.wait()
                    await asyncio.sleep(SETTLE_S)
            except TimeoutError:
                continue

    async def rule_changed(self, room: RoomId, type_: str, state_key: str) -> None:
        """Read one rule of a list. Raises RequestRefused, Away, StorageError."""
        async with self._lock:
            content = await self._bot.state(room, type_, state_key) or {}
            rule = rule_of(room, type_, state_key, content, self._settings)
            before = self._ban_lists.banned_servers()
            if rule is not None:
                await self._ban_lists.learn(rule)
            else:
                await self._ban_lists.unlearn(room, KINDS[type_], key_of(type_, state_key))
            await self._arrange_if_changed(before)

    async def _reread(self, room: RoomId) -> None:
        async with self._lock:
            state = await self._bot.all_state(room)
            before = self._ban_lists.banned_servers()
            await self._ban_lists.relearn(room, [*rules_in(room, state, self._settings)])
            await self._arrange_if_changed(before)

    async def _read_all(self) -> bool:
        """Read all lists; return False when not all could be read."""
        listed = self._settings.policy_lists
        read = [await self._read(name) for name in listed]
        if not all(read):
            return False
        try:
            await self._forget_others()
        except StorageError as error:
            log.warning("old policy lists cannot be forgotten yet: %s", error)
            return False
        return True

    async def _read(self, name: str) -> bool:
        try:
            if name not in self._rooms:
                self._rooms[name] = await self._join(name)
            await self._reread(self._rooms[name])
        except RequestRefused as refusal:
            self._rooms.pop(name, None)
            log.warning(
                "policy list %s cannot be read (%s): is its address right, and may %s join it? "
                "What it said before still counts",
                name,
                refusal.errcode,
                self._bot.user,
            )
            return False
        except (MatrixError, StorageError) as error:
            log.warning("policy list %s cannot be read yet: %s", name, error)
            return False
        return True

    async def _join(self, name: str) -> RoomId:
        _, _, server = name.partition(":")
        query = {"server_name": server, "via": server} if server else None
        return RoomId(str((await self._bot.call("POST", ["join", name], {}, query))["room_id"]))

    async def _forget_others(self) -> None:
        """Forget lists that the admin has taken out of the config: they count no longer."""
        async with self._lock:
            before = self._ban_lists.banned_servers()
            for room in self._ban_lists.lists() - set(self._rooms.values()):
                await self._ban_lists.relearn(room, [])
            await self._arrange_if_changed(before)

    async def _arrange_if_changed(self, before: Sequence[str]) -> None:
        """Have all rooms arranged if the banned servers changed: every room keeps them out."""
        if self._ban_lists.banned_servers() != before:
            await self._outbox.enqueue(
                [policies.arrangement(s.space) for s in self._spaces.open() if s.room is not None]
            )
            self._wake()
