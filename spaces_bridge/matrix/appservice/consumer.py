"""The inbox consumer: each room's events are handled in order, rooms side by side.

One bad event never stops the next: an event that fails for a reason of its own is buried, one
that fails because something is away is tried again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import takewhile
from typing import Any

from spaces_bridge.app.errors import AdapterError, StorageError
from spaces_bridge.app.ports import Inbox
from spaces_bridge.app.records import InboxRow
from spaces_bridge.core.errors import Rejected
from spaces_bridge.matrix.appservice.transactions import parse_event
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.rests import (
    AWAY_BACKOFF,
    BROKEN_ATTEMPTS,
    WORKS_WITHIN_S,
    rest,
)
from spaces_bridge.matrix.events.emojis import is_hand

log = logging.getLogger(__name__)

PAGE = 200
HELD_MAX = 2000
"""Events in memory; the rest waits in the database."""
HELD_PER_ROOM = 100
"""Events of one room in memory, so that a room that is stuck leaves place for others."""
WAITING_MAX = 20
"""Events of a room that may wait before a pressing event passes them."""
LOOK_EVERY_S = 5.0

Receive = Callable[[Mapping[str, Any]], Awaitable[None]]


class InboxConsumer:
    """The consumer that has every event of the inbox handled.

    `receive` handles one event; it must be safe to repeat. `is_pressing` says whether an event
    may pass those of its room that wait, because it takes something from somebody: a host's
    command against a mob does not wait behind the mob's events.
    """

    def __init__(
        self,
        inbox: Inbox,
        receive: Receive,
        is_pressing: Callable[[Mapping[str, Any]], bool] = lambda _: False,
    ) -> None:
        self._inbox = inbox
        self._receive = receive
        self._is_pressing = is_pressing
        self._passing: dict[int, asyncio.Task[None]] = {}
        """By `seq`, the events that are handled right now, beside the others of their room."""
        self._news = asyncio.Event()
        self._back = asyncio.Event()
        self._rooms: dict[str | None, deque[InboxRow]] = {}
        self._tasks: dict[str | None, asyncio.Task[None]] = {}
        self._seen_seq = 0
        self._held = 0
        self._behind: dict[str | None, int] = {}
        """By room, the `seq` up to which a room without place for more was read."""
        self._worked_at = -WORKS_WITHIN_S

    def wake(self) -> None:
        """Tell the consumer that there is something new in the inbox."""
        self._news.set()

    def outage_over(self) -> None:
        """Tell the consumer that the homeserver is back: no back-off is waited out."""
        self._back.set()

    async def run(self) -> None:
        """Run until cancelled; run again after a failure, it begins with what the inbox holds."""
        self._forget()
        try:
            while True:
                self._news.clear()
                try:
                    await self._read()
                except StorageError as error:
                    log.warning("cannot read the inbox: %s", error)
                    await asyncio.sleep(1.0)
                    continue
                await rest(self._news, LOOK_EVERY_S)
        finally:
            tasks = [*self._tasks.values(), *self._passing.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self) -> None:
        self._rooms.clear()
        self._tasks.clear()
        self._passing.clear()
        self._behind.clear()
        self._seen_seq = self._held = 0

    async def _read(self) -> None:
        for room in [room for room in self._behind if room not in self._rooms]:
            if self._held < HELD_MAX:
                await self._catch_up(room)
        self._serve_the_left()
        while self._held < HELD_MAX:
            rows = await self._inbox.pending(self._seen_seq, PAGE)
            for row in rows:
                self._seen_seq = row.seq
                if self._passes(row) or row.room_id in self._behind:
                    continue
                if self._is_full(row.room_id):
                    self._behind[row.room_id] = row.seq - 1
                else:
                    self._hold(row)
            if len(rows) < PAGE:
                return

    async def _catch_up(self, room: str | None) -> None:
        """Read on where the room was left, at most to where the other rooms are."""
        while True:
            rows = await self._inbox.pending(self._behind[room], PAGE)
            for row in rows:
                if row.seq > self._seen_seq:
                    break
                if row.room_id == room and row.seq not in self._passing:
                    if self._is_full(room):
                        return
                    self._hold(row)
                self._behind[room] = row.seq
            else:
                if len(rows) == PAGE:
                    continue
            del self._behind[room]
            return

    def _passes(self, row: InboxRow) -> bool:
        """Handle the event at once, if it is pressing and others of its room wait.

        Returns whether it is handled so.
        """
        waiting = len(self._rooms.get(row.room_id, ()))
        if waiting < WAITING_MAX and row.room_id not in self._behind:
            return False
        event = parse_event(row.body)
        if event is None or not self._presses(event):
            return False
        task = asyncio.create_task(self._handle(row), name=f"inbox, pressing {row.seq}")
        self._passing[row.seq] = task
        task.add_done_callback(lambda _: self._passing.pop(row.seq, None))
        return True

    def _presses(self, event: Mapping[str, Any]) -> bool:
        """Return whether the event is pressing; one that cannot be looked at waits its turn."""
        try:
            return self._is_pressing(event)
        except Exception:
            log.exception("an event could not be looked at")
            return False

    def _serve_the_left(self) -> None:
        """Start another task for each room whose task ended by a bug while events wait."""
        for room, task in list(self._tasks.items()):
            if task.done() and not task.cancelled():
                log.error("events of a room were left", exc_info=task.exception())
                self._start_serving(room)

    def _is_full(self, room: str | None) -> bool:
        return len(self._rooms.get(room, ())) >= HELD_PER_ROOM

    def _hold(self, row: InboxRow) -> None:
        self._held += 1
        self._rooms.setdefault(row.room_id, deque()).append(row)
        if row.room_id not in self._tasks:
            self._start_serving(row.room_id)

    def _start_serving(self, room: str | None) -> None:
        self._tasks[room] = asyncio.create_task(self._serve(room), name=f"inbox {room}")

    async def _serve(self, room: str | None) -> None:
        rows = self._rooms[room]
        while rows:
            together = _handled_together(rows)
            await asyncio.gather(*(self._handle(row) for row in together))
            was_full = self._held > HELD_MAX // 2
            for _ in together:
                rows.popleft()
            self._held -= len(together)
            if was_full and self._held <= HELD_MAX // 2:
                self.wake()
        del self._rooms[room]
        del self._tasks[room]
        if room in self._behind:
            self.wake()

    async def _handle(self, row: InboxRow) -> None:
        failures = 0
        while True:
            try:
                await self._handle_once(row)
            except AdapterError as error:
                failures += 1
                if failures >= BROKEN_ATTEMPTS and self._alone_breaks(error):
                    log.error("gave up an event the homeserver fails on: %s", error)
                    await self._give_up(row, str(error))
                    return
                told_s = error.retry_after_s if isinstance(error, Away) else None
                rest_s = told_s if told_s is not None else AWAY_BACKOFF.wait_s(failures)
                if failures.bit_count() == 1:  # the first, second, fourth… time
                    log.info("an event waits %.1f s: %s", rest_s, error)
                self._back.clear()
                await rest(self._back, rest_s)
            else:
                self._worked_at = asyncio.get_running_loop().time()
                return

    def _alone_breaks(self, error: AdapterError) -> bool:
        """Return whether the homeserver fails by itself on this event, and works for others."""
        rest_s = asyncio.get_running_loop().time() - self._worked_at
        return isinstance(error, Away) and error.broken and rest_s < WORKS_WITHIN_S

    async def _give_up(self, row: InboxRow, why: str) -> None:
        try:
            await self._inbox.bury(row.seq, why)
        except StorageError as error:
            log.warning("cannot bury an event: %s", error)

    async def _handle_once(self, row: InboxRow) -> None:
        event = parse_event(row.body)
        if event is None:
            await self._inbox.bury(row.seq, "not a Matrix event")
            return
        try:
            await self._receive(event)
        except RequestRefused as refusal:
            log.warning("an event was refused: %d %s", refusal.status, refusal.errcode)
            await self._inbox.bury(row.seq, str(refusal))
        except Rejected as rejected:
            log.info("an event was rejected: %s", rejected.code)
            await self._inbox.done(row.seq)
        except AdapterError:
            raise
        except Exception:  # one event with a bug behind it must not stop the next
            log.exception("an event could not be handled")
            await self._inbox.bury(row.seq, "a bug of the bridge; see its log")
        else:
            await self._inbox.done(row.seq)


def _handled_together(rows: Iterable[InboxRow]) -> list[InboxRow]:
    """Return the rows to handle at once: the first, or the run of reactions that begins with it.

    The order of reactions among themselves does not matter. Raised hands are no such reactions:
    who was first counts.
    """
    first, *others = rows
    if not _is_unordered(first):
        return [first]
    return [first, *takewhile(_is_unordered, others)]


def _is_unordered(row: InboxRow) -> bool:
    event = parse_event(row.body)
    if event is None or event.get("type") != "m.reaction":
        return False
    content = event.get("content")
    relation = content.get("m.relates_to") if isinstance(content, Mapping) else None
    return isinstance(relation, Mapping) and not is_hand(relation.get("key"))
