"""Rate limits: token buckets per address or person, in bounded memory."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from spaces_bridge.web.problems import too_many

KEYS_KEPT = 20_000
"""Buckets kept; the one longest unused is forgotten first."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Limiter:
    """``burst`` at once, then ``per_second``, for each key by itself."""

    def __init__(
        self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def take(self, key: Hashable) -> bool:
        """Take one; False when there is none."""
        bucket = self._bucket(key)
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def has(self, key: Hashable) -> bool:
        """Whether ``take`` would succeed."""
        return self._bucket(key).tokens >= 1

    def _bucket(self, key: Hashable) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._burst, now)
            if len(self._buckets) > KEYS_KEPT:
                self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._per_second)
        bucket.at = now
        self._buckets.move_to_end(key)
        return bucket


class Places:
    """At most so many at the same time, for each key by itself."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def one(self, key: Hashable) -> Iterator[None]:
        """Hold a place. Raises Problem 429 when all are taken."""
        if self._taken[key] >= self._most:
            raise too_many()
        self._taken[key] += 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
