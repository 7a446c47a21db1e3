"""Keep the live card in the room up to date."""

from collections.abc import Callable

from spaces_bridge.app.notes.rooms import Shown, ShownComplete
from spaces_bridge.app.ports import Clock, NoteStore
from spaces_bridge.core.ids import EventId, RoomId, SpaceId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.cards import card, pins
from spaces_bridge.matrix.cards.edits import EditThrottle, Tempo
from spaces_bridge.matrix.cards.pins import Pins
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.client.pace import counted_apart
from spaces_bridge.matrix.events.content import annotation
from spaces_bridge.matrix.events.emojis import SEEDS
from spaces_bridge.matrix.settings import MatrixSettings

TEMPO = Tempo(frame_ms=5_000, counters_ms=60_000)


class CardKeeper:
    """The keeper sends, pins and seeds a card once, then edits it no more often than `TEMPO`."""

    def __init__(
        self,
        bot: MatrixClient,
        notes: NoteStore,
        clock: Clock,
        settings: MatrixSettings,
        audience_size: Callable[[SpaceId], int],
        pinboard: Pins,
    ) -> None:
        self._bot = bot
        self._notes = notes
        self._settings = settings
        self._audience_size = audience_size
        self._pins = pinboard
        self._edits = EditThrottle(Shown.CARD, TEMPO, bot, notes, clock)

    async def event_of(self, space: SpaceId) -> EventId | None:
        """Return the card's event id, None until it is sent."""
        return await self._edits.event_of(space)

    def render(self, space: LiveSpace) -> card.Card:
        """Return the card as it should be now."""
        page = self._settings.page(space.slug)
        listeners = self._audience_size(space.space)
        captions, zone = self._settings.captions, self._settings.zone
        return card.render(space, listeners, page, captions=captions, zone=zone)

    async def refresh(self, space: LiveSpace, room: RoomId) -> EventId | None:
        """Send or edit the card; return its event id.

        Raises NotYetError, RequestRefused, Away, StorageError.
        """
        wanted = self.render(space)
        event = await self.event_of(space.space)
        if event is None:
            event = await self._edits.send(space.space, room, wanted)
            await self._dress(space.space, room, event)
            return event
        await self._dress(space.space, room, event)
        ended = space.phase is Phase.ENDED
        await self._edits.renew(space.space, room, event, wanted, at_once=ended)
        return event

    async def _dress(self, space: SpaceId, room: RoomId, event: EventId) -> None:
        """Pin the card and seed its reactions, once.

        Like the room's first state these events are counted apart: a host who starts at once
        needs the minute's events for what follows.
        """
        if await self._notes.get(ShownComplete.key(Shown.CARD, space)) is not None:
            return
        with counted_apart():
            await self._pins.arrange(room, pins.first(event))
            for emoji in SEEDS:
                await self._bot.send(
                    room, "m.reaction", annotation(event, emoji), f"seed:{space}:{emoji}"
                )
        await self._notes.put(ShownComplete(Shown.CARD, space))
