"""Rooms whose LiveKit node has died: they are moved to another node, and our relays join anew.

In a cluster each room is at one node, and whoever is connected by another one notices late that it
has died. Making a room that is there already answers only if its node does; once LiveKit counts
the node as gone (five seconds after its last sign of life), the same request moves the room. So it
is made again and again, which costs one short request.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core.ids import SpaceId

log = logging.getLogger(__name__)

PROBE_EVERY_S: Final = 1.0
"""Seconds between two looks while all nodes answer."""
PROBE_WITHIN_S: Final = 1.0
"""Seconds in which a room's node has to answer."""
AGAIN_EVERY_S: Final = 0.05
AGAIN_WITHIN_S: Final = 0.3
"""The same while one does not."""
MISSED: Final = 2
"""Looks in a row without an answer after which a room counts as moved when one comes."""


class RoomMaker(Protocol):
    """The part of LiveKit's RoomService that is needed here."""

    async def make(self, room: str) -> None:
        """Make a room unless it is there. Raises AdapterError."""
        ...


class RoomMoves:
    """The watch over rooms' nodes. `rooms` tells the live spaces' rooms by LiveKit's names."""

    def __init__(
        self,
        maker: RoomMaker,
        rooms: Callable[[], Mapping[SpaceId, str]],
        moved: Callable[[SpaceId], None],
    ) -> None:
        """`moved` is called when a room answers again that did not."""
        self._maker, self._rooms, self._moved = maker, rooms, moved
        self._missed: dict[SpaceId, int] = {}

    async def run(self) -> None:
        """Look at all rooms, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(AGAIN_EVERY_S if self._missed else PROBE_EVERY_S)

    async def look(self) -> None:
        """Look at all rooms once."""
        rooms = self._rooms()
        self._missed = {space: n for space, n in self._missed.items() if space in rooms}
        await asyncio.gather(*(self._look_at(space, name) for space, name in rooms.items()))

    async def _look_at(self, space: SpaceId, name: str) -> None:
        within_s = AGAIN_WITHIN_S if space in self._missed else PROBE_WITHIN_S
        try:
            async with asyncio.timeout(within_s):
                await self._maker.make(name)
        except (AdapterError, TimeoutError):
            self._missed[space] = self._missed.get(space, 0) + 1
            if self._missed[space] == MISSED:
                log.warning("the LiveKit node of live space %s does not answer", space)
            return
        if self._missed.pop(space, 0) >= MISSED:
            log.warning("the room of live space %s at LiveKit answers again: joined anew", space)
            self._moved(space)
