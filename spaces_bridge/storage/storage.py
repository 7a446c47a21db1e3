"""All stores of one database, opened and closed together."""

import asyncio
from collections.abc import Mapping

from mautrix.util.async_db import Connection
from mautrix.util.async_db import Database as Pool

from spaces_bridge.app.crypto_ports import CryptoStore
from spaces_bridge.app.ports import (
    Blocks,
    Clock,
    Directory,
    Followers,
    Health,
    Inbox,
    Journal,
    NoteStore,
    Outbox,
    PolicyRules,
    Reports,
    Tokens,
)
from spaces_bridge.storage.crypto import SqlCrypto
from spaces_bridge.storage.database import Database, open_database
from spaces_bridge.storage.followers import SqlFollowers
from spaces_bridge.storage.inbox import SqlInbox
from spaces_bridge.storage.journal import SqlDirectory, SqlJournal
from spaces_bridge.storage.moderation import SqlBlocks, SqlPolicyRules, SqlReports
from spaces_bridge.storage.notes import SqlNotes
from spaces_bridge.storage.outbox import SqlOutbox
from spaces_bridge.storage.tokens import SqlTokens
from spaces_bridge.storage.watch import StoreWatch

_COUNT = {
    "outbox": "SELECT COUNT(*) FROM outbox WHERE state = $1",
    "inbox": "SELECT COUNT(*) FROM inbox WHERE state = $1",
}


class SqlHealth:
    """The health of the database. Implements the app's `Health`."""

    def __init__(self, database: Database, watch: StoreWatch) -> None:
        self._database = database
        self._watch = watch

    async def check(self) -> None:
        """Check that the database can be written, and is still the one that was opened.

        A full disk and a read-only server still answer queries, and a deleted file can still be
        written. Raises StorageError.
        """

        async def work(connection: Connection) -> None:
            await connection.execute(
                "INSERT INTO health (key, beat) VALUES (0, 0) "
                "ON CONFLICT (key) DO UPDATE SET beat = health.beat + 1"
            )

        await self._watch.check()
        await self._database.write(work)


class Storage:
    """The storage of the bridge; each attribute but `watch` implements the port of its name."""

    crypto: CryptoStore

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        outbox_order = asyncio.Lock()
        self.journal: Journal = SqlJournal(database, outbox_order)
        self.directory: Directory = SqlDirectory(database)
        self.outbox: Outbox = SqlOutbox(database, clock, outbox_order)
        self.notes: NoteStore = SqlNotes(database, clock)
        self.inbox: Inbox = SqlInbox(database, clock)
        self.tokens: Tokens = SqlTokens(database)
        self.followers: Followers = SqlFollowers(database)
        self.blocks: Blocks = SqlBlocks(database)
        self.policy_rules: PolicyRules = SqlPolicyRules(database)
        self.reports: Reports = SqlReports(database, outbox_order)
        self.crypto = SqlCrypto(database)
        self.watch = StoreWatch(database, database.path)
        self.health: Health = SqlHealth(database, self.watch)

    @property
    def pool(self) -> Pool:
        """mautrix's pool of the same database, for mautrix's own stores."""
        return self._database.pool

    async def backlog(self) -> Mapping[str, int]:
        """Count what waits in outbox and inbox, and what was buried. Raises StorageError."""

        async def work(connection: Connection) -> Mapping[str, int]:
            return {
                f"{table}_{state}": int(await connection.fetchval(_COUNT[table], state))
                for table in _COUNT
                for state in ("pending", "dead")
            }

        return await self._database.read(work)

    async def close(self) -> None:
        """Finish the work that runs, and close. Safe to repeat."""
        await self.watch.close()
        await self._database.close()


async def open_storage(url: str, clock: Clock) -> Storage:
    """Open the storage by its URL and bring the tables up to date.

    `url`: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`. Raises SchemaError for
    tables this version cannot work with, StorageError for everything else that is wrong.
    """
    return Storage(await open_database(url), clock)
