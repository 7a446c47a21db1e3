"""People of the other homeserver."""

import asyncio
from contextlib import suppress

from spaces_bridge_demo.deployment import Person
from spaces_bridge_demo.matrix_user import MatrixError


class RemotePerson(Person):
    """Somebody whose own homeserver is not the bridge's."""

    async def join(self, room_or_alias: str) -> str:
        """Join; returns the room id. Taps again for a while: an invite may be here before the
        server that sent it will know of it.
        """
        for rest_s in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8):
            with suppress(MatrixError):
                return await super().join(room_or_alias)
            await asyncio.sleep(rest_s)
        return await super().join(room_or_alias)

    async def try_to_join(self, room_or_alias: str) -> str:
        """Tap once. Raises MatrixError, also for an invite that is on its way still."""
        return await super().join(room_or_alias)
