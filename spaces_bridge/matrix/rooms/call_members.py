"""Membership in the call of a live space's room: the bot's own, and what killed clients leave."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Final, get_args

from spaces_bridge.app import tasks
from spaces_bridge.app.call_ports import BOT_DEVICE, CALL_SLOT
from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.ports import Clock
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.client.errors import NotYetError, RequestRefused
from spaces_bridge.matrix.client.http import Json
from spaces_bridge.matrix.client.matrix_client import MatrixClient, StateEvent
from spaces_bridge.matrix.events import call_words, rtc
from spaces_bridge.matrix.rooms.power_levels import PowerLevels
from spaces_bridge.matrix.settings import MatrixSettings

log = logging.getLogger(__name__)

GRACE_MS: Final = 60_000
"""The time in which a device whose connection has ended may come back."""
DEVICES_MAX: Final = 10
"""Memberships of one person that are ended at once."""
CLEARED_MAX: Final = 200
"""Memberships ended at the end of a live space, one event each; the others expire."""
PAGES_MAX: Final = 20
"""Pages of member events that are read, newest first: people may fill a room with them."""
STORE_PAUSE_S: Final = 1.0
"""The pause between two tries to store what is to be looked at."""

CallTask = tasks.WriteCallMember | tasks.ClearCallMember | tasks.EndStageCall
Device = tuple[SpaceId, UserId, str]


class CallConnections:
    """The connections of devices to calls, in memory. Implements the app's `CallMembers`.

    For a device that is gone one task waits in the outbox, however often it comes and goes.
    """

    def __init__(self, spaces: Spaces, clock: Clock) -> None:
        self._spaces = spaces
        self._clock = clock
        self._begun_ms = clock.now_ms()
        self._connected = set[Device]()
        self._gone_at_ms: dict[Device, int] = {}
        """The devices for which a task waits, or is about to be stored."""
        self._unstored: dict[Device, int] = {}
        self._news = asyncio.Event()

    def connected(self, space: SpaceId, user: UserId, device: str) -> None:
        """Note that a device is there. Part of the `CallMembers` port."""
        self._connected.add((space, user, device))

    def gone(self, space: SpaceId, user: UserId, device: str) -> None:
        """Note that a device is gone. Part of the `CallMembers` port."""
        which, now_ms = (space, user, device), self._clock.now_ms()
        self._connected.discard(which)
        if which not in self._gone_at_ms:
            self._look_later(which, now_ms)
        self._gone_at_ms[which] = now_ms

    def any_in(self, space: SpaceId) -> bool:
        """Return whether any device is in the call of the live space."""
        return any(where == space for where, _, _ in self._connected)

    def is_in(self, space: SpaceId, user: UserId) -> bool:
        """Return whether a device of the person is in the call of the live space."""
        return any((where, who) == (space, user) for where, who, _ in self._connected)

    async def run(self) -> None:
        """Store the tasks to look at devices that are gone; runs until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._store()
            except StorageError as error:
                log.warning("cannot have memberships in calls looked at: %s", error)
                self._news.set()
                await asyncio.sleep(STORE_PAUSE_S)

    def stays_away(self, wanted: tasks.ClearCallMember) -> bool:
        """Return whether the device of a task is gone for good.

        Raises NotYetError just after a start: clients come back by themselves.
        """
        if wanted.gone_at_ms is None:
            return True
        now_ms, which = self._clock.now_ms(), (wanted.space, wanted.user, wanted.device)
        wait_ms = self._begun_ms + GRACE_MS - now_ms
        if wait_ms > 0 and wanted.gone_at_ms < self._begun_ms:
            raise NotYetError(wait_ms / 1000)
        last_ms = self._gone_at_ms.pop(which, wanted.gone_at_ms)
        if which in self._connected:
            return False
        if last_ms > wanted.gone_at_ms:  # it was back meanwhile: the grace begins again
            self._gone_at_ms[which] = last_ms
            self._look_later(which, last_ms)
            return False
        return True

    def is_back(self, wanted: tasks.ClearCallMember) -> bool:
        """Return whether the device has come back since `stays_away` was asked."""
        which = (wanted.space, wanted.user, wanted.device)
        return wanted.gone_at_ms is not None and (
            which in self._connected or which in self._gone_at_ms
        )

    def _look_later(self, which: Device, gone_at_ms: int) -> None:
        self._unstored[which] = gone_at_ms
        self._news.set()

    async def _store(self) -> None:
        while self._unstored:
            which, at_ms = next(iter(self._unstored.items()))
            space, user, device = which
            key = f"call-gone:{space}:{user}:{device}:{at_ms}"
            task = tasks.ClearCallMember(space, user, device, at_ms)
            await self._spaces.enqueue_task(task, key, at_ms + GRACE_MS)
            if self._unstored.get(which) == at_ms:
                del self._unstored[which]


