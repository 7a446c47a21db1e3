"""Token revocation: a personal link ends when its holder leaves the room or is removed."""

import asyncio
import logging

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.web.views import You

log = logging.getLogger(__name__)


class TokenRevocation:
    """The links' watcher: revokes the tokens of people who left or were removed (a hub `Watcher`).

    A token may still be valid afterwards, because the database was away or one was made meanwhile;
    so page access asks the live space, too.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._tasks: set[asyncio.Task[None]] = set()

    def arrived(self, space: SpaceId, you: You) -> None:
        """Do nothing: opening a page is not joining the room."""

    def gone(self, space: SpaceId, you: You) -> None:
        """Do nothing: closing a page is not leaving the room."""

    def left(self, space: SpaceId, user: UserId) -> None:
        self._void(space, user)

    def removed(self, space: SpaceId, user: UserId) -> None:
        self._void(space, user)

    def _void(self, space: SpaceId, user: UserId) -> None:
        task = asyncio.get_running_loop().create_task(self._revoke(space, user))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _revoke(self, space: SpaceId, user: UserId) -> None:
        try:
            await self._sessions.revoke(space, user)
        except AdapterError as error:
            log.warning("links of somebody who left stay valid: %s", type(error).__name__)
