"""The steps of calls carried out: events sent, the stage asked, an end that is an end."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.app.plain_call_ports import PlainCallStage
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.matrix.plain_calls import call as calls
from spaces_bridge.matrix.plain_calls import floor, words
from spaces_bridge.matrix.plain_calls.book import CallBook, Ongoing
from spaces_bridge.matrix.plain_calls.call import CallPhase, HangupReason
from spaces_bridge.matrix.plain_calls.floors import CallFloors
from spaces_bridge.matrix.plain_calls.telling import CallTelling
from spaces_bridge.matrix.plain_calls.turns import CallTurns
from spaces_bridge.pacing.keyed_locks import KeyedLocks

log = logging.getLogger(__name__)

FOR_GOOD: Final = frozenset({"other_client", "too_many_sources"})
"""Refusals of another offer in a call after which no offer of this client is ever taken."""

CallLater: TypeAlias = Callable[[float, Callable[[], None]], asyncio.TimerHandle]
Work: TypeAlias = Callable[[], Awaitable[None]]


class CallSignalling:
    """The carrying out of each call's machine, one step after the other.

    Methods that wait raise StorageError; whoever calls them holds the lock of the call's room.
    """

    def __init__(
        self,
        spaces: Spaces,
        stage: PlainCallStage,
        book: CallBook,
        telling: CallTelling,
        floors: CallFloors,
        turns: CallTurns,
        call_later: CallLater | None = None,
    ) -> None:
        self._spaces = spaces
        self._stage = stage
        self._book = book
        self._telling = telling
        self._floors = floors
        self._turns = turns
        self._call_later = call_later
        self._ended: Counter[str] = Counter()
        self.locks = KeyedLocks()
        """Locks by room: one step of a room's calls at a time."""

    @property
    def ended(self) -> Mapping[str, float]:
        """The number of calls that ended, by how: `left` by the bridge, `gone`, or `over`."""
        return {how: float(number) for how, number in self._ended.items()}

    async def feed(self, ongoing: Ongoing, said: calls.Input) -> None:
        """Take a step of the call's machine, and do what follows."""
        before = ongoing.call.phase
        ongoing.call, acts = calls.step(ongoing.call, said)
        after = ongoing.call.phase
        if before is CallPhase.RINGING and after is not before:
            ongoing.rest()
        if isinstance(said, calls.MediaAnswered):
            ongoing.description = said.sdp
        if after is not before and after is not CallPhase.OVER:
            await self._book.write()  # first: what is sent is of a session that is known then
        for act in acts:
            await self._do(ongoing, act)
        if ongoing.call.phase is CallPhase.OVER and self._book.remove(ongoing):
            how = {calls.Leave: "left", calls.MediaEnded: "gone"}
            self._ended[how.get(type(said), "over")] += 1
            self._shut(ongoing)
            await self._book.write()

    async def answer_again(self, ongoing: Ongoing) -> None:
        """Have our answer sent, which the bridge may have ended before; it is sent once."""
        if ongoing.description and not ongoing.call.ours:
            await self._telling.send(
                ongoing.call, calls.answering(ongoing.call, ongoing.description)
            )

    async def leave(self, ongoing: Ongoing, reason: HangupReason, text: str = "") -> None:
        """End a call, and say why in its chat."""
        await self._say_why(ongoing, text)
        await self.feed(ongoing, calls.Leave(reason))

    async def lose(self, ongoing: Ongoing, text: str = "") -> None:
        """End a call whose peer is gone, and say why in its chat, if there is more to say."""
        await self._say_why(ongoing, text)
        await self.feed(ongoing, calls.MediaEnded())

    def later(self, ongoing: Ongoing, work: Work) -> None:
        """Do something for a call when its turn comes, with the lock of its room."""

        async def run() -> None:
            async with self.locks.holding(ongoing.call.room):
                await work()

        self._turns.spawn(("call", ongoing.call.room), run())

    def after(self, ongoing: Ongoing, seconds: float, work: Work) -> None:
        """Do something for a call after a while, in place of what was to be done so before."""
        ongoing.rest()
        later = self._call_later or asyncio.get_running_loop().call_later
        ongoing.timer = later(max(0.0, seconds), lambda: self.later(ongoing, work))

    # --- acts -----------------------------------------------------------------------------------

    async def _do(self, ongoing: Ongoing, act: calls.Act) -> None:
        match act:
            case calls.Send():
                await self._telling.send(ongoing.call, act)
            case calls.EndMedia():
                self._spaces.context.stage.hang_up(act.session)
            case calls.AcceptMedia():
                await self._accept(ongoing, act)
            case calls.RenegotiateMedia():
                await self._renegotiate(ongoing, act)
            case calls.TakeMuted():
                self._floors.feel(ongoing, floor.AtClient(is_muted=act.is_muted))

    async def _accept(self, ongoing: Ongoing, act: calls.AcceptMedia) -> None:
        try:
            await self._stage.accept(ongoing.call.session, act.sdp)
        except AdapterError as error:
            log.warning("an answer to a call of ours is not taken: %s", error)
            await self.leave(ongoing, HangupReason.UNKNOWN_ERROR, words.NOT_TAKEN)
        else:
            await self.feed(ongoing, calls.MediaAccepted())

    async def _renegotiate(self, ongoing: Ongoing, act: calls.RenegotiateMedia) -> None:
        try:
            answer = await self._stage.renegotiate(ongoing.call.session, act.sdp)
        except OfferRefused as refused:
            log.info("another offer in a call is refused: %s", refused.code)
            if refused.code in FOR_GOOD:
                text = words.negotiated_no_more(refused)
                await self.leave(ongoing, HangupReason.UNKNOWN_ERROR, text)
        except AdapterError as error:
            log.warning("a call cannot be negotiated: %s", error)
            await self.leave(ongoing, HangupReason.ICE_FAILED, words.NO_SOUND)
        else:
            self._floors.feel(ongoing, floor.AtClient(is_held=answer.is_held))
            await self.feed(ongoing, calls.MediaRenegotiated(answer.sdp, act.cause))

    async def _say_why(self, ongoing: Ongoing, text: str) -> None:
        if text and ongoing.call.phase is not CallPhase.OVER:
            source = f"{ongoing.call.room}:{ongoing.call.call}:left"
            await self._telling.write(ongoing.call.room, text, source)

    def _shut(self, ongoing: Ongoing) -> None:
        """Close the microphone of a call that is over, unless the person has another one open."""
        space, user = ongoing.call.space, ongoing.call.user
        if not ongoing.floor.is_open or space is None:
            return
        if not self._spaces.context.stage.has_microphone(space, user):
            self._spaces.tell(space, cmd.CloseMicrophone(user))
