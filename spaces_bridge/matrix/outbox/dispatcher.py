"""The outbox dispatcher carries out outbox tasks lane by lane.

Lanes run side by side at a fair pace; the tasks of one lane go in order, until each is done or
buried.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Protocol

from spaces_bridge.app import codec, tasks
from spaces_bridge.app.errors import AdapterError, StorageError
from spaces_bridge.app.lanes import Lane, LaneName
from spaces_bridge.app.ports import Clock, Outbox
from spaces_bridge.app.records import OutboxRow
from spaces_bridge.matrix.client.errors import Away, NotYetError, RequestRefused
from spaces_bridge.matrix.client.pace import counted_apart
from spaces_bridge.matrix.client.rests import (
    AWAY_BACKOFF,
    BROKEN_ATTEMPTS,
    WORKS_WITHIN_S,
    rest,
)
from spaces_bridge.matrix.outbox.lane import LaneQueue
from spaces_bridge.matrix.outbox.merging import Mergeable, merge
from spaces_bridge.pacing.fair_queue import FairQueue
from spaces_bridge.pacing.sliding_window import SlidingWindows

FloorTask = tasks.OfferFloor | tasks.OfferToSpeak | tasks.PromptModerator | tasks.RedactEvent
"""The tasks that people who want to speak wait for; they share the pace as a group apart."""

log = logging.getLogger(__name__)

PAGE = 500
LOOK_EVERY_S = 5.0
"""The pause between looks without being woken, in case a wake was missed."""
NOT_YET_RECHECK_S = 1.0
APART = frozenset({LaneName.CAPTIONS, LaneName.REDACTIONS, LaneName.HANDS, LaneName.CROWD})
"""Lanes whose events have budgets of their own, beside the room's."""


class TaskRunner(Protocol):
    """The port to the task handlers: it carries out one outbox task.

    Raises RequestRefused, Away, NotYetError, StorageError.
    """

    async def run(self, wanted: tasks.OutboxTask, key: str) -> str | None: ...

    async def refused(self, wanted: tasks.OutboxTask, refusal: RequestRefused) -> None: ...


