"""What the observer does when a live space does not listen."""

from typing import Any

import pytest

from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.client.matrix_client import StateEvent
from spaces_bridge.matrix.rooms.power_levels import PowerLevels

pytestmark = pytest.mark.unit

SPACE, ROOM = SpaceId("space"), RoomId("!room")


class Bot:
    """Reads a room in which nobody has a level."""

    user = UserId("@spacesbot:x")

    async def state_event(self, room: RoomId, type_: str, key: str = "") -> StateEvent:
        return StateEvent(None, None, {})


class Refusing:
    """A live space that takes no command."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.asked = 0

    async def ask(self, *_: object) -> list[object]:
        self.asked += 1
        raise Rejected(self.code, "no")


def observer(refusing: Refusing) -> PowerLevels:
    bot: Any = Bot()
    spaces: Any = refusing
    notes: Any = None
    return PowerLevels(bot, spaces, notes)


async def test_what_a_busy_live_space_did_not_hear_is_told_again() -> None:
    with pytest.raises(Away):
        await observer(Refusing("overloaded")).observe_levels(SPACE, ROOM)


async def test_a_live_space_that_has_ended_need_not_hear_it() -> None:
    spaces = Refusing("ended")
    await observer(spaces).observe_levels(SPACE, ROOM)
    assert spaces.asked == 1
