"""Operations at LiveKit: each is tried until it is done, or not wanted any more."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.pacing.backoff import Backoff

TRY_AGAIN: Final = Backoff(0.25, 5.0, jitter=0.2)
"""The waits while LiveKit does not answer: the workers' gates hold meanwhile."""


class RoomControl(Protocol):
    """The server's side of rooms, as `LiveKitApi` has it. All methods raise AdapterError."""

    async def make(self, room: str) -> None: ...

    async def delete(self, room: str) -> None: ...

    async def permit(self, room: str, identity: str, *, may_publish: bool) -> None: ...

    async def mute(self, room: str, identity: str, sid: str) -> None: ...

    async def remove(self, room: str, identity: str) -> None: ...

    async def unsubscribe(self, room: str, identity: str, sid: str) -> None: ...


@dataclass(frozen=True, slots=True)
class OpenRoom:
    """Make the room, unless it is there."""

    @property
    def about(self) -> str:
        return ""

    async def do(self, control: RoomControl, room: str) -> None:
        await control.make(room)


@dataclass(frozen=True, slots=True)
class DeleteRoom:
    """End the room for all in it."""

    @property
    def about(self) -> str:
        return ""

    async def do(self, control: RoomControl, room: str) -> None:
        await control.delete(room)


@dataclass(frozen=True, slots=True)
class Permit:
    """Let a participant publish a microphone, or end that.

    `sid` is LiveKit's id of the connection: one that takes its place is another to be told of.
    """

    about: str
    may_publish: bool
    sid: str

    async def do(self, control: RoomControl, room: str) -> None:
        await control.permit(room, self.about, may_publish=self.may_publish)


@dataclass(frozen=True, slots=True)
class Remove:
    """Put a participant out; `sid` is as in `Permit`."""

    about: str
    sid: str

    async def do(self, control: RoomControl, room: str) -> None:
        await control.remove(room, self.about)


@dataclass(frozen=True, slots=True)
class Mute:
    """Mute a participant's track."""

    identity: str
    about: str

    async def do(self, control: RoomControl, room: str) -> None:
        await control.mute(room, self.identity, self.about)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Send a participant a track no longer. No snapshot shows it, so `done` is called then.

    `connection` is LiveKit's id of the participant, of which the same person has others.
    """

    identity: str
    connection: str
    sid: str
    done: Callable[[], None] = field(compare=False, repr=False)

    @property
    def about(self) -> str:
        return f"{self.identity} {self.sid}"

    async def do(self, control: RoomControl, room: str) -> None:
        await control.unsubscribe(room, self.identity, self.sid)
        self.done()


Operation: TypeAlias = OpenRoom | DeleteRoom | Permit | Remove | Mute | Unsubscribe
"""An operation; `about` is whom or what it is about: those about the same follow one another."""


class Operations:
    """The operations in one room: all that are wanted are under way, each by itself."""

    def __init__(self, control: RoomControl, room: str) -> None:
        self._control = control
        self._room = room
        self._wanted: dict[str, Operation] = {}
        self._trying: dict[str, asyncio.Task[None]] = {}

    def want(self, operations: Iterable[Operation]) -> None:
        """Have exactly these done; what is not among them is not tried again."""
        self._wanted = {each.about: each for each in operations}
        for about in self._wanted:
            if about not in self._trying:
                self._trying[about] = asyncio.create_task(
                    self._try(about), name="LiveKit operation"
                )

    def stop(self) -> None:
        """Do nothing any more."""
        self._wanted.clear()
        for task in self._trying.values():
            task.cancel()

    async def _try(self, about: str) -> None:
        failures = 0
        try:
            while (operation := self._wanted.get(about)) is not None:
                try:
                    await operation.do(self._control, self._room)
                except AdapterError:
                    failures += 1
                    await asyncio.sleep(TRY_AGAIN.wait_s(failures))
                else:
                    if self._wanted.get(about) == operation:
                        return
        finally:
            del self._trying[about]
