"""The migration step that turns old notes into typed records."""

import logging
import time
from collections import Counter

from mautrix.util.async_db import Connection

from spaces_bridge.storage.old_note_forms import converted
from spaces_bridge.storage.text import body_to_column, from_column, key_to_column, to_column

BATCH = 1000

_INSERT = """
    INSERT INTO note_records (kind, key, body, space, written_at_ms) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (kind, key) DO NOTHING
"""

log = logging.getLogger(__name__)


async def convert(connection: Connection) -> None:
    """Move every old note into its typed record, and drop the old table."""
    lost: Counter[str] = Counter()
    after = ""
    while True:
        rows = await connection.fetch(
            "SELECT name, value, at_ms FROM notes WHERE name > $1 ORDER BY name LIMIT $2",
            after,
            BATCH,
        )
        if not rows:
            break
        after = rows[-1]["name"]
        for row in rows:
            await _convert(connection, row["name"], row["value"], row["at_ms"], lost)
    for prefix, number in lost.items():
        log.warning("%d notes of before (%s) cannot be read and are left out", number, prefix)
    await connection.execute("DROP TABLE notes")


async def _convert(
    connection: Connection, name: str, value: str, at_ms: int, lost: Counter[str]
) -> None:
    try:
        record = converted(from_column(name), from_column(value))
    except (ValueError, TypeError, KeyError, AttributeError):
        lost[name.partition(":")[0]] += 1
        return
    if record is not None:
        await connection.execute(
            _INSERT,
            record.kind,
            key_to_column(record.key),
            body_to_column(record.body),
            None if record.space is None else to_column(record.space),
            # The first version did not note the age of notes: they count as written now.
            at_ms or int(time.time() * 1000),
        )
