"""Keeps the live card in the room true."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from spaces_bridge.app.ports import Clock, Outbox
from spaces_bridge.core.ids import EventId, RoomId, SpaceId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix import card
from spaces_bridge.matrix.client import MatrixClient
from spaces_bridge.matrix.content import annotation, edit
from spaces_bridge.matrix.emojis import SEEDS
from spaces_bridge.matrix.errors import NotYetError
from spaces_bridge.matrix.settings import MatrixSettings

FRAME_EVERY_MS = 5_000
COUNTERS_EVERY_MS = 60_000


class CardKeeper:
    """Sends, pins and seeds the card once, then edits it no more often than the contract says."""

    def __init__(
        self,
        bot: MatrixClient,
        outbox: Outbox,
        clock: Clock,
        settings: MatrixSettings,
        audience_size: Callable[[SpaceId], int],
    ) -> None:
        self._bot = bot
        self._outbox = outbox
        self._clock = clock
        self._settings = settings
        self._audience_size = audience_size

    async def event_of(self, space: SpaceId) -> EventId | None:
        """The card's event id, once it is sent."""
        found = await self._outbox.lookup(f"card:{space}")
        return EventId(found) if found is not None else None

    def render(self, space: LiveSpace) -> card.Card:
        """The card as it should be now."""
        page = self._settings.page(space.slug)
        listeners = self._audience_size(space.space)
        return card.render(space, listeners, page, captions=self._settings.captions)

    async def refresh(self, space: LiveSpace, room: RoomId) -> EventId | None:
        """Make the card true. Raises NotYetError, Refused, Away, StorageError."""
        wanted = self.render(space)
        event = await self.event_of(space.space)
        if event is None:
            return await self._send(space.space, room, wanted)
        await self._dress(space.space, room, event)
        shown = await self._shown(space.space)
        if shown.get("whole") == _digest(wanted.frame, wanted.counters):
            return event
        same_frame = shown.get("frame") == _digest(wanted.frame)
        every_ms = COUNTERS_EVERY_MS if same_frame else FRAME_EVERY_MS
        waited_ms = self._clock.now_ms() - int(shown.get("at_ms", 0))
        if 0 <= waited_ms < every_ms and space.phase is not Phase.ENDED:
            raise NotYetError((every_ms - waited_ms) / 1000)
        number = int(shown.get("edits", 0)) + 1
        key = f"card:{space.space}:{number}:{_digest(wanted.frame, wanted.counters)}"
        await self._bot.send(room, "m.room.message", edit(wanted.content, event), key)
        await self._note_shown(space.space, wanted, number)
        return event

    async def _send(self, space: SpaceId, room: RoomId, wanted: card.Card) -> EventId:
        event = await self._bot.send(room, "m.room.message", wanted.content, f"card:{space}")
        await self._note_shown(space, wanted, 0)
        await self._outbox.remember(f"card:{space}", event)
        await self._dress(space, room, event)
        return event

    async def _dress(self, space: SpaceId, room: RoomId, event: EventId) -> None:
        """Pin it and seed the reactions, once."""
        if await self._outbox.lookup(f"card-dressed:{space}") is not None:
            return
        await self._bot.ensure_state(room, "m.room.pinned_events", {"pinned": [event]})
        for emoji in SEEDS:
            await self._bot.send(
                room, "m.reaction", annotation(event, emoji), f"seed:{space}:{emoji}"
            )
        await self._outbox.remember(f"card-dressed:{space}", "yes")

    async def _shown(self, space: SpaceId) -> Mapping[str, Any]:
        note = await self._outbox.lookup(f"card-shown:{space}")
        found: Mapping[str, Any] = json.loads(note) if note is not None else {}
        return found

    async def _note_shown(self, space: SpaceId, wanted: card.Card, edits: int) -> None:
        shown = {
            "frame": _digest(wanted.frame),
            "whole": _digest(wanted.frame, wanted.counters),
            "at_ms": self._clock.now_ms(),
            "edits": edits,
        }
        await self._outbox.remember(f"card-shown:{space}", json.dumps(shown))


def _digest(*texts: str) -> str:
    joined = "\0".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:16]
