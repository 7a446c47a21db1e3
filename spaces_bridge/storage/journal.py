"""The journal of every live space, and the directory that is written with it."""

import asyncio
from collections.abc import Collection, Sequence

from mautrix.util.async_db import Connection

from spaces_bridge.app.errors import JournalConflict
from spaces_bridge.app.records import OutboxEntry, SpaceSummary, StoredEvent
from spaces_bridge.core.ids import RoomId, SpaceId
from spaces_bridge.storage import rows
from spaces_bridge.storage.database import Database
from spaces_bridge.storage.errors import DuplicateError
from spaces_bridge.storage.outbox import insert_effects
from spaces_bridge.storage.text import to_column

_UPSERT_SUMMARY = """
    INSERT INTO spaces (space, slug, title, host, phase, private, room,
                        scheduled_at_ms, started_at_ms, ended_at_ms, host_name, captions)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (space) DO UPDATE SET
        slug = excluded.slug, title = excluded.title, host = excluded.host,
        phase = excluded.phase, private = excluded.private, room = excluded.room,
        scheduled_at_ms = excluded.scheduled_at_ms, started_at_ms = excluded.started_at_ms,
        ended_at_ms = excluded.ended_at_ms, host_name = excluded.host_name,
        captions = excluded.captions
"""
_INSERT_EVENT = """
    INSERT INTO journal (space, seq, at_ms, kind, body, source) VALUES ($1, $2, $3, $4, $5, $6)
"""


class SqlJournal:
    """The journal. Implements the app's `Journal`. `order` is shared with the outbox."""

    def __init__(self, database: Database, order: asyncio.Lock) -> None:
        self._database = database
        self._order = order

    async def append(
        self,
        space: SpaceId,
        events: Sequence[StoredEvent],
        effects: Sequence[OutboxEntry],
        summary: SpaceSummary,
    ) -> None:
        """Store events, outbox tasks and summary in one transaction.

        Raises JournalConflict, StorageError.
        """
        lines = [rows.journal_columns(space, event) for event in events]

        async def work(connection: Connection) -> None:
            await connection.execute(_UPSERT_SUMMARY, *rows.summary_columns(summary))
            if lines:
                await connection.executemany(_INSERT_EVENT, lines)
            await insert_effects(connection, effects)

        try:
            await self._database.write(work, self._order)
        except DuplicateError as error:
            raise JournalConflict(
                "Another bridge has written to the journal of this live space. Only one bridge "
                "may work on a database: stop the other one."
            ) from error

    async def replay(self, space: SpaceId) -> list[StoredEvent]:
        """Return the whole journal of one live space, in order; empty for an unknown one."""

        async def work(connection: Connection) -> list[StoredEvent]:
            found = await connection.fetch(
                "SELECT seq, at_ms, kind, body, source FROM journal WHERE space = $1 ORDER BY seq",
                to_column(space),
            )
            return [rows.stored_event(row) for row in found]

        return await self._database.read(work)

    async def open_spaces(self) -> list[SpaceId]:
        """Return all live spaces that have not ended, oldest first."""

        async def work(connection: Connection) -> list[SpaceId]:
            found = await connection.fetch(
                "SELECT * FROM spaces WHERE phase <> 'ended' ORDER BY ordinal"
            )
            return [rows.space_summary(row).space for row in found]

        return await self._database.read(work)


class SqlDirectory:
    """The directory of all live spaces. Implements the app's `Directory`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_slug(self, slug: str) -> SpaceSummary | None:
        """Return the newest live space with that slug."""
        return await self._newest("SELECT * FROM spaces WHERE slug = $1", slug)

    async def by_room(self, room: RoomId) -> SpaceSummary | None:
        """Return the newest live space with that room."""
        return await self._newest("SELECT * FROM spaces WHERE room = $1", room)

    async def listing(self, phases: Collection[str], limit: int) -> list[SpaceSummary]:
        """Return live spaces in these phases, the newest made first."""

        async def work(connection: Connection) -> list[SpaceSummary]:
            found = [
                row
                for phase in set(phases)
                for row in await connection.fetch(
                    "SELECT * FROM spaces WHERE phase = $1 ORDER BY ordinal DESC LIMIT $2",
                    to_column(phase),
                    limit,
                )
            ]
            found.sort(key=lambda row: int(row["ordinal"]), reverse=True)
            return [rows.space_summary(row) for row in found[:limit]]

        return await self._database.read(work)

    async def _newest(self, query: str, value: str) -> SpaceSummary | None:
        async def work(connection: Connection) -> SpaceSummary | None:
            row = await connection.fetchrow(
                f"{query} ORDER BY ordinal DESC LIMIT 1", to_column(value)
            )
            return None if row is None else rows.space_summary(row)

        return await self._database.read(work)
