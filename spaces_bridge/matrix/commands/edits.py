"""Edited commands: an edit may mend a slip of the pen, and what was done stays done."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from spaces_bridge.app.notes.commands import CommandReworded
from spaces_bridge.app.ports import NoteStore
from spaces_bridge.core.ids import EventId, RoomId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import ENCRYPTED, StateEvent
from spaces_bridge.matrix.events.translate import Message, thread_of
from spaces_bridge.matrix.text.commands import Misunderstood, Request

ONCE = "I did what it said at first: write what you want now as a new message."

Parsed = Request | Misunderstood | None


class PastCommands(Protocol):
    """The source of past commands: `MatrixClient`, as far as it is needed here."""

    async def event(self, room: RoomId, event: EventId) -> StateEvent: ...


@dataclass(frozen=True, slots=True)
class Edits:
    """Edits of commands, and the rule which of them is carried out. Raises Away, StorageError."""

    past: PastCommands
    notes: NoteStore
    understood: Callable[[Message], Parsed]

    async def look(self, said: Message, original: EventId) -> tuple[Message, Parsed]:
        """Return the edited message in the thread of its `original`, and what it asks now.

        A message that was no command at first is carried out, once. A message that is edited
        again, was carried out as it stood, or cannot be read any more, is answered with what to
        do instead. None: there is nothing to say.
        """
        try:
            first = await self.past.event(said.room, original)
        except RequestRefused:
            return said, None
        body = first.content.get("body")
        said = replace(said, thread=thread_of(first.content))
        before = self.understood(replace(said, text=body)) if isinstance(body, str) else None
        now = self.understood(said)
        if first.sender != said.sender or before == now:
            return said, None
        if first.type == ENCRYPTED:  # not to be read any more: what it said may have been done
            return said, Misunderstood(ONCE)
        reworded = await self.notes.get(CommandReworded.key(original))
        carried_out = reworded.edit if reworded is not None else said.event
        if isinstance(before, Request) or carried_out != said.event:
            return said, Misunderstood(ONCE)
        if isinstance(now, Request):
            await self.notes.put(CommandReworded(original, said.event))
        return said, now
