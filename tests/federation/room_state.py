"""A room's state as one homeserver holds it: read, and forged."""

from collections.abc import Mapping
from typing import Any

from spaces_bridge.core.ids import RoomId
from spaces_bridge_demo.deployment import Person

POWER = "m.room.power_levels"
LIVE = "io.spacesbridge.live"
CARD = "io.spacesbridge.card"
State = Mapping[tuple[str, str], str]
"""Type and state key to the event that holds them now."""


async def state_of(person: Person, room: RoomId | str) -> State:
    """The room's current state as the person's homeserver holds it."""
    return {
        (str(e["type"]), str(e["state_key"])): str(e["event_id"])
        for e in await person.all_state(room)
    }


async def levels_event(person: Person, room: RoomId | str) -> str:
    """The power level event in force on the person's homeserver."""
    return (await state_of(person, room))[POWER, ""]


def last_levels_event(person: Person, room: RoomId | str) -> str:
    """The power level event that the person's homeserver handed out last, in force or not."""
    came = [e for e in person.seen if e["room_id"] == room and e.get("type") == POWER]
    return str(came[-1]["event_id"])


async def forge_levels(person: Person, room: RoomId | str, **changes: Any) -> str:  # noqa: ANN401
    """Write the power levels with these keys changed; `users` are added to those there."""
    content = dict(await person.state(room, POWER))
    users = {**content.get("users", {}), **changes.pop("users", {})}
    return await person.put_state(room, POWER, {**content, **changes, "users": users})
