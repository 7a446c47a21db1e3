"""An engine of calls with remote speakers beside it."""

from typing import Protocol

from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.livekit.remote.speakers import RemoteSpeakers
from spaces_bridge.livekit.service import CallEngine

TASK = "remote speakers"


class SfuConnections(Protocol):
    """The connections to other servers' authorisers."""

    async def start(self) -> None:
        """Open them; safe to repeat."""
        ...

    async def stop(self) -> None:
        """Close them; safe to repeat."""
        ...


class EngineWithRemotes:
    """An engine of calls, and remote speakers, as one. Implements `CallEngine`."""

    def __init__(
        self,
        engine: CallEngine,
        speakers: RemoteSpeakers,
        connections: SfuConnections,
        tasks: TaskSupervisor,
    ) -> None:
        self._engine = engine
        self._speakers = speakers
        self._connections = connections
        self._tasks = tasks

    def start(self) -> None:
        """Start the engine, then look for remote speakers."""
        self._engine.start()
        self._tasks.keep(TASK, self._run)

    async def stop(self) -> None:
        """Leave other servers' SFUs, then stop the engine. Safe to repeat."""
        await self._tasks.stop(TASK)
        await self._speakers.stop()
        await self._connections.stop()
        await self._engine.stop()

    def hint(self, room: str) -> None:
        """Pass on what a webhook has told: it is about our own rooms."""
        self._engine.hint(room)

    async def _run(self) -> None:
        await self._connections.start()
        await self._speakers.run()
