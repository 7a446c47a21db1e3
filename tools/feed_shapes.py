"""The shapes of the live feed's frames, read from their tables for documents and types."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

FIRST = ("type", "id", "name")
"""The fields that stand ahead of the others, in this order."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a frame, or of an object within frames."""

    name: str
    about: str
    """The sentence that says what the frame tells or asks for."""

    whom: str
    """The people who get the frame, or who may send it; empty for objects."""

    fields: tuple["Field", ...]

    @property
    def kind(self) -> str:
        """Return the frame's `type`."""
        (value,) = get_args(next(f for f in self.fields if f.name == "type").hint)
        return str(value)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a shape."""

    name: str
    hint: object
    """The field's type, without its annotations."""

    note: str
    values: tuple[str, ...]
    """The values that a text may have; empty for any."""

    is_required: bool


def shape_of(table: type) -> Shape:
    """Return the shape of one table."""
    name = table.__name__.removesuffix("View")
    about, _, whom = (table.__doc__ or "").partition("\n\n")
    hints = get_type_hints(table, include_extras=True)
    order = sorted(hints, key=lambda key: FIRST.index(key) if key in FIRST else len(FIRST))
    fields = tuple(_field(key, hints[key]) for key in order)
    return Shape(name, " ".join(about.split()), " ".join(whom.split()), fields)


def shapes_of(union: UnionType) -> list[Shape]:
    """Return the shapes of all frames of one direction."""
    return [shape_of(table) for table in get_args(union)]


def objects_of(*unions: UnionType) -> list[Shape]:
    """Return the shapes of the objects in these frames, each once, in the order of appearance."""
    found: dict[str, Shape] = {}
    tables = [table for union in unions for table in get_args(union)]
    for table in tables:  # `tables` grows meanwhile
        for hint in get_type_hints(table).values():
            for inner in _tables_in(hint):
                if inner.__name__ not in found:
                    found[inner.__name__] = shape_of(inner)
                    tables.append(inner)
    return list(found.values())


def _field(name: str, hint: object) -> Field:
    is_required, notes = True, list[object]()
    while get_origin(hint) in (Annotated, NotRequired):
        if get_origin(hint) is NotRequired:
            is_required = False
        else:
            notes += getattr(hint, "__metadata__", ())
        hint = get_args(hint)[0]
    texts = [note for note in notes if isinstance(note, str) and note]
    enums = [note for note in notes if isinstance(note, type) and issubclass(note, Enum)]
    values = tuple(_value(member) for enum in enums for member in enum)
    return Field(name, hint, " ".join(texts), values, is_required)


def _value(member: Enum) -> str:
    return str(member.value) if isinstance(member, StrEnum) else member.name.lower()


def _tables_in(hint: object) -> Iterator[type]:
    if isinstance(hint, type) and is_typeddict(hint):
        yield hint
    for inner in get_args(hint):
        yield from _tables_in(inner)


# --- in words, and as TypeScript ----------------------------------------------------------------

_WORDS = {str: "text", int: "integer", bool: "true or false", NoneType: "null"}
_TYPES = {str: "string", int: "number", bool: "boolean", NoneType: "null"}


def in_words(field: Field) -> str:
    """Return the type of a field in words, for people."""
    return _said(field.hint, [f'`"{value}"`' for value in field.values])


def _said(hint: object, values: list[str]) -> str:
    inner = get_args(hint)
    if hint is str and values:
        return ", ".join(values)
    if isinstance(hint, type) and is_typeddict(hint):
        name = hint.__name__.removesuffix("View")
        return f"[{name}](#{name.lower()})"
    if isinstance(hint, type) and hint in _WORDS:
        return _WORDS[hint]
    if get_origin(hint) is list:
        return f"list of {_said(inner[0], values)}"
    if get_origin(hint) is dict:
        return f"object of {_said(inner[1], values)}"
    if get_origin(hint) is Literal:
        return " or ".join(_literal(value, "`") for value in inner)
    return " or ".join(_said(one, values) for one in inner)


def in_typescript(field: Field) -> str:
    """Return the type of a field in TypeScript, for the type checker of the page's scripts."""
    return _typed(field.hint, [f'"{value}"' for value in field.values])


def _typed(hint: object, values: list[str]) -> str:
    inner = get_args(hint)
    if hint is str and values:
        return " | ".join(values)
    if isinstance(hint, type) and is_typeddict(hint):
        return hint.__name__.removesuffix("View")
    if isinstance(hint, type) and hint in _TYPES:
        return _TYPES[hint]
    if get_origin(hint) is list:
        return f"{_typed(inner[0], values)}[]"
    if get_origin(hint) is dict:
        return f"Record<string, {_typed(inner[1], values)}>"
    if get_origin(hint) is Literal:
        return " | ".join(_literal(value, "") for value in inner)
    assert get_origin(hint) in (Union, UnionType), hint
    return " | ".join(_typed(one, values) for one in inner)


def _literal(value: object, quote: str) -> str:
    if isinstance(value, bool):
        return f"{quote}{str(value).lower()}{quote}"
    return f'{quote}"{value}"{quote}'
