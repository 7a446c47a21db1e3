"""Which rooms are encrypted: asked once in a while, and never forgotten the wrong way."""

import pytest

from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.rooms import encryption
from spaces_bridge.matrix.rooms.encryption import PLAIN_FOR_S, RoomEncryption
from tests.support.edge import Clock

pytestmark = pytest.mark.unit

ROOM, OTHER = RoomId("!room"), RoomId("!other")


class Bot:
    """Reads the state that a test says, and counts how often."""

    def __init__(self) -> None:
        self.encrypted: set[RoomId] = set()
        self.asked: list[RoomId] = []
        self.away = False

    async def state(self, room: RoomId, type_: str, key: str = "") -> dict[str, str] | None:
        assert (type_, key) == ("m.room.encryption", "")
        self.asked.append(room)
        if self.away:
            raise Away("no homeserver")
        return {"algorithm": "m.megolm.v1.aes-sha2"} if room in self.encrypted else None


async def test_a_plain_room_is_asked_for_again_after_a_while() -> None:
    bot, clock = Bot(), Clock()
    rooms = RoomEncryption(bot, clock)  # type: ignore[arg-type]  # all that it asks
    assert not await rooms.is_encrypted(ROOM)
    bot.encrypted.add(ROOM)
    clock.now += PLAIN_FOR_S - 1
    assert not await rooms.is_encrypted(ROOM)
    assert bot.asked == [ROOM]
    clock.now += 1
    assert await rooms.is_encrypted(ROOM)


async def test_a_failure_is_no_answer() -> None:
    bot = Bot()
    rooms = RoomEncryption(bot)  # type: ignore[arg-type]  # all that it asks
    bot.away, bot.encrypted = True, {ROOM}
    with pytest.raises(Away):
        await rooms.is_encrypted(ROOM)
    bot.away = False
    assert await rooms.is_encrypted(ROOM)


async def test_only_so_many_rooms_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "KEPT", 1)
    bot = Bot()
    rooms = RoomEncryption(bot, Clock())  # type: ignore[arg-type]  # all that it asks
    for room in (ROOM, OTHER, OTHER, ROOM):
        await rooms.is_encrypted(room)
    assert bot.asked == [ROOM, OTHER, ROOM]
