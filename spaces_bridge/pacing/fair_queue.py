"""A fair queue: turns under one ceiling for everybody, shared fairly."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

from spaces_bridge.pacing.token_bucket import TokenBucket


class FairQueue:
    """A fair queue lets its waiters go by a token bucket, the groups in turn.

    `rate` is turns a second. `spend` takes without waiting, also below zero: what may not wait
    still counts.
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._clock = clock
        self._bucket = TokenBucket(rate, burst=max(1.0, rate))
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._pump: asyncio.Task[None] | None = None

    async def turn(self, group: str) -> None:
        """Wait for this group's turn. The caller must `spend` what it then does."""
        if not self._waiting and self._bucket.left(self._clock()) > 0:
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(group, deque()).append(mine)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._serve(), name="fair queue")
        await mine

    def spend(self) -> None:
        """Note that one turn was used."""
        self._bucket.spend(1.0, self._clock())

    async def _serve(self) -> None:
        while self._waiting:
            lacking = -self._bucket.left(self._clock())
            if lacking >= 0:
                await asyncio.sleep((lacking + 0.01) / self._rate)
                continue
            group, waiters = self._waiting.popitem(last=False)
            mine = waiters.popleft()
            if waiters:
                self._waiting[group] = waiters
            if not mine.cancelled():
                mine.set_result(None)
                # Let the waiter act (and spend) before the next one is looked at.
                await asyncio.sleep(1 / self._rate)
