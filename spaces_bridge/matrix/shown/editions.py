"""Messages of the bot that are edited as long as they are true of something that changes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spaces_bridge.app.ports import Clock, Outbox
from spaces_bridge.core.ids import EventId, RoomId, SpaceId
from spaces_bridge.matrix.events.content import edit
from spaces_bridge.matrix.homeserver.client import MatrixClient
from spaces_bridge.matrix.homeserver.errors import NotYetError
from spaces_bridge.matrix.shown.card import Card


@dataclass(frozen=True, slots=True)
class Tempo:
    """How long after one edit the next one may follow, by what has changed."""

    frame_ms: int
    counters_ms: int


class Editions:
    """One kind of such messages, one for each live space."""

    def __init__(
        self, kind: str, tempo: Tempo, bot: MatrixClient, outbox: Outbox, clock: Clock
    ) -> None:
        """``kind`` is in the names of all notes and transaction ids."""
        self._kind = kind
        self._tempo = tempo
        self._bot = bot
        self._outbox = outbox
        self._clock = clock

    async def event_of(self, space: SpaceId) -> EventId | None:
        """The message, once it is sent."""
        found = await self._outbox.lookup(f"{self._kind}:{space}")
        return EventId(found) if found is not None else None

    async def send(self, space: SpaceId, room: RoomId, wanted: Card) -> EventId:
        """The first edition. Raises Refused, Away, StorageError."""
        key = f"{self._kind}:{space}"
        event = await self._bot.send(room, "m.room.message", wanted.content, key)
        await self._note_shown(space, wanted, 0)
        await self._outbox.remember(key, event)
        return event

    async def renew(
        self, space: SpaceId, room: RoomId, event: EventId, wanted: Card, *, at_once: bool = False
    ) -> None:
        """The next edition, if it says anything new and its time has come.

        Raises NotYetError before that; Refused, Away, StorageError.
        """
        shown = await self._shown(space)
        if shown.get("whole") == _digest(wanted.frame, wanted.counters):
            return
        same_frame = shown.get("frame") == _digest(wanted.frame)
        every_ms = self._tempo.counters_ms if same_frame else self._tempo.frame_ms
        waited_ms = self._clock.now_ms() - int(shown.get("at_ms", 0))
        if 0 <= waited_ms < every_ms and not at_once:
            raise NotYetError((every_ms - waited_ms) / 1000)
        number = int(shown.get("edits", 0)) + 1
        key = f"{self._kind}:{space}:{number}:{_digest(wanted.frame, wanted.counters)}"
        await self._bot.send(room, "m.room.message", edit(wanted.content, event), key)
        await self._note_shown(space, wanted, number)

    async def _shown(self, space: SpaceId) -> Mapping[str, Any]:
        note = await self._outbox.lookup(f"{self._kind}-shown:{space}")
        found: Mapping[str, Any] = json.loads(note) if note is not None else {}
        return found

    async def _note_shown(self, space: SpaceId, wanted: Card, edits: int) -> None:
        shown = {
            "frame": _digest(wanted.frame),
            "whole": _digest(wanted.frame, wanted.counters),
            "at_ms": self._clock.now_ms(),
            "edits": edits,
        }
        await self._outbox.remember(f"{self._kind}-shown:{space}", json.dumps(shown))


def _digest(*texts: str) -> str:
    joined = "\0".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:16]
