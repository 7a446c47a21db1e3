"""Whether the homeserver can be reached, as the last call saw it."""

import asyncio


class Reach:
    """Shared by everything that calls the homeserver."""

    def __init__(self) -> None:
        self._lost = asyncio.Event()

    @property
    def lost(self) -> bool:
        """Whether the homeserver seems to be away."""
        return self._lost.is_set()

    def note_lost(self) -> None:
        """Nobody answered."""
        self._lost.set()

    def note_found(self) -> None:
        """Somebody answered who speaks Matrix."""
        self._lost.clear()

    async def until_lost(self) -> None:
        """Returns once the homeserver is away."""
        await self._lost.wait()
