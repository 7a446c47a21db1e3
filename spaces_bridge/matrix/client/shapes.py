"""The shapes of answers: the fields without which one is no answer to its call. Pure.

Whatever stands at a homeserver's address while it is away (a proxy's page, a service that says
`{}` to everything) may answer 200. Spec: Client-Server API, each endpoint's response.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Holds = Callable[[Any], bool]


def is_answer(method: str, path: Sequence[str], answer: object) -> bool | None:
    """Return whether this is the homeserver's answer; None where it might be anybody's."""
    if method == "GET" and path[0] == "rooms" and path[2:3] == ["state"] and len(path) > 3:
        # older homeservers give the content alone, whatever format is asked for
        return True if is_event(answer) else None if _is_object(answer) else False
    holds = _telltale(method, path)
    if holds is None:
        return None if _is_object(answer) else False
    return holds(answer)


def is_event(value: object) -> bool:
    """Return whether the value is a whole event."""
    return (
        isinstance(value, Mapping)
        and _begins("$")(value.get("event_id"))
        and isinstance(value.get("content"), Mapping)
    )


def _telltale(method: str, path: Sequence[str]) -> Holds | None:
    for asked_by, pattern, holds in _TELLTALES:
        if asked_by == method and _matches(pattern.split("/"), path):
            return holds
    return None


def _matches(places: Sequence[str], path: Sequence[str]) -> bool:
    return len(places) == len(path) and all(
        place in {"*", part} for place, part in zip(places, path, strict=True)
    )


def _with(field: str, holds: Holds) -> Holds:
    return lambda answer: _is_object(answer) and holds(answer.get(field))


def _list_of(holds: Holds) -> Holds:
    return lambda value: isinstance(value, list) and all(map(holds, value))


def _begins(sigil: str) -> Holds:
    return lambda value: isinstance(value, str) and value.startswith(sigil)


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping) and "errcode" not in value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _is_profiles(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_object, value.values()))


def _is_state(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and _is_text(value.get("type"))
        and _is_text(value.get("state_key"))
        and isinstance(value.get("content"), Mapping)
    )


def _is_room_state(value: object) -> bool:
    """Return whether the value is a room's state, which holds at least `m.room.create`."""
    return isinstance(value, list) and bool(value) and all(map(_is_state, value))


_TELLTALES: Sequence[tuple[str, str, Holds]] = (
    ("PUT", "rooms/*/send/*/*", _with("event_id", _begins("$"))),
    ("PUT", "rooms/*/redact/*/*", _with("event_id", _begins("$"))),
    ("PUT", "rooms/*/state/*/*", _with("event_id", _begins("$"))),
    ("POST", "createRoom", _with("room_id", _begins("!"))),
    ("POST", "join/*", _with("room_id", _begins("!"))),
    ("GET", "directory/room/*", _with("room_id", _begins("!"))),
    ("GET", "directory/list/room/*", _with("visibility", _is_text)),
    ("GET", "rooms/*/state", _is_room_state),
    ("GET", "rooms/*/event/*", is_event),
    ("GET", "rooms/*/joined_members", _with("joined", _is_profiles)),
    ("GET", "rooms/*/messages", _with("chunk", _list_of(_is_object))),
    ("GET", "rooms/*/members", _with("chunk", _list_of(_is_state))),
    ("GET", "joined_rooms", _with("joined_rooms", _list_of(_begins("!")))),
    ("GET", "capabilities", _with("capabilities", _is_object)),
    ("GET", "versions", _with("versions", _list_of(_is_text))),
    ("GET", "account/whoami", _with("user_id", _begins("@"))),
    ("POST", "register", _with("user_id", _begins("@"))),
    ("POST", "keys/upload", _with("one_time_key_counts", _is_object)),
    ("POST", "keys/query", _with("device_keys", _is_object)),
    ("POST", "keys/claim", _with("one_time_keys", _is_object)),
    ("POST", "sync", _with("pos", _is_text)),
    ("GET", "devices", _with("devices", _list_of(_is_object))),
    ("POST", "appservice/*/ping", _with("duration_ms", _is_number)),
)
"""Endpoints whose answers hold fields that no other service has by chance."""
