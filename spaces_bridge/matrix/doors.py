"""Protocols: the methods of the app's objects that the Matrix adapter calls."""

from typing import Protocol

from spaces_bridge.app.tasks import OutboxTask
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.events import Event
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace


class SpacesDoor(Protocol):
    """The part of `spaces_bridge.app.registry.Spaces` that the Matrix adapter needs."""

    async def ask(
        self, space: SpaceId, command: cmd.Command, source: str | None = None
    ) -> list[Event]: ...

    def tell(self, space: SpaceId, command: cmd.Command, source: str | None = None) -> None: ...

    async def wish(self, wanted: OutboxTask, key: str, due_at_ms: int = 0) -> None: ...

    def view(self, space: SpaceId) -> LiveSpace | None: ...

    async def find(self, space: SpaceId) -> LiveSpace | None: ...

    def by_room(self, room: RoomId) -> LiveSpace | None: ...

    def open(self) -> list[LiveSpace]: ...

    def audience_size(self, space: SpaceId) -> int: ...


class SessionsDoor(Protocol):
    """The part of `spaces_bridge.app.sessions.Sessions` that the Matrix adapter needs."""

    async def mint(self, space: SpaceId, user: UserId, name: str, *, guest: bool) -> str: ...
