"""The outbox: tasks towards Matrix, kept until done.

Writers of the outbox go one after the other. PostgreSQL would otherwise let a later id be seen
before an earlier one, and a reader that goes by id would miss the earlier one.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import groupby

from mautrix.util.async_db import Connection

from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.ports import Clock
from spaces_bridge.app.records import OutboxEntry, OutboxRow
from spaces_bridge.storage import rows
from spaces_bridge.storage.database import Database
from spaces_bridge.storage.text import (
    body_to_column,
    optional_from_column,
    optional_to_column,
    to_column,
)

_INSERT = """
    INSERT INTO outbox (key, queue, kind, body, due_at_ms, collapse, generation)
    VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (key) DO NOTHING
"""
# The newest body counts; a delay that Matrix asked for stays.
_ENQUEUE_AGAIN = """
    INSERT INTO outbox (key, queue, kind, body, due_at_ms, collapse, generation)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (key) DO UPDATE SET generation = outbox.generation + 1, body = excluded.body
    WHERE outbox.collapse
"""
# A finished collapse task that is enqueued again goes to the end of its queue, with a generation
# it never had: a late `complete` of the old task cannot take the new one away.
_TAKE_FINISHED = """
    DELETE FROM outbox WHERE key = $1 AND collapse AND state <> 'pending' RETURNING generation
"""
# A done task needs no body any more; only its key and result are asked for.
_COMPLETE = """
    UPDATE outbox SET
        state = CASE WHEN collapse THEN 'idle' ELSE 'done' END,
        result = CASE WHEN collapse THEN NULL ELSE $3 END,
        body = '{}', error = NULL, finished_at_ms = $4
    WHERE key = $1 AND state IN ('pending', 'dead') AND (NOT collapse OR generation = $2)
"""
_ABSORB = """
    UPDATE outbox SET state = 'done', absorbed_by = $2, body = '{}', finished_at_ms = $3
    WHERE key = $1 AND (state = 'pending' OR absorbed_by = $2) RETURNING id
"""


async def insert_effects(connection: Connection, effects: Sequence[OutboxEntry]) -> None:
    """Store tasks in order, inside the caller's transaction and under the outbox's order."""
    for collapse, group in groupby(effects, key=lambda effect: effect.collapse):
        if collapse:
            for effect in group:
                await _enqueue_again(connection, effect)
        else:
            await connection.executemany(_INSERT, [rows.effect_columns(e) for e in group])


async def _enqueue_again(connection: Connection, effect: OutboxEntry) -> None:
    finished = await connection.fetchval(_TAKE_FINISHED, to_column(effect.key))
    generation = 0 if finished is None else int(finished) + 1
    await connection.execute(_ENQUEUE_AGAIN, *rows.effect_columns(effect), generation)


class SqlOutbox:
    """The outbox. Implements the app's `Outbox`."""

    def __init__(self, database: Database, clock: Clock, order: asyncio.Lock) -> None:
        self._database = database
        self._clock = clock
        self._order = order

    async def enqueue(self, effects: Sequence[OutboxEntry]) -> None:
        """Store tasks; a known key is ignored (collapse: done once more, with the newest body)."""

        async def work(connection: Connection) -> None:
            await insert_effects(connection, effects)

        await self._database.write(work, self._order)

    async def pending(self, after_id: int, limit: int) -> list[OutboxRow]:
        """Return the tasks to carry out, in order, from behind `after_id`."""

        async def work(connection: Connection) -> list[OutboxRow]:
            found = await connection.fetch(
                "SELECT * FROM outbox WHERE state = 'pending' AND id > $1 ORDER BY id LIMIT $2",
                after_id,
                limit,
            )
            return [rows.outbox_row(row) for row in found]

        return await self._database.read(work)

    async def complete(self, key: str, generation: int, result: str | None) -> bool:
        """Mark a task as done. False: a collapse task was enqueued again meanwhile and stays.

        Safe to repeat: the first result stays.
        """
        column = to_column(key)
        now = self._clock.now_ms()

        async def work(connection: Connection) -> bool:
            await connection.execute(
                _COMPLETE, column, generation, optional_to_column(result), now
            )
            # The task succeeded: its next time starts without a history of failures.
            left = await connection.fetchval(
                "UPDATE outbox SET attempts = 0, error = NULL "
                "WHERE key = $1 AND state = 'pending' RETURNING id",
                column,
            )
            return left is None

        return await self._database.write(work, self._order)

    async def postpone(self, key: str, due_at_ms: int, error: str) -> None:
        """Postpone a task that failed for now: it is not due before `due_at_ms`."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE outbox SET attempts = attempts + 1, due_at_ms = $2, error = $3 "
                "WHERE key = $1 AND state = 'pending'",
                to_column(key),
                due_at_ms,
                to_column(error),
            )

        await self._database.write(work, self._order)

    async def bury(self, key: str, error: str) -> None:
        """Give up on a task, and keep it for people to look at."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE outbox SET state = 'dead', error = $2, finished_at_ms = $3 "
                "WHERE key = $1 AND state = 'pending'",
                to_column(key),
                to_column(error),
                self._clock.now_ms(),
            )

        await self._database.write(work, self._order)

    async def absorb(self, key: str, body: Mapping[str, object], absorbed: Sequence[str]) -> None:
        """Let the task `key`, with a new body, stand for the `absorbed` ones, in one transaction.

        Safe to repeat. Raises StorageError, and changes nothing, when one of the tasks is no
        longer pending.
        """
        now = self._clock.now_ms()

        async def work(connection: Connection) -> None:
            taken = [
                await connection.fetchval(_ABSORB, to_column(gone), to_column(key), now)
                for gone in absorbed
            ]
            kept = await connection.fetchval(
                "UPDATE outbox SET body = $2 WHERE key = $1 AND state = 'pending' RETURNING id",
                to_column(key),
                body_to_column(body),
            )
            if kept is None or None in taken:
                raise StorageError(
                    "Wishes to Matrix were not merged because one of them is already done."
                )

        await self._database.write(work, self._order)

    async def recall(self, key: str) -> str | None:
        """Return the result of a done task; of an absorbed one the absorber's."""

        async def work(connection: Connection) -> str | None:
            column = to_column(key)
            while True:
                row = await connection.fetchrow(
                    "SELECT result, absorbed_by FROM outbox WHERE key = $1", column
                )
                if row is None:
                    return None
                if row["absorbed_by"] is None:
                    return optional_from_column(row["result"])
                column = row["absorbed_by"]

        return await self._database.read(work)

    async def prune(self, before_ms: int) -> None:
        """Delete tasks that were done before then; pending and buried ones stay."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "DELETE FROM outbox WHERE state IN ('done', 'idle') AND finished_at_ms < $1",
                before_ms,
            )

        await self._database.write(work, self._order)
