"""How much one person may make the bot write to others."""

import asyncio
import json

from spaces_bridge.app.ports import Clock
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.matrix.grants import Notes

STRANGERS_A_DAY = 5
DAY_MS = 86_400_000


class InviteLimits:
    """Counts invitations in the outbox's notes; asking again for the same wish costs nothing."""

    def __init__(self, notes: Notes, clock: Clock) -> None:
        self._notes = notes
        self._clock = clock
        self._lock = asyncio.Lock()

    async def is_first(self, space: SpaceId, by: UserId, user: UserId, key: str) -> bool:
        """Whether no other wish than ``key`` has invited this person here for this inviter."""
        return await self._notes.lookup(_pair(space, by, user)) in {None, key}

    async def note(self, space: SpaceId, by: UserId, user: UserId, key: str) -> None:
        """The wish ``key`` invites this person."""
        await self._notes.remember(_pair(space, by, user), key)

    async def may_meet(self, by: UserId, stranger: UserId) -> bool:
        """Whether this inviter has one of today's strangers left; it is taken at once."""
        name, today = f"strangers:{by}", self._clock.now_ms() // DAY_MS
        async with self._lock:
            day, met = json.loads(await self._notes.lookup(name) or "[0, []]")
            if day != today:
                met = []
            if stranger in met:
                return True
            if len(met) >= STRANGERS_A_DAY:
                return False
            await self._notes.remember(name, json.dumps([today, [*met, stranger]]))
            return True


def _pair(space: SpaceId, by: UserId, user: UserId) -> str:
    return f"invited:{space}:{by}:{user}"
