"""The event dispatcher. Handling is safe to repeat: commands carry their event's id."""

import logging
from collections.abc import Mapping
from typing import Any, assert_never

from spaces_bridge.app import tasks
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.appservice.call_events import CallEvents
from spaces_bridge.matrix.appservice.card_reactions import CardReactions
from spaces_bridge.matrix.appservice.hand_reactions import HandReactions
from spaces_bridge.matrix.appservice.room_chat import RoomChat
from spaces_bridge.matrix.cards.cards import CardKeeper
from spaces_bridge.matrix.commands.dispatcher import CommandDispatcher
from spaces_bridge.matrix.commands.greeting import FirstWords, Greeter
from spaces_bridge.matrix.dms.reactions import DmReactions
from spaces_bridge.matrix.dms.rooms import DirectRooms
from spaces_bridge.matrix.events import call_signals, emojis, rtc
from spaces_bridge.matrix.events import translate as means
from spaces_bridge.matrix.events.verification import VerificationMessage
from spaces_bridge.matrix.moderation.policy_lists import PolicyLists
from spaces_bridge.matrix.plain_calls.service import PlainCalls
from spaces_bridge.matrix.rooms.lost_room import RoomLossCheck
from spaces_bridge.matrix.rooms.power_levels import PowerLevels
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.text.addressed import names_of
from spaces_bridge.matrix.text.commands import Request, parse
from spaces_bridge.matrix.text.verbs import CLOSING
from spaces_bridge.matrix.verification.service import VerificationService

log = logging.getLogger(__name__)


