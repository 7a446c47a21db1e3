"""Prepare the SQLite file before it is opened: private, writable, and not another program's."""

import glob
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from spaces_bridge.app.errors import StorageError
from spaces_bridge.storage.errors import told_plainly
from spaces_bridge.storage.migrate import OWNER_TABLE, check_owner

IN_MEMORY = ":memory:"
RESCUED = ".rescued-"
"""The infix of a copy's name, between the lost file's name and the time of the copy."""
_PATIENCE_S = 5.0


def prepare_file(path: str) -> None:
    """Make the SQLite file if there is none, and make sure that it can be written.

    This blocks; run it in a thread. Raises StorageError, and then nothing in the file is changed.
    """
    if path == IN_MEMORY:
        return
    _refuse_loss(Path(path))
    _create_private(Path(path))
    with told_plainly(), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        tables = {
            str(name)
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        }
        owner = None
        if OWNER_TABLE in tables:
            row = connection.execute("SELECT owner FROM database_owner WHERE key = 0").fetchone()
            owner = row[0] if row else None
        check_owner(tables, owner)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
        mode = _keep_a_log(connection)
    if mode != "wal":
        raise StorageError(
            f"The file system of {path} cannot hold SQLite's write-ahead log. Keep the database "
            "on a local disk, or use PostgreSQL."
        )


def _keep_a_log(connection: sqlite3.Connection) -> str:
    """Turn the write-ahead log on; return the journal mode the file has then.

    Two processes that do so at once find the file locked, and SQLite does not wait here by itself.
    """
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return str(mode)


def _refuse_loss(path: Path) -> None:
    """Refuse to begin with an empty file beside the copy of a lost one. Raises StorageError."""
    copies = sorted(path.parent.glob(f"{glob.escape(path.name)}{RESCUED}*"))
    if copies and not path.exists():
        raise StorageError(
            f"The database file {path} is missing, but a copy was rescued when it was lost. "
            f"Rename {copies[-1]} to {path.name} to go on with it, or move it elsewhere to begin "
            "anew."
        )


def _create_private(path: Path) -> None:
    # Only a new file is touched here: closing a second handle of a file would drop the locks
    # that SQLite holds on it in this process.
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError as error:
        if not path.exists():
            raise StorageError(_cannot_write(path, error)) from error
    except OSError as error:
        raise StorageError(_cannot_write(path, error)) from error


def _cannot_write(path: Path, error: OSError) -> str:
    return (
        f"The database file {path} cannot be written ({error.strerror}). Give the bridge's user "
        "the right to write to the folder, or name another path under database.url."
    )
