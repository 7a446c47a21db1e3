"""The inbox: events the homeserver has handed over, kept until handled."""

import asyncio
from collections.abc import Sequence

from mautrix.util.async_db import Connection

from spaces_bridge.app.ports import Clock
from spaces_bridge.app.records import InboxEvent, InboxRow
from spaces_bridge.storage import rows
from spaces_bridge.storage.database import Database
from spaces_bridge.storage.text import index_key, optional_to_column, to_column

_NEWEST = "SELECT COALESCE(MAX(seq), 0) FROM inbox"
_INSERT_EVENT = """
    INSERT INTO inbox (event_key, event_id, room_id, body, received_at_ms)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (event_key) DO NOTHING
"""


class SqlInbox:
    """The inbox. Implements the app's `Inbox`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        # PostgreSQL would otherwise let a later seq be seen before an earlier one.
        self._order = asyncio.Lock()

    async def store(self, events: Sequence[InboxEvent]) -> bool:
        """Store events durably, each event id once. False: every one was known."""
        now = self._clock.now_ms()
        lines = [
            (
                index_key(event.event_id),
                to_column(event.event_id),
                optional_to_column(event.room_id),
                to_column(event.body),
                now,
            )
            for event in events
        ]

        async def work(connection: Connection) -> bool:
            before = await connection.fetchval(_NEWEST)
            await connection.executemany(_INSERT_EVENT, lines)
            return bool(await connection.fetchval(_NEWEST) != before)

        return bool(lines) and await self._database.write(work, self._order)

    async def pending(self, after_seq: int, limit: int) -> list[InboxRow]:
        """Return the events to handle, in order of arrival, from behind `after_seq`."""

        async def work(connection: Connection) -> list[InboxRow]:
            found = await connection.fetch(
                "SELECT * FROM inbox WHERE state = 'pending' AND seq > $1 ORDER BY seq LIMIT $2",
                after_seq,
                limit,
            )
            return [rows.inbox_row(row) for row in found]

        return await self._database.read(work)

    async def done(self, seq: int) -> None:
        """Mark an event as handled: its text is deleted now, its id is kept until pruned."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE inbox SET state = 'done', body = '' WHERE seq = $1", seq
            )

        await self._database.write(work)

    async def bury(self, seq: int, error: str) -> None:
        """Give up on an event, and keep it for people to look at."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE inbox SET state = 'dead', error = $2 WHERE seq = $1 AND state = 'pending'",
                seq,
                to_column(error),
            )

        await self._database.write(work)

    async def reopen(self, event: InboxEvent) -> None:
        """Have an event handled once more, after those that have come: it can be read now."""
        key = index_key(event.event_id)
        line = (key, to_column(event.event_id), optional_to_column(event.room_id))

        async def work(connection: Connection) -> None:
            await connection.execute("DELETE FROM inbox WHERE event_key = $1", key)
            now = self._clock.now_ms()
            await connection.execute(_INSERT_EVENT, *line, to_column(event.body), now)

        await self._database.write(work, self._order)

    async def newest_ms(self) -> int | None:
        """Return when the last event came, in Unix milliseconds; None: none is kept."""

        async def work(connection: Connection) -> int | None:
            at_ms = await connection.fetchval("SELECT MAX(received_at_ms) FROM inbox")
            return None if at_ms is None else int(at_ms)

        return await self._database.read(work)

    async def prune(self, before_ms: int) -> None:
        """Delete handled events received before then."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "DELETE FROM inbox WHERE state = 'done' AND received_at_ms < $1", before_ms
            )

        await self._database.write(work)
