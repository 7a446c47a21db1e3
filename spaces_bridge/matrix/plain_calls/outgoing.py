"""Calls of the bot to people who asked for one."""

from functools import partial

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.plain_call_ports import PlainCallStage
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.calling import Calling
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events import call_signals as signals
from spaces_bridge.matrix.plain_calls import words
from spaces_bridge.matrix.plain_calls.book import CallBook, Ongoing
from spaces_bridge.matrix.plain_calls.call import CallPhase, HangupReason, PlainCall, party_of
from spaces_bridge.matrix.plain_calls.signalling import CallSignalling
from spaces_bridge.prompts import language_of


class OutgoingCalls:
    """The calls that the bot makes."""

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        calling: Calling,
        stage: PlainCallStage,
        book: CallBook,
        signalling: CallSignalling,
    ) -> None:
        self._bot = bot
        self._spaces = spaces
        self._clock = spaces.context.clock
        self._calling = calling
        self._stage = stage
        self._book = book
        self._signalling = signalling

    async def dial(self, space: SpaceId, user: UserId, room: RoomId, key: str) -> None:
        """Call a person.

        Raises Rejected (they may not come in, or are in a call), AdapterError, RequestRefused.
        `key` names the call: it is noted before its invite is sent, and asked for again after a
        crash it is sent as it was noted.
        """
        async with self._signalling.locks.holding(room):
            ongoing = self._noted(room, key)
            if ongoing is None:
                if self._book.knows(room, party_of(room, key)):
                    return
                self._calling.refuse_in_call(user)
                ongoing = await self._begin(space, user, room, key)
            call = ongoing.call
            content = signals.invite(call.call, call.party, user, ongoing.description)
            try:
                await self._book.write()
                # changes end the call from now on, so those from before count as well
                self._calling.refuse_unless_may_come_in(space, user)
                await self._bot.send(room, signals.INVITE, content, key)
            except (Rejected, AdapterError, RequestRefused):
                self._spaces.context.stage.hang_up(call.session)
                self._book.forget(ongoing)
                await self._book.write()
                raise
            self.ring(ongoing)

    def ring(self, ongoing: Ongoing) -> None:
        """End a call that nobody picks up in time."""
        left_s = (ongoing.call.until_ms - self._clock.now_ms()) / 1000
        leave = self._signalling.leave
        out = partial(leave, ongoing, HangupReason.INVITE_TIMEOUT, words.NOT_PICKED_UP)
        self._signalling.after(ongoing, left_s, out)

    def _noted(self, room: RoomId, key: str) -> Ongoing | None:
        """Return the call that has this key, if it rings and can be sent as it was."""
        found = self._book.find(room, party_of(room, key))
        rings = found is not None and found.call.phase is CallPhase.RINGING
        return found if found is not None and rings and found.description else None

    async def _begin(self, space: SpaceId, user: UserId, room: RoomId, key: str) -> Ongoing:
        offer = await self._stage.dial(space, user)
        view = self._spaces.view(space)
        call = PlainCall(
            room,
            party_of(room, key),
            user,
            CallPhase.RINGING,
            space=space,
            session=offer.session,
            ours=True,
            until_ms=self._clock.now_ms() + signals.LIFETIME_MS,
        )
        language = language_of(view.language if view is not None else "")
        ongoing = Ongoing(call, language=language, description=offer.sdp)
        self._book.add(ongoing)
        return ongoing
