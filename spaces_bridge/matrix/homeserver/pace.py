"""How fast we write: one ceiling for the homeserver, shared fairly, and windows per minute."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MINUTE_S = 60.0
ROOMS_KEPT = 1000
"""Rooms whose events are counted before those that were left in peace are forgotten."""


class FairShare:
    """A token bucket whose waiters take turns by group. ``rate``: events a second.

    ``spend`` takes without waiting, also below zero: who may not wait still counts.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._burst = max(1.0, rate)
        self._balance = self._burst
        self._filled_at = clock()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._pump: asyncio.Task[None] | None = None

    async def turn(self, group: str) -> None:
        """Returns when it is this group's turn. What is then written must be spent."""
        if not self._waiting and self._level() > 0:
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(group, deque()).append(mine)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._serve(), name="matrix pace")
        await mine

    def spend(self) -> None:
        """One event was written."""
        self._level()
        self._balance -= 1

    def _level(self) -> float:
        now = self._clock()
        self._balance = min(self._burst, self._balance + (now - self._filled_at) * self._rate)
        self._filled_at = now
        return self._balance

    async def _serve(self) -> None:
        while self._waiting:
            lacking = -self._level()
            if lacking >= 0:
                await asyncio.sleep((lacking + 0.01) / self._rate)
                continue
            group, waiters = self._waiting.popitem(last=False)
            mine = waiters.popleft()
            if waiters:
                self._waiting[group] = waiters
            if not mine.cancelled():
                mine.set_result(None)
                # Let it write (and spend) before the next one is looked at.
                await asyncio.sleep(1 / self._rate)


class Window:
    """At most ``limit`` in any minute."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._times: deque[float] = deque()

    def wait_s(self, limit: int | None = None) -> float:
        """Seconds until the next one may go; 0 is now. ``limit``: a lower one than its own."""
        limit = self._limit if limit is None else limit
        now = self._clock()
        while self._times and self._times[0] <= now - MINUTE_S:
            self._times.popleft()
        over = len(self._times) - limit
        return 0.0 if over < 0 else self._times[over] + MINUTE_S - now

    @property
    def idle(self) -> bool:
        """Whether nothing it counted matters any more."""
        return not self._times or self._times[-1] <= self._clock() - MINUTE_S

    def count(self) -> None:
        """One went."""
        self._times.append(self._clock())


_apart: ContextVar[bool] = ContextVar("_apart", default=False)


@contextmanager
def counted_apart() -> Iterator[None]:
    """What is written inside has a budget of its own, beside the room's."""
    token = _apart.set(True)
    try:
        yield
    finally:
        _apart.reset(token)


class RoomBudgets:
    """How many events we have written to each room in the last minute.

    Whoever writes asks first with a ceiling of its own: the lower it is, the earlier it waits, so
    that something is left for what matters more.
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        """``limit``: events a minute, for the most important."""
        self._limit = limit
        self._clock = clock
        self._windows: dict[str, Window] = {}

    def wait_s(self, room: str, share: float) -> float:
        """Seconds until a writer with this share (0..1) of the limit may write; 0 is now."""
        window = self._windows.get(room)
        return 0.0 if window is None else window.wait_s(max(1, int(self._limit * share)))

    def note(self, room: str) -> None:
        """An event was written to the room, unless it is counted apart."""
        if _apart.get():
            return
        if len(self._windows) > ROOMS_KEPT:
            self._windows = {r: w for r, w in self._windows.items() if not w.idle}
        if room not in self._windows:
            self._windows[room] = Window(self._limit, self._clock)
        self._windows[room].count()


class Metronome:
    """Evenly spaced turns, first come first served: no burst, and none after a start."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._interval_s = MINUTE_S / per_minute
        self._clock = clock
        self._next = clock() + self._interval_s
        self._order = asyncio.Lock()

    async def turn(self, wanted: Callable[[], Awaitable[bool]]) -> bool:
        """Wait for the turn, then ask whether it is still wanted; if not, the next one has it."""
        async with self._order:
            await asyncio.sleep(max(0.0, self._next - self._clock()))
            if not await wanted():
                return False
            # what was late by a little is made up for, and no more
            begun = max(self._next, self._clock() - self._interval_s / 2)
            self._next = begun + self._interval_s
            return True