class CallMemberships:
    """The task handler for memberships in the call. All raise RequestRefused, Away."""

    kinds = get_args(CallTask)

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        settings: MatrixSettings,
        clock: Clock,
        observer: PowerLevels,
        connections: CallConnections,
    ) -> None:
        self._bot = bot
        self._spaces = spaces
        self._settings = settings
        self._clock = clock
        self._observer = observer
        self._connections = connections
        self._own_key = rtc.own_state_key(bot.user)

    async def run(self, wanted: CallTask, key: str) -> None:
        """Carry out a task. Raises NotYetError, StorageError too."""
        space = await self._spaces.find(wanted.space)
        if space is None or space.room is None:
            return
        if isinstance(wanted, tasks.ClearCallMember):
            await self._clear(wanted, space.room)
        elif isinstance(wanted, tasks.EndStageCall):
            await self._leave_stage(wanted.user, space, space.room)
        elif space.phase is Phase.ENDED:
            await self._end(space, space.room)
        else:
            await self._show_bot(space, space.room)

    async def refused(self, wanted: CallTask, refusal: RequestRefused) -> None:
        """Log the refusal: clients show the call as it was."""
        log.error("the call of live space %s cannot be written: %s", wanted.space, refusal)

    # --- the bot's own --------------------------------------------------------------------------

    async def _show_bot(self, space: LiveSpace, room: RoomId) -> None:
        if self._settings.call_stage == "off" or space.phase is not Phase.LIVE:
            if await self._bot.state(room, rtc.MEMBER_STATE, self._own_key):
                await self._bot.write_state(room, rtc.MEMBER_STATE, {}, self._own_key)
            return
        now_ms = self._clock.now_ms()
        content = rtc.own_member(
            self._bot.user,
            BOT_DEVICE,
            room,
            self._settings.livekit_service_url,
            space.started_at_ms or now_ms,
            now_ms,
        )
        await self._bot.ensure_state(room, rtc.MEMBER_STATE, content, self._own_key)

    async def _end(self, space: LiveSpace, room: RoomId) -> None:
        """End the call: the bot's membership and everybody's.

        A client whose membership is taken away writes it again (measured: Element Call), so that
        first nobody may any more.
        """
        if await self._bot.state(room, rtc.MEMBER_STATE, self._own_key) is None:
            return  # there was no call
        await self._observer.arrange_levels(space.space, room)
        await self._bot.ensure_state(room, rtc.MEMBER_STATE, {}, self._own_key)
        # sticky memberships are other people's messages: clients pass over them in a closed slot
        await self._bot.ensure_state(
            room, call_words.SLOT_STATE, call_words.CLOSED_SLOT, CALL_SLOT
        )
        for member in await self._members_in(room, CLEARED_MAX):
            task = tasks.ClearCallMember(space.space, member.user, member.device)
            await self._spaces.enqueue_task(
                task, f"call-over:{space.space}:{member.user}:{member.device}"
            )

    async def _members_in(
        self, room: RoomId, most: int, user: UserId | None = None
    ) -> list[rtc.CallMember]:
        """Return up to `most` memberships under way (of `user`), by clients whose keys we know.

        They are read from the room's events: the whole state may be of any size.
        """
        found: list[rtc.CallMember] = []
        seen, start = set[str](), None
        for _ in range(PAGES_MAX):
            page, start = await self._bot.page_back(room, [rtc.MEMBER_STATE], start)
            found += [m for m in self._newest_in(page, room, seen) if user in {None, m.user}]
            if start is None or len(found) >= most:
                return found[:most]
        log.warning("a room has more than %d memberships: older ones expire", len(seen))
        return found

    def _newest_in(
        self, page: Sequence[Json], room: RoomId, seen: set[str]
    ) -> Iterator[rtc.CallMember]:
        """Yield the memberships under way whose keys were not `seen` in later events."""
        for event in page:
            key = event.get("state_key")
            if not isinstance(key, str) or key in seen:
                continue
            seen.add(key)
            member = rtc.member_in({**event, "room_id": room})
            if member is None or not member.is_there(self._clock.now_ms()):
                continue
            if key == rtc.state_key(member.user, member.device):
                yield member

    # --- other people's -------------------------------------------------------------------------

    async def _leave_stage(self, user: UserId, space: LiveSpace, room: RoomId) -> None:
        """End the membership of a person without the floor, who may not write it again.

        Without it they would be heard on by those who hear them by another server's SFU.
        """
        if self._settings.call_stage != "strict" or space.role(user).may_speak:
            return
        for member in await self._members_in(room, DEVICES_MAX, user):
            key = rtc.state_key(user, member.device)
            await self._bot.write_state(room, rtc.MEMBER_STATE, {}, key)

    async def _clear(self, wanted: tasks.ClearCallMember, room: RoomId) -> None:
        if not self._connections.stays_away(wanted):
            return
        key = rtc.state_key(wanted.user, wanted.device)
        try:
            held = await self._bot.state_event(room, rtc.MEMBER_STATE, key)
        except RequestRefused as refusal:
            if refusal.errcode != "M_NOT_FOUND":
                raise
            return
        if self._is_left_behind(wanted, held) and not self._connections.is_back(wanted):
            await self._bot.write_state(room, rtc.MEMBER_STATE, {}, key)
            log.info("ended a membership in the call of live space %s", wanted.space)

    def _is_left_behind(self, wanted: tasks.ClearCallMember, held: StateEvent) -> bool:
        """Return whether clients show the membership, and its device is not behind it any more.

        What was written after the device had gone is of a client that is about to come back; and
        a client that publishes at another server was not with us.
        """
        key = rtc.state_key(wanted.user, wanted.device)
        member = rtc.state_member(key, held.sender, held.content, held.at_ms)
        if member is None or not member.is_there(self._clock.now_ms()):
            return False
        if wanted.gone_at_ms is None:
            return True
        if held.at_ms is not None and held.at_ms > wanted.gone_at_ms:
            return False
        return not member.publishes_elsewhere(self._settings.own_sfus)
