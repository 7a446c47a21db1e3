"""The database, an SQLite file or a PostgreSQL server: open, read, write, close."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TypeVar

from mautrix.util.async_db import Connection, Scheme
from mautrix.util.async_db import Database as Pool
from yarl import URL

from spaces_bridge.app.errors import StorageError
from spaces_bridge.storage.errors import told_plainly
from spaces_bridge.storage.migrate import migrate
from spaces_bridge.storage.sqlite_file import IN_MEMORY, prepare_file
from spaces_bridge.storage.transactions import transaction

_T = TypeVar("_T")
_Work = Callable[[Connection], Awaitable[_T]]

_OLDEST_SQLITE = (3, 35, 0)  # RETURNING
_POSTGRES_SCHEMES = frozenset({"postgres", "postgresql"})
_SQLITE_SCHEMES = frozenset({"sqlite", "sqlite3"})

_SQLITE_ARGS = {
    # One connection: SQLite has one writer, and a queue in front of it never finds it locked.
    "min_size": 1,
    "init_commands": [
        "PRAGMA busy_timeout = 5000",
        "PRAGMA foreign_keys = ON",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",  # NORMAL may lose the last commits to a power cut
    ],
}
_POSTGRES_ARGS = {
    "min_size": 1,
    "max_size": 4,
    "timeout": 10.0,
    "command_timeout": 30.0,
    "server_settings": {"application_name": "spaces-bridge", "synchronous_commit": "on"},
    "meow_exit_on_ice": False,  # mautrix would end the program on an error of the driver
}


class Database:
    """The database runs pieces of work, each whole or not at all.

    Work that has begun is finished even when its caller is cancelled, so that no connection is
    left in the middle of a transaction.
    """

    def __init__(self, pool: Pool, path: Path | None = None) -> None:
        self._pool = pool
        self.path = path
        """The SQLite file; None for a server, or a database in memory."""
        self._running: set[asyncio.Task[object]] = set()
        self._closed = False

    @property
    def pool(self) -> Pool:
        """mautrix's pool, for its stores that keep tables in the same database."""
        return self._pool

    async def read(self, work: _Work[_T]) -> _T:
        """Run queries on one connection. Raises StorageError."""
        return await self._finish(self._read(work))

    async def write(self, work: _Work[_T], order: asyncio.Lock | None = None) -> _T:
        """Run work in one transaction, on disk before this returns. Raises StorageError.

        Holders of the same `order` commit one after the other, so that ids become visible in
        the order in which they were given out.
        """
        return await self._finish(self._write(work, order))

    async def close(self) -> None:
        """Finish the work that runs, and close. Safe to repeat."""
        if self._closed:
            return
        self._closed = True
        if self._running:
            await asyncio.wait(self._running)
        with told_plainly():
            await self._pool.stop()

    async def _finish(self, work: Coroutine[object, object, _T]) -> _T:
        if self._closed:
            work.close()
            raise StorageError("The database is closed because the bridge is stopping.")
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _read(self, work: _Work[_T]) -> _T:
        with told_plainly():
            async with self._pool.acquire_direct() as connection:
                return await work(connection)

    async def _write(self, work: _Work[_T], order: asyncio.Lock | None) -> _T:
        async with order or asyncio.Lock():
            with told_plainly():
                async with self._pool.acquire_direct() as connection, transaction(connection):
                    return await work(connection)


async def open_database(url: str) -> Database:
    """Open a database by its URL and bring the tables up to date.

    `url`: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`. Raises SchemaError for
    tables this version cannot work with, StorageError for everything else that is wrong.
    """
    parsed = _parse(url)
    if parsed.scheme in _SQLITE_SCHEMES:
        # The driver logs the values of every statement when it is asked for debug lines.
        logging.getLogger("aiosqlite").setLevel(logging.WARNING)
        await asyncio.to_thread(prepare_file, parsed.path)
        pool = Pool.create(parsed, db_args=dict(_SQLITE_ARGS))
    else:
        pool = Pool.create(parsed, db_args=dict(_POSTGRES_ARGS))
    try:
        with told_plainly():
            await pool.start()
            async with pool.acquire_direct() as connection:
                await _check_encoding(connection)
                await migrate(connection)
    except BaseException:
        await pool.stop()
        raise
    is_file = parsed.scheme in _SQLITE_SCHEMES and parsed.path != IN_MEMORY
    return Database(pool, Path(parsed.path) if is_file else None)


def is_postgres(url: str) -> bool:
    """Return whether a URL names a PostgreSQL database. Raises StorageError if it names none."""
    return _parse(url).scheme in _POSTGRES_SCHEMES


def sqlite_path(url: str) -> Path | None:
    """Return the file of an SQLite URL; None for one in memory. Raises StorageError."""
    path = _parse(url).path
    return None if path == IN_MEMORY else Path(path)


def _parse(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError as error:
        raise StorageError(_unknown_url()) from error
    if parsed.scheme in _POSTGRES_SCHEMES:
        return parsed
    if parsed.scheme not in _SQLITE_SCHEMES or parsed.host or not parsed.path:
        raise StorageError(_unknown_url())
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StorageError(
            f"This Python brings SQLite {sqlite3.sqlite_version}, which is too old: 3.35 or "
            "newer is needed. Use a newer Python, or PostgreSQL."
        )
    return parsed


def _unknown_url() -> str:
    # The URL itself may hold a password.
    return (
        "database.url names no database the bridge knows. Write sqlite:PATH or "
        "postgres://USER:PASSWORD@HOST/DATABASE."
    )


async def _check_encoding(connection: Connection) -> None:
    if connection.scheme != Scheme.POSTGRES:
        return
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise StorageError(
            f"The PostgreSQL database is encoded as {encoding}, which cannot hold every "
            "language. Create it with: createdb --encoding=UTF8 --template=template0 NAME."
        )
