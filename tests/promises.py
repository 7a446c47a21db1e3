"""The promises that `make test` shows on real parts: the table `promises.toml`, read."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parent / "promises.toml"


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: what it belongs to, what it says, what takes part, and its tests' ids."""

    of: str
    says: str
    by: tuple[str, ...]
    tests: tuple[str, ...]


def promises() -> list[Promise]:
    """All of the table."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))["promise"]
    return [Promise(row.pop("of"), row.pop("says"), **_tuples(row)) for row in table]


def _tuples(row: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in row.items()}


def chosen() -> frozenset[str]:
    """The ids of all tests in the table; one without parameters means all of its cases."""
    return frozenset(test for promise in promises() for test in promise.tests)
