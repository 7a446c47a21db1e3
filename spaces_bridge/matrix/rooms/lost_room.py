"""End a live space whose room was taken from it, and tell the host: it cannot be steered."""

import logging

from spaces_bridge.app import tasks
from spaces_bridge.app.ports import Clock
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.client.matrix_client import MatrixClient

log = logging.getLogger(__name__)

PUT_OUT = "I was put out of its room"
REPLACED = "its room was replaced by another one"


class RoomLossCheck:
    """The check whether the bot is still in a room, and the room is still in use."""

    def __init__(self, bot: MatrixClient, spaces: Spaces, clock: Clock) -> None:
        self._bot = bot
        self._spaces = spaces
        self._clock = clock

    async def look(self, room: RoomId) -> None:
        """End the live space if its room is not ours any more. Raises AdapterError."""
        space = self._spaces.by_room(room)
        if space is None or space.phase is Phase.ENDED:
            return
        why = await self._why(room)
        if why is not None:
            log.error("live space %s has lost its room: %s", space.space, why)
            await self._end(space, why)

    async def _why(self, room: RoomId) -> str | None:
        """Return why the room is lost, None if it is not.

        The bot's own list of rooms decides: a refusal may have many reasons.
        """
        answer = await self._bot.call("GET", ["joined_rooms"])
        if room not in answer["joined_rooms"]:
            return PUT_OUT
        tombstone = await self._bot.state(room, "m.room.tombstone")
        return REPLACED if tombstone is not None else None

    async def _end(self, space: LiveSpace, why: str) -> None:
        try:
            await self._spaces.ask(space.space, cmd.EndSpace(None, self._clock.now_ms(), why))
        except Rejected as refusal:
            log.info("live space %s ends already: %s", space.space, refusal.code)
            return
        if space.phase is Phase.LIVE:
            text = f"“{space.title}” has ended: {why}. `create` makes a new one."
            await self._spaces.enqueue_task(
                tasks.TellUser(space.host, text), f"evicted:{space.space}"
            )
