"""Plain calls as a service: joins signalling, floors and the stage (`PlainCallListener`)."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from spaces_bridge.app.audiences import QuietAudience
from spaces_bridge.app.plain_call_ports import PlainCallStage
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.calling import Calling
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.events import Event
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.dms.store import DmStore
from spaces_bridge.matrix.events import call_signals as signals
from spaces_bridge.matrix.events import emojis
from spaces_bridge.matrix.events.translate import MemberChanged, Message, Reaction
from spaces_bridge.matrix.plain_calls import choice, floor, words
from spaces_bridge.matrix.plain_calls.book import CallBook, Ongoing
from spaces_bridge.matrix.plain_calls.call import CallPhase, HangupReason
from spaces_bridge.matrix.plain_calls.changes import CallChanges
from spaces_bridge.matrix.plain_calls.floors import CallFloors
from spaces_bridge.matrix.plain_calls.incoming import IncomingCalls
from spaces_bridge.matrix.plain_calls.outgoing import OutgoingCalls
from spaces_bridge.matrix.plain_calls.signalling import CallLater, CallSignalling
from spaces_bridge.matrix.plain_calls.telling import CallTelling
from spaces_bridge.matrix.plain_calls.turns import CallTurns
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.pacing.token_bucket import TokenBuckets
from spaces_bridge.prompts import Prompt, language_of

log = logging.getLogger(__name__)

GOODBYE_S: Final = 8.0
"""After that a call ends, whether its goodbye was heard or not."""
KEYS_BURST, KEYS_PER_S = 10, 0.5
"""Keys of one person, and hands in their chat, that are acted on."""

Numbers = Mapping[str, float | Mapping[str, float]]


class PlainCalls(QuietAudience):
    """The plain calls of all people. Handling an event is safe to repeat."""

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        calling: Calling,
        invitations: DmStore,
        settings: MatrixSettings,
        stage: PlainCallStage,
        call_later: CallLater | None = None,
    ) -> None:
        self._spaces = spaces
        self._calling = calling
        self._stage = stage
        self._clock = spaces.context.clock
        self._book = CallBook(spaces.context.notes)
        self._telling = CallTelling(spaces)
        self._turns = CallTurns()
        self._floors = CallFloors(
            spaces, stage, self._telling, settings, self._turns.spawn, self._book.write
        )
        self._signalling = CallSignalling(
            spaces, stage, self._book, self._telling, self._floors, self._turns, call_later
        )
        self._incoming = IncomingCalls(
            bot,
            spaces,
            calling,
            invitations,
            stage,
            self._book,
            self._telling,
            self._signalling,
        )
        self._outgoing = OutgoingCalls(bot, spaces, calling, stage, self._book, self._signalling)
        self._keys = TokenBuckets(KEYS_BURST, KEYS_PER_S)
        self._changes = CallChanges(self._telling, self._signalling)
        calling.watch(self._look_at_all)
        calling.ask_about_calls(lambda user: self._book.of(user) is not None)

    # --- life ----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Go on with the calls of before, or hang them up with a word. Raises StorageError."""
        noted = await self._book.read()
        for ongoing in noted:
            self._book.add(ongoing)
        for ongoing in noted:  # each step of one notes them all
            if self._take_up(ongoing):
                if ongoing.is_on and not ongoing.is_connected:
                    await self._signalling.answer_again(ongoing)
            else:
                await self._signalling.leave(ongoing, HangupReason.UNKNOWN_ERROR, words.LOST)

    async def stop(self) -> None:
        """Leave the calls to the worker and to the next start."""
        for ongoing in self._book.all():
            ongoing.rest()
        await self._turns.stop()

    async def settled(self) -> None:
        """Wait until all that follows from what was told so far is done."""
        await self._turns.settled()

    def numbers(self) -> Numbers:
        """Return the numbers for the metrics."""
        on = sum(ongoing.is_on for ongoing in self._book.all())
        return {"on": float(on), "ended": self._signalling.ended}

    def _take_up(self, ongoing: Ongoing) -> bool:
        call = ongoing.call
        view = self._spaces.view(call.space) if call.space is not None else None
        if view is None or view.phase is not Phase.LIVE or not call.session:
            return False
        if not ongoing.is_on and call.until_ms <= self._clock.now_ms():
            return False
        if not self._stage.take_up(call.session):
            return False
        ongoing.language = language_of(view.language)
        if not ongoing.is_on:
            self._outgoing.ring(ongoing)
        elif self._stage.is_connected(call.session):
            ongoing.is_connected = True
            self._floors.resume(ongoing)
        return True

    # --- what comes in from clients -------------------------------------------------------------

    async def signalled(self, said: signals.CallSignal) -> None:
        """Act on an event of a call. Raises AdapterError when something is away."""
        head = said.head
        async with self._signalling.locks.holding(head.room):
            if isinstance(said, signals.CallInvited):
                await self._incoming.invited(said)
                return
            ongoing = self._book.find(head.room, head.call)
            if ongoing is None:
                return
            if await self._changes.came_too_often(ongoing, said):
                return
            rang = ongoing.call.phase is CallPhase.RINGING
            await self._signalling.feed(ongoing, said)
            declined = isinstance(said, signals.CallRejected | signals.CallHungUp)
            if rang and declined and ongoing.call.phase is CallPhase.OVER:
                await self._telling.write(head.room, words.DECLINED, head.event)

    async def heard(self, said: Message) -> bool:
        """Take a message that answers which live space is meant, or is a raised hand.

        Return whether it was one.
        """
        ongoing = self._book.in_room(said.room, said.sender)
        if ongoing is None or said.rewords is not None:
            return False
        if ongoing.call.phase is CallPhase.CHOOSING:
            space = choice.chosen(said.text, ongoing.among)
            if space is None:
                return False
            async with self._signalling.locks.holding(said.room):
                await self._incoming.answer(ongoing, space)
            return True
        return emojis.is_hand(said.text.strip()) and self._press(ongoing)

    def tapped(self, reaction: Reaction) -> bool:
        """Take a ✋ of somebody who is in a call in this room. Return whether it was one."""
        ongoing = self._book.in_room(reaction.room, reaction.sender)
        if ongoing is None or not emojis.is_hand(reaction.key):
            return False
        return self._press(ongoing)

    async def member_changed(self, hint: MemberChanged) -> None:
        """End the call in a room that its person has left, or that somebody else came into.

        Raises AdapterError when something is away.
        """
        if not self._book.in_any(hint.room):
            return
        async with self._signalling.locks.holding(hint.room):
            for ongoing in self._book.in_any(hint.room):
                user = ongoing.call.user
                if hint.gone and hint.user == user:
                    await self._signalling.leave(ongoing, HangupReason.USER_HANGUP)
                elif not (hint.gone or await self._incoming.are_alone(hint.room, user)):
                    why = HangupReason.USER_HANGUP
                    await self._signalling.leave(ongoing, why, words.NOT_ALONE)

    def _press(self, ongoing: Ongoing) -> bool:
        if not (ongoing.is_on and ongoing.is_connected) or ongoing.leaving is not None:
            return False
        if self._keys.take(ongoing.call.user):
            self._floors.pressed(ongoing)
        return True

    # --- calling people -------------------------------------------------------------------------

    async def dial(self, space: SpaceId, user: UserId, room: RoomId, key: str) -> None:
        """Call a person; see `OutgoingCalls.dial`."""
        await self._outgoing.dial(space, user, room, key)

    # --- PlainCallListener ----------------------------------------------------------------------

    def plain_call_connected(self, session: str) -> None:
        ongoing = self._book.by_session(session)
        if ongoing is not None and not ongoing.is_connected and self._may_come_in(ongoing):
            ongoing.is_connected = True
            self._floors.begin(ongoing)

    def plain_call_ended(self, session: str, reason: str) -> None:
        ongoing = self._book.by_session(session)
        if ongoing is None:
            return
        log.info("a plain call ends: %s", reason)
        text = ""
        if ongoing.leaving is None and ongoing.call.space is not None:
            # who is shown out loses the sound before the audience is told of it
            try:
                self._calling.refuse_unless_may_stay(ongoing.call.space, ongoing.call.user)
            except Rejected as refusal:
                self._turn_out(ongoing, refusal)
                return
            text = words.gone(reason, is_on=ongoing.is_on)
        self._signalling.later(ongoing, partial(self._signalling.lose, ongoing, text))

    def plain_call_silenced(self, session: str) -> None:
        ongoing = self._book.by_session(session)
        if ongoing is not None:
            self._floors.feel(ongoing, floor.Silenced())

    def key_pressed(self, session: str, key: str) -> None:
        ongoing = self._book.by_session(session)
        if ongoing is not None and key in floor.HAND_KEYS:
            self._press(ongoing)

    def prompt_ended(self, session: str, prompt: str) -> None:
        ongoing = self._book.by_session(session)
        if ongoing is None:
            return
        self._floors.feel(ongoing, floor.PromptOver(prompt))
        if ongoing.leaving is not None and prompt == Prompt.GOODBYE:
            leave = partial(self._signalling.leave, ongoing, ongoing.leaving)
            self._signalling.later(ongoing, leave)

    # --- Audience -------------------------------------------------------------------------------

    def changed(self, space: LiveSpace, events: Sequence[Event]) -> None:
        """Bring the calls to the live space to what it is now."""
        for ongoing in self._book.in_space(space.space):
            self._look(ongoing, space, events)

    def guests(self, space: SpaceId) -> int:
        """Return how many callers listen without being in the room."""
        view = self._spaces.view(space)
        users = {o.call.user for o in self._book.in_space(space) if o.is_connected}
        return sum(not view.person(user).joined for user in users) if view is not None else 0

    def _look_at_all(self) -> None:
        """Look at all calls again: other people are kept out by lists now."""
        for ongoing in self._book.all():
            view = self._spaces.view(ongoing.call.space) if ongoing.call.space else None
            if view is not None:
                self._look(ongoing, view, ())

    def _look(self, ongoing: Ongoing, view: LiveSpace, events: Sequence[Event]) -> None:
        if ongoing.leaving is not None:
            return
        if view.phase is Phase.ENDED and ongoing.is_connected:
            self._say_goodbye(ongoing)
            return
        try:
            self._calling.refuse_unless_may_stay(view.space, ongoing.call.user)
        except Rejected as refusal:
            self._turn_out(ongoing, refusal)
            return
        if ongoing.is_connected:
            self._floors.changed(ongoing, view, events)

    def _may_come_in(self, ongoing: Ongoing) -> bool:
        """Return whether a caller may hear now, after all that ringing; else turn them out."""
        if ongoing.leaving is not None or ongoing.call.space is None:
            return False
        try:
            self._calling.refuse_unless_may_come_in(ongoing.call.space, ongoing.call.user)
        except Rejected as refusal:
            self._turn_out(ongoing, refusal)
            return False
        return True

    def _say_goodbye(self, ongoing: Ongoing) -> None:
        ongoing.leaving = HangupReason.USER_HANGUP
        self._floors.say(ongoing, Prompt.GOODBYE)
        leave = partial(self._signalling.leave, ongoing, ongoing.leaving)
        self._signalling.after(ongoing, GOODBYE_S, leave)

    def _turn_out(self, ongoing: Ongoing, refusal: Rejected) -> None:
        """End the call of somebody who may not hear the live space: the sound at once."""
        ongoing.leaving = HangupReason.USER_HANGUP
        if ongoing.call.session:
            self._spaces.context.stage.hang_up(ongoing.call.session)
        text = words.shown_out(refusal)
        leave = partial(self._signalling.leave, ongoing, ongoing.leaving, text)
        self._signalling.later(ongoing, leave)
