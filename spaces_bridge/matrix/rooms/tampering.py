"""Level tampering: changes of what only the bot sets in the power levels, and a DM about it."""

from spaces_bridge.app.tasks import TellUser
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import StateEvent
from spaces_bridge.matrix.events import levels
from spaces_bridge.matrix.rooms.grant_history import GrantEvents

STEPS = 5
"""The number of events read back: others may have written levels on top of the change."""


class LevelTampering:
    """The search for level tampering in a room's power levels."""

    def __init__(self, events: GrantEvents) -> None:
        self._events = events

    async def find(self, room: RoomId, now: StateEvent) -> StateEvent | None:
        """Return the last event that changed more than people's levels, unless it is ours.

        Raises Away.
        """
        event = now
        for _ in range(STEPS):
            if event.replaced is None:
                return None
            try:
                before = await self._events.event(room, event.replaced)
            except RequestRefused:
                return None
            if levels.rules_of(event.content) != levels.rules_of(before.content):
                return event if event.sender not in {None, self._events.user} else None
            event = before
        return None


def word_to(change: StateEvent, space: LiveSpace) -> tuple[TellUser, str]:
    """Return the DM to the event's sender, and the key under which it is sent once."""
    text = (
        f"I put the permissions of “{space.title}” back as they were: in a live space they are "
        "mine to set. Roles and names are yours to change; else there are `lock` and `chat off`."
    )
    return TellUser(UserId(change.sender or ""), text), f"arranged:{change.event}"
