"""Events and wishes as JSON bodies, and back.

The kind is the class name; ``spaces_bridge.wire.schema`` reads and writes the fields. Those that a
newer version added must have defaults: an older body is read with them. Unknown fields are an
error: a newer journal is not half read.
"""

from collections.abc import Mapping
from typing import TypeVar, get_args

from spaces_bridge.app import wishes
from spaces_bridge.app.records import Effect, JsonObject, StoredEvent
from spaces_bridge.core import events
from spaces_bridge.wire.schema import schema_of

AnyEvent = events.Event | events.SpaceCreated
_T = TypeVar("_T")


class CodecError(Exception):
    """A stored body that this version cannot read."""


_EVENTS: Mapping[str, type[AnyEvent]] = {
    cls.__name__: cls for cls in (*get_args(events.Event), events.SpaceCreated)
}
_WISHES: Mapping[str, type[wishes.Wish]] = {cls.__name__: cls for cls in get_args(wishes.Wish)}


def to_body(value: AnyEvent | wishes.Wish) -> JsonObject:
    """The JSON object of an event or a wish."""
    return schema_of(type(value)).to_json(value)


def stored(event: AnyEvent, seq: int, at_ms: int, source: str | None) -> StoredEvent:
    """The journal line of an event."""
    return StoredEvent(seq, at_ms, type(event).__name__, to_body(event), source)


def event_from(row: StoredEvent) -> AnyEvent:
    """The event of a journal line. Raises CodecError."""
    return _from_body(_EVENTS, row.kind, row.body)


def wish_from(effect: Effect) -> wishes.Wish:
    """The wish of an outbox effect. Raises CodecError."""
    return _from_body(_WISHES, effect.kind, effect.body)


def effect_of(
    wish: wishes.Wish, key: str, due_at_ms: int = 0, *, collapse: bool = False
) -> Effect:
    """The outbox effect of a wish."""
    queue = wishes.queue_of(wish)
    return Effect(key, queue, type(wish).__name__, to_body(wish), due_at_ms, collapse)


def _from_body(known: Mapping[str, type[_T]], kind: str, body: JsonObject) -> _T:
    try:
        return schema_of(known[kind]).from_json(body)
    except (KeyError, TypeError, ValueError) as error:
        raise CodecError(f"cannot read a stored {kind}: {error}") from error
