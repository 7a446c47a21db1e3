"""Reactions to a bubble or a live card: 🔔 follows the host, ✅ asks to be reminded."""

import logging

from spaces_bridge.app.notes.dms_and_reactions import CardReaction, CardReactionEffect
from spaces_bridge.app.ports import NoteStore
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.following import Following
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.cards.bubbles import Bubbles
from spaces_bridge.matrix.cards.cards import CardKeeper
from spaces_bridge.matrix.events import emojis
from spaces_bridge.matrix.events.translate import Reaction, Redaction

log = logging.getLogger(__name__)


class CardReactions:
    """The handler of reactions to cards, whose effects last as long as the reaction stands.

    Its methods raise AdapterError when something is away.
    """

    def __init__(
        self,
        spaces: Spaces,
        following: Following,
        notes: NoteStore,
        cards: CardKeeper,
        bubbles: Bubbles,
    ) -> None:
        self._spaces = spaces
        self._following = following
        self._notes = notes
        self._cards = cards
        self._bubbles = bubbles

    async def reacted(self, reaction: Reaction) -> bool:
        """Act on a reaction to a card, and return whether it was one.

        A ✅ to what is live is an emoji like others.
        """
        follows = emojis.is_bell(reaction.key)
        if not follows and not emojis.is_tick(reaction.key):
            return False
        space = await self._tapped(reaction)
        if space is None:
            return False
        if follows:
            await self._follow(space, reaction)
            return True
        return space.phase is Phase.SCHEDULED and await self._remind(space, reaction)

    async def took_back(self, redaction: Redaction) -> bool:
        """Act on a redaction, and return whether it took back a card reaction or a whole bubble.

        A moderator's redaction of other people's reactions takes back nothing.
        """
        if await self._bubbles.removed(redaction.target, redaction.room):
            return True
        tap = await self._notes.get(CardReaction.key(redaction.target))
        if tap is None:
            return False
        if tap.user != redaction.sender:
            return True
        if tap.effect is CardReactionEffect.FOLLOW:
            await self._following.unfollow(tap.user, UserId(tap.subject))
        else:
            await self._ask(SpaceId(tap.subject), cmd.DropReminder(tap.user), redaction.event)
        return True

    async def _tapped(self, reaction: Reaction) -> LiveSpace | None:
        """Return the live space whose card or bubble was reacted to."""
        here = self._spaces.by_room(reaction.room)
        if here is not None:
            is_card = reaction.target == await self._cards.event_of(here.space)
            return here if is_card else None
        space = await self._bubbles.space_of(reaction.target)
        return space if space is not None and space.community == reaction.room else None

    async def _follow(self, space: LiveSpace, reaction: Reaction) -> None:
        await self._note(CardReactionEffect.FOLLOW, reaction, space.host)
        try:
            await self._following.follow(reaction.sender, space.host)
        except Rejected as refusal:
            log.info("a tap changes nothing: %s", refusal.code)

    async def _remind(self, space: LiveSpace, reaction: Reaction) -> bool:
        await self._note(CardReactionEffect.REMIND, reaction, space.space)
        return await self._ask(space.space, cmd.WantReminder(reaction.sender), reaction.event)

    async def _note(self, effect: CardReactionEffect, reaction: Reaction, subject: str) -> None:
        await self._notes.put(CardReaction(reaction.event, effect, reaction.sender, subject))

    async def _ask(self, space: SpaceId, command: cmd.Command, source: str) -> bool:
        try:
            await self._spaces.ask(space, command, source)
        except Rejected as refusal:
            log.info("a tap changes nothing: %s", refusal.code)
            return False
        return True
