"""One bridge per database: a lock that is free again as soon as its holder is gone, however.

A PostgreSQL server holds an advisory lock for as long as its session lives (manual, 13.3.5). For
an SQLite file it is flock(2) on a file beside it, so that it holds whatever other folders two
bridges are given. Two at once would do everything twice, and each would believe its own memory.
"""

import asyncio
import fcntl
import logging
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

import asyncpg

from spaces_bridge.app.errors import StorageError
from spaces_bridge.storage.database import is_postgres, sqlite_path
from spaces_bridge.storage.errors import OUTSIDE_ERRORS, told_plainly

log = logging.getLogger(__name__)

PATIENCE_S: Final = 3.0
"""Seconds in which a bridge that was killed a moment ago is gone."""
LOOK_EVERY_S: Final = 10.0
_RETRY_S: Final = 0.1
_ANSWER_S: Final = 10.0

_CLASS: Final = 0x73706163  # "spac"; the other half of the key is the schema's
_TAKE: Final = "SELECT pg_try_advisory_lock($1, hashtext(coalesce(current_schema(), '')))"
_HOLDER: Final = """
    SELECT activity.application_name
    FROM pg_locks lock JOIN pg_stat_activity activity USING (pid)
    WHERE lock.locktype = 'advisory' AND lock.granted AND lock.objsubid = 2
        AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND lock.classid::bigint = $1
        AND lock.objid::bigint = (hashtext(coalesce(current_schema(), ''))::bigint & 4294967295)
"""
_LONGEST_NAME: Final = 63  # bytes of an application's name; the server cuts off the rest


class DatabaseInUse(StorageError):
    """Another bridge works on the database."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        super().__init__(
            f"Another bridge works on this database: {holder or 'it does not say which'}. Stop it "
            "first, or name another database under database.url."
        )


class SoleUser(Protocol):
    """The holder of a database's lock."""

    async def look(self) -> None:
        """Take the lock again if it was lost. Raises DatabaseInUse if another bridge has it."""


async def until_taken(sole: SoleUser) -> None:
    """Look now and then. Raises DatabaseInUse once another bridge has taken the database."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        await sole.look()


@asynccontextmanager
async def sole_user(url: str, patience_s: float = PATIENCE_S) -> AsyncIterator[SoleUser]:
    """Hold the lock of the database with this URL.

    Raises DatabaseInUse if another bridge still holds it after `patience_s`, or StorageError.
    """
    lock = _lock_of(url)
    try:
        await _take(lock, patience_s)
        yield lock
    finally:
        await lock.close()


def who_we_are() -> str:
    """Return how this process is called in messages to another that wants its database."""
    host = socket.gethostname().encode()[: _LONGEST_NAME - 32].decode(errors="ignore")
    return f"spaces-bridge on {host}, process {os.getpid()}"


class _Lock(SoleUser, Protocol):
    """A lock that can be taken, and taken again."""

    async def take(self) -> None:
        """Take the lock. Raises DatabaseInUse, StorageError."""

    async def close(self) -> None:
        """Give it back."""


def _lock_of(url: str) -> _Lock:
    if is_postgres(url):
        return _PostgresSession(url)
    path = sqlite_path(url)
    return _InMemory() if path is None else _FileLock(path)


async def _take(lock: _Lock, patience_s: float) -> None:
    until = time.monotonic() + patience_s
    while True:
        try:
            await lock.take()
        except DatabaseInUse:
            if time.monotonic() >= until:
                raise
            await asyncio.sleep(_RETRY_S)
        else:
            return


class _InMemory:
    """A database in memory is nobody else's."""

    async def take(self) -> None:
        pass

    async def look(self) -> None:
        pass

    async def close(self) -> None:
        pass


class _FileLock:
    """The lock of an SQLite file; the file beside it says who holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.lock")
        self._handle: int | None = None
        self._said = False

    async def take(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(handle, 0)
            os.pwrite(handle, who_we_are().encode(), 0)
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode(errors="replace")
            os.close(handle)
            raise DatabaseInUse(holder) from None
        except OSError as error:
            os.close(handle)
            raise self._unusable(error) from error
        await self.close()
        self._handle = handle

    async def look(self) -> None:
        if not self._is_held():
            try:
                await self.take()
            except DatabaseInUse:
                raise
            except StorageError as error:
                if not self._said:
                    log.warning("%s", error)
                self._said = True

    def _is_held(self) -> bool:
        """Whether the file that we locked is still the one that others would lock."""
        try:
            there = self._path.stat()
        except OSError:
            return False
        return self._handle is not None and os.path.samestat(there, os.fstat(self._handle))

    async def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _unusable(self, error: OSError) -> StorageError:
        return StorageError(
            f"The file {self._path}, which keeps a second bridge from this database, cannot be "
            f"written or locked ({error.strerror}). Give the bridge's user the right to write to "
            "the folder, and keep the database on a local disk."
        )


class _PostgresSession:
    """The session that holds the lock of a PostgreSQL database, opened anew when it was lost."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._said = False

    async def take(self) -> None:
        with told_plainly():
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(
                    self._url,
                    timeout=_ANSWER_S,
                    command_timeout=_ANSWER_S,
                    server_settings={"application_name": who_we_are()},
                )
            if not await self._connection.fetchval(_TAKE, _CLASS):
                raise DatabaseInUse(str(await self._connection.fetchval(_HOLDER, _CLASS) or ""))

    async def look(self) -> None:
        if await self._is_held():
            return
        try:
            await self.take()
        except DatabaseInUse as error:
            # the server may not have noticed yet that the session before is gone
            if error.holder not in ("", who_we_are()):
                raise
            if not self._said:
                log.warning("the lock of the database is not ours again yet: %s", error)
            self._said = True
        except StorageError:
            return  # the database is away: others say so
        else:
            self._said = False
            log.info("the lock of the database is ours again")

    async def close(self) -> None:
        """End the session, and the lock with it."""
        if self._connection is not None:
            with suppress(*OUTSIDE_ERRORS):
                await self._connection.close(timeout=1.0)
            self._connection = None

    async def _is_held(self) -> bool:
        if self._connection is None or self._connection.is_closed() or self._said:
            return False
        try:
            await self._connection.execute("SELECT 1")
        except OUTSIDE_ERRORS:
            self._connection.terminate()
            return False
        return True
