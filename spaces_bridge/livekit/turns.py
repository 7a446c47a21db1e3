"""Turns: so many at once for each key, while the others wait in line for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class NoTurn(Exception):
    """The line is too long, or the turn did not come in time."""


class Turns:
    """Turns for each key by itself: `at_once` run, `waiting` wait for `within_s` at most."""

    def __init__(self, at_once: int, waiting: int, within_s: float) -> None:
        self._at_once = at_once
        self._waiting = waiting
        self._within_s = within_s
        self._lines: dict[str, tuple[asyncio.Semaphore, list[object]]] = {}

    def __len__(self) -> int:
        """Return the number of keys that are remembered: those in use."""
        return len(self._lines)

    @asynccontextmanager
    async def one(self, key: str) -> AsyncIterator[None]:
        """Wait for a turn, and hold it. Raises NoTurn."""
        semaphore, line = self._lines.setdefault(key, (asyncio.Semaphore(self._at_once), []))
        if len(line) >= self._at_once + self._waiting:
            raise NoTurn
        place = object()
        line.append(place)
        try:
            try:
                async with asyncio.timeout(self._within_s):
                    await semaphore.acquire()
            except TimeoutError:
                raise NoTurn from None
            try:
                yield
            finally:
                semaphore.release()
        finally:
            line.remove(place)
            if not line:
                del self._lines[key]
