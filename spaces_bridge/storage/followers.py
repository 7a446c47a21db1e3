"""The store of followers, and of people who want no invitations."""

from mautrix.util.async_db import Connection

from spaces_bridge.app.records import CallAlert
from spaces_bridge.core.ids import UserId
from spaces_bridge.storage.database import Database
from spaces_bridge.storage.text import from_column, to_column

EVERYBODY = ""
"""The value for every host in the table `silence`."""


class SqlFollowers:
    """The store of followers. Implements the app's `Followers`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def follow(self, host: UserId, follower: UserId, at_ms: int) -> bool:
        """Follow a host; this lifts the silence towards the host. False: followed already."""
        pair = to_column(host), to_column(follower)

        async def work(connection: Connection) -> bool:
            new = await connection.fetchval(
                "INSERT INTO followers (host, follower, at_ms) VALUES ($1, $2, $3) "
                "ON CONFLICT (host, follower) DO NOTHING RETURNING 1",
                *pair,
                at_ms,
            )
            await connection.execute("DELETE FROM silence WHERE host = $1 AND user_id = $2", *pair)
            return new is not None

        return await self._database.write(work)

    async def unfollow(self, host: UserId, follower: UserId) -> bool:
        """Unfollow a host. False: the person did not follow."""
        pair = to_column(host), to_column(follower)

        async def work(connection: Connection) -> bool:
            known = await connection.fetchval(
                "DELETE FROM followers WHERE host = $1 AND follower = $2 RETURNING 1", *pair
            )
            return known is not None

        return await self._database.write(work)

    async def follows(self, host: UserId, follower: UserId) -> bool:
        async def work(connection: Connection) -> bool:
            return await _has(connection, to_column(host), to_column(follower))

        return await self._database.read(work)

    async def count(self, host: UserId) -> int:
        """Return the number of this host's followers."""

        async def work(connection: Connection) -> int:
            query = "SELECT COUNT(*) FROM followers WHERE host = $1"
            return int(await connection.fetchval(query, to_column(host)))

        return await self._database.read(work)

    async def of(self, host: UserId, after: UserId | None, limit: int) -> list[UserId]:
        """Return followers in the order of their ids, those behind `after`."""

        async def work(connection: Connection) -> list[UserId]:
            found = await connection.fetch(
                "SELECT follower FROM followers WHERE host = $1 AND follower > $2 "
                "ORDER BY follower LIMIT $3",
                to_column(host),
                to_column(after or ""),
                limit,
            )
            return [UserId(from_column(row["follower"])) for row in found]

        return await self._database.read(work)

    async def alert(self, host: UserId, follower: UserId) -> CallAlert:
        """Return how the follower wants to be alerted in the room."""

        async def work(connection: Connection) -> CallAlert:
            kept = await connection.fetchval(
                "SELECT alert FROM followers WHERE host = $1 AND follower = $2",
                to_column(host),
                to_column(follower),
            )
            return CallAlert(kept or "")

        return await self._database.read(work)

    async def set_alert(self, host: UserId, follower: UserId, alert: CallAlert) -> None:
        """Set how the follower wants to be alerted in the room."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE followers SET alert = $3 WHERE host = $1 AND follower = $2",
                to_column(host),
                to_column(follower),
                alert.value,
            )

        await self._database.write(work)

    async def alerted(
        self, host: UserId, alert: CallAlert, after: UserId | None, limit: int
    ) -> list[UserId]:
        """Return followers who want this alert, in the order of their ids."""

        async def work(connection: Connection) -> list[UserId]:
            found = await connection.fetch(
                "SELECT follower FROM followers WHERE host = $1 AND alert = $2 "
                "AND follower > $3 ORDER BY follower LIMIT $4",
                to_column(host),
                alert.value,
                to_column(after or ""),
                limit,
            )
            return [UserId(from_column(row["follower"])) for row in found]

        return await self._database.read(work)

    async def silence(self, user: UserId, host: UserId | None, at_ms: int) -> None:
        """Take no invitations from this host (None: from anybody), and unfollow."""
        who = to_column(user)

        async def work(connection: Connection) -> None:
            await connection.execute(
                "INSERT INTO silence (user_id, host, at_ms) VALUES ($1, $2, $3) "
                "ON CONFLICT (user_id, host) DO NOTHING",
                who,
                to_column(host or EVERYBODY),
                at_ms,
            )
            if host is None:
                await connection.execute("DELETE FROM followers WHERE follower = $1", who)
            else:
                await connection.execute(
                    "DELETE FROM followers WHERE follower = $1 AND host = $2",
                    who,
                    to_column(host),
                )

        await self._database.write(work)

    async def hear_again(self, user: UserId, host: UserId | None) -> None:
        """Undo `silence`."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "DELETE FROM silence WHERE user_id = $1 AND host = $2",
                to_column(user),
                to_column(host or EVERYBODY),
            )

        await self._database.write(work)

    async def is_silent(self, user: UserId, host: UserId) -> bool:
        """Return whether this person wants no invitations from this host.

        Silence towards everybody spares hosts whom the person follows (again) since.
        """

        async def work(connection: Connection) -> bool:
            rows = await connection.fetch(
                "SELECT host FROM silence WHERE user_id = $1 AND host IN ($2, $3)",
                to_column(user),
                to_column(host),
                EVERYBODY,
            )
            silent = {row["host"] for row in rows}
            if silent == {EVERYBODY}:
                return not await _has(connection, to_column(host), to_column(user))
            return bool(silent)

        return await self._database.read(work)


async def _has(connection: Connection, host: str, follower: str) -> bool:
    row = await connection.fetchrow(
        "SELECT 1 FROM followers WHERE host = $1 AND follower = $2", host, follower
    )
    return row is not None
