"""The pace of our writing: budgets of events a minute for each room, evenly spaced turns."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from spaces_bridge.pacing.sliding_window import MINUTE_S, SlidingWindows

_apart: ContextVar[bool] = ContextVar("_apart", default=False)


@contextmanager
def counted_apart() -> Iterator[None]:
    """Count no event written inside in its room's budget: it has a budget of its own."""
    token = _apart.set(True)
    try:
        yield
    finally:
        _apart.reset(token)


class RoomBudgets:
    """The budgets of rooms: how many events we have written to each in the last minute.

    Each writer asks first with a share of its own: the lower the share, the earlier the writer
    waits, so that something is left for what matters more.
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        """`limit`: events a minute, for the most important writer."""
        self._limit = limit
        self._clock = clock
        self._windows = SlidingWindows()

    def wait_s(self, room: str, share: float) -> float:
        """Return the seconds until a writer with this share (0..1) of the limit may write."""
        return self._windows.wait(room, max(1, int(self._limit * share)), self._clock())

    def note(self, room: str) -> None:
        """Count an event that was written to the room, unless it is counted apart."""
        if not _apart.get():
            self._windows.count(room, self._clock())


class Pacer:
    """The pacer gives evenly spaced turns, first come first served; no burst after a start."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._interval_s = MINUTE_S / per_minute
        self._clock = clock
        self._next = clock() + self._interval_s
        self._order = asyncio.Lock()

    async def turn(self, wanted: Callable[[], Awaitable[bool]]) -> bool:
        """Wait for a turn, then ask whether it is still wanted; return the answer.

        A turn that is not wanted is left to the next in line.
        """
        async with self._order:
            await asyncio.sleep(max(0.0, self._next - self._clock()))
            if not await wanted():
                return False
            # a turn that was late by a little is made up for, and no more
            begun = max(self._next, self._clock() - self._interval_s / 2)
            self._next = begun + self._interval_s
            return True
