"""Whether the homeserver can be reached, as the last call saw it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Reach:
    """Shared by everything that calls the homeserver."""

    def __init__(self) -> None:
        self._lost = False
        self._news = asyncio.Event()
        self._waiting: dict[asyncio.Timeout, float] = {}
        """Since when (loop time) an answer is waited for."""

    @property
    def lost(self) -> bool:
        """Whether the homeserver seems to be away."""
        return self._lost

    def note_lost(self) -> None:
        """Nobody answered, or nobody who speaks Matrix."""
        self._lost = True
        self._news.set()

    def note_found(self) -> None:
        """Somebody answered who speaks Matrix."""
        self._lost = False
        self._news.set()

    async def until_lost_or_silent(self, seconds: float) -> None:
        """Returns once the homeserver is away, or nobody has answered for so long."""
        while not self._lost:
            self._news.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                return

    @asynccontextmanager
    async def waiting(self, within_s: float) -> AsyncIterator[None]:
        """An answer is waited for at most so long. Raises TimeoutError."""
        async with asyncio.timeout(within_s) as limit:
            self._waiting[limit] = asyncio.get_running_loop().time()
            try:
                yield
            finally:
                del self._waiting[limit]

    def give_up_waiting(self, since: float) -> None:
        """What was asked before then (loop time) is answered no more."""
        now = asyncio.get_running_loop().time()
        for limit, began in list(self._waiting.items()):
            if began < since and not limit.expired():
                limit.reschedule(now)
