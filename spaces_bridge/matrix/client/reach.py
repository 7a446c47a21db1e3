"""The homeserver's reachability, as the last call saw it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Reach:
    """The homeserver's reachability, shared by everything that calls it."""

    def __init__(self) -> None:
        self._lost = False
        self._news = asyncio.Event()
        self._waiting: dict[asyncio.Timeout, float] = {}
        """By open timeout, the loop time since which its answer is waited for."""

    @property
    def lost(self) -> bool:
        """True while the homeserver seems to be away."""
        return self._lost

    def note_lost(self) -> None:
        """Note that nobody answered, or nobody who speaks Matrix."""
        self._lost = True
        self._news.set()

    def note_found(self) -> None:
        """Note that somebody answered who speaks Matrix."""
        self._lost = False
        self._news.set()

    async def until_lost_or_silent(self, seconds: float) -> None:
        """Wait until the homeserver is away, or until nobody has answered for so long."""
        while not self._lost:
            self._news.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                return

    @asynccontextmanager
    async def waiting(self, within_s: float) -> AsyncIterator[None]:
        """Wait for an answer inside, at most so long. Raises TimeoutError."""
        async with asyncio.timeout(within_s) as limit:
            self._waiting[limit] = asyncio.get_running_loop().time()
            try:
                yield
            finally:
                del self._waiting[limit]

    def give_up_waiting(self, since: float) -> None:
        """Time out all calls that were made before then (loop time)."""
        now = asyncio.get_running_loop().time()
        for limit, began in list(self._waiting.items()):
            if began < since and not limit.expired():
                limit.reschedule(now)
