"""Dataclasses as JSON objects, and back. Pure.

A schema is made once from the types that a class declares. Every value is checked against them, so
what was read is what the class says. A field with a default may be missing: an older version wrote
the object. A field that the class does not have is an error: a newer object is not half read.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from operator import attrgetter
from types import UnionType
from typing import (
    Any,
    Final,
    Generic,
    NewType,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

T = TypeVar("T")

_Reader: TypeAlias = Callable[[object], object]
_Writer: TypeAlias = Callable[[Any], object]


class BadValue(ValueError):
    """A bad value: JSON that is not what the type of its field says."""


class Schema(Generic[T]):
    """A schema reads and writes the JSON objects of one dataclass."""

    def __init__(self, cls: type[T]) -> None:
        """Raises TypeError if the class has a field that has no place in JSON."""
        hints, declared = get_type_hints(cls), fields(cast("Any", cls))
        self._cls = cls
        self._readers = {each.name: _reader_of(hints[each.name]) for each in declared}
        self._writers = tuple((each.name, _writer_of(hints[each.name])) for each in declared)
        self._required = frozenset(each.name for each in declared if not _has_default(each))
        sound = [each.name for each in declared if hints[each.name] is bytes]
        if len(sound) > 1:
            raise TypeError(f"{cls.__name__} has more than one field of bytes")
        self.bytes_field: Final = sound[0] if sound else None
        """The one field that is bytes: the caller keeps it out of the JSON text."""

    def to_json(self, value: T) -> dict[str, object]:
        """Return the object, made of what JSON has (and of the one field of bytes)."""
        body: dict[str, object] = {}
        for name, write in self._writers:
            held = getattr(value, name)
            body[name] = held if write is None else write(held)
        return body

    def from_json(self, body: object) -> T:
        """Make the value of an object. Raises BadValue, or what the class itself raises."""
        if not isinstance(body, dict):
            raise BadValue(f"expected an object, found {type(body).__name__}")
        readers = self._readers
        if body.keys() != readers.keys():
            self._check_names(body)
        return self._cls(**{name: readers[name](value) for name, value in body.items()})

    def _check_names(self, body: Mapping[str, object]) -> None:
        if unknown := body.keys() - self._readers.keys():
            raise BadValue(f"unknown fields {sorted(unknown)}")
        if missing := self._required - body.keys():
            raise BadValue(f"missing fields {sorted(missing)}")


_SCHEMAS: Final[dict[type, Schema[Any]]] = {}


def schema_of(cls: type[T]) -> Schema[T]:
    """Return the schema of a dataclass, made at its first use."""
    known = _SCHEMAS.get(cls)
    if known is None:
        known = _SCHEMAS[cls] = Schema(cls)
    return known


def _has_default(field: "Field[Any]") -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _is_optional(hint: object) -> bool:
    return get_origin(hint) in (Union, UnionType) and type(None) in get_args(hint)


def _inner(hint: object) -> object:
    """Return the type that an optional field has when it is not None. Raises TypeError."""
    inner = [each for each in get_args(hint) if each is not type(None)]
    if len(inner) != 1:
        raise _no_place(hint)
    return inner[0]


def _no_place(hint: object) -> TypeError:
    return TypeError(f"{hint} has no place in JSON")


# --- reading ---------------------------------------------------------------------------------


def _reader_of(hint: object) -> _Reader:
    """Make the function that checks and reads a value of this declared type."""
    if isinstance(hint, NewType):
        return _reader_of(hint.__supertype__)
    if hint is float:
        return _number
    if isinstance(hint, type) and hint in (str, int, bool, bytes):
        return _exactly(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _member_of(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return schema_of(hint).from_json
    if _is_optional(hint):
        return _optional(_reader_of(_inner(hint)))
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple and inner[1:] == (...,):
        return _tuple_of(_reader_of(inner[0]))
    if origin is Mapping:
        return _mapping_of(_reader_of(inner[1]))
    raise _no_place(hint)


def _exactly(kind: type) -> _Reader:
    def read(value: object) -> object:
        if type(value) is not kind:
            raise BadValue(f"expected {kind.__name__}, found {type(value).__name__}")
        return value

    return read


def _member_of(kind: type[Enum]) -> _Reader:
    def read(value: object) -> object:
        try:
            return kind(value)
        except ValueError as error:
            raise BadValue(str(error)) from error

    return read


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue(f"expected a number, found {type(value).__name__}")
    return float(value)


def _optional(inner: _Reader) -> _Reader:
    return lambda value: None if value is None else inner(value)


def _tuple_of(item: _Reader) -> _Reader:
    def read(value: object) -> object:
        if not isinstance(value, list):
            raise BadValue(f"expected a list, found {type(value).__name__}")
        return tuple(map(item, value))

    return read


def _mapping_of(item: _Reader) -> _Reader:
    def read(value: object) -> object:
        if not isinstance(value, dict):
            raise BadValue(f"expected an object, found {type(value).__name__}")
        return {key: item(each) for key, each in value.items()}

    return read


# --- writing ---------------------------------------------------------------------------------


def _writer_of(hint: object) -> _Writer | None:
    """Make the function that writes a value of this declared type; None if it is JSON as it is."""
    if isinstance(hint, NewType):
        return _writer_of(hint.__supertype__)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return attrgetter("value")
    if isinstance(hint, type) and is_dataclass(hint):
        return schema_of(hint).to_json
    if _is_optional(hint):
        inner = _writer_of(_inner(hint))
        return None if inner is None else _written_optional(inner)
    if get_origin(hint) is tuple:
        return _written_list(_writer_of(get_args(hint)[0]))
    if get_origin(hint) is Mapping:
        return _written_object(_writer_of(get_args(hint)[1]))
    return None


def _written_optional(inner: _Writer) -> _Writer:
    return lambda value: None if value is None else inner(value)


def _written_list(item: _Writer | None) -> _Writer:
    return list if item is None else lambda value: [item(each) for each in value]


def _written_object(item: _Writer | None) -> _Writer:
    if item is None:
        return dict
    return lambda value: {key: item(each) for key, each in value.items()}
