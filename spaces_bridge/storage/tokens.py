"""The store of tokens: hashed secrets of personal links and page sessions."""

from mautrix.util.async_db import Connection

from spaces_bridge.app.records import Token
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.storage import rows
from spaces_bridge.storage.database import Database
from spaces_bridge.storage.text import to_column

BATCH = 500
"""Rows that one transaction of pruning deletes, so that others write in between."""


class SqlTokens:
    """The store of tokens. Implements the app's `Tokens`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, token: Token) -> None:
        """Store a token; the same hash again changes only the name."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "INSERT INTO tokens (hash, space, user_id, name, guest, created_at_ms) "
                "VALUES ($1, $2, $3, $4, $5, $6) "
                "ON CONFLICT (hash) DO UPDATE SET name = excluded.name",
                *rows.token_columns(token),
            )

        await self._database.write(work)

    async def find(self, hash_: str) -> Token | None:
        """Return the token with this hash, None without one."""

        async def work(connection: Connection) -> Token | None:
            row = await connection.fetchrow(
                "SELECT * FROM tokens WHERE hash = $1", to_column(hash_)
            )
            return None if row is None else rows.token(row)

        return await self._database.read(work)

    async def revoke(self, space: SpaceId, user: UserId) -> None:
        """Delete all tokens of this person for this live space."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "DELETE FROM tokens WHERE space = $1 AND user_id = $2",
                to_column(space),
                to_column(user),
            )

        await self._database.write(work)

    async def prune(self, before_ms: int) -> None:
        """Delete the tokens of live spaces that ended before then, a few at a time."""

        async def work(connection: Connection) -> int:
            gone = await connection.fetch(
                "DELETE FROM tokens WHERE hash IN (SELECT hash FROM tokens WHERE space IN "
                "(SELECT space FROM spaces WHERE ended_at_ms < $1) LIMIT $2) RETURNING hash",
                before_ms,
                BATCH,
            )
            return len(gone)

        while await self._database.write(work) == BATCH:
            pass
