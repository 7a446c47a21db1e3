"""Post the chat of a live space's page in its room."""

import logging

from spaces_bridge.app import tasks
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import EventId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events import chat

log = logging.getLogger(__name__)


class ChatPoster:
    """The task handler of `PostChat`."""

    kinds = (tasks.PostChat,)

    def __init__(self, bot: MatrixClient, spaces: Spaces) -> None:
        self._bot = bot
        self._spaces = spaces

    async def run(self, wanted: tasks.PostChat, key: str) -> EventId | None:
        """Post the lines, but for those of people removed meanwhile; return the event's id.

        Raises RequestRefused, Away, StorageError.
        """
        space = await self._spaces.find(wanted.space)
        if space is None or space.room is None:
            raise RequestRefused(404, "M_NOT_FOUND", f"live space {wanted.space} has no room")
        lines = [line for line in wanted.lines if line.user not in space.removed]
        if not lines:
            return None
        return await self._bot.send(space.room, "m.room.message", chat.content(lines), key)

    async def refused(self, wanted: tasks.PostChat, refusal: RequestRefused) -> None:
        """Log the refusal: the pages have shown the lines, the room never will."""
        log.error("the page's chat of %s cannot be said: %s", wanted.space, refusal.errcode)
