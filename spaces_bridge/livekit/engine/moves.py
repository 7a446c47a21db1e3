"""Rooms whose LiveKit node has died: they are moved to another node, and our relays join anew.

In a cluster each room is at one node, and whoever is connected by another one notices late that it
has died. Making a room that is there already answers only if its node does; once LiveKit counts
the node as gone (five seconds after its last sign of life), the same request moves the room. So it
is made again and again, which costs one short request.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.livekit.engine.api import LiveKitAnswers

log = logging.getLogger(__name__)

PROBE_EVERY_S: Final = 1.0
"""Seconds between two looks while all nodes answer."""
PROBE_WITHIN_S: Final = 1.0
"""Seconds in which a room's node has to answer."""
AGAIN_EVERY_S: Final = 0.05
AGAIN_WITHIN_S: Final = 0.3
"""The same while one does not."""
AGAIN_FOR_S: Final = 15.0
"""Seconds of silence after which it is no node that died, but an outage: looks are rare again."""
LOOKS_AT_ONCE: Final = 32
"""Rooms that are looked at at once; a look's time begins with its turn."""
MISSED: Final = 2
"""Looks in a row without an answer after which a room counts as moved when one comes."""


class RoomProber(Protocol):
    """The part of LiveKit's RoomService that is needed here."""

    async def probe(self, room: str) -> None:
        """Make a room unless it is there. Raises AdapterError; LiveKitAnswers if none is away."""
        ...


@dataclass(slots=True)
class _Silence:
    """The looks in a row that a room's node has not answered; `since`: the time of the first."""

    since: float
    looks: int = 0


class RoomMoves:
    """The watch over rooms' nodes. `rooms` tells the live spaces' rooms by LiveKit's names."""

    def __init__(
        self,
        maker: RoomProber,
        rooms: Callable[[], Mapping[SpaceId, str]],
        moved: Callable[[SpaceId], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`moved` is called when a room answers again that did not."""
        self._maker, self._rooms, self._moved = maker, rooms, moved
        self._clock = clock
        self._missed: dict[SpaceId, _Silence] = {}
        self._turns = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def run(self) -> None:
        """Look at all rooms, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(self.pause_s())

    def pause_s(self) -> float:
        """Return the seconds until the next look."""
        is_urgent = any(self._is_urgent(missed) for missed in self._missed.values())
        return AGAIN_EVERY_S if is_urgent else PROBE_EVERY_S

    def _is_urgent(self, missed: _Silence) -> bool:
        return self._clock() - missed.since < AGAIN_FOR_S

    async def look(self) -> None:
        """Look at all rooms once."""
        rooms = self._rooms()
        self._missed = {space: n for space, n in self._missed.items() if space in rooms}
        await asyncio.gather(*(self._look_at(space, name) for space, name in rooms.items()))

    async def _look_at(self, space: SpaceId, name: str) -> None:
        missed = self._missed.get(space)
        is_again = missed is not None and self._is_urgent(missed)
        async with self._turns:
            try:
                async with asyncio.timeout(AGAIN_WITHIN_S if is_again else PROBE_WITHIN_S):
                    await self._maker.probe(name)
            except LiveKitAnswers:
                return  # it says nothing of the node
            except (AdapterError, TimeoutError):
                self._miss(space)
                return
        missed = self._missed.pop(space, None)
        if missed is not None and missed.looks >= MISSED:
            log.warning("the room of live space %s at LiveKit answers again: joined anew", space)
            self._moved(space)

    def _miss(self, space: SpaceId) -> None:
        missed = self._missed.setdefault(space, _Silence(self._clock()))
        missed.looks += 1
        if missed.looks == MISSED:
            log.warning("the LiveKit node of live space %s does not answer", space)
