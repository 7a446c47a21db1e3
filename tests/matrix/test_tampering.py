"""Who changed the structure of the levels, told from their history."""

from typing import Any

import pytest

from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import StateEvent
from spaces_bridge.matrix.rooms.tampering import STEPS, LevelTampering, word_to
from tests.support.spaces import BEN, HOST, live_space

pytestmark = pytest.mark.unit

ROOM, BOT = RoomId("!room"), UserId("@spacesbot:example.org")
OURS: dict[str, Any] = {"users": {}, "users_default": 0}
THEIRS = {**OURS, "users_default": 50}


class Room:
    """The power levels of a room, oldest first, each by somebody."""

    user = BOT

    def __init__(self, *past: tuple[UserId, dict[str, Any]]) -> None:
        self.events: list[StateEvent] = []
        self.hidden = False
        for by, content in past:
            before = self.events[-1].event if self.events else None
            self.events.append(StateEvent(EventId(f"${len(self.events)}"), before, content, by))

    async def event(self, room: RoomId, event: EventId) -> StateEvent:
        if self.hidden:
            raise RequestRefused(404, "M_NOT_FOUND", "gone")
        return next(e for e in self.events if e.event == event)

    async def tamperer(self) -> UserId | None:
        found = await LevelTampering(self).find(ROOM, self.events[-1])
        return found.sender if found is not None else None


def with_user(content: dict[str, Any], level: int) -> dict[str, Any]:
    return {**content, "users": {BEN: level}}


async def test_whoever_changed_more_than_peoples_levels_is_found_under_later_writes() -> None:
    room = Room((BOT, OURS), (HOST, THEIRS), (BOT, with_user(THEIRS, 10)))
    assert await room.tamperer() == HOST
    room = Room((BOT, OURS), (HOST, with_user(OURS, 10)))
    assert await room.tamperer() is None


async def test_what_we_put_back_or_change_ourselves_is_nobodys_fault() -> None:
    room = Room((BOT, OURS), (HOST, THEIRS), (BOT, OURS), (HOST, with_user(OURS, 10)))
    assert await room.tamperer() is None
    assert await Room((BOT, OURS)).tamperer() is None


async def test_only_so_far_back_is_looked_and_what_is_hidden_is_not_guessed() -> None:
    later = [(BOT, with_user(THEIRS, level)) for level in range(STEPS)]
    assert await Room((BOT, OURS), (HOST, THEIRS), *later).tamperer() is None
    assert await Room((BOT, OURS), (HOST, THEIRS), *later[1:]).tamperer() == HOST
    room = Room((BOT, OURS), (HOST, THEIRS))
    room.hidden = True
    assert await room.tamperer() is None


def test_the_word_goes_to_them_once_per_event() -> None:
    change = StateEvent(EventId("$1"), None, THEIRS, HOST)
    told, key = word_to(change, live_space())
    assert (told.user, key) == (HOST, "arranged:$1")
    assert "“First talk”" in told.text
