"""The watch of an open store: whether its file was deleted, replaced or cut off, or its owner row
is gone.

SQLite goes on writing to a file that has no name any more: nobody would notice until the next
start, when everything is gone. A copy is written beside the file while it can still be read.
"""

import asyncio
import logging
import os
import shutil
import time
from pathlib import Path
from typing import Final, NamedTuple

from mautrix.util.async_db import Connection

from spaces_bridge.app.errors import StorageError
from spaces_bridge.storage.database import Database
from spaces_bridge.storage.migrate import OWNER
from spaces_bridge.storage.sqlite_file import RESCUED

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 10.0
COPY_EVERY_S: Final = 60.0
"""The pause between copies of a lost file; the last is written when the store is closed."""
SPARE_BYTES: Final = 64 << 20
"""The space on the disk that a copy leaves free."""


class _Identity(NamedTuple):
    """The identity of the file that has a name, and its size in bytes."""

    device: int
    inode: int
    size: int


class StoreWatch:
    """The watch of one open database. `path`: its SQLite file, None where there is none."""

    def __init__(self, database: Database, path: Path | None) -> None:
        self._database = database
        self._path = path
        self._opened = _identity(path) if path is not None else None
        self._log = _identity(_log_of(path)) if path is not None else None
        self._copy: Path | None = None
        self._copied_at = 0.0
        self._said = False
        self._closed = False

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Check once; log a failure once, and keep a copy of what can still be read."""
        try:
            await self.check()
        except StorageError as error:
            if not self._said:
                log.error("%s", error)
            self._said = True
            await self._rescue(COPY_EVERY_S)
        else:
            self._said = False

    async def close(self) -> None:
        """Write the last copy of a store that is lost, before it is closed."""
        if self._lost() is not None:
            await self._rescue(0.0)
        self._closed = True

    async def check(self) -> None:
        """Check that the store is the one that was opened. Raises StorageError if it is not."""
        lost = self._lost()
        if lost is not None:
            kept = f" What it held is in {self._copy}." if self._copy is not None else ""
            raise StorageError(
                f"The database file {self._path} {lost} while the bridge runs: what is stored now "
                f"is lost at the next start.{kept} Stop the bridge, put the file back, start it."
            )
        await self._database.read(self._check_owner if self._path is None else self._check_size)

    def _lost(self) -> str | None:
        if self._path is None or self._opened is None or self._closed:
            return None
        now = _identity(self._path)
        if now is None:
            return "was deleted"
        if now[:2] != self._opened[:2]:
            return "was replaced by another one"
        ahead = _identity(_log_of(self._path))
        if self._log is not None and (ahead is None or ahead[:2] != self._log[:2]):
            return "has lost its write-ahead log (-wal)"
        self._log = ahead
        if not os.access(self._path, os.R_OK | os.W_OK):
            return "may not be read and written any more"
        return None

    async def _check_owner(self, connection: Connection) -> None:
        """Check the owner row: a schema dropped and made anew has another, or none."""
        owner = await connection.fetchval("SELECT owner FROM database_owner WHERE key = 0")
        if owner != OWNER:
            raise StorageError(
                "The database is not the bridge's any more: its tables were emptied or replaced. "
                "Stop the bridge and restore them from a backup."
            )

    async def _check_size(self, connection: Connection) -> None:
        """Check a file that became smaller: it was cut off, unless somebody has vacuumed it."""
        if self._path is None or self._opened is None:
            return
        now = _identity(self._path)
        if now is not None and now.size < self._opened.size:
            found = await connection.fetchval("PRAGMA quick_check(1)")
            if found != "ok":
                raise StorageError(
                    f"The database file {self._path} is damaged: a part of it is missing. Stop "
                    "the bridge and restore it from a backup."
                )
        self._opened = now or self._opened

    async def _rescue(self, every_s: float) -> None:
        """Write a copy, unless there is a younger one, or no space for it."""
        path, now = self._path, time.monotonic()
        if path is None or (self._copy is not None and now - self._copied_at < every_s):
            return
        copy = self._copy or path.with_name(path.name + RESCUED + time.strftime("%Y%m%d-%H%M%S"))
        part = copy.with_name(f"{copy.name}.part")
        try:
            await self._write_copy(part)
            part.replace(copy)
        except (StorageError, OSError) as error:
            log.error("what the database held cannot be copied: %s", error)
            part.unlink(missing_ok=True)
            return
        if self._copy is None:
            log.warning("what the database held is in %s", copy)
        self._copy, self._copied_at = copy, now

    async def _write_copy(self, part: Path) -> None:
        _clear(part)

        async def work(connection: Connection) -> None:
            pages = int(await connection.fetchval("PRAGMA page_count"))
            needed = pages * int(await connection.fetchval("PRAGMA page_size")) + SPARE_BYTES
            if shutil.disk_usage(part.parent).free < needed:
                raise StorageError("There is no room for it on the disk.")
            # made here to be private; VACUUM INTO may write into an empty file
            os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            await connection.execute("VACUUM INTO $1", str(part))

        await self._database.read(work)


def _clear(part: Path) -> None:
    part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part.unlink(missing_ok=True)


def _identity(path: Path) -> _Identity | None:
    """Return the file's identity, None without a file. It is not opened: see `sqlite_file`."""
    try:
        found = path.stat()
    except OSError:
        return None
    return _Identity(found.st_dev, found.st_ino, found.st_size)


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
