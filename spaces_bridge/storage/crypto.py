"""The store of encryption, one table for each kind of record, in one form for all of them.

Ids of outsiders are keys here: who puts them in bounds their length (`matrix/events/envelope.py`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Generic, TypeVar, cast

from mautrix.util.async_db import Connection

from spaces_bridge.app.crypto_ports import (
    CryptoRecord,
    EncryptedRoom,
    InboundSession,
    KeyShare,
    KnownDevice,
    KnownUser,
    OlmSession,
    OutboundSession,
    OwnDevice,
    OwnIdentity,
    QueuedToDevice,
    ReadMessage,
    SyncPosition,
    VerifiedIdentity,
    WaitingEvent,
    Withheld,
)
from spaces_bridge.core.ids import UserId
from spaces_bridge.storage.database import Database
from spaces_bridge.storage.rows import Row
from spaces_bridge.storage.text import body_to_column, from_column, to_column

R = TypeVar("R")

_COLUMNS = {"user": "user_id", "index": "message_index"}
"""The columns of fields whose names are words of SQL."""


@dataclass(frozen=True)
class Table(Generic[R]):
    """The table of a kind of record: a column for each field, and the fields that are its key.

    Without a key there is one row at most.
    """

    kind: type[R]
    name: str
    key: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The record's fields, in their order."""
        return tuple(field.name for field in fields(cast("type[OwnDevice]", self.kind)))

    def upsert(self) -> str:
        """Return the statement that stores a record over one with the same key."""
        columns = [_column(name) for name in self.names]
        key = [_column(name) for name in self.key]
        values = [f"${number}" for number in range(1, len(columns) + 1)]
        if not key:
            columns, key, values = [*columns, "key"], ["key"], [*values, "0"]
        news = [f"{column} = excluded.{column}" for column in columns if column not in key]
        then = f"UPDATE SET {', '.join(news)}" if news else "NOTHING"
        return (
            f"INSERT INTO {self.name} ({', '.join(columns)}) VALUES ({', '.join(values)}) "  # noqa: S608 - our own names
            f"ON CONFLICT ({', '.join(key)}) DO {then}"
        )

    def where(self, names: Sequence[str]) -> str:
        """Return the condition that these fields have the values $1, $2, …; "" of none."""
        if unknown := set(names) - set(self.names):
            raise TypeError(f"{self.kind.__name__} has no {', '.join(unknown)}")
        tests = [f"{_column(name)} = ${number}" for number, name in enumerate(names, start=1)]
        return f" WHERE {' AND '.join(tests)}" if tests else ""

    def values(self, record: object, names: Sequence[str]) -> list[object]:
        """Return what these fields of the record are stored as."""
        return [_stored(getattr(record, name)) for name in names]

    def record(self, row: Row) -> R:
        """Return the record of a row."""
        types = {field.name: field.type for field in fields(cast("type[OwnDevice]", self.kind))}
        return self.kind(**{name: _loaded(row[_column(name)], types[name]) for name in self.names})


TABLES: Sequence[Table[CryptoRecord]] = cast(
    "Sequence[Table[CryptoRecord]]",
    (
        Table(OwnDevice, "crypto_own_device"),
        Table(OwnIdentity, "crypto_own_identity"),
        Table(SyncPosition, "crypto_sync"),
        Table(OlmSession, "crypto_olm_sessions", ("sender_key", "session")),
        Table(InboundSession, "crypto_inbound_sessions", ("room", "session", "sender_key")),
        Table(ReadMessage, "crypto_read_messages", ("session", "sender_key", "index")),
        Table(WaitingEvent, "crypto_waiting", ("event",)),
        Table(Withheld, "crypto_withheld", ("room", "session", "sender")),
        Table(QueuedToDevice, "crypto_to_device", ("txn",)),
        Table(EncryptedRoom, "crypto_rooms", ("room",)),
        Table(VerifiedIdentity, "crypto_verified", ("user",)),
        Table(KnownUser, "crypto_users", ("user",)),
        Table(KnownDevice, "crypto_known_devices", ("user", "device")),
        Table(OutboundSession, "crypto_outbound_sessions", ("room",)),
        Table(KeyShare, "crypto_key_shares", ("session", "user", "device")),
    ),
)
"""All tables. A further kind of record is a row here, a member of the union and a migration."""

