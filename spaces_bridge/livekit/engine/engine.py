"""The LiveKit engine as the service of calls starts and stops it. Needs the extra `livekit`."""

from typing import Final

from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.livekit.engine.api import LiveKitApi
from spaces_bridge.livekit.engine.moves import RoomMoves
from spaces_bridge.livekit.engine.rooms import EngineRooms

_RUN: Final = "rooms at LiveKit"
_MOVES: Final = "LiveKit's nodes"


class LiveKitEngine:
    """The engine whose SFU is a LiveKit server. Implements `CallEngine`.

    Who is in a call stays in it while the bridge is away, with the rights of that moment.
    """

    def __init__(self, rooms: EngineRooms, api: LiveKitApi, tasks: TaskSupervisor) -> None:
        self._rooms = rooms
        self._api = api
        self._tasks = tasks
        self._moves = RoomMoves(api, rooms.live, rooms.moved)

    def start(self) -> None:
        """Look after all rooms from now on. Part of `CallEngine`."""
        self._tasks.keep(_RUN, self._rooms.run)
        self._tasks.keep(_MOVES, self._moves.run)

    async def stop(self) -> None:
        """Leave all rooms as they are. Part of `CallEngine`."""
        await self._tasks.stop(_RUN, _MOVES)
        self._rooms.stop()
        await self._api.close()

    def hint(self, room: str) -> None:
        """Look at the room of this name soon. Part of `CallEngine`."""
        self._rooms.hint(room)
