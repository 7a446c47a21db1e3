"""The clock of the worker: one tick every 20 ms of the monotonic clock. Pure: time is passed in.

A short delay is made up for at no more than double pace, so that no listener gets a burst. After a
long one the ticks are skipped: what they would have carried is too late for everybody.
"""

from typing import Final

TICK_S: Final = 0.020
LONGEST_LAG: Final = 5
"""Ticks; if a tick comes later than this, the missed ones are skipped."""
_BUCKETS: Final = 500  # of 1 ms
_BEATS: Final = 3000  # a minute


class TickClock:
    """A tick clock says when the next tick is due and how much time it stands for."""

    def __init__(self, now: float) -> None:
        self._due, self._last = now + TICK_S, now
        self._lateness = _Lateness()
        self.late_s = 0.0
        """How late the last tick came, in seconds."""
        self.skipped = 0
        """Ticks that were skipped since the start."""

    def wait(self, now: float) -> float:
        """Return the seconds until the next tick, at the earliest half a tick after the last."""
        return max(0.0, self._next() - now)

    def beat(self, now: float) -> int:
        """Begin a tick; return the ticks of time it stands for (0: too early, go on waiting)."""
        if now < self._next():
            return 0
        self._last = now
        self.late_s = late = now - self._due
        self._lateness.note(late)
        missed = int(late / TICK_S)
        steps = 1 + missed if missed >= LONGEST_LAG else 1
        self._due += steps * TICK_S
        self.skipped += steps - 1
        return steps

    def lateness_ms(self, share: float) -> int:
        """Return how late this share of the last minutes' ticks came at most (0.99: the p99)."""
        return self._lateness.quantile_ms(share)

    def _next(self) -> float:
        return max(self._due, self._last + TICK_S / 2)


class _Lateness:
    """The lateness of the ticks of the last minute or two, in milliseconds."""

    def __init__(self) -> None:
        self._now, self._before = [0] * _BUCKETS, [0] * _BUCKETS
        self._noted = 0

    def note(self, late: float) -> None:
        self._now[min(int(late * 1000), _BUCKETS - 1)] += 1
        self._noted += 1
        if self._noted % _BEATS == 0:
            self._before, self._now = self._now, [0] * _BUCKETS

    def quantile_ms(self, share: float) -> int:
        counts = [a + b for a, b in zip(self._now, self._before, strict=True)]
        left = share * sum(counts)
        for late_ms, count in enumerate(counts):
            left -= count
            if left <= 0:
                return late_ms
        return _BUCKETS
