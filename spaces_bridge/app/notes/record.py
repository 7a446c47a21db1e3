"""The base of note records: each has a kind, a typed key and an expiry."""

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

N = TypeVar("N", bound="Note")

WEEK, MONTH, YEAR = 7, 30, 365
"""The usual expiries, in days."""


@dataclass(frozen=True, slots=True)
class ForEver:
    """The note is never pruned, because something else bounds how many there can be."""

    bounded_by: str


@dataclass(frozen=True, slots=True)
class AfterWriting:
    """The note is pruned this many days after it was last written."""

    days: int


@dataclass(frozen=True, slots=True)
class AfterSpace:
    """The note is pruned this many days after its live space ended.

    A record with this expiry has a field `space`.
    """

    days: int


@dataclass(frozen=True, slots=True)
class AfterHandling:
    """The note is pruned this many days after it was written, once its event is handled.

    The key of a record with this expiry is the id of an event in the inbox. A note about an event
    that waits in the inbox stays, however old it is.
    """

    days: int


Expiry = ForEver | AfterWriting | AfterSpace | AfterHandling


@dataclass(frozen=True, slots=True)
class Key(Generic[N]):
    """The key of one note: the type checker knows which record it leads to."""

    record: type[N]
    parts: tuple[str, ...]


class Note:
    """The base of every note record, which is a frozen dataclass.

    `kind` is the stored name of the record: it is a row in databases, so it never changes, even
    when the class is renamed. `key_fields` name the fields that the key is made of.
    """

    __slots__ = ()

    kind: ClassVar[str]
    key_fields: ClassVar[tuple[str, ...]]
    expiry: ClassVar[Expiry]


def key_parts(note: Note) -> tuple[str, ...]:
    """Return the parts of a note's own key, in the order of its `key` method."""
    return tuple(str(getattr(note, name)) for name in note.key_fields)
