"""The plain call stage port on several media workers.

A plain call is answered by the home worker, which microphones are at: its person may get the
floor, and their client cannot be sent to another one. It stays where it is.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.plain_call_ports import (
    PlainCallAnswer,
    PlainCallListener,
    PlainCallOffer,
    PlainCallStage,
)
from spaces_bridge.app.ports import MediaSession
from spaces_bridge.core.ids import SpaceId, UserId


class OfWorkers(Protocol):
    """What the plain calls of several workers need of one of them, or of some of them."""

    @property
    def plain_calls(self) -> PlainCallStage:
        """The port on it."""
        ...

    def knows(self, session: str) -> bool:
        """Return whether this is one of its sessions."""
        ...


class ClusterPlainCalls:
    """The plain calls of a cluster; see `spaces_bridge.app.plain_call_ports.PlainCallStage`."""

    def __init__(
        self,
        stages: Callable[[], Iterable[OfWorkers]],
        home_of: Callable[[SpaceId], OfWorkers],
    ) -> None:
        """`home_of` returns where a live space's microphones are. Raises AdapterError if none."""
        self._stages, self._home_of = stages, home_of
        self._listener: PlainCallListener | None = None

    def attend_plain_calls(self, listener: PlainCallListener) -> None:
        """Part of the port."""
        self._listener = listener
        for each in self._stages():
            self.attend(each)

    def attend(self, stage: OfWorkers) -> None:
        """Hear of the calls of one more worker."""
        if self._listener is not None:
            stage.plain_calls.attend_plain_calls(self._listener)

    async def answer(self, space: SpaceId, user: UserId, sdp: str) -> MediaSession:
        """Part of the port."""
        return await self._home_of(space).plain_calls.answer(space, user, sdp)

    async def dial(self, space: SpaceId, user: UserId) -> PlainCallOffer:
        """Part of the port."""
        return await self._home_of(space).plain_calls.dial(space, user)

    async def renegotiate(self, session: str, sdp: str) -> PlainCallAnswer:
        """Part of the port."""
        return await self._asked(session).renegotiate(session, sdp)

    async def accept(self, session: str, sdp: str) -> None:
        """Part of the port."""
        await self._asked(session).accept(session, sdp)

    def take_up(self, session: str) -> bool:
        """Part of the port."""
        found = self._of(session)
        return found is not None and found.take_up(session)

    def is_connected(self, session: str) -> bool:
        """Part of the port."""
        found = self._of(session)
        return found is not None and found.is_connected(session)

    def is_microphone(self, session: str) -> bool:
        """Part of the port."""
        found = self._of(session)
        return found is not None and found.is_microphone(session)

    def use_microphone(self, session: str) -> None:
        """Part of the port."""
        if (found := self._of(session)) is not None:
            found.use_microphone(session)

    def play(self, session: str, prompt: str, language: str) -> None:
        """Part of the port."""
        if (found := self._of(session)) is not None:
            found.play(session, prompt, language)

    def _of(self, session: str) -> PlainCallStage | None:
        return next((each.plain_calls for each in self._stages() if each.knows(session)), None)

    def _asked(self, session: str) -> PlainCallStage:
        found = self._of(session)
        if found is None:
            raise AdapterError("This connection is over. Call anew.")
        return found
