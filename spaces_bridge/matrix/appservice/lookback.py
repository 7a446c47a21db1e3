"""The look back after an outage, for events of our rooms that never came.

Application services are promised every event, but a homeserver that is killed between storing an
event and noting that it is to be pushed does not push it later (measured: Synapse, killed 20 ms
after it had accepted a reaction). So rooms are read back, and the events found there enter by the
inbox like a transaction: each event once, by its id.

One look is not enough: Synapse, once it reaches the bridge again, pushes what has queued up, and
an event that comes in the moment when it is done with that stays in the queue until the next
outage (measured: in 5 of 60 returns with people writing meanwhile; later events come). So rooms
are read again a while later, until nothing more is found.

What is said in a room before the bot has joined it is never pushed either, and clients make a
direct room with the first message: that is read back, too.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.notes.commands import ReadBackFrom
from spaces_bridge.app.ports import Clock, Inbox, NoteStore
from spaces_bridge.app.records import InboxEvent
from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.appservice.transactions import stored
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.rests import AWAY_BACKOFF, rest
from spaces_bridge.matrix.events.rtc import CALL_REACTION
from spaces_bridge.matrix.events.translate import BotInvited

log = logging.getLogger(__name__)

MARGIN_MS: Final = 120_000
"""Events of so long before an outage was noticed may be missing; clocks may differ, too."""
OLDEST_MS: Final = 86_400_000
"""Older events are not looked for: nobody waits for them, and acting now would surprise."""
AGAIN_S: Final = 10.0
"""The time from one look to the next: a queue of the homeserver's is pushed in less."""
AGAIN_MAX: Final = 6
"""The looks after the first one: where people write all the time, each may find something."""
PAGES_MAX: Final = 10
"""Pages of a hundred events that are read of one room at most."""
ROOMS_MAX: Final = 2000
TYPES: Final = (
    "m.room.message",
    "m.room.encrypted",
    "m.reaction",
    "m.room.redaction",
    "m.room.member",
    CALL_REACTION,
    "m.room.power_levels",
)
"""The events of what people do; other state is read as it is now, whatever led to it.

Levels are, too, on each such event.
"""

WORDS: Final = ("m.room.message", "m.room.encrypted", "m.room.member")
"""The events of what is written to the bot with its invite, and the invite itself."""


