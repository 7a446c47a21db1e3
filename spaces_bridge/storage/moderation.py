"""The stores of block lists, of policy lists' rules, and of reports."""

import asyncio
from collections.abc import Callable, Sequence

from mautrix.util.async_db import Connection

from spaces_bridge.app.records import Block, OutboxEntry, PolicyRule, Report
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.storage.database import Database
from spaces_bridge.storage.outbox import insert_effects
from spaces_bridge.storage.rows import Row
from spaces_bridge.storage.text import from_column, index_key, to_column


class SqlBlocks:
    """The store of block lists. Implements the app's `Blocks`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, block: Block) -> None:
        """Store a block; it replaces one with the same host and target."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "INSERT INTO blocks (host, target, blocked_by, reason, at_ms) "
                "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (host, target) DO UPDATE "
                "SET blocked_by = excluded.blocked_by, reason = excluded.reason, "
                "at_ms = excluded.at_ms",
                to_column(block.host),
                to_column(block.target),
                to_column(block.by),
                to_column(block.reason),
                block.at_ms,
            )

        await self._database.write(work)

    async def drop(self, host: UserId, target: str) -> bool:
        """Delete a block. False: the target was not blocked."""
        pair = to_column(host), to_column(target)

        async def work(connection: Connection) -> bool:
            found = await connection.fetchrow(
                "SELECT 1 FROM blocks WHERE host = $1 AND target = $2", *pair
            )
            await connection.execute("DELETE FROM blocks WHERE host = $1 AND target = $2", *pair)
            return found is not None

        return await self._database.write(work)

    async def all(self) -> list[Block]:
        """Return the blocks of all hosts."""

        async def work(connection: Connection) -> list[Block]:
            return [_block(row) for row in await connection.fetch("SELECT * FROM blocks")]

        return await self._database.read(work)


class SqlPolicyRules:
    """The store of policy lists' rules. Implements the app's `PolicyRules`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, rule: PolicyRule) -> None:
        """Store a rule; it replaces one with the same room, kind and key."""

        async def work(connection: Connection) -> None:
            await _put_rule(connection, rule)

        await self._database.write(work)

    async def drop(self, room: RoomId, kind: str, key: str) -> bool:
        """Delete a rule. False: there was no such rule."""
        place = to_column(room), to_column(kind), to_column(key)

        async def work(connection: Connection) -> bool:
            where = "WHERE room = $1 AND kind = $2 AND rule_key = $3"
            found = await connection.fetchrow(f"SELECT 1 FROM policy_rules {where}", *place)  # noqa: S608 - our own text
            await connection.execute(f"DELETE FROM policy_rules {where}", *place)  # noqa: S608
            return found is not None

        return await self._database.write(work)

    async def replace(self, room: RoomId, rules: Sequence[PolicyRule]) -> None:
        """Replace all rules of one list."""

        async def work(connection: Connection) -> None:
            await connection.execute("DELETE FROM policy_rules WHERE room = $1", to_column(room))
            for rule in rules:
                await _put_rule(connection, rule)

        await self._database.write(work)

    async def all(self) -> list[PolicyRule]:
        """Return the rules of all lists."""

        async def work(connection: Connection) -> list[PolicyRule]:
            return [_rule(row) for row in await connection.fetch("SELECT * FROM policy_rules")]

        return await self._database.read(work)


class SqlReports:
    """The store of reports. Implements the app's `Reports`; `order` is shared with the outbox."""

    def __init__(self, database: Database, order: asyncio.Lock) -> None:
        self._database = database
        self._order = order

    async def file(
        self, report: Report, source: str, then: Callable[[int], OutboxEntry] | None = None
    ) -> int:
        """Store a report once per `source`, with the outbox task made of its id; return the id."""

        async def work(connection: Connection) -> int:
            await connection.execute(
                "INSERT INTO reports (source, space, reporter, reported, reason, context, at_ms) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (source) DO NOTHING",
                index_key(source),
                to_column(report.space),
                to_column(report.reporter),
                to_column(report.reported),
                to_column(report.reason),
                to_column(report.context),
                report.at_ms,
            )
            query = "SELECT id FROM reports WHERE source = $1"
            number = int(await connection.fetchval(query, index_key(source)))
            await insert_effects(connection, [] if then is None else [then(number)])
            return number

        return await self._database.write(work, self._order)

    async def is_filed(self, source: str) -> bool:
        """Return whether a report of this `source` is stored."""

        async def work(connection: Connection) -> bool:
            query = "SELECT count(*) FROM reports WHERE source = $1"
            return bool(await connection.fetchval(query, index_key(source)))

        return await self._database.read(work)

    async def filed_by(self, reporter: UserId, since_ms: int) -> int:
        """Return how many reports this person has filed since then."""

        async def work(connection: Connection) -> int:
            query = "SELECT count(*) FROM reports WHERE reporter = $1 AND at_ms > $2"
            return int(await connection.fetchval(query, to_column(reporter), since_ms))

        return await self._database.read(work)

    async def reporters_in(self, space: SpaceId, since_ms: int) -> list[UserId]:
        """Return the reporters in this live space since then, one for each report."""

        async def work(connection: Connection) -> list[UserId]:
            query = "SELECT reporter FROM reports WHERE space = $1 AND at_ms > $2"
            rows = await connection.fetch(query, to_column(space), since_ms)
            return [UserId(from_column(row["reporter"])) for row in rows]

        return await self._database.read(work)

    async def find(self, report: int) -> Report | None:
        """Return the report with this id, None without one."""

        async def work(connection: Connection) -> Report | None:
            row = await connection.fetchrow("SELECT * FROM reports WHERE id = $1", report)
            return None if row is None else _report(row)

        return await self._database.read(work)

    async def listing(self, limit: int) -> list[Report]:
        """Return reports, the newest first."""

        async def work(connection: Connection) -> list[Report]:
            found = await connection.fetch(
                "SELECT * FROM reports ORDER BY id DESC LIMIT $1", limit
            )
            return [_report(row) for row in found]

        return await self._database.read(work)


async def _put_rule(connection: Connection, rule: PolicyRule) -> None:
    await connection.execute(
        "INSERT INTO policy_rules (room, kind, rule_key, entity, reason) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (room, kind, rule_key) DO UPDATE "
        "SET entity = excluded.entity, reason = excluded.reason",
        to_column(rule.room),
        to_column(rule.kind),
        to_column(rule.key),
        to_column(rule.entity),
        to_column(rule.reason),
    )


def _block(row: Row) -> Block:
    return Block(
        host=UserId(from_column(row["host"])),
        target=from_column(row["target"]),
        by=UserId(from_column(row["blocked_by"])),
        reason=from_column(row["reason"]),
        at_ms=row["at_ms"],
    )


def _rule(row: Row) -> PolicyRule:
    return PolicyRule(
        room=RoomId(from_column(row["room"])),
        kind=from_column(row["kind"]),
        key=from_column(row["rule_key"]),
        entity=from_column(row["entity"]),
        reason=from_column(row["reason"]),
    )


def _report(row: Row) -> Report:
    return Report(
        id=row["id"],
        space=SpaceId(from_column(row["space"])),
        reporter=UserId(from_column(row["reporter"])),
        reported=UserId(from_column(row["reported"])),
        reason=from_column(row["reason"]),
        context=from_column(row["context"]),
        at_ms=row["at_ms"],
    )