_OF_DEVICE = (
    "crypto_own_device",
    "crypto_own_identity",
    "crypto_sync",
    "crypto_olm_sessions",
    "crypto_inbound_sessions",
    "crypto_read_messages",
    "crypto_withheld",
    "crypto_to_device",
    "crypto_outbound_sessions",
    "crypto_key_shares",
)
"""The tables that are worth nothing without the device they were written by."""

_WITHHELD_PRUNED = "DELETE FROM crypto_withheld WHERE received_at_ms < $1"
_PRUNED = (
    "DELETE FROM crypto_olm_sessions WHERE used_at_ms < $1",
    "DELETE FROM crypto_inbound_sessions WHERE received_at_ms < $1",
    "DELETE FROM crypto_waiting WHERE received_at_ms < $1",
    "DELETE FROM crypto_to_device WHERE created_at_ms < $1",
    "DELETE FROM crypto_outbound_sessions WHERE created_at_ms < $1",
    # who got a session's key matters for as long as the session is used
    (
        "DELETE FROM crypto_key_shares WHERE CAST($1 AS BIGINT) > 0 AND NOT EXISTS (SELECT 1 "
        "FROM crypto_outbound_sessions AS s WHERE s.session = crypto_key_shares.session)"
    ),
    # a message must stay marked as read for as long as its session can read it
    (
        "DELETE FROM crypto_read_messages WHERE at_ms < $1 AND NOT EXISTS (SELECT 1 FROM "
        "crypto_inbound_sessions AS s WHERE s.session = crypto_read_messages.session)"
    ),
)


