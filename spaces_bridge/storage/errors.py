"""The databases' errors in plain sentences: the problem, its cause, the remedy.

The sentences name no stored value: an error may be logged, people's words may not.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from spaces_bridge.app.errors import StorageError


class SchemaError(StorageError):
    """The tables are not ones this version of the bridge can work with."""


class DuplicateError(StorageError):
    """A row with this primary key exists."""


OUTSIDE_ERRORS = (
    sqlite3.Error,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    OverflowError,
    TimeoutError,
)
"""The errors of the drivers when the database, or the connection to it, fails."""

_DUPLICATE_CODES = frozenset(
    {sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE}
)

_DISK_FULL = (
    "The database cannot store anything because its disk is full. Free some space there: "
    "nothing stored is lost, and the bridge goes on by itself."
)
_READ_ONLY = (
    "The database cannot be written because it is read-only. Give the bridge's user the right "
    "to write to it, and to the folder of an SQLite file."
)
_RESTARTING = (
    "The PostgreSQL server is starting or stopping. Nothing needs to be done: the bridge tries "
    "again."
)

_SQLITE_SENTENCES = {
    sqlite3.SQLITE_FULL: _DISK_FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_BUSY: (
        "The database file is locked by another program. Close the other program: only one "
        "bridge may work on a database."
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "The database file cannot be opened. Check that its path exists and that the bridge's "
        "user may write there."
    ),
    sqlite3.SQLITE_NOTADB: (
        "The database file is not an SQLite database. Name another file under database.url, or "
        "move this one away."
    ),
    sqlite3.SQLITE_CORRUPT: (
        "The database file is damaged. Stop the bridge and restore the file from a backup."
    ),
    sqlite3.SQLITE_IOERR: (
        "The database file cannot be read or written because its disk reports an error. Look "
        "for disk errors in the system's log."
    ),
}

_POSTGRES_SENTENCES: dict[type[Exception], str] = {
    asyncpg.DiskFullError: _DISK_FULL,
    asyncpg.ReadOnlySQLTransactionError: _READ_ONLY,
    asyncpg.InvalidAuthorizationSpecificationError: (
        "The PostgreSQL server refuses the user or the password. Correct them under "
        "database.url, or allow the user in the server's pg_hba.conf."
    ),
    asyncpg.InvalidCatalogNameError: (
        "The PostgreSQL server has no database of that name. Create it (createdb) or correct "
        "the name under database.url."
    ),
    asyncpg.InsufficientPrivilegeError: (
        "The PostgreSQL server does not let this user create or use the tables. Make the user "
        "the owner of the database."
    ),
    asyncpg.TooManyConnectionsError: (
        "The PostgreSQL server takes no more connections. Raise its max_connections, or close "
        "other programs."
    ),
    asyncpg.CannotConnectNowError: _RESTARTING,
    asyncpg.OperatorInterventionError: _RESTARTING,
}


def sentence(error: Exception) -> str:
    """Return a sentence for admins about an error of a driver."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return _SQLITE_SENTENCES.get(
            code, "The database file could not be used. The cause is in the bridge's log."
        )
    for kind, told in _POSTGRES_SENTENCES.items():
        if isinstance(error, kind):
            return told
    if isinstance(error, OSError | TimeoutError | asyncpg.PostgresConnectionError):
        return _unreachable(error)
    return (
        f"The database refused what the bridge asked for ({type(error).__name__}). The cause is "
        "in the bridge's log."
    )


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn errors of the drivers into a StorageError with a sentence, or a DuplicateError."""
    try:
        yield
    except OUTSIDE_ERRORS as error:
        if _is_duplicate(error):
            raise DuplicateError("The database already holds this entry.") from error
        raise StorageError(sentence(error)) from error


def _unreachable(error: Exception) -> str:
    number = getattr(error, "errno", None)
    reason = os.strerror(number) if number and number > 0 else type(error).__name__
    return (
        f"The PostgreSQL server cannot be reached ({reason}). Check that it runs, and host and "
        "port under database.url."
    )


def _is_duplicate(error: Exception) -> bool:
    if isinstance(error, sqlite3.IntegrityError):
        return error.sqlite_errorcode in _DUPLICATE_CODES
    return isinstance(error, asyncpg.UniqueViolationError)
