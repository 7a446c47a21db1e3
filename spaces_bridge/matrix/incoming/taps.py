"""Taps on a bubble or a live card: 🔔 follows the host, ✅ asks to be reminded."""

import json
import logging

from spaces_bridge.app.ports import Outbox
from spaces_bridge.app.usecases.following import Following
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.doors import SpacesDoor
from spaces_bridge.matrix.events import emojis
from spaces_bridge.matrix.events.translate import ReactedTo, TookBack
from spaces_bridge.matrix.shown.bubbles import Bubbles
from spaces_bridge.matrix.shown.cards import CardKeeper

log = logging.getLogger(__name__)

FOLLOW, REMIND = "follow", "remind"


class Taps:
    """What holds as long as the reaction stands. Raises AdapterError when something is away."""

    def __init__(
        self,
        spaces: SpacesDoor,
        following: Following,
        outbox: Outbox,
        cards: CardKeeper,
        bubbles: Bubbles,
    ) -> None:
        self._spaces = spaces
        self._following = following
        self._outbox = outbox
        self._cards = cards
        self._bubbles = bubbles

    async def reacted(self, reaction: ReactedTo) -> bool:
        """Whether the reaction was a tap; a ✅ to what is live is an emoji like others."""
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

    async def took_back(self, redaction: TookBack) -> bool:
        """Whether the redaction took back a tap, or a whole bubble.

        A moderator's cleaning up of other people's taps takes back nothing.
        """
        if await self._bubbles.removed(redaction.target, redaction.room):
            return True
        note = await self._outbox.lookup(f"card-tap:{redaction.target}")
        if note is None:
            return False
        kind, sender, subject = json.loads(note)
        if sender != redaction.sender:
            return True
        if kind == FOLLOW:
            await self._following.unfollow(UserId(sender), UserId(subject))
        else:
            await self._ask(SpaceId(subject), cmd.DropReminder(UserId(sender)), redaction.event)
        return True

    async def _tapped(self, reaction: ReactedTo) -> LiveSpace | None:
        """The live space whose card or bubble it is."""
        here = self._spaces.by_room(reaction.room)
        if here is not None:
            is_card = reaction.target == await self._cards.event_of(here.space)
            return here if is_card else None
        space = await self._bubbles.space_of(reaction.target)
        return space if space is not None and space.community == reaction.room else None

    async def _follow(self, space: LiveSpace, reaction: ReactedTo) -> None:
        await self._note(FOLLOW, reaction, space.host)
        try:
            await self._following.follow(reaction.sender, space.host)
        except Rejected as refusal:
            log.info("a tap changes nothing: %s", refusal.code)

    async def _remind(self, space: LiveSpace, reaction: ReactedTo) -> bool:
        await self._note(REMIND, reaction, space.space)
        return await self._ask(space.space, cmd.WantReminder(reaction.sender), reaction.event)

    async def _note(self, kind: str, reaction: ReactedTo, subject: str) -> None:
        note = json.dumps([kind, reaction.sender, subject])
        await self._outbox.remember(f"card-tap:{reaction.event}", note)

    async def _ask(self, space: SpaceId, command: cmd.Command, source: str) -> bool:
        try:
            await self._spaces.ask(space, command, source)
        except Rejected as refusal:
            log.info("a tap changes nothing: %s", refusal.code)
            return False
        return True
