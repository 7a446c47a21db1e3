"""Token buckets: some may be done at once, and then a trickle."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

KEYS_KEPT: Final = 20_000
"""Buckets kept; the one longest unused is forgotten first."""


@dataclass(slots=True)
class TokenBucket:
    """A token bucket allows `burst` at once and `rate` a second on average.

    It is pure: the caller passes the time, in seconds.
    """

    rate: float
    burst: float
    _left: float = field(init=False)
    _at: float | None = None

    def __post_init__(self) -> None:
        self._left = self.burst

    def has(self, amount: float, now: float) -> bool:
        """Return whether `amount` is still allowed; nothing is taken."""
        if self._at is not None:
            self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        return self._left >= amount

    def take(self, amount: float, now: float) -> bool:
        """Return whether `amount` is still allowed; if so it is taken."""
        if not self.has(amount, now):
            return False
        self._left -= amount
        return True

    def give_back(self, amount: float, now: float) -> None:
        """Put back `amount` that was taken."""
        self.has(0.0, now)
        self._left = min(self.burst, self._left + amount)

    def left(self, now: float) -> float:
        """Return what is left; it is below zero after more was spent than there was."""
        self.has(0.0, now)
        return self._left

    def spend(self, amount: float, now: float) -> None:
        """Take `amount` even if it is not left: what may not wait still counts."""
        self.has(0.0, now)
        self._left -= amount


class TokenBuckets:
    """Token buckets allow `burst` at once, then `per_second`, for each key by itself."""

    def __init__(
        self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[Hashable, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of keys that are remembered."""
        return len(self._buckets)

    def take(self, key: Hashable) -> bool:
        """Take one from a key's bucket; return False if there is none."""
        return self._bucket(key).take(1.0, self._clock())

    def has(self, key: Hashable) -> bool:
        """Return whether `take` would succeed."""
        return self._bucket(key).has(1.0, self._clock())

    def give_back(self, key: Hashable) -> None:
        """Put back one that was taken from a key's bucket."""
        self._bucket(key).give_back(1.0, self._clock())

    def _bucket(self, key: Hashable) -> TokenBucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._per_second, self._burst)
            if len(self._buckets) > KEYS_KEPT:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket
