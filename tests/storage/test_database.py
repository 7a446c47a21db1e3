"""Opening, failing and recovering: what an admin is told, and what stays true."""

import asyncio
import os
import re
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from mautrix.util.async_db import Connection

from spaces_bridge.app.errors import StorageError
from spaces_bridge.storage.database import open_database
from spaces_bridge.storage.storage import Storage, open_storage
from tests.storage.support import SPACE, SetClock, effect, event, opened, stored, summary
from tests.support.postgres import PrivatePostgres

pytestmark = pytest.mark.peers


@contextmanager
def not_root() -> Iterator[None]:
    """Root may write everywhere: be somebody else for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def refusal(url: str) -> str:
    """The sentence with which opening fails; all name a reason and a way out."""
    with pytest.raises(StorageError) as caught:
        async with opened(url):
            pass
    sentence = str(caught.value)
    assert re.fullmatch(r"[A-Zd].+[a-z)]\. .+\.", sentence), sentence
    return sentence


# --- what is promised -------------------------------------------------------------------------


async def test_a_commit_on_sqlite_reaches_the_disk(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        pragmas = {
            "synchronous": 2,
            "journal_mode": "wal",
            "foreign_keys": 1,
            "busy_timeout": 5000,
        }
        for name, value in pragmas.items():
            assert await storage.pool.fetchval(f"PRAGMA {name}") == value


async def test_a_commit_on_postgresql_reaches_the_disk_whatever_the_server_prefers(
    postgres: PrivatePostgres, postgres_url: str
) -> None:
    assert postgres.execute("SHOW synchronous_commit") == "off"
    async with opened(postgres_url) as storage:
        assert await storage.pool.fetchval("SHOW synchronous_commit") == "on"


async def test_what_was_stored_is_there_when_opened_again(url: str) -> None:
    for number in range(3):
        async with opened(url) as storage:
            await storage.journal.append(SPACE, [stored(number)], [], summary())
    async with opened(url) as storage:
        assert await storage.journal.replay(SPACE) == [stored(0), stored(1), stored(2)]


async def test_a_healthy_database_says_so(storage: Storage) -> None:
    await storage.health.check()
    await storage.health.check()


async def test_the_file_and_its_folder_are_made_for_the_bridge_alone(tmp_path: Path) -> None:
    path = tmp_path / "a new folder" / "spaces ü.db"
    async with opened(f"sqlite:{path}"):
        for part in (path, path.with_name(path.name + "-wal")):
            assert stat.S_IMODE(part.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_two_that_start_at_once_make_the_tables_once(url: str) -> None:
    opened = await asyncio.gather(*(open_storage(url, SetClock()) for _ in range(4)))
    for number, storage in enumerate(opened):
        assert await storage.inbox.store([event(1)]) is (number == 0)
    for storage in opened:
        await storage.close()


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["", "spaces.db", "mysql://user:hunter2@host/db", "sqlite://spaces.db", "sqlite:", "http://["],
)
async def test_a_url_that_names_no_database_is_refused_without_showing_it(url: str) -> None:
    sentence = await refusal(url)
    assert "Write sqlite:PATH or postgres://" in sentence
    assert "hunter2" not in sentence


async def test_a_folder_that_cannot_be_written_is_named() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        with not_root():
            sentence = await refusal(f"sqlite:{folder}/spaces.db")
    assert f"{folder}/spaces.db cannot be written (Permission denied)" in sentence


async def test_a_file_that_cannot_be_written_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = f"{folder}/spaces.db"
        await (await open_storage(f"sqlite:{path}", SetClock())).close()
        os.chmod(path, 0o444)
        with not_root():
            sentence = await refusal(f"sqlite:{path}")
    assert "read-only" in sentence


async def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be opened" in await refusal(f"sqlite:{tmp_path}")


async def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written" in await refusal(f"sqlite:{tmp_path}/file/spaces.db")


async def test_a_file_of_another_kind_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "spaces.db"
    path.write_text("dear diary " * 1000)
    assert "not an SQLite database" in await refusal(f"sqlite:{path}")
    assert path.read_text() == "dear diary " * 1000


async def test_a_file_that_another_program_holds_is_refused(sqlite_url: str) -> None:
    await (await open_storage(sqlite_url, SetClock())).close()
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:"))) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "locked by another program" in await refusal(sqlite_url)


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (["CREATE TABLE state_groups_state (x TEXT)"], "another program (state_groups_state)"),
        (
            [
                "CREATE TABLE database_owner (key INTEGER PRIMARY KEY, owner TEXT)",
                "INSERT INTO database_owner VALUES (0, 'mautrix-signal')",
            ],
            "belongs to another program (mautrix-signal)",
        ),
    ],
)
async def test_another_programs_database_is_refused_and_not_touched(
    tmp_path: Path,
    postgres: PrivatePostgres,
    postgres_url: str,
    tables: list[str],
    told: str,
) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        for statement in tables:
            other.execute(statement)
        other.commit()
    before = path.read_bytes()
    assert told in await refusal(f"sqlite:{path}")
    assert path.read_bytes() == before
    name = postgres_url.rpartition("/")[2]
    postgres.execute("; ".join(tables), name)
    assert told in await refusal(postgres_url)
    found = "SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = 'public'"
    assert "journal" not in postgres.execute(found, name)


async def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    sentence = await refusal("postgres://spaces:hunter2@127.0.0.1:9/spaces")
    assert "cannot be reached" in sentence
    assert "hunter2" not in sentence


async def test_a_missing_database_and_a_refused_user_are_told_apart(
    postgres: PrivatePostgres,
) -> None:
    assert "no database of that name" in await refusal(postgres.url("nowhere"))
    stranger = postgres.url("postgres").replace("//spaces@", "//stranger@")
    assert "refuses the user or the password" in await refusal(stranger)


async def test_a_database_that_cannot_hold_every_language_is_refused(
    postgres: PrivatePostgres,
) -> None:
    name = postgres.create_database(encoding="LATIN1")
    assert "encoded as LATIN1" in await refusal(postgres.url(name))
    postgres.drop_database(name)


# --- what goes wrong later --------------------------------------------------------------------


async def test_a_full_disk_is_told_and_work_goes_on_when_there_is_room(sqlite_url: str) -> None:
    async with opened(sqlite_url) as storage:
        pages = await storage.pool.fetchval("PRAGMA page_count")
        await storage.pool.execute(f"PRAGMA max_page_count = {pages + 4}")
        with pytest.raises(StorageError, match="disk is full"):
            await storage.inbox.store([event(1, "x" * 100_000)])
        await storage.pool.execute("PRAGMA max_page_count = 1000000")
        assert await storage.inbox.store([event(1, "x" * 100_000)])


async def test_a_full_disk_of_the_server_is_told_and_nothing_is_half_stored(
    postgres: PrivatePostgres, postgres_url: str
) -> None:
    async with opened(postgres_url) as storage:
        name = postgres_url.rpartition("/")[2]
        postgres.execute(
            "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'No space left' USING ERRCODE = 'disk_full'; END $$; "
            "CREATE TRIGGER no_space BEFORE INSERT ON outbox EXECUTE FUNCTION no_space()",
            name,
        )
        with pytest.raises(StorageError, match="disk is full"):
            await storage.journal.append(SPACE, [stored(1)], [effect("a")], summary())
        assert await storage.journal.replay(SPACE) == []
        postgres.execute("DROP TRIGGER no_space ON outbox", name)
        await storage.journal.append(SPACE, [stored(1)], [effect("a")], summary())


async def test_a_commit_that_fails_leaves_no_open_transaction(sqlite_url: str) -> None:
    async def fail_at_commit(connection: Connection) -> None:
        await connection.execute("PRAGMA defer_foreign_keys = ON")
        await connection.execute("INSERT INTO journal VALUES ('nowhere', 1, 1, 'x', '{}', NULL)")

    database = await open_database(sqlite_url)
    try:
        for _ in range(2):
            with pytest.raises(StorageError):
                await database.write(fail_at_commit)
        journal = Storage(database, SetClock()).journal
        await journal.append(SPACE, [stored(1)], [], summary())
        assert await journal.replay(SPACE) == [stored(1)]
    finally:
        await database.close()


async def test_what_a_caller_gave_up_is_stored_whole(storage: Storage) -> None:
    for number in range(60):
        lines = [stored(number * 2), stored(number * 2 + 1)]
        call = asyncio.create_task(
            storage.journal.append(SPACE, lines, [effect(f"{number}")], summary())
        )
        await asyncio.sleep(number / 20_000)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    await storage.outbox.enqueue([])  # waits for its turn behind all of them
    assert [line.seq for line in await storage.journal.replay(SPACE)] == list(range(120))
    tasks = [row.effect.key for row in await storage.outbox.pending(0, 100)]
    assert tasks == [str(number) for number in range(60)]


async def test_closing_finishes_what_has_begun(url: str) -> None:
    async with opened(url) as storage:
        calls = [asyncio.create_task(storage.inbox.store([event(n)])) for n in range(50)]
        await asyncio.sleep(0)
    await storage.close()
    assert await asyncio.gather(*calls) == [True] * 50
    with pytest.raises(StorageError, match="bridge is stopping"):
        await storage.health.check()


async def test_a_number_no_database_can_hold_is_an_error_and_not_a_crash(
    storage: Storage,
) -> None:
    with pytest.raises(StorageError, match="refused what the bridge asked for"):
        await storage.journal.append(SPACE, [stored(2**70)], [], summary())
    await storage.health.check()


async def test_a_server_that_restarts_costs_errors_but_no_event() -> None:
    with PrivatePostgres() as server:
        async with opened(server.url(server.create_database())) as storage:
            await asyncio.gather(*(storage.inbox.store([event(n)]) for n in range(20)))
            server.stop()
            with pytest.raises(StorageError, match="cannot be reached"):
                await storage.inbox.store([event(20)])
            with pytest.raises(StorageError, match="cannot be reached"):
                await storage.health.check()
            server.start()
            async with asyncio.timeout(120):
                while True:
                    try:
                        await storage.inbox.store([event(20)])
                    except StorageError:
                        await asyncio.sleep(0.1)
                    else:
                        break
            assert len(await storage.inbox.pending(0, 100)) == 21
