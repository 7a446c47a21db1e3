"""Ghosts: Matrix users of ours, for guests of the page who got the floor."""

from collections.abc import Callable

from spaces_bridge.core.display_names import GUEST as NAMELESS
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.text.names import clean_name
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient

GUEST = "(guest)"


class Ghosts:
    """The ghosts, registered and brought in and out of rooms. Raises RequestRefused, Away."""

    def __init__(self, bot: MatrixClient, client_of: Callable[[UserId], MatrixClient]) -> None:
        self._bot = bot
        self._client_of = client_of

    async def join(self, ghost: UserId, name: str, room: RoomId, *, private: bool) -> None:
        """Make the ghost a member of the room, called "NAME (guest)"."""
        client = self._client_of(ghost)
        await client.register()
        await self.call(ghost, name)
        if private:
            await self._invite(ghost, room)
        await client.join(room)

    async def call(self, ghost: UserId, name: str) -> None:
        """Call the ghost "NAME (guest)" in all its rooms; without a name "Guest (guest)"."""
        shown = clean_name(name).removesuffix(GUEST).strip() or NAMELESS
        await self._client_of(ghost).call_myself(f"{shown} {GUEST}")

    async def leave(self, ghost: UserId, room: RoomId) -> None:
        """Let the ghost leave the room."""
        try:
            await self._client_of(ghost).leave(room)
        except RequestRefused as refusal:
            if refusal.errcode not in {"M_FORBIDDEN", "M_NOT_FOUND", "M_EXCLUSIVE"}:
                raise

    async def _invite(self, ghost: UserId, room: RoomId) -> None:
        member = await self._bot.state(room, "m.room.member", ghost)
        if member is None or member.get("membership") not in {"join", "invite"}:
            await self._bot.call("POST", ["rooms", room, "invite"], {"user_id": ghost})
