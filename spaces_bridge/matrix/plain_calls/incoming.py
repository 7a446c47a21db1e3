"""Calls that people make to the bot: which are taken, and for which live space."""

import logging
from dataclasses import replace
from functools import partial
from typing import Final

from spaces_bridge.app.errors import AdapterError, OfferRefused, StorageError
from spaces_bridge.app.plain_call_ports import PlainCallStage
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.calling import Calling
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.dms.store import DmStore
from spaces_bridge.matrix.events import call_signals as signals
from spaces_bridge.matrix.plain_calls import call as calls
from spaces_bridge.matrix.plain_calls import choice, floor, words
from spaces_bridge.matrix.plain_calls.book import CallBook, Ongoing
from spaces_bridge.matrix.plain_calls.call import CallPhase, HangupReason
from spaces_bridge.matrix.plain_calls.signalling import CallSignalling
from spaces_bridge.matrix.plain_calls.telling import CallTelling
from spaces_bridge.pacing.token_bucket import TokenBuckets
from spaces_bridge.prompts import language_of

log = logging.getLogger(__name__)

CHOOSE_WITHIN_S: Final = 45.0
"""How long a caller may think about which live space it is; clients ring for a minute."""
MISSED_MS: Final = 86_400_000
"""A call that came while nobody could answer is written about for so long."""
CALLS_BURST, CALLS_PER_S = 10, 0.1
"""Calls of one person that are looked at."""
SERVER_BURST, SERVER_PER_S = 100, 1.0
"""Calls of one homeserver's people that are looked at: it may make up as many as it likes."""


class IncomingCalls:
    """The calls that come in. Methods that wait raise AdapterError."""

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        calling: Calling,
        invitations: DmStore,
        stage: PlainCallStage,
        book: CallBook,
        telling: CallTelling,
        signalling: CallSignalling,
    ) -> None:
        self._bot = bot
        self._spaces = spaces
        self._clock = spaces.context.clock
        self._calling = calling
        self._invitations = invitations
        self._stage = stage
        self._book = book
        self._telling = telling
        self._signalling = signalling
        self._invites = TokenBuckets(CALLS_BURST, CALLS_PER_S)
        self._servers = TokenBuckets(SERVER_BURST, SERVER_PER_S)

    async def invited(self, said: signals.CallInvited) -> None:
        """Take a call, decline it with a word, or pass it over: it is not for the bot."""
        head = said.head
        if self._book.knows(head.room, head.call):
            return  # it came again
        if not await self._is_for_bot(said):
            return
        now_ms = self._clock.now_ms()
        until_ms = min(head.at_ms, now_ms) + said.lifetime_ms
        if until_ms <= now_ms:
            if now_ms - head.at_ms < MISSED_MS:
                await self._telling.write(head.room, words.MISSED, head.event)
            return
        earlier = self._book.of(head.sender)
        if earlier is not None:
            if not calls.yields(earlier.call, said):
                return
            await self._signalling.leave(earlier, HangupReason.USER_HANGUP, words.ELSEWHERE)
        ongoing = Ongoing(calls.incoming(said, until_ms), offer=said.sdp)
        ongoing.floor = floor.Floor(is_muted=said.is_muted is True)
        self._book.add(ongoing)
        try:
            await self._choose(ongoing)
        except AdapterError:  # the event comes again, and the call begins anew
            self._book.forget(ongoing)
            if ongoing.call.session:
                self._spaces.context.stage.hang_up(ongoing.call.session)
            raise

    async def _is_for_bot(self, said: signals.CallInvited) -> bool:
        """Return whether a call is for the bot, in a chat of two, and one that is looked at."""
        room, user = said.head.room, said.head.sender
        if said.invitee not in {"", self._bot.user} or not self._invites.take(user):
            return False
        if not self._servers.take(user.partition(":")[2]):
            return False
        if self._spaces.by_room(room) is not None:
            return False  # a live space's own room, with the host alone in it
        return await self.are_alone(room, user)

    async def are_alone(self, room: RoomId, user: UserId) -> bool:
        """Return whether only the bot and this person are in the room: calls are for two."""
        try:
            return (await self._bot.joined(room)).keys() == {self._bot.user, user}
        except RequestRefused:
            return False

    async def _choose(self, ongoing: Ongoing) -> None:
        user = ongoing.call.user
        last = await self._invitations.last(user)
        audible = self._calling.audible(user)
        found = choice.choose(audible, user, last.space if last is not None else None)
        if found.only is not None:
            await self.answer(ongoing, found.only.space)
            return
        if not found.among:
            coming = choice.next_one(self._calling.known(user))
            await self._signalling.leave(
                ongoing, HangupReason.USER_BUSY, words.nobody_live(coming)
            )
            return
        ongoing.among = tuple(space.space for space in found.among)
        source = f"{ongoing.call.room}:{ongoing.call.call}:which"
        await self._telling.write(ongoing.call.room, choice.question(found.among), source)
        left_s = (ongoing.call.until_ms - self._clock.now_ms()) / 1000
        left = partial(self._signalling.leave, ongoing, HangupReason.USER_BUSY, words.NOT_CHOSEN)
        self._signalling.after(ongoing, min(CHOOSE_WITHIN_S, left_s), left)
        await self._book.write()

    async def answer(self, ongoing: Ongoing, space: SpaceId) -> None:
        """Answer a call with the sound of a live space."""
        if ongoing.call.phase is not CallPhase.CHOOSING:
            return
        ongoing.rest()
        ongoing.call = replace(ongoing.call, phase=CallPhase.ANSWERING, space=space)
        view, user = self._spaces.view(space), ongoing.call.user
        ongoing.language = language_of(view.language if view is not None else "")
        leave = self._signalling.leave
        try:
            self._calling.refuse_unless_may_come_in(space, user)
            session = await self._stage.answer(space, user, ongoing.offer)
            await self._signalling.feed(ongoing, calls.MediaAnswered(session.id, session.answer))
            self._calling.refuse_unless_may_come_in(space, user)  # again, as that took time
        except Rejected as refusal:
            await leave(ongoing, HangupReason.USER_HANGUP, words.shown_out(refusal))
        except OfferRefused as refused:
            log.info("a caller's offer is refused: %s", refused.code)
            await leave(ongoing, HangupReason.UNKNOWN_ERROR, words.not_taken(refused))
        except StorageError:
            raise
        except AdapterError as error:
            log.warning("a call cannot be answered: %s", error)
            await leave(ongoing, HangupReason.UNKNOWN_ERROR, words.NO_SOUND)
        ongoing.offer = ""