class EventDispatcher:
    """The dispatcher that hands each event to the handler it concerns.

    `receive` raises AdapterError when something is away.
    """

    def __init__(
        self,
        spaces: Spaces,
        settings: MatrixSettings,
        observer: PowerLevels,
        conversation: CommandDispatcher,
        greeter: Greeter,
        dms: DirectRooms,
        cards: CardKeeper,
        answers: DmReactions,
        taps: CardReactions,
        hands: HandReactions,
        evictions: RoomLossCheck,
        lists: PolicyLists,
        chat: RoomChat,
        calls: CallEvents,
        plain_calls: PlainCalls | None = None,
    ) -> None:
        self._spaces = spaces
        self._settings = settings
        self._observer = observer
        self._conversation = conversation
        self._greeter = greeter
        self._dms = dms
        self._cards = cards
        self._answers = answers
        self._taps = taps
        self._hands = hands
        self._evictions = evictions
        self._lists = lists
        self._chat = chat
        self._calls = calls
        self._plain_calls = plain_calls
        self._verifications: VerificationService | None = None

    def serve_verifications(self, verifications: VerificationService) -> None:
        """Hand on what people's clients send to verify the bot; without this it is ignored."""
        self._verifications = verifications

    def read_first_words(self, read: FirstWords) -> None:
        """Have `read` bring in what was written in a direct room before the bot had joined it."""
        self._greeter.read_first_words(read)

    def hint(self, event: Mapping[str, Any]) -> None:
        """Shut the gates of people who may have lost the floor by this event.

        This happens on arrival, before anything slow. Nothing is raised: whatever is wrong with
        the event, its transaction is stored.
        """
        try:
            self._hint(event)
        except Exception:
            log.exception("an event could not be looked at on arrival")

    def _hint(self, event: Mapping[str, Any]) -> None:
        room = event.get("room_id")
        space = self._spaces.by_room(room) if isinstance(room, str) else None  # type: ignore[arg-type]  # any text may be looked up
        if space is None:
            return
        for loss in means.losses(event, space, self._settings):
            self._spaces.tell(space.space, loss)

    def is_pressing(self, event: Mapping[str, Any]) -> bool:
        """Return whether a host or co-host takes something from somebody by this event."""
        said = means.meaning_of(event, self._settings)
        if not isinstance(said, means.Message) or said.rewords is not None:
            return False
        space = self._spaces.by_room(said.room)
        if space is None or not (said.sender == space.host or said.sender in space.moderators):
            return False
        names = names_of(self._settings.bot, said.pills)
        request = parse(said.text, direct=False, names=names)
        return isinstance(request, Request) and request.verb in CLOSING

    async def receive(self, event: Mapping[str, Any]) -> None:  # noqa: C901, PLR0912
        """Act on one event."""
        self._chat.note(event)
        meaning = means.meaning_of(event, self._settings)
        match meaning:
            case None:
                return
            case means.BotInvited():
                await self._greeter.invited(meaning)
            case means.RoomLost():
                await self._evictions.look(meaning.room)
            case means.Message():
                if self._plain_calls is None or not await self._plain_calls.heard(meaning):
                    await self._conversation.hear(meaning)
            case means.EncryptedMessage():
                if self._spaces.by_room(meaning.room) is None:
                    await self._greeter.heard_cipher(meaning)
            case means.MemberChanged():
                await self._member_changed(meaning)
            case means.LevelsChanged():
                space = self._spaces.by_room(meaning.room)
                if space is not None:
                    await self._observer.observe_levels(space.space, meaning.room)
            case means.Reaction():
                await self._reacted(meaning)
            case means.Redaction():
                await self._took_back(meaning)
            case means.PolicyRuleChanged():
                if self._lists.follows(meaning.room):
                    await self._lists.rule_changed(meaning.room, meaning.type, meaning.key)
            case means.CallMemberChanged():
                await self._calls.member_changed(meaning)
            case rtc.CallReaction():
                await self._calls.reacted(meaning)
            case VerificationMessage():
                if self._verifications is not None:
                    await self._verifications.in_room(meaning)
            case (
                call_signals.CallInvited()
                | call_signals.CallAnswered()
                | call_signals.CallRenegotiated()
                | call_signals.AnswerSelected()
                | call_signals.CallRejected()
                | call_signals.CallHungUp()
                | call_signals.CallMuted()
            ):
                if self._plain_calls is not None:
                    await self._plain_calls.signalled(meaning)
            case _:
                assert_never(meaning)

    async def _member_changed(self, hint: means.MemberChanged) -> None:
        space = self._spaces.by_room(hint.room)
        if space is None:
            self._dms.members_changed(hint.room)
            await self._answers.member_changed(hint)
            if self._plain_calls is not None:
                await self._plain_calls.member_changed(hint)
            return
        await self._observer.observe_member(space.space, hint.room, hint.user)

    async def _reacted(self, reaction: means.Reaction) -> None:
        if await self._taps.reacted(reaction):
            return
        space = self._spaces.by_room(reaction.room)
        if space is not None:
            if reaction.target == await self._cards.event_of(space.space):
                await self._reacted_to_card(space, reaction)
            elif emojis.is_hand(reaction.key):
                await self._calls.raised(space, reaction)
        elif self._plain_calls is None or not self._plain_calls.tapped(reaction):
            await self._answers.reacted(reaction)

    async def _reacted_to_card(self, space: LiveSpace, reaction: means.Reaction) -> None:
        if emojis.is_hand(reaction.key):
            await self._hands.raised(space, reaction)
            return
        try:
            react = cmd.React(reaction.sender, emojis.counted(reaction.key), reaction.event)
            await self._spaces.ask(space.space, react, reaction.event)
        except Rejected as refusal:
            log.info("a reaction counts nothing: %s", refusal.code)
            if space.phase is not Phase.ENDED and not emojis.is_tick(reaction.key):
                # a reaction that stays would be shown on the card for as long as the card lives
                gone = tasks.RedactEvent(space.space, reaction.event, expired=True)
                await self._spaces.enqueue_task(gone, f"uncounted:{reaction.event}")

    async def _took_back(self, redaction: means.Redaction) -> None:
        """Act on a redaction.

        A ✋ that is gone, by its owner or a moderator, is a hand that is down. A redacted rule
        of a policy list counts no longer.
        """
        if await self._taps.took_back(redaction):
            return
        space = self._spaces.by_room(redaction.room)
        if space is None:
            if self._lists.follows(redaction.room):
                self._lists.refresh()
            else:
                await self._answers.took_back(redaction)
            return
        for request in space.requests.values():
            if request.reaction == redaction.target:
                try:
                    command = cmd.CancelRequest(request.user, reaction_gone=True)
                    await self._spaces.ask(space.space, command, redaction.event)
                except Rejected as refusal:
                    log.info("a hand was down already: %s", refusal.code)
                return
