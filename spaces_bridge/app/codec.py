"""The codec turns events and outbox tasks into JSON bodies, and back.

The tables of `spaces_bridge.app.kinds` say which class a stored kind stands for;
`spaces_bridge.wire.schema` reads and writes the fields. Fields that a newer version added must
have defaults: an older body is read with them. Unknown fields are an error: a newer journal is not
half read.
"""

from collections.abc import Mapping
from typing import TypeVar

from spaces_bridge.app import tasks
from spaces_bridge.app.kinds import EVENTS, TASKS, AnyEvent
from spaces_bridge.app.lanes import lane_of
from spaces_bridge.app.records import JsonObject, OutboxEntry, StoredEvent
from spaces_bridge.wire.schema import schema_of

_T = TypeVar("_T")


class CodecError(Exception):
    """A stored body that this version cannot read."""


def to_body(value: AnyEvent | tasks.OutboxTask) -> JsonObject:
    """Return the JSON object of an event or an outbox task."""
    return schema_of(type(value)).to_json(value)


def stored(event: AnyEvent, seq: int, at_ms: int, source: str | None) -> StoredEvent:
    """Return the journal row of an event."""
    return StoredEvent(seq, at_ms, event.stored_as, to_body(event), source)


def event_from(row: StoredEvent) -> AnyEvent:
    """Return the event of a journal row. Raises CodecError."""
    return _from_body(EVENTS, row.kind, row.body)


def task_from(effect: OutboxEntry) -> tasks.OutboxTask:
    """Return the outbox task of an outbox entry. Raises CodecError."""
    return _from_body(TASKS, effect.kind, effect.body)


def entry_of(
    task: tasks.OutboxTask, key: str, due_at_ms: int = 0, *, collapse: bool = False
) -> OutboxEntry:
    """Return the outbox entry of an outbox task."""
    queue, kind = str(lane_of(task)), task.stored_as
    return OutboxEntry(key, queue, kind, to_body(task), due_at_ms, collapse)


def record_from(cls: type[_T], body: object) -> _T:
    """Return the `cls` that a stored JSON object holds. Raises CodecError."""
    try:
        return schema_of(cls).from_json(body)
    except (AttributeError, TypeError, ValueError) as error:
        raise CodecError(f"cannot read a stored {cls.__name__}: {error}") from error


def _from_body(known: Mapping[str, type[_T]], kind: str, body: JsonObject) -> _T:
    try:
        return schema_of(known[kind]).from_json(body)
    except (KeyError, TypeError, ValueError) as error:
        raise CodecError(f"cannot read a stored {kind}: {error}") from error