class SqlCrypto:
    """The store of encryption. Implements the app's `CryptoStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tables = {table.kind: table for table in TABLES}

    async def apply(
        self, put: Sequence[CryptoRecord] = (), drop: Sequence[CryptoRecord] = ()
    ) -> None:
        """Store and delete records in one transaction: all or none, on disk at the return."""
        if not put and not drop:
            return

        async def work(connection: Connection) -> None:
            for record in put:
                table = self._tables[type(record)]
                await connection.execute(table.upsert(), *table.values(record, table.names))
            for record in drop:
                table = self._tables[type(record)]
                query = f"DELETE FROM {table.name}{table.where(table.key)}"  # noqa: S608
                await connection.execute(query, *table.values(record, table.key))

        await self._database.write(work)

    async def find(self, kind: type[R], **fields: str | int | bool) -> list[R]:
        """Return all records of this kind whose fields have these values, the oldest first."""
        table = cast("Table[R]", self._tables[cast("type[CryptoRecord]", kind)])
        order = " ORDER BY ordinal" if table.key else ""
        query = f"SELECT * FROM {table.name}{table.where(list(fields))}{order}"  # noqa: S608
        values = [_stored(value) for value in fields.values()]

        async def work(connection: Connection) -> list[R]:
            return [table.record(row) for row in await connection.fetch(query, *values)]

        return await self._database.read(work)

    async def find_among(self, kind: type[R], field: str, values: Sequence[str]) -> list[R]:
        """Return all records of this kind whose field has one of these values, the oldest first.

        The order holds among records that are found together, 100 values at a time.
        """
        table = cast("Table[R]", self._tables[cast("type[CryptoRecord]", kind)])
        return await self._among(table, field, values, "ordinal")

    async def olm_sessions_of(self, sender_keys: Sequence[str]) -> list[OlmSession]:
        """Return the Olm sessions with these devices, the last used first."""
        table = cast("Table[OlmSession]", self._tables[OlmSession])
        return await self._among(table, "sender_key", sender_keys, "used_at_ms DESC, ordinal DESC")

    async def _among(
        self, table: Table[R], field: str, values: Sequence[str], order: str
    ) -> list[R]:
        [column] = [_column(name) for name in table.names if name == field]
        wanted = [to_column(value) for value in dict.fromkeys(values)]

        async def work(connection: Connection) -> list[R]:
            found: list[R] = []
            for start in range(0, len(wanted), _AT_ONCE):
                some = wanted[start : start + _AT_ONCE]
                places = ", ".join(f"${number}" for number in range(1, len(some) + 1))
                query = f"SELECT * FROM {table.name} WHERE {column} IN ({places}) ORDER BY {order}"  # noqa: S608
                found += [table.record(row) for row in await connection.fetch(query, *some)]
            return found

        return await self._database.read(work)

    async def prune(self, before_ms: int, withheld_before_ms: int) -> None:
        """Delete what nothing was done with since then, and what belongs to it."""

        async def work(connection: Connection) -> None:
            await connection.execute(_WITHHELD_PRUNED, withheld_before_ms)
            for statement in _PRUNED:
                await connection.execute(statement, before_ms)

        await self._database.write(work)

    async def trim_olm_sessions(self, sender_key: str, keep: int) -> None:
        """Delete all Olm sessions with this device but the last used."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "DELETE FROM crypto_olm_sessions WHERE sender_key = $1 AND ordinal NOT IN "
                "(SELECT ordinal FROM crypto_olm_sessions WHERE sender_key = $1 "
                "ORDER BY used_at_ms DESC, ordinal DESC LIMIT $2)",
                to_column(sender_key),
                keep,
            )

        await self._database.write(work)

    async def trim_sent(
        self, kind: type[InboundSession | Withheld], sender: UserId, keep: int
    ) -> None:
        """Delete all records of this kind by this sender but the last that came."""
        name, column = self._tables[kind].name, to_column(sender)

        async def number(connection: Connection) -> int:
            query = f"SELECT COUNT(*) FROM {name} WHERE sender = $1"  # noqa: S608
            return int(await connection.fetchval(query, column))

        async def work(connection: Connection) -> None:
            await connection.execute(
                f"DELETE FROM {name} WHERE sender = $1 AND ordinal NOT IN "  # noqa: S608
                f"(SELECT ordinal FROM {name} WHERE sender = $1 "
                "ORDER BY received_at_ms DESC, ordinal DESC LIMIT $2)",
                column,
                keep,
            )

        if await self._database.read(number) > keep:  # mostly there is nothing to write
            await self._database.write(work)

    async def counts(self) -> Mapping[str, int]:
        """Return how many records each table holds, by the table's name without `crypto_`."""

        async def work(connection: Connection) -> Mapping[str, int]:
            return {
                table.name.removeprefix("crypto_"): int(
                    await connection.fetchval(f"SELECT COUNT(*) FROM {table.name}")  # noqa: S608
                )
                for table in TABLES
            }

        return await self._database.read(work)

    async def forget_device(self) -> None:
        """Delete the own device and everything that only it can use; people's identities stay."""

        async def work(connection: Connection) -> None:
            for name in _OF_DEVICE:
                await connection.execute(f"DELETE FROM {name}")  # noqa: S608

        await self._database.write(work)


_AT_ONCE = 100
"""Keys in one query; SQLite takes 999 at most."""


def _column(name: str) -> str:
    return _COLUMNS.get(name, name)


def _stored(value: object) -> object:
    if isinstance(value, Mapping):
        return body_to_column(value)
    return to_column(value) if isinstance(value, str) else value


def _loaded(value: object, kind: object) -> object:
    if isinstance(value, str):
        text = from_column(value)
        return json.loads(text) if kind == Mapping[str, object] else text
    return bool(value) if kind is bool else value
