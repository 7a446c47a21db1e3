"""Calls that the bot makes to people."""

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
from spaces_bridge.matrix.plain_calls import call as calls
from spaces_bridge.matrix.plain_calls import words
from spaces_bridge.matrix.plain_calls.book import CallBook, Ongoing
from spaces_bridge.matrix.plain_calls.call import CallPhase, HangupReason, PlainCall
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
        """Call a person, once for each `key`.

        Raises Rejected (they may not come in, or are in a call), AdapterError, RequestRefused.
        """
        party = calls.party_of(room, key)
        async with self._signalling.locks.holding(room):
            if self._book.knows(room, party):
                return  # it is asked for again
            self._calling.refuse_in_call(user)
            offer = await self._stage.dial(space, user)
            view = self._spaces.view(space)
            call = PlainCall(
                room,
                party,
                user,
                CallPhase.RINGING,
                space=space,
                session=offer.session,
                ours=True,
                until_ms=self._clock.now_ms() + signals.LIFETIME_MS,
            )
            ongoing = Ongoing(call, language=language_of(view.language if view else ""))
            self._book.add(ongoing)
            content = signals.invite(call.call, call.party, user, offer.sdp)
            try:
                # from now on changes end the call, so what changed before counts as well
                self._calling.refuse_unless_may_come_in(space, user)
                await self._bot.send(room, signals.INVITE, content, key)
            except (Rejected, AdapterError, RequestRefused):
                self._spaces.context.stage.hang_up(offer.session)
                self._book.forget(ongoing)
                raise
            self.ring_out_in(ongoing, signals.LIFETIME_MS / 1000)
            await self._book.write()

    def ring_out_in(self, ongoing: Ongoing, seconds: float) -> None:
        """Let a call of ours ring so long, and then end it with a word."""
        leave = self._signalling.leave
        out = partial(leave, ongoing, HangupReason.INVITE_TIMEOUT, words.NOT_PICKED_UP)
        self._signalling.after(ongoing, seconds, out)
