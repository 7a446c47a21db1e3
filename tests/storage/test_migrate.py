"""Tables come to the newest version in whole steps, and never go where they cannot come back."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from mautrix.util.async_db import Connection, Scheme
from mautrix.util.async_db import Database as Pool

from spaces_bridge.app.codec import CodecError, event_from, task_from
from spaces_bridge.app.lanes import Lane, Priority
from spaces_bridge.app.notes.dms_and_reactions import UserRoom
from spaces_bridge.app.records import StoredEvent
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.storage.crypto import TABLES
from spaces_bridge.storage.errors import SchemaError
from spaces_bridge.storage.migrate import Migration, load_migrations, migrate
from tests.storage.support import SPACE, opened, stored, summary

pytestmark = pytest.mark.peers

NEWEST = len(load_migrations())
NEWER = ("followers", "silence", "blocks", "policy_rules", "reports")
CRYPTO = tuple(table.name for table in TABLES)
OWN_TABLES = {"database_owner", "schema_version", "sqlite_sequence"}


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """The database as it is, without a look at its version."""
    pool = Pool.create(url)
    await pool.start()
    try:
        async with pool.acquire_direct() as connection:
            yield connection
    finally:
        await pool.stop()


async def upgrade(url: str, steps: Sequence[Migration]) -> None:
    """Bring the database to the version of a program that knows these steps."""
    async with connected(url) as connection:
        await migrate(connection, steps)


def future(compat: int, sql: str = "ALTER TABLE spaces ADD COLUMN mood TEXT") -> Migration:
    """What the next version of the bridge might do."""
    return Migration(NEWEST + 1, "remember the mood", compat, sql)


async def catalogue(connection: Connection) -> dict[str, object]:
    """Everything the database says about its tables, the order of columns left out."""
    if connection.scheme == Scheme.SQLITE:
        return await _sqlite_catalogue(connection)
    return await _postgres_catalogue(connection)


async def _sqlite_catalogue(connection: Connection) -> dict[str, object]:
    found: dict[str, object] = {}
    for row in await connection.fetch("SELECT name FROM sqlite_master WHERE type = 'table'"):
        table = row["name"]
        if table in OWN_TABLES:
            continue
        columns = await connection.fetch(
            'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info($1)', table
        )
        keys = await connection.fetch(
            'SELECT "from", "table", "to" FROM pragma_foreign_key_list($1)', table
        )
        indexes = await connection.fetch(
            'SELECT i.origin, i."unique", i.partial, group_concat(c.name) AS columns '
            "FROM pragma_index_list($1) AS i, pragma_index_info(i.name) AS c GROUP BY i.name",
            table,
        )
        found[table] = [sorted(map(repr, map(tuple, rows))) for rows in (columns, keys, indexes)]
    return found


async def _postgres_catalogue(connection: Connection) -> dict[str, object]:
    columns = await connection.fetch(
        "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity "
        "FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
    )
    indexes = await connection.fetch(
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
        "ORDER BY 1, 2"
    )
    constraints = await connection.fetch(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
    )
    return {
        "columns": [tuple(row) for row in columns if row["table_name"] not in OWN_TABLES],
        "indexes": [tuple(row) for row in indexes if row["tablename"] not in OWN_TABLES],
        "constraints": [tuple(row) for row in constraints if row[0] not in OWN_TABLES],
    }


async def test_migrating_from_nothing_equals_the_full_schema(
    sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    full = Migration(1, "full", 1, Path(__file__).with_name("schema.sql").read_text())
    for url in (sqlite_url, postgres_url):
        await upgrade(url, load_migrations())
        async with connected(url) as connection:
            migrated = await catalogue(connection)
            for table in ("journal", "spaces", "outbox", "note_records"):
                await connection.execute(f"DROP TABLE {table}")
            for table in ("inbox", "tokens", "health", *NEWER, *CRYPTO):
                await connection.execute(f"DROP TABLE {table}")
            assert not any((await catalogue(connection)).values())
            for statement in full.statements(connection.scheme):
                await connection.execute(statement)
            assert await catalogue(connection) == migrated
            assert migrated


def test_every_migration_says_what_it_does_and_how_far_back_one_can_go() -> None:
    for number, step in enumerate(load_migrations(), start=1):
        assert step.version == number
        assert step.description
        assert 1 <= step.compat <= step.version


async def test_an_upgrade_keeps_what_is_stored(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(url) as storage:
        await storage.journal.append(SPACE, [stored(1)], [], summary())
    with caplog.at_level(logging.INFO, "spaces_bridge.storage.migrate"):
        await upgrade(url, [*load_migrations(), future(compat=1)])
    assert f"schema version {NEWEST + 1}: remember the mood" in caplog.text
    async with opened(url) as storage:
        assert await storage.journal.replay(SPACE) == [stored(1)]


async def test_a_database_of_the_first_version_keeps_everything(url: str) -> None:
    """What a bridge without followers and blocks has stored is there afterwards."""
    await upgrade(url, load_migrations()[:1])
    async with connected(url) as connection:
        await connection.execute(
            "INSERT INTO spaces (space, slug, title, host, phase, private) "
            "VALUES ('s', 'talk-s', 'Talk', '@a:b', 'live', FALSE)"
        )
        await connection.execute(
            "INSERT INTO journal (space, seq, at_ms, kind, body) VALUES ('s', 1, 2, 'K', '{}')"
        )
        await connection.execute(
            "INSERT INTO outbox (key, queue, kind, body, due_at_ms, collapse, generation) "
            "VALUES ('k', 'q', 'W', '{}', 0, FALSE, 0)"
        )
        await connection.execute("INSERT INTO notes (name, value) VALUES ('dm:@a:b', '!r')")
    async with opened(url) as storage:
        assert await storage.journal.replay(SpaceId("s")) == [StoredEvent(1, 2, "K", {})]
        assert await storage.journal.open_spaces() == [SpaceId("s")]
        assert [row.effect.key for row in await storage.outbox.pending(0, 9)] == ["k"]
        kept = await storage.notes.get(UserRoom.key(UserId("@a:b")))
        assert kept == UserRoom(UserId("@a:b"), RoomId("!r"))
        assert await storage.followers.follow(UserId("@a:b"), UserId("@c:d"), 1)
    async with connected(url) as connection:
        assert await connection.fetchval("SELECT version FROM schema_version") == NEWEST


async def test_the_first_versions_bridge_refuses_the_second_versions_tables(url: str) -> None:
    await upgrade(url, load_migrations())
    with pytest.raises(SchemaError, match="upgraded by a newer bridge"):
        await upgrade(url, load_migrations()[:1])


async def test_captions_of_earlier_versions_are_counted(url: str) -> None:
    await upgrade(url, load_migrations()[:3])
    async with connected(url) as connection:
        for space, kinds in (
            ("talk", ["SpaceCreated", *["UtteranceCaptioned"] * 3]),
            ("mute", []),
        ):
            await connection.execute(
                "INSERT INTO spaces (space, slug, title, host, phase, private)"
                " VALUES ($1, $1, $1, '@ada:x', 'ended', FALSE)",
                space,
            )
            for seq, kind in enumerate(kinds):
                await connection.execute(
                    "INSERT INTO journal (space, seq, at_ms, kind, body)"
                    " VALUES ($1, $2, 1, $3, '{}')",
                    space,
                    seq,
                    kind,
                )
    async with opened(url) as storage:
        found = {s.slug: s.captions for s in await storage.directory.listing(["ended"], 10)}
    assert found == {"talk": 3, "mute": 0}


class Server:
    """A database at version 0, as far as a step asks for it."""

    scheme = Scheme.POSTGRES

    def __init__(self) -> None:
        self.version = 0
        self.patience_s: dict[str, float | None] = {}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    async def fetch(self, query: str) -> list[dict[str, str]]:
        return [{"name": "database_owner"}]

    async def fetchval(self, query: str) -> str:
        return "spaces-bridge"

    async def fetchrow(self, query: str) -> dict[str, int]:
        return {"version": self.version, "compat": self.version}

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> None:
        self.patience_s[query] = timeout
        self.version += query.startswith("UPDATE schema_version")


async def test_a_step_may_write_a_large_table_anew() -> None:
    """All else has 30 s: that must not undo an upgrade, again at every start."""
    server = Server()
    long = Migration(1, "all anew", 1, "UPDATE journal SET kind = kind")
    await migrate(cast("Connection", server), [long])
    assert (server.patience_s["UPDATE journal SET kind = kind"] or 0) >= 3600


async def test_kinds_and_lanes_that_nobody_knows_are_left_as_they_are(url: str) -> None:
    """What they are is refused when it is read: no row is taken for something it is not."""
    await upgrade(url, load_migrations()[:4])
    async with connected(url) as connection:
        await connection.execute(
            "INSERT INTO spaces (space, slug, title, host, phase, private) "
            "VALUES ('s', 'talk-s', 'Talk', '@a:b', 'live', FALSE)"
        )
        await connection.execute(
            "INSERT INTO journal (space, seq, at_ms, kind, body) VALUES ('s', 1, 2, 'Odd', '{}')"
        )
        await connection.execute(
            "INSERT INTO outbox (key, queue, kind, body, due_at_ms, collapse, generation) "
            "VALUES ('k', 's|odd|slow', 'Odd', '{}', 0, FALSE, 0)"
        )
    async with opened(url) as storage:
        [row] = await storage.journal.replay(SpaceId("s"))
        with pytest.raises(CodecError, match="cannot read a stored Odd"):
            event_from(row)
        [pending] = await storage.outbox.pending(0, 9)
        assert pending.effect.queue == "s|odd|slow"
        assert Lane.read(pending.effect.queue).priority is Priority.NORMAL
        with pytest.raises(CodecError, match="cannot read a stored Odd"):
            task_from(pending.effect)


async def test_a_bridge_that_knows_no_kinds_refuses_a_database_that_has_them(url: str) -> None:
    await upgrade(url, load_migrations()[:5])
    with pytest.raises(SchemaError, match="Install the newer bridge again, or restore"):
        await upgrade(url, load_migrations()[:4])


async def test_an_older_bridge_works_with_a_newer_schema_that_allows_it(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await upgrade(url, [*load_migrations(), future(compat=NEWEST)])
    async with opened(url) as storage:
        await storage.journal.append(SPACE, [stored(1)], [], summary())
        assert await storage.directory.by_slug(summary().slug) == summary()
    assert "compatible, going on" in caplog.text
    async with connected(url) as connection:
        assert await connection.fetchval("SELECT version FROM schema_version") == NEWEST + 1


async def test_a_newer_schema_that_does_not_allow_it_is_refused(url: str) -> None:
    await upgrade(url, [*load_migrations(), future(compat=NEWEST + 1)])
    with pytest.raises(SchemaError, match=r"upgraded by a newer bridge.*Install the newer bridge"):
        async with opened(url):
            pass


async def test_a_migration_that_fails_is_undone_and_named(url: str) -> None:
    await upgrade(url, load_migrations())
    async with connected(url) as connection:
        before = await catalogue(connection)
    broken = future(1, "CREATE TABLE half (done TEXT); CREATE TABLE journal (again TEXT)")
    with pytest.raises(SchemaError, match=r"\(remember the mood\) failed and was undone"):
        await upgrade(url, [*load_migrations(), broken])
    async with connected(url) as connection:
        assert await catalogue(connection) == before
        assert await connection.fetchval("SELECT version FROM schema_version") == NEWEST
    await upgrade(url, [*load_migrations(), future(1)])


async def test_a_lost_version_number_is_not_guessed(url: str) -> None:
    await upgrade(url, load_migrations())
    async with connected(url) as connection:
        await connection.execute("DELETE FROM schema_version")
    with pytest.raises(SchemaError, match="lost the number of its schema version"):
        async with opened(url):
            pass
