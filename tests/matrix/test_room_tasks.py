"""What is said in a room, however often somebody locks it."""

from collections.abc import Mapping
from typing import Any

import pytest

from spaces_bridge.app.tasks import Announce
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, SpaceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.outbox.room_tasks import RoomTaskHandler
from tests.support.notes import MemoryNotes
from tests.support.spaces import HOST, after, live_space

pytestmark = pytest.mark.unit


class Room:
    """A live space's room, and the bot's notes."""

    def __init__(self) -> None:
        self.space = live_space()
        self.notes = MemoryNotes()
        self.said: dict[str, str] = {}
        every: Any = self
        self.handler = RoomTaskHandler(every, every, self.notes, every, every, every, every, every)

    async def find(self, space: SpaceId) -> LiveSpace:
        return self.space

    async def send(self, room: RoomId, type_: str, content: Mapping[str, str], key: str) -> str:
        self.said[key] = content["body"]
        return key

    async def announce(self, text: str, key: str, *, locked: bool | None) -> None:
        await self.handler.run(Announce(self.space.space, text, locked), key)


async def test_locking_again_and_again_is_said_once_in_the_end() -> None:
    room = Room()
    room.space = after(room.space, cmd.LockSpace(HOST))
    for number in range(20):
        await room.announce("open", f"open{number}", locked=False)
        await room.announce("locked", f"locked{number}", locked=True)
    assert room.said == {"locked0": "locked"}
    await room.announce("locked", "locked0", locked=True)  # an answer that was lost
    room.space = after(room.space, cmd.UnlockSpace(HOST))
    await room.announce("open", "late", locked=False)
    await room.announce("else", "else", locked=None)
    await room.announce("else", "again", locked=None)
    assert list(room.said) == ["locked0", "late", "else", "again"]
