"""How fast we write: what each room takes in a minute, and turns that are evenly spaced."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from spaces_bridge.pacing.sliding_window import MINUTE_S, SlidingWindows

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
        """`limit`: events a minute, for the most important."""
        self._limit = limit
        self._clock = clock
        self._windows = SlidingWindows()

    def wait_s(self, room: str, share: float) -> float:
        """Seconds until a writer with this share (0..1) of the limit may write; 0 is now."""
        return self._windows.wait(room, max(1, int(self._limit * share)), self._clock())

    def note(self, room: str) -> None:
        """An event was written to the room, unless it is counted apart."""
        if not _apart.get():
            self._windows.count(room, self._clock())


class Pacer:
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
