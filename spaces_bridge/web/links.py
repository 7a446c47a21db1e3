"""Personal links end with the membership they came with."""

import asyncio
import logging

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.web.views import You

log = logging.getLogger(__name__)


class Links:
    """Voids the secrets of accounts that left (a ``Watcher`` of the hub)."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._tasks: set[asyncio.Task[None]] = set()

    def arrived(self, space: SpaceId, you: You) -> None:
        """Nothing: a page is not a room."""

    def gone(self, space: SpaceId, you: You) -> None:
        """Nothing: a page is not a room."""

    def left(self, space: SpaceId, user: UserId) -> None:
        task = asyncio.get_running_loop().create_task(self._revoke(space, user))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def removed(self, space: SpaceId, user: UserId) -> None:
        """Nothing more: they left, too."""

    async def _revoke(self, space: SpaceId, user: UserId) -> None:
        try:
            await self._sessions.revoke(space, user)
        except AdapterError as error:
            log.warning("links of somebody who left stay valid: %s", type(error).__name__)
