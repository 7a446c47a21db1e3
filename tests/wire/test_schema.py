"""A dataclass as a JSON object, and back: what is read is what the class says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NewType

import pytest

from spaces_bridge.wire.schema import BadValue, Schema, schema_of

pytestmark = pytest.mark.unit

Name = NewType("Name", str)


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


@dataclass(frozen=True, slots=True)
class Leaf:
    name: Name
    weight: float = 0.5


@dataclass(frozen=True, slots=True)
class Tree:
    colour: Colour
    size: Size
    leaves: tuple[Leaf, ...]
    counts: Mapping[Name, tuple[int, ...]]
    best: Leaf | None
    old: bool = False
    tags: tuple[str, ...] = field(default_factory=tuple)


TREE = Tree(Colour.RED, Size.SMALL, (Leaf(Name("a"), 2.0),), {Name("b"): (1, 2)}, None, True)
BODY = {
    "colour": "red",
    "size": 1,
    "leaves": [{"name": "a", "weight": 2.0}],
    "counts": {"b": [1, 2]},
    "best": None,
    "old": True,
    "tags": [],
}


def test_an_object_has_the_fields_in_order_and_is_plain_json() -> None:
    body = schema_of(Tree).to_json(TREE)
    assert body == BODY
    assert list(body) == list(BODY)
    assert type(body["colour"]) is str
    assert type(body["size"]) is int
    assert schema_of(Tree).from_json(body) == TREE


def test_a_field_with_a_default_may_be_missing() -> None:
    older = {name: BODY[name] for name in ("colour", "size", "leaves", "counts", "best")}
    assert schema_of(Tree).from_json(older) == Tree(
        Colour.RED, Size.SMALL, TREE.leaves, TREE.counts, None
    )
    assert schema_of(Leaf).from_json({"name": "a"}) == Leaf(Name("a"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"newer": 1},
        {"colour": "blue"},
        {"size": 7},
        {"leaves": {}},
        {"leaves": "a"},
        {"leaves": [1]},
        {"leaves": [{"weight": 1}]},
        {"leaves": [{"name": "a", "weight": "1"}]},
        {"leaves": [{"name": "a", "weight": True}]},
        {"counts": [1]},
        {"counts": {"b": [True]}},
        {"best": "a"},
        {"old": 1},
        {"tags": [None]},
    ],
)
def test_a_value_of_another_type_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadValue):
        schema_of(Tree).from_json({**BODY, **wrong})


@pytest.mark.parametrize("name", ["colour", "size", "leaves", "counts", "best"])
def test_a_field_without_a_default_may_not_be_missing(name: str) -> None:
    with pytest.raises(BadValue, match=name):
        schema_of(Tree).from_json({each: BODY[each] for each in BODY if each != name})


@pytest.mark.parametrize("body", [None, [], "text", 1])
def test_what_is_no_object_is_refused(body: object) -> None:
    with pytest.raises(BadValue):
        schema_of(Leaf).from_json(body)


def test_a_class_that_has_no_place_in_json_is_refused_when_its_schema_is_made() -> None:
    @dataclass
    class Odd:
        either: int | str

    @dataclass
    class Pair:
        pair: tuple[int, int]

    @dataclass
    class Loud:
        left: bytes
        right: bytes

    for cls in (Odd, Pair, Loud):
        with pytest.raises(TypeError):
            Schema(cls)
