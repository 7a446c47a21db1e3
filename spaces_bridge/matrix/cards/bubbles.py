"""Keep the bubble in the community's room up to date."""

import logging
from collections.abc import Callable

from spaces_bridge.app import tasks
from spaces_bridge.app.notes.rooms import (
    BubbleGivenUp,
    BubbleReaction,
    BubbleSpace,
    Shown,
    ShownComplete,
)
from spaces_bridge.app.ports import Clock, NoteStore
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import EventId, RoomId, SpaceId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.cards import bubble, pins
from spaces_bridge.matrix.cards.card import Card
from spaces_bridge.matrix.cards.edits import EditThrottle, Tempo
from spaces_bridge.matrix.cards.pins import Pins
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events.content import annotation
from spaces_bridge.matrix.events.emojis import FOLLOW, REMIND
from spaces_bridge.matrix.settings import MatrixSettings

log = logging.getLogger(__name__)

TEMPO = Tempo(frame_ms=5_000, counters_ms=60_000)


class Bubbles:
    """The task handler of `RefreshBubble`. Raises NotYetError, Away, StorageError.

    The room is somebody else's: where the bot may not write (any more) it gives up and tells the
    host once.
    """

    kinds = (tasks.RefreshBubble,)

    def __init__(
        self,
        bot: MatrixClient,
        spaces: Spaces,
        notes: NoteStore,
        clock: Clock,
        settings: MatrixSettings,
        pinboard: Pins,
        audience_size: Callable[[SpaceId], int],
    ) -> None:
        self._bot = bot
        self._spaces = spaces
        self._notes = notes
        self._settings = settings
        self._pins = pinboard
        self._audience_size = audience_size
        self._edits = EditThrottle(Shown.BUBBLE, TEMPO, bot, notes, clock)

    async def space_of(self, event: EventId) -> LiveSpace | None:
        """Return the live space whose bubble an event is, None for other events."""
        found = await self._notes.get(BubbleSpace.key(event))
        return await self._spaces.find(found.space) if found is not None else None

    async def removed(self, event: EventId, room: RoomId) -> bool:
        """Note that an event was redacted. True: it was a bubble, which is not wanted there."""
        space = await self.space_of(event)
        if space is None or space.community != room:
            return False
        log.info("the card of live space %s in %s was removed", space.space, room)
        await self._notes.put(BubbleGivenUp(space.space, "redacted"))
        return True

    async def run(self, wanted: tasks.RefreshBubble, key: str) -> EventId | None:
        """Send or edit the bubble; return its event id, None without a bubble."""
        space = await self._spaces.find(wanted.space)
        if space is None or space.community is None or space.private:
            return None
        if await self._notes.get(BubbleGivenUp.key(space.space)) is not None:
            return None
        try:
            return await self._refresh(space, space.community)
        except RequestRefused as refusal:
            await self._give_up(space, refusal)
            return None

    async def refused(self, wanted: tasks.RefreshBubble, refusal: RequestRefused) -> None:
        """Do nothing: the dispatcher has logged what the homeserver fails on for good."""

    def render(self, space: LiveSpace) -> Card:
        """Return the bubble as it should be now."""
        room_link = f"https://matrix.to/#/{self._settings.alias(space.slug)}"
        listeners = self._audience_size(space.space)
        page, zone = self._settings.page(space.slug), self._settings.zone
        return bubble.render(space, listeners, page, room_link, zone)

    async def _refresh(self, space: LiveSpace, room: RoomId) -> EventId | None:
        event = await self._edits.event_of(space.space)
        if event is None:
            if space.phase is Phase.ENDED:
                return None
            event = await self._edits.send(space.space, room, self.render(space))
        await self._dress(space, room, event)
        await self._edits.renew(space.space, room, event, self.render(space))
        if space.phase is not Phase.SCHEDULED:
            await self._take_tick(space, room)
        if space.phase is Phase.ENDED:
            await self._pin(room, pins.without(event))
        return event

    async def _take_tick(self, space: LiveSpace, room: RoomId) -> None:
        """Redact the seeded ✅: nobody needs a reminder of what has begun."""
        key = BubbleReaction.key(space.space, REMIND)
        tick = await self._notes.get(key)
        if tick is not None:
            await self._bot.redact(room, tick.event, f"bubble-seed:{space.space}:{REMIND}:gone")
            await self._notes.drop(key)

    async def _dress(self, space: LiveSpace, room: RoomId, event: EventId) -> None:
        """Seed the reactions to the bubble and pin it, once."""
        complete = ShownComplete.key(Shown.BUBBLE, space.space)
        if await self._notes.get(complete) is not None:
            return
        await self._notes.put(BubbleSpace(event, space.space))
        taps = (FOLLOW, REMIND) if space.phase is Phase.SCHEDULED else (FOLLOW,)
        for emoji in taps:
            key = f"bubble-seed:{space.space}:{emoji}"
            tap = await self._bot.send(room, "m.reaction", annotation(event, emoji), key)
            await self._notes.put(BubbleReaction(space.space, emoji, tap))
        await self._pin(room, pins.added(event))
        await self._notes.put(ShownComplete(Shown.BUBBLE, space.space))

    async def _pin(self, room: RoomId, placing: pins.Placing) -> None:
        """Change the pins where the bot may; a refusal is only logged."""
        try:
            await self._pins.arrange(room, placing)
        except RequestRefused as refusal:
            log.info("the bot may not pin in %s: %s", room, refusal.errcode)

    async def _give_up(self, space: LiveSpace, refusal: RequestRefused) -> None:
        log.warning(
            "live space %s has no card in %s (any more): %s",
            space.space,
            space.community,
            refusal,
        )
        await self._notes.put(BubbleGivenUp(space.space, refusal.errcode))
        text = (
            f"I cannot show “{space.title}” in the room where you made it: I am not in it any "
            f"more, or may not write there. Share the link yourself: "
            f"{self._settings.page(space.slug)}"
        )
        await self._spaces.enqueue_task(
            tasks.TellUser(space.host, text), f"no-bubble:{space.space}"
        )
