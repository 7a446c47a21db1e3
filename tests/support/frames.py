"""Holds frames of the live feed to their tables."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Literal,
    NotRequired,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from spaces_bridge.web.frames.server import ServerFrame


def held(frame: Mapping[str, object]) -> str:
    """The table that a frame of the server fits, by name. Fails when it fits none, or several."""
    found = [str(table.__name__) for table in get_args(ServerFrame) if fits(frame, table)]
    assert len(found) == 1, (found, str(frame)[:1000])
    return found[0]


def untabled(frame: Mapping[str, object]) -> ServerFrame:
    """What no server of ours sends, to be sent all the same."""
    return cast("ServerFrame", frame)


def fits(value: object, hint: object) -> bool:
    """Whether a value is what the type says: every field that must be there, and no other."""
    origin, inner = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and is_typeddict(hint):
        return _fits_table(value, hint)
    if origin is NotRequired:
        return fits(value, inner[0])
    if origin is Annotated:
        return fits(value, inner[0]) and _is_listed(value, getattr(hint, "__metadata__", ()))
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in inner)
    if origin is list:
        return isinstance(value, list) and all(fits(one, inner[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(one, inner[1]) for one in value.values())
    if origin in (Union, UnionType):
        return any(fits(value, one) for one in inner)
    assert hint in (str, int, bool, NoneType), hint
    return type(value) is hint or (hint is str and isinstance(value, str))


def _fits_table(value: object, table: type) -> bool:
    if not isinstance(value, dict):
        return False
    hints = get_type_hints(table, include_extras=True)
    required = {key for key, hint in hints.items() if get_origin(hint) is not NotRequired}
    if not required <= value.keys() <= hints.keys():
        return False
    return all(fits(value[key], hints[key]) for key in value)


def _is_listed(value: object, notes: tuple[object, ...]) -> bool:
    """Whether a text is among those that the field's enum names."""
    enums = [note for note in notes if isinstance(note, type) and issubclass(note, Enum)]
    if not enums or not isinstance(value, str):
        return True
    return value in {_text(member) for enum in enums for member in enum}


def _text(member: Enum) -> str:
    return member.value if isinstance(member, StrEnum) else member.name.lower()
