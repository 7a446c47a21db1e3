"""Messages of the bot that are edited as the live space changes, at a throttled rate."""

import hashlib
from dataclasses import dataclass

from spaces_bridge.app.notes.rooms import Shown, ShownEdition, ShownMessage
from spaces_bridge.app.ports import Clock, NoteStore
from spaces_bridge.core.ids import EventId, RoomId, SpaceId
from spaces_bridge.matrix.cards.card import Card
from spaces_bridge.matrix.client.errors import NotYetError
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events.content import edit


@dataclass(frozen=True, slots=True)
class Tempo:
    """The least time from one edit to the next, by whether the frame or counters changed."""

    frame_ms: int
    counters_ms: int


class EditThrottle:
    """The edit throttle of one kind of message, of which each live space has one."""

    def __init__(
        self, kind: Shown, tempo: Tempo, bot: MatrixClient, notes: NoteStore, clock: Clock
    ) -> None:
        """`kind` is part of the keys of all notes and of transaction ids."""
        self._kind = kind
        self._tempo = tempo
        self._bot = bot
        self._notes = notes
        self._clock = clock

    async def event_of(self, space: SpaceId) -> EventId | None:
        """Return the message's event id, None until it is sent."""
        found = await self._notes.get(ShownMessage.key(self._kind, space))
        return found.event if found is not None else None

    async def send(self, space: SpaceId, room: RoomId, wanted: Card) -> EventId:
        """Send the message; return its event id. Raises RequestRefused, Away, StorageError."""
        key = f"{self._kind}:{space}"
        event = await self._bot.send(room, "m.room.message", wanted.content, key)
        await self._note_shown(space, wanted, 0)
        await self._notes.put(ShownMessage(self._kind, space, event))
        return event

    async def renew(
        self, space: SpaceId, room: RoomId, event: EventId, wanted: Card, *, at_once: bool = False
    ) -> None:
        """Edit the message, if it says anything new and its time has come.

        Raises NotYetError before that time; RequestRefused, Away, StorageError.
        """
        shown = await self._shown(space)
        if shown.whole == _digest(wanted.frame, wanted.counters):
            return
        same_frame = shown.frame == _digest(wanted.frame)
        every_ms = self._tempo.counters_ms if same_frame else self._tempo.frame_ms
        waited_ms = self._clock.now_ms() - shown.at_ms
        if 0 <= waited_ms < every_ms and not at_once:
            raise NotYetError((every_ms - waited_ms) / 1000)
        number = shown.edits + 1
        key = f"{self._kind}:{space}:{number}:{_digest(wanted.frame, wanted.counters)}"
        await self._bot.send(room, "m.room.message", edit(wanted.content, event), key)
        await self._note_shown(space, wanted, number)

    async def _shown(self, space: SpaceId) -> ShownEdition:
        found = await self._notes.get(ShownEdition.key(self._kind, space))
        return found or ShownEdition(self._kind, space, "", "", 0, 0)

    async def _note_shown(self, space: SpaceId, wanted: Card, edits: int) -> None:
        frame, whole = _digest(wanted.frame), _digest(wanted.frame, wanted.counters)
        now_ms = self._clock.now_ms()
        await self._notes.put(ShownEdition(self._kind, space, frame, whole, now_ms, edits))


def _digest(*texts: str) -> str:
    joined = "\0".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:16]
