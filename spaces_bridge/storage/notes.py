"""The store of notes: typed records, one row each, pruned by the expiry of their kind."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypeVar, cast

from mautrix.util.async_db import Connection

from spaces_bridge.app import codec
from spaces_bridge.app.notes.kinds import ALL
from spaces_bridge.app.notes.record import (
    AfterHandling,
    AfterSpace,
    AfterWriting,
    ForEver,
    Key,
    Note,
    key_parts,
)
from spaces_bridge.app.ports import Clock
from spaces_bridge.storage.database import Database
from spaces_bridge.storage.text import body_from_column, body_to_column, key_to_column, to_column

_N = TypeVar("_N", bound=Note)

DAY_MS = 86_400_000
BATCH = 500
"""Rows that one transaction of pruning deletes, so that others write in between."""

_PUT = """
    INSERT INTO note_records (kind, key, body, space, written_at_ms) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (kind, key) DO UPDATE SET
        body = excluded.body, space = excluded.space, written_at_ms = excluded.written_at_ms
"""
_PRUNE = """
    DELETE FROM note_records WHERE kind = $1 AND key IN (
        SELECT key FROM note_records WHERE kind = $1 AND {expired} LIMIT {batch}
    ) RETURNING key
"""
_EXPIRED: dict[type, str] = {
    AfterWriting: "written_at_ms < $2",
    AfterSpace: "space IN (SELECT space FROM spaces WHERE ended_at_ms < $2)",
    # An inbox row has the same key as a note about its event.
    AfterHandling: (
        "written_at_ms < $2 AND NOT EXISTS (SELECT 1 FROM inbox "
        "WHERE inbox.event_key = note_records.key AND inbox.state = 'pending')"
    ),
}

log = logging.getLogger(__name__)


class SqlNotes:
    """The store of notes. Implements the app's `NoteStore`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._unreadable: set[tuple[str, str]] = set()

    async def put(self, note: Note) -> None:
        """Write the note; it replaces the one with the same key."""
        columns = note_columns(note, self._clock.now_ms())

        async def work(connection: Connection) -> None:
            await connection.execute(_PUT, *columns)

        await self._database.write(work)

    async def get(self, key: Key[_N]) -> _N | None:
        """Return the note with this key, else None; one that cannot be read counts as absent."""
        kind, column = key.record.kind, key_to_column(key.parts)

        async def work(connection: Connection) -> str | None:
            found: str | None = await connection.fetchval(
                "SELECT body FROM note_records WHERE kind = $1 AND key = $2", kind, column
            )
            return found

        body = await self._database.read(work)
        if body is None:
            return None
        try:
            return codec.record_from(key.record, body_from_column(body))
        except (codec.CodecError, ValueError) as error:
            self._complain(kind, column, error)
            return None

    async def drop(self, key: Key[_N]) -> None:
        """Delete the note with this key, if there is one."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "DELETE FROM note_records WHERE kind = $1 AND key = $2",
                key.record.kind,
                key_to_column(key.parts),
            )

        await self._database.write(work)

    async def prune(self) -> None:
        """Delete every note whose expiry has passed, a few at a time."""
        now_ms = self._clock.now_ms()
        for record in ALL:
            if not isinstance(record.expiry, ForEver):
                before_ms = now_ms - record.expiry.days * DAY_MS
                await self._prune(record.kind, _EXPIRED[type(record.expiry)], before_ms)

    async def _prune(self, kind: str, expired: str, before_ms: int) -> None:
        query = _PRUNE.format(expired=expired, batch=BATCH)

        async def work(connection: Connection) -> int:
            return len(await connection.fetch(query, kind, before_ms))

        while await self._database.write(work) == BATCH:
            pass

    def _complain(self, kind: str, key: str, error: Exception) -> None:
        """Log once that a note cannot be read; its row stays until it is replaced or expires."""
        if (kind, key) not in self._unreadable:
            self._unreadable.add((kind, key))
            log.error("a stored note (%s) cannot be read and counts as absent: %s", kind, error)


def note_columns(note: Note, written_at_ms: int) -> Sequence[object]:
    """Return a note's columns: `kind, key, body, space, written_at_ms`."""
    # every note is a dataclass, which the type checker cannot be told
    body = asdict(cast("Any", note))
    space = to_column(_space_of(note)) if isinstance(note.expiry, AfterSpace) else None
    return note.kind, key_to_column(key_parts(note)), body_to_column(body), space, written_at_ms


def _space_of(note: Note) -> str:
    space: str = cast("Any", note).space
    return space
