"""The permissions of a live space's room: required levels, access, banned servers."""

import logging
from collections.abc import Callable, Sequence

from spaces_bridge.app import tasks
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import RoomId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events import access
from spaces_bridge.matrix.rooms.power_levels import PowerLevels
from spaces_bridge.matrix.settings import MatrixSettings

log = logging.getLogger(__name__)

ACL = "m.room.server_acl"


class RoomPermissions:
    """The task handler of `ArrangeRoom`: it writes the state that differs, and nothing else."""

    kinds = (tasks.ArrangeRoom,)

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        settings: MatrixSettings,
        observer: PowerLevels,
        banned_servers: Callable[[], Sequence[str]],
    ) -> None:
        self._bot = bot
        self._spaces = spaces
        self._settings = settings
        self._observer = observer
        self._banned_servers = banned_servers

    async def run(self, wanted: tasks.ArrangeRoom, key: str) -> None:
        """Arrange the room. Raises RequestRefused, Away, StorageError."""
        space = await self._spaces.find(wanted.space)
        if space is None or space.room is None:
            return
        await self._observer.arrange_levels(space.space, space.room)
        now = await self._spaces.find(wanted.space) or space
        for part in access.access_of(now):
            await self._bot.ensure_state(space.room, part.type, part.content)
        if now.phase is not Phase.ENDED:
            await self._keep_servers_out(space.room)
        await self._mind_encryption(space.room)

    async def refused(self, wanted: tasks.ArrangeRoom, refusal: RequestRefused) -> None:
        """Log the refusal: nobody but an admin can help it."""
        log.error("the room of live space %s cannot be arranged: %s", wanted.space, refusal)

    async def _keep_servers_out(self, room: RoomId) -> None:
        wanted, left_out = access.server_acl(self._banned_servers(), self._settings.domain)
        if left_out:
            log.warning("%d banned servers find no place in one m.room.server_acl", left_out)
        held = await self._bot.state(room, ACL)
        if held != wanted and (held is not None or wanted["deny"]):
            await self._bot.write_state(room, ACL, wanted)

    async def _mind_encryption(self, room: RoomId) -> None:
        """Log an error if the room was encrypted: that cannot be taken back."""
        if await self._bot.state(room, "m.room.encryption") is not None:
            log.error("room %s was encrypted by somebody: captions and card cannot be read", room)
