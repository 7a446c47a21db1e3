"""Which rooms are encrypted. Spec: Client-Server API, "m.room.encryption"."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.client.matrix_client import MatrixClient

PLAIN_FOR_S: Final = 30.0
"""Seconds that an answer "not encrypted" is used again: many people join a call at once."""

KEPT: Final = 1000


class RoomEncryption:
    """The knowledge of which rooms are encrypted. Implements `RoomSecrecy`."""

    def __init__(self, bot: MatrixClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._bot = bot
        self._clock = clock
        self._plain: OrderedDict[RoomId, float] = OrderedDict()

    async def is_encrypted(self, room: RoomId) -> bool:
        """Return whether the room is encrypted. Raises RequestRefused, Away."""
        now = self._clock()
        if now - self._plain.get(room, -PLAIN_FOR_S) < PLAIN_FOR_S:
            return False
        if await self._bot.state(room, "m.room.encryption") is not None:
            return True
        self._plain[room] = now
        self._plain.move_to_end(room)
        if len(self._plain) > KEPT:
            self._plain.popitem(last=False)
        return False
