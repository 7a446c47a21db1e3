"""One value of each field's type, made from what a dataclass declares; the same at every run."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import (
    Any,
    Final,
    NewType,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from spaces_bridge.core.roles import RoleLevels

T = TypeVar("T")

_PLAIN: Final[Mapping[object, tuple[object, object]]] = {
    str: ('Ü "\n\U0001f44f', ""),
    int: (1_234_567_890_123, 0),
    bool: (True, False),
    float: (0.25, 0.0),
    bytes: (b"\x00{}\xff", b""),
    RoleLevels: (RoleLevels(90, 60, 25), RoleLevels()),
}


def example_of(cls: type[T], variant: int) -> T:
    """Give a value of this class."""
    hints, declared = get_type_hints(cls), fields(cast("Any", cls))
    return cls(**{each.name: _value_of(hints[each.name], variant) for each in declared})


def _value_of(hint: object, variant: int) -> object:
    if isinstance(hint, NewType):
        return _value_of(hint.__supertype__, variant)
    if hint in _PLAIN:
        return _PLAIN[hint][variant]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[variant]
    if is_dataclass(hint) and isinstance(hint, type):
        return example_of(hint, variant)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return None if variant else _value_of(inner[0], variant)
    if origin is tuple:
        return () if variant else (_value_of(inner[0], 0), _value_of(inner[0], 1))
    assert origin is Mapping, hint
    return {} if variant else {"one": _value_of(inner[1], 0), "two": _value_of(inner[1], 1)}
