"""Personal links end with the membership they came with, and with being shown out."""

import asyncio
import logging

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.web.views import You

log = logging.getLogger(__name__)


class Links:
    """Voids the secrets of those who left or were removed (a `Watcher` of the hub).

    A door that finds them valid still, because the database was away or one was made meanwhile,
    asks the live space, too.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._tasks: set[asyncio.Task[None]] = set()

    def arrived(self, space: SpaceId, you: You) -> None:
        """Nothing: a page is not a room."""

    def gone(self, space: SpaceId, you: You) -> None:
        """Nothing: a page is not a room."""

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
