"""Notes in memory."""

import json
from dataclasses import asdict
from typing import Any

from spaces_bridge.app import codec
from spaces_bridge.app.notes.record import Key, N, Note, key_parts


class MemoryNotes:
    """Keeps notes as a database would give them back. Implements `NoteStore`."""

    def __init__(self, *held: Note) -> None:
        self.held: dict[tuple[str, tuple[str, ...]], Note] = {}
        for note in held:
            self.add(note)

    def add(self, note: Any) -> None:  # noqa: ANN401  every note is a dataclass
        body = json.loads(json.dumps(asdict(note)))
        self.held[note.kind, key_parts(note)] = codec.record_from(type(note), body)

    async def put(self, note: Note) -> None:
        self.add(note)

    async def get(self, key: Key[N]) -> N | None:
        found = self.held.get((key.record.kind, key.parts))
        return found if isinstance(found, key.record) else None

    async def drop(self, key: Key[N]) -> None:
        self.held.pop((key.record.kind, key.parts), None)

    async def prune(self) -> None:
        """Nothing grows old here."""
