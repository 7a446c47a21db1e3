"""An event's envelope: all but its content, checked before anything else is made of it. Pure.

Federation hands on what other servers made. Spec: Client-Server API, "Size limits": type, sender,
room id, event id and state key have 255 bytes at most. An id that is longer names nothing, and
asking a homeserver about it would fail for ever.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spaces_bridge.core.ids import EventId, RoomId, UserId

ID_MAX_BYTES = 255

_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event's envelope, with its content. `state_key` is None when the event is no state."""

    type: str
    room: RoomId
    event: EventId
    sender: UserId
    content: Mapping[str, Any]
    state_key: str | None


def envelope_of(event: Mapping[str, Any]) -> Envelope | None:
    """Return the event's envelope, None when one part of it is not as the spec wants it."""
    names = [event.get(name) for name in ("type", "room_id", "event_id", "sender")]
    content, key = event.get("content"), event.get("state_key")
    if not all(is_id(name) for name in names) or not isinstance(content, Mapping):
        return None
    if "state_key" in event and not (key == "" or is_id(key)):
        return None
    type_, room, event_id, sender = map(str, names)
    return Envelope(type_, RoomId(room), EventId(event_id), UserId(sender), content, key)


def is_id(value: object) -> bool:
    """Return whether the value can name something: text of 1 to 255 bytes, no controls in it."""
    if not isinstance(value, str) or not value or len(value) > ID_MAX_BYTES:
        return False
    return _UNFIT.search(value) is None and len(value.encode()) <= ID_MAX_BYTES


def is_user_id(value: object) -> bool:
    """Return whether the value can be a Matrix ID. Spec: Appendices, "User Identifiers"."""
    return is_id(value) and str(value).startswith("@") and ":" in str(value)
