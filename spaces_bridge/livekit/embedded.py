"""The embedded engine as the service of calls starts and stops it."""

from spaces_bridge.livekit.rooms import CallRooms


class EmbeddedEngine:
    """The engine whose SFU is the media worker. Implements `CallEngine`."""

    def __init__(self, rooms: CallRooms) -> None:
        self._rooms = rooms

    def start(self) -> None:
        """Do nothing: a room is there when somebody joins. Part of `CallEngine`."""

    async def stop(self) -> None:
        """Let all clients come back by themselves. Part of `CallEngine`."""
        self._rooms.stop()

    def hint(self, room: str) -> None:
        """Do nothing: there is no other server that could tell. Part of `CallEngine`."""
