"""One bridge per database: the second is refused and told who is there."""

import asyncio
import os
import re
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import asyncpg
import pytest

from spaces_bridge.app.errors import StorageError
from spaces_bridge.storage.sole_user import DatabaseInUse, sole_user, who_we_are
from tests.support.machine import ROOT
from tests.support.postgres import PrivatePostgres, postgres_database

pytestmark = pytest.mark.peers

_HOLDER = """
import asyncio, sys
from spaces_bridge.storage.sole_user import sole_user

async def hold():
    async with sole_user(sys.argv[1]):
        print("held", flush=True)
        await asyncio.sleep(600)

asyncio.run(hold())
"""


async def test_a_second_bridge_is_refused_and_told_who_the_first_is(url: str) -> None:
    async with sole_user(url):
        with pytest.raises(DatabaseInUse, match=re.escape(who_we_are())):
            async with sole_user(url, patience_s=0):
                pass
    async with sole_user(url, patience_s=0):
        pass


async def test_a_bridge_that_was_killed_keeps_nobody_out(url: str) -> None:
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLDER, url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert first.stdout is not None
    assert await first.stdout.readline() == b"held\n"
    with pytest.raises(DatabaseInUse, match=f"process {first.pid}"):
        async with sole_user(url, patience_s=0):
            pass
    first.kill()
    async with sole_user(url, patience_s=60):  # the server notices in its own time
        pass
    await first.wait()


async def test_other_databases_are_free(tmp_path: Path, postgres: PrivatePostgres) -> None:
    with postgres_database(postgres) as one, postgres_database(postgres) as other:
        files = (f"sqlite:{tmp_path}/a.db", f"sqlite:{tmp_path}/b.db")
        async with AsyncExitStack() as held:
            for url in (one, other, *files, "sqlite::memory:", "sqlite::memory:"):
                await held.enter_async_context(sole_user(url, patience_s=0))


async def test_a_lock_whose_file_was_deleted_is_taken_again(tmp_path: Path) -> None:
    url, lock = f"sqlite:{tmp_path}/spaces.db", tmp_path / "spaces.db.lock"
    async with sole_user(url) as holder:
        lock.unlink()
        await holder.look()
        with pytest.raises(DatabaseInUse):
            async with sole_user(url, patience_s=0):
                pass
        lock.unlink()
        async with sole_user(url, patience_s=0):
            with pytest.raises(DatabaseInUse):
                await holder.look()


async def test_schemas_of_one_database_are_apart(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("CREATE SCHEMA another")
    await connection.close()
    async with sole_user(postgres_url), sole_user(f"{postgres_url}?search_path=another"):
        with pytest.raises(DatabaseInUse):
            async with sole_user(f"{postgres_url}?search_path=another", patience_s=0):
                pass


async def _ended_by_the_server(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE application_name = $1 AND pid <> pg_backend_pid()",
        who_we_are(),
    )
    await connection.close()


async def test_a_lock_that_the_server_lost_is_taken_again(postgres_url: str) -> None:
    async with sole_user(postgres_url) as holder:
        await _ended_by_the_server(postgres_url)
        await holder.look()
        with pytest.raises(DatabaseInUse):
            async with sole_user(postgres_url, patience_s=0):
                pass


async def test_who_lost_the_database_to_another_bridge_learns_it(postgres_url: str) -> None:
    async with sole_user(postgres_url) as holder:
        await _ended_by_the_server(postgres_url)
        other = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _HOLDER, postgres_url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert other.stdout is not None
            assert await other.stdout.readline() == b"held\n"
            with pytest.raises(DatabaseInUse, match=f"process {other.pid}"):
                await holder.look()
        finally:
            other.kill()
            await other.wait()


@pytest.mark.parametrize("url", ["mysql://a/b", "sqlite:", "nonsense"])
async def test_what_is_no_database_is_refused(url: str) -> None:
    with pytest.raises(StorageError, match=r"database\.url"):
        async with sole_user(url):
            pass


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written or locked"):
        async with sole_user(f"sqlite:{tmp_path}/file/spaces.db"):
            pass


async def test_the_file_is_private_and_says_who_holds_it(tmp_path: Path) -> None:
    async with sole_user(f"sqlite:{tmp_path}/new/spaces.db"):
        lock = tmp_path / "new" / "spaces.db.lock"
        assert lock.read_text(encoding="utf-8").endswith(f"process {os.getpid()}")
        assert lock.stat().st_mode & 0o777 == 0o600
    with suppress(DatabaseInUse):
        async with sole_user(f"sqlite:{tmp_path}/new/spaces.db", patience_s=0):
            return
    pytest.fail("the lock was not given back")
