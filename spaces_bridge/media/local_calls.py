"""The call stage port on several workers of this machine.

Clients in calls are at their live space's home, where its speakers are: each gets their packets.
"""

from collections.abc import Callable, Collection, Sequence

from spaces_bridge.app.call_ports import CallAnswer, CallListener, CallOffer, CallStream
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.call_stage import WorkerCallStage
from spaces_bridge.media.stage import WorkerStage


class LocalCalls:
    """The calls of this machine's workers; see `spaces_bridge.app.call_ports.CallStage`."""

    def __init__(
        self, stages: Sequence[WorkerStage], home_of: Callable[[SpaceId], WorkerStage]
    ) -> None:
        self._stages, self._home_of = stages, home_of

    def attend_calls(self, listener: CallListener) -> None:
        """Part of the port."""
        for each in self._stages:
            each.calls.attend_calls(listener)

    async def answer_call(
        self,
        space: SpaceId,
        user: UserId,
        session: str | None,
        sdp: str,
        streams: Sequence[CallStream],
    ) -> CallAnswer:
        """Part of the port."""
        calls = self._home_of(space).calls
        return await calls.answer_call(space, user, session, sdp, streams)

    async def offer_call(
        self, space: SpaceId, user: UserId, session: str | None, streams: Sequence[CallStream]
    ) -> CallOffer:
        """Part of the port."""
        return await self._home_of(space).calls.offer_call(space, user, session, streams)

    async def accept_call_answer(self, session: str, sdp: str) -> None:
        """Part of the port."""
        found = self._of(session)
        if found is None:
            raise AdapterError("This connection is over. Join anew.")
        await found.accept_call_answer(session, sdp)

    def use_microphone(self, session: str) -> None:
        """Part of the port."""
        if (found := self._of(session)) is not None:
            found.use_microphone(session)

    def send_data(
        self, sessions: Collection[str], packets: Sequence[bytes], *, fades: bool
    ) -> None:
        """Part of the port."""
        for each in self._stages:
            each.calls.send_data(sessions, packets, fades=fades)

    def end_calls(self, space: SpaceId, user: UserId, keep: Collection[str]) -> None:
        """Part of the port."""
        for each in self._stages:
            each.calls.end_calls(space, user, keep)

    def _of(self, session: str) -> WorkerCallStage | None:
        return next((each.calls for each in self._stages if each.knows(session)), None)
