"""How fast we write: one ceiling for the homeserver, shared fairly, and windows per minute."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable

MINUTE_S = 60.0


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

    def wait_s(self) -> float:
        """Seconds until the next one may go; 0 is now."""
        now = self._clock()
        while self._times and self._times[0] <= now - MINUTE_S:
            self._times.popleft()
        return 0.0 if len(self._times) < self._limit else self._times[0] + MINUTE_S - now

    @property
    def idle(self) -> bool:
        """Whether nothing it counted matters any more."""
        return not self._times or self._times[-1] <= self._clock() - MINUTE_S

    def count(self) -> None:
        """One went."""
        self._times.append(self._clock())


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
