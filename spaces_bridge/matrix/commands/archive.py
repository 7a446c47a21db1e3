"""Look-ups in the past: the live space a room was of, and the commands that took effect."""

from spaces_bridge.app.ports import Directory, Journal
from spaces_bridge.core.ids import EventId, RoomId, SpaceId


class Archive:
    """The archive looks up live spaces that are no longer kept in memory."""

    def __init__(self, directory: Directory, journal: Journal) -> None:
        self._directory = directory
        self._journal = journal

    async def space_of(self, room: RoomId) -> SpaceId | None:
        """Return the live space whose room this is or was. Raises StorageError."""
        summary = await self._directory.by_room(room)
        return summary.space if summary is not None else None

    async def took_effect(self, space: SpaceId, event: EventId) -> bool:
        """Return whether this Matrix event has changed the live space. Raises StorageError."""
        return any(row.source == event for row in await self._journal.replay(space))