class LookBack:
    """The reader of our rooms back to before the outage, those of live spaces first."""

    def __init__(
        self,
        bot: MatrixClient,
        inbox: Inbox,
        notes: NoteStore,
        clock: Clock,
        first: Callable[[], Sequence[RoomId]],
        arrived: Callable[[], None],
    ) -> None:
        """`first` returns the rooms in which somebody waits; `arrived` is called when events
        were found and stored.
        """
        self._bot = bot
        self._inbox = inbox
        self._notes = notes
        self._clock = clock
        self._first = first
        self._arrived = arrived
        self._wanted = asyncio.Event()
        self._lost_at_ms: int | None = None

    def homeserver_away(self) -> None:
        """Note that the homeserver does not answer, as of now."""
        if self._lost_at_ms is None:
            self._lost_at_ms = self._clock.now_ms()

    def homeserver_back(self) -> None:
        """Have rooms read back: the homeserver is there (again)."""
        self._wanted.set()

    async def run(self) -> None:
        """Run until cancelled."""
        failures = 0
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            back_at_ms = self._clock.now_ms()
            try:
                since_ms = await self.look()
                failures = 0
                # a new database does not act on what was said before it
                await self._look_again(back_at_ms if since_ms is None else since_ms)
            except AdapterError as error:
                log.info("cannot read back what was missed: %s", error)
                failures += 1
                self._wanted.set()
                await asyncio.sleep(AWAY_BACKOFF.wait_s(failures))

    async def look(self) -> int | None:
        """Read back all rooms once. Raises Away, StorageError.

        Return the time from which they were read; None: no event ever came, and nothing is read.
        """
        lost_at_ms = self._lost_at_ms
        since_ms = await self._since_ms(lost_at_ms)
        if since_ms is None:
            return None
        await self._notes.put(ReadBackFrom(since_ms))
        await self._read_all(since_ms)
        await self._notes.drop(ReadBackFrom.key())
        if self._lost_at_ms == lost_at_ms:
            self._lost_at_ms = None
        return since_ms

    async def first_words(self, invite: BotInvited) -> None:
        """Read what the inviter has written in a direct room since the invite.

        Where the room's history is for members alone, only what was said after the join is found.
        Raises Away, StorageError.
        """
        found: list[InboxEvent] = []
        start: str | None = None
        for _ in range(PAGES_MAX):
            chunk, start = await self._bot.page_back(invite.room, WORDS, start)
            for event in chunk:
                if event.get("event_id") == invite.event:
                    start = None
                    break
                if event.get("sender") == invite.sender:
                    found.append(stored({**event, "room_id": invite.room}))
            if start is None:
                break
        if found and await self._inbox.store(found[::-1]):
            self._arrived()

    async def _look_again(self, since_ms: int) -> None:
        """Read back all rooms a while later, until nothing is found or there is a new outage."""
        for _ in range(AGAIN_MAX):
            await rest(self._wanted, AGAIN_S)
            if self._wanted.is_set() or not await self._read_all(since_ms):
                return

    async def _read_all(self, since_ms: int) -> bool:
        """Read back all rooms; return whether there was an event that had not come."""
        return any([await self._read(room, since_ms) for room in await self._rooms()])

    async def _since_ms(self, lost_at_ms: int | None) -> int | None:
        """Return the time from which events may be missing; None: no event ever came."""
        noted = await self._notes.get(ReadBackFrom.key())
        noted_ms = noted.since_ms if noted is not None else None
        last_ms = lost_at_ms if lost_at_ms is not None else await self._inbox.newest_ms()
        known = [at for at in (noted_ms, last_ms) if at is not None]
        if not known:
            return None
        begun_ms = min(known) - (0 if min(known) == noted_ms else MARGIN_MS)
        return max(begun_ms, self._clock.now_ms() - OLDEST_MS)

    async def _rooms(self) -> list[RoomId]:
        joined = await self._bot.joined_rooms()
        first = [room for room in self._first() if room in set(joined)]
        rooms = list(dict.fromkeys([*first, *joined]))
        if len(rooms) > ROOMS_MAX:
            log.warning("only %d of %d rooms are read back", ROOMS_MAX, len(rooms))
        return rooms[:ROOMS_MAX]

    async def _read(self, room: RoomId, since_ms: int) -> bool:
        try:
            found = await self._events(room, since_ms)
        except RequestRefused as refusal:
            log.info("a room cannot be read back: %s", refusal.errcode)
            return False
        is_news = bool(found) and await self._inbox.store(found[::-1])
        if is_news:
            log.info("found events in %s that never came", room)
            self._arrived()
        return is_news

    async def _events(self, room: RoomId, since_ms: int) -> list[InboxEvent]:
        """Return the room's events since then, newest first."""
        found: list[InboxEvent] = []
        start: str | None = None
        for _ in range(PAGES_MAX):
            chunk, start = await self._bot.page_back(room, TYPES, start)
            recent = False
            for event in chunk:
                if self._is_own_join(event):
                    return found
                if not _is_since(event, since_ms):
                    continue  # an event's sender sets its time: one lie ends no reading
                recent = True
                if event.get("sender") != self._bot.user:
                    found.append(stored({**event, "room_id": room}))
            if start is None or not recent:
                return found
        log.warning("more was said in %s than is read back", room)
        return found

    def _is_own_join(self, event: Mapping[str, Any]) -> bool:
        """Return whether the bot joined by this event: older events were not meant for it."""
        content = event.get("content")
        return (
            event.get("type") == "m.room.member"
            and event.get("state_key") == self._bot.user
            and isinstance(content, Mapping)
            and content.get("membership") == "join"
        )


def _is_since(event: Mapping[str, Any], since_ms: int) -> bool:
    at_ms = event.get("origin_server_ts")
    return isinstance(at_ms, int) and at_ms >= since_ms
