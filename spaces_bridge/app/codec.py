"""Events and wishes as JSON bodies, and back.

The tables of ``spaces_bridge.app.kinds`` say which class a stored kind stands for. Fields that a
newer version added must have defaults: an older body is read with them. Unknown fields are an
error: a newer journal is not half read.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import NewType, TypeVar, Union, get_args, get_origin, get_type_hints

from spaces_bridge.app import wishes
from spaces_bridge.app.kinds import EVENT_KINDS, EVENTS, TASK_KINDS, TASKS, AnyEvent
from spaces_bridge.app.lanes import lane_of
from spaces_bridge.app.records import Effect, JsonObject, StoredEvent

_T = TypeVar("_T")


class CodecError(Exception):
    """A stored body that this version cannot read."""


def to_body(value: AnyEvent | wishes.Wish) -> JsonObject:
    """The JSON object of an event or a wish."""
    return asdict(value)


def stored(event: AnyEvent, seq: int, at_ms: int, source: str | None) -> StoredEvent:
    """The journal line of an event."""
    return StoredEvent(seq, at_ms, EVENT_KINDS[type(event)], to_body(event), source)


def event_from(row: StoredEvent) -> AnyEvent:
    """The event of a journal line. Raises CodecError."""
    return _from_body(EVENTS, row.kind, row.body)


def wish_from(effect: Effect) -> wishes.Wish:
    """The wish of an outbox effect. Raises CodecError."""
    return _from_body(TASKS, effect.kind, effect.body)


def effect_of(
    wish: wishes.Wish, key: str, due_at_ms: int = 0, *, collapse: bool = False
) -> Effect:
    """The outbox effect of a wish."""
    queue, kind = str(lane_of(wish)), TASK_KINDS[type(wish)]
    return Effect(key, queue, kind, to_body(wish), due_at_ms, collapse)


def record_from(cls: type[_T], body: object) -> _T:
    """The dataclass of a stored JSON object. Raises CodecError."""
    try:
        return _build(cls, body)  # type: ignore[arg-type]  # its own type is checked, too
    except (AttributeError, TypeError, ValueError) as error:
        raise CodecError(f"cannot read a stored {cls.__name__}: {error}") from error


def _from_body(known: Mapping[str, type[_T]], kind: str, body: JsonObject) -> _T:
    try:
        cls = known[kind]
        return _build(cls, body)
    except (KeyError, TypeError, ValueError) as error:
        raise CodecError(f"cannot read a stored {kind}: {error}") from error


@cache
def _hints(cls: type) -> dict[str, object]:
    return get_type_hints(cls)


def _build(cls: type[_T], body: Mapping[str, object]) -> _T:
    hints = _hints(cls)  # type: ignore[arg-type]  # a class is hashable
    unknown = body.keys() - {f.name for f in fields(cls)}  # type: ignore[arg-type]  # a dataclass
    if unknown:
        raise ValueError(f"unknown fields {sorted(unknown)}")
    return cls(**{name: _value(hints[name], value) for name, value in body.items()})


def _value(hint: object, value: object) -> object:
    if isinstance(hint, NewType):
        return _value(hint.__supertype__, value)
    if get_origin(hint) in (Union, UnionType):
        if value is None and type(None) in get_args(hint):
            return None
        return _value(next(a for a in get_args(hint) if a is not type(None)), value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return _build(hint, value)
    if get_origin(hint) is tuple and isinstance(value, list | tuple):
        return tuple(_value(get_args(hint)[0], item) for item in value)
    if get_origin(hint) is Mapping and isinstance(value, Mapping):
        item = get_args(hint)[1]
        return {str(name): _value(item, held) for name, held in value.items()}
    if hint in (str, int, bool) and type(value) is not hint:
        raise TypeError(f"expected {hint.__name__}, found {type(value).__name__}")
    if is_dataclass(hint) or get_origin(hint) in (tuple, Mapping):
        raise TypeError(f"expected {hint}, found {type(value).__name__}")
    return value
