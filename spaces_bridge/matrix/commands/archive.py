"""What the journal says about the past: whose room this was, what took effect."""

from spaces_bridge.app.ports import Directory, Journal
from spaces_bridge.core.ids import EventId, RoomId, SpaceId


class Archive:
    """Looks up live spaces that nobody keeps in memory any more."""

    def __init__(self, directory: Directory, journal: Journal) -> None:
        self._directory = directory
        self._journal = journal

    async def space_of(self, room: RoomId) -> SpaceId | None:
        """The live space whose room this is or was. Raises StorageError."""
        summary = await self._directory.by_room(room)
        return summary.space if summary is not None else None

    async def took_effect(self, space: SpaceId, event: EventId) -> bool:
        """Whether this Matrix event has changed the live space already. Raises StorageError."""
        return any(row.source == event for row in await self._journal.replay(space))
