"""What earlier versions of the bridge have stored: see tests/recordings/README.md."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal

from spaces_bridge.app.records import JsonObject

FOLDER = Path(__file__).parents[1] / "recordings"


@cache
def read(name: str) -> Any:  # noqa: ANN401 - JSON
    """The content of a JSON file of the recordings."""
    return json.loads((FOLDER / name).read_text())


def bodies(of: Literal["events", "tasks"]) -> Mapping[str, JsonObject]:
    """A body of every kind, by kind."""
    found: Mapping[str, JsonObject] = read("bodies.json")[of]
    return found


def plain(value: object) -> object:
    """A value of ours as the recordings have it in JSON; sets are sorted."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(held) for name, held in value.items()}
    if isinstance(value, frozenset | set):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value
