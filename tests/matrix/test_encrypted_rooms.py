"""Which rooms are encrypted: asked once in a while, and never forgotten the wrong way."""

import pytest

from spaces_bridge.app.crypto_ports import EncryptedRoom
from spaces_bridge.core.ids import RoomId
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.crypto import encrypted_rooms
from spaces_bridge.matrix.crypto.encrypted_rooms import PLAIN_FOR_S, EncryptedRooms
from tests.support.crypto_peers import MemoryCrypto
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


def rooms_of(bot: Bot, clock: Clock | None = None) -> EncryptedRooms:
    return EncryptedRooms(bot, MemoryCrypto(), clock or Clock())  # type: ignore[arg-type]  # all that it asks


async def test_a_plain_room_is_asked_for_again_after_a_while() -> None:
    bot, clock = Bot(), Clock()
    rooms = rooms_of(bot, clock)
    assert not await rooms.is_encrypted(ROOM)
    bot.encrypted.add(ROOM)
    clock.now += PLAIN_FOR_S - 1
    assert not await rooms.is_encrypted(ROOM)
    assert bot.asked == [ROOM]
    clock.now += 1
    assert await rooms.is_encrypted(ROOM)


async def test_an_event_that_encrypts_a_room_counts_at_once() -> None:
    bot = Bot()
    rooms = rooms_of(bot)
    assert not await rooms.is_encrypted(ROOM)
    bot.encrypted.add(ROOM)
    rooms.note({"type": "m.room.encryption", "state_key": "", "room_id": ROOM})
    assert await rooms.is_encrypted(ROOM)


async def test_an_event_that_comes_while_the_room_is_asked_for_counts() -> None:
    bot = Bot()
    rooms = rooms_of(bot)
    ask = bot.state

    async def overtaken(room: RoomId, type_: str, key: str = "") -> dict[str, str] | None:
        answer = await ask(room, type_, key)
        rooms.note({"type": "m.room.encryption", "state_key": "", "room_id": room})
        return answer

    bot.state = overtaken  # type: ignore[method-assign]
    assert not await rooms.is_encrypted(ROOM)
    bot.state = ask  # type: ignore[method-assign]
    bot.encrypted.add(ROOM)
    assert await rooms.is_encrypted(ROOM)


async def test_after_an_outage_plain_rooms_are_asked_for_again() -> None:
    bot = Bot()
    rooms = rooms_of(bot)
    await rooms.is_encrypted(ROOM)
    bot.encrypted.add(ROOM)
    rooms.doubt()
    assert await rooms.is_encrypted(ROOM)


async def test_a_failure_is_no_answer() -> None:
    bot = Bot()
    rooms = rooms_of(bot)
    bot.away, bot.encrypted = True, {ROOM}
    with pytest.raises(Away):
        await rooms.is_encrypted(ROOM)
    bot.away = False
    assert await rooms.is_encrypted(ROOM)


async def test_only_so_many_rooms_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypted_rooms, "PLAIN_KEPT", 1)
    bot = Bot()
    rooms = rooms_of(bot)
    for room in (ROOM, OTHER, OTHER, ROOM):
        await rooms.is_encrypted(room)
    assert bot.asked == [ROOM, OTHER, ROOM]


async def test_what_an_event_adds_to_how_a_room_is_encrypted_is_not_kept() -> None:
    content = {
        "algorithm": "m.megolm.v1.aes-sha2",
        "rotation_period_ms": 5,
        "rotation_period_msgs": 10**300,
        "org.example.more": "x" * 60_000,
    }
    reader, store = Bot(), MemoryCrypto()

    async def state(*_: object) -> dict[str, object]:
        return content

    reader.state = state  # type: ignore[method-assign, assignment]
    rooms = EncryptedRooms(reader, store, Clock())  # type: ignore[arg-type]
    kept = {"algorithm": "m.megolm.v1.aes-sha2", "rotation_period_ms": 5}
    assert await rooms.settings_of(ROOM) == kept
    assert await store.find(EncryptedRoom) == [EncryptedRoom(ROOM, kept)]


async def test_rooms_without_number_are_not_held_in_memory_and_none_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encrypted_rooms, "ENCRYPTED_HELD", 2)
    monkeypatch.setattr(encrypted_rooms, "CHANGED_HELD", 2)
    bot = Bot()
    rooms = rooms_of(bot)
    many = [RoomId(f"!{number}") for number in range(10)]
    bot.encrypted.update(many)
    for room in many:
        assert await rooms.is_encrypted(room)
        rooms.note({"type": "m.room.encryption", "state_key": "", "room_id": f"{room}-plain"})
    assert len(rooms._encrypted) == len(rooms._changed) == 2
    bot.encrypted.clear()
    asked = len(bot.asked)
    for room in many:
        assert await rooms.is_encrypted(room)
    assert len(bot.asked) == asked, "the database knows"


async def test_a_room_of_an_encryption_that_is_none_stays_encrypted() -> None:
    reader = Bot()
    answers: list[dict[str, object] | None] = [{"algorithm": ["?"]}, None]

    async def state(*_: object) -> dict[str, object] | None:
        return answers.pop(0)

    reader.state = state  # type: ignore[method-assign, assignment]
    rooms = rooms_of(reader)
    assert await rooms.settings_of(ROOM) == {}
    rooms.note({"type": "m.room.encryption", "state_key": "", "room_id": ROOM})
    assert await rooms.settings_of(ROOM) == {}
