"""Keyed locks: for each key one at a time, with nothing kept for keys that nobody works on."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Counted:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    """Those who hold the lock or wait for it."""


class KeyedLocks:
    """Keyed locks let one in at a time, for each key by itself, in the order they came.

    A lock is made when somebody asks for it, and goes with the last who held it or waited.
    """

    def __init__(self) -> None:
        self._locks: dict[Hashable, _Counted] = {}

    def __len__(self) -> int:
        """Return the number of keys whose lock is held or waited for."""
        return len(self._locks)

    @asynccontextmanager
    async def holding(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for the key's lock, and hold it."""
        counted = self._locks.setdefault(key, _Counted())
        counted.users += 1
        try:
            async with counted.lock:
                yield
        finally:
            counted.users -= 1
            if not counted.users:
                del self._locks[key]