class OutboxDispatcher:
    """The outbox dispatcher. Implements the app's `OutboxSignal`."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        runner: TaskRunner,
        pace: FairQueue,
        per_minute: Callable[[Lane], int | None],
        room_wait_s: Callable[[Lane], float] = lambda _: 0.0,
    ) -> None:
        """`per_minute`: how many tasks of a lane may be carried out a minute; None: any number.

        `room_wait_s`: the seconds until the room's budget has something left for this lane.
        """
        self._outbox = outbox
        self._clock = clock
        self._runner = runner
        self._pace = pace
        self._per_minute = per_minute
        self._room_wait_s = room_wait_s
        self._news = asyncio.Event()
        self._lanes: dict[Lane, LaneQueue] = {}
        self._stirred: dict[Lane, asyncio.Event] = {}
        self._windows = SlidingWindows()
        self._tasks: dict[Lane, asyncio.Task[None]] = {}
        self._seen_id = 0
        self._worked_at = -WORKS_WITHIN_S

    def wake(self) -> None:
        """Tell the dispatcher that there is something new in the outbox."""
        self._news.set()

    def outage_over(self) -> None:
        """Tell the dispatcher that the homeserver is back: no back-off is waited out."""
        for lane in self._lanes.values():
            if not lane.told_to_wait:
                lane.retry_at = 0.0
                lane.failures = 0
        for stirred in self._stirred.values():
            stirred.set()
        self.wake()

    async def run(self) -> None:
        """Run until cancelled."""
        try:
            first = True
            while True:
                self._news.clear()
                try:
                    await self._read(first=first)
                    first = False
                except StorageError as error:
                    log.warning("cannot read the outbox: %s", error)
                    await asyncio.sleep(1.0)
                    continue
                await rest(self._news, LOOK_EVERY_S)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            self._tasks.clear()

    async def _read(self, *, first: bool) -> None:
        while True:
            rows = await self._outbox.pending(self._seen_id, PAGE)
            for row in rows:
                self._seen_id = row.id
                self._lane(Lane.read(row.effect.queue)).add(row)
            if len(rows) < PAGE:
                break
        if first:
            for lane in self._lanes.values():
                lane.suspect_head()
        for which, lane in list(self._lanes.items()):
            self._stirred[which].set()
            task = self._tasks.get(which)
            if not lane.empty and (task is None or task.done()):
                self._tasks[which] = asyncio.create_task(self._serve(lane), name=f"lane {which}")

    def _lane(self, which: Lane) -> LaneQueue:
        if which not in self._lanes:
            self._lanes[which] = LaneQueue(which)
            self._stirred[which] = asyncio.Event()
        return self._lanes[which]

    # --- one lane -----------------------------------------------------------------------------

    async def _serve(self, lane: LaneQueue) -> None:
        loop = asyncio.get_running_loop()
        while not lane.empty:
            rest_s = lane.retry_at - loop.time()
            if rest_s > 0:
                await self._rest(lane, rest_s)
                continue
            row = lane.head(self._clock.now_ms())
            if row is None:
                await self._rest(lane, (lane.next_due_ms() - self._clock.now_ms()) / 1000)
                continue
            try:
                await self._advance(lane, row)
            except NotYetError as later:
                await self._rest(lane, min(later.after_s, NOT_YET_RECHECK_S))
            except AdapterError as error:
                await self._fail(lane, row, error)
            except Exception:  # a supervisor: one task with a bug must not stop its lane
                log.exception("gave up a task: %s", row.effect.kind)
                await self._give_up(lane, row, "a bug of the bridge; see its log")
        self._forget(lane)

    def _forget(self, lane: LaneQueue) -> None:
        """Forget an empty lane; what it has done in this minute still counts."""
        self._lanes.pop(lane.lane, None)
        self._stirred.pop(lane.lane, None)
        self._tasks.pop(lane.lane, None)

    async def _rest(self, lane: LaneQueue, seconds: float) -> None:
        stirred = self._stirred[lane.lane]
        stirred.clear()
        await rest(stirred, max(0.01, seconds))

    async def _advance(self, lane: LaneQueue, row: OutboxRow) -> None:
        try:
            wanted = codec.task_from(row.effect)
        except codec.CodecError as error:
            await self._give_up(lane, row, str(error))
            return
        limit = self._per_minute(lane.lane)
        pressed = await self._wait_for_budget(lane, limit)
        if not lane.urgent and not lane.paces_itself:
            await self._pace.turn(_group_of(lane, wanted))
        if isinstance(wanted, Mergeable):
            wanted = await self._merged(lane, row, wanted, pressed=pressed)
        lane.note_try(row)
        try:
            with counted_apart() if lane.kind in APART else nullcontext():
                result = await self._runner.run(wanted, row.effect.key)
        except RequestRefused as refusal:
            await self._refuse(lane, row, refusal)
            return
        skipped = isinstance(wanted, tasks.PromptModerator) and result is None
        self._worked_at = asyncio.get_running_loop().time()
        if limit is not None and not skipped:
            self._windows.count(lane.lane, self._worked_at)
        await self._finish(lane, row, result)

    async def _wait_for_budget(self, lane: LaneQueue, limit: int | None) -> bool:
        """Wait until the lane's budget has something left; return whether there was a wait."""
        pressed, now = False, asyncio.get_running_loop().time
        while True:
            own_s = self._windows.wait(lane.lane, limit, now()) if limit is not None else 0.0
            wait_s = max(own_s, self._room_wait_s(lane.lane))
            if wait_s <= 0:
                return pressed
            if lane.note_pressed():
                log.info("%s waits %.1f s: its budget of this minute is spent", lane.lane, wait_s)
            await asyncio.sleep(wait_s)
            pressed = True

    async def _merged(
        self, lane: LaneQueue, row: OutboxRow, head: Mergeable, *, pressed: bool
    ) -> Mergeable:
        """Return the first task merged with those that may share its event.

        The merged task is stored before it is sent: see `Outbox.absorb`.
        """
        if lane.may_have_been_sent(row):
            return head
        others = lane.others(row)
        waiting = [codec.task_from(r.effect) for r in others]
        together, places = merge(head, waiting, pressed=pressed)
        if not places:
            return head
        keys = [others[place].effect.key for place in places]
        body = codec.to_body(together)
        await self._outbox.absorb(row.effect.key, body, keys)
        lane.take_out([row.effect.key, *keys])
        lane.add(replace(row, effect=replace(row.effect, body=body)))
        return together

    async def _finish(self, lane: LaneQueue, row: OutboxRow, result: str | None) -> None:
        done = await self._outbox.complete(row.effect.key, row.generation, result)
        again = [] if done else await self._outbox.pending(row.id - 1, 1)
        lane.take_out([row.effect.key])
        lane.failures = 0
        for fresh in again:
            if fresh.id == row.id:
                lane.add(fresh)

    async def _refuse(self, lane: LaneQueue, row: OutboxRow, refusal: RequestRefused) -> None:
        """Have a task's refusal handled, and bury the task for people to look at."""
        log.warning("refused: %s (%d %s)", row.effect.kind, refusal.status, refusal.errcode)
        await self._runner.refused(codec.task_from(row.effect), refusal)
        await self._give_up(lane, row, str(refusal))

    async def _give_up(self, lane: LaneQueue, row: OutboxRow, why: str) -> None:
        try:
            await self._outbox.bury(row.effect.key, why)
        except StorageError as error:
            log.warning("cannot bury %s: %s", row.effect.kind, error)
        lane.take_out([row.effect.key])
        lane.failures = 0

    async def _fail(self, lane: LaneQueue, row: OutboxRow, error: AdapterError) -> None:
        """Let a lane wait after a failure: as long as told, or longer each time.

        A task on which alone the homeserver fails again and again is given up.
        """
        now = asyncio.get_running_loop().time()
        lane.failures += 1
        broken = isinstance(error, Away) and error.broken
        works = now - self._worked_at < WORKS_WITHIN_S
        if broken and works and lane.failures >= BROKEN_ATTEMPTS:
            log.error("gave up a task that the homeserver fails on: %s", row.effect.kind)
            await self._refuse(lane, row, RequestRefused(500, "M_UNKNOWN", str(error)))
            return
        told_s = error.retry_after_s if isinstance(error, Away) else None
        lane.told_to_wait = told_s is not None
        rest_s = told_s if told_s is not None else AWAY_BACKOFF.wait_s(lane.failures)
        lane.retry_at = now + rest_s
        log.info("%s waits %.1f s: %s", row.effect.kind, rest_s, error)
        due_at_ms = self._clock.now_ms() + int(rest_s * 1000)
        try:
            await self._outbox.postpone(row.effect.key, due_at_ms, str(error))
        except StorageError as storage:
            log.warning("cannot postpone %s: %s", row.effect.kind, storage)


def _group_of(lane: LaneQueue, wanted: tasks.OutboxTask) -> str:
    """Return the group in which a task takes turns: a crowd's DMs hold up no floor."""
    if isinstance(wanted, FloorTask) and not (
        isinstance(wanted, tasks.RedactEvent) and (wanted.expired or wanted.crowd)
    ):
        return f"{wanted.space}|floor"
    return lane.group
