"""Sliding windows: a limit on how many of something there may be in any minute. Pure.

A token bucket cannot promise that: a full one lets up to twice as many through in one minute.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Final

MINUTE_S: Final = 60.0
KEYS_KEPT: Final = 10_000
"""Windows kept; the one that counted nothing for longest is forgotten first."""


class SlidingWindows:
    """Sliding windows allow so many in any `span`, for each key by itself.

    The caller passes the times, in the unit of the span.
    """

    def __init__(self, span: float = MINUTE_S) -> None:
        self._span = span
        self._times: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of keys that are remembered."""
        return len(self._times)

    def wait(self, key: Hashable, limit: int, now: float) -> float:
        """Return the time until a key's next one may go: 0 is now. `limit` is 1 or more."""
        times = self._times.get(key)
        if times is None:
            return 0.0
        self._forget_past(times, now)
        over = len(times) - limit
        return 0.0 if over < 0 else times[over] + self._span - now

    def count(self, key: Hashable, now: float) -> None:
        """Note that one of a key went at `now`."""
        times = self._times.get(key)
        if times is None:
            times = self._times[key] = deque()
            if len(self._times) > KEYS_KEPT:
                self._times.popitem(last=False)
        self._forget_past(times, now)
        times.append(now)
        self._times.move_to_end(key)

    def _forget_past(self, times: deque[float], now: float) -> None:
        # times ahead were counted before the clock was set back: they lock nobody out
        while times and not now - self._span < times[0] <= now:
            times.popleft()
