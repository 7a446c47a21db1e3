"""Accepting an invite that the inviting homeserver does not know of yet."""

from typing import Any

import pytest

from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.commands.greeting import Greeter
from spaces_bridge.matrix.events.translate import BotInvited
from tests.support.notes import MemoryNotes

pytestmark = pytest.mark.unit

INVITE = BotInvited(RoomId("!r"), EventId("$e"), UserId("@carl:far.example:8448"), direct=True)
NOT_YET = RequestRefused(403, "M_FORBIDDEN", "You are not invited to this room.")
GONE = RequestRefused(404, "M_NOT_FOUND", "There is no such room.")


class DirectRoomsFake:
    """The bot's client and its direct rooms: joining is refused as told."""

    def __init__(self, *refusals: RequestRefused) -> None:
        self.refusals = list(refusals)
        self.tries: list[tuple[RoomId, list[str]]] = []
        self.said: list[str] = []
        self.alone = True
        self.adopted: list[RoomId] = []

    async def join(self, room: RoomId, via: list[str]) -> None:
        self.tries.append((room, via))
        if self.refusals:
            raise self.refusals.pop(0)

    async def state(self, room: RoomId, type_: str) -> None:
        return None

    async def is_direct(self, room: RoomId) -> bool:
        return self.alone

    async def adopt(self, user: UserId, room: RoomId) -> None:
        self.adopted.append(room)

    async def send(self, room: RoomId, type_: str, content: Any, key: str) -> None:  # noqa: ANN401
        self.said.append(key)


def greeter(rooms: Any) -> Greeter:  # noqa: ANN401  # plays two parts
    return Greeter(rooms, rooms, MemoryNotes(), rests_s=(0.0, 0.0))


async def test_it_tries_again_while_the_other_server_knows_of_no_invite() -> None:
    rooms = DirectRoomsFake(NOT_YET, NOT_YET)
    await greeter(rooms).invited(INVITE)
    assert rooms.tries == [(INVITE.room, ["far.example:8448"])] * 3
    assert rooms.said == ["greeting:$e"]


async def test_it_takes_no_for_an_answer_in_the_end() -> None:
    rooms = DirectRoomsFake(NOT_YET, NOT_YET, NOT_YET)
    await greeter(rooms).invited(INVITE)
    assert len(rooms.tries) == 3
    assert rooms.said == []


async def test_what_is_not_forbidden_but_gone_is_not_tried_again() -> None:
    rooms = DirectRoomsFake(GONE)
    await greeter(rooms).invited(INVITE)
    assert len(rooms.tries) == 1
    assert rooms.said == []


async def test_a_crowds_room_is_not_direct_because_somebody_says_so() -> None:
    """Else every word there were a command, and answered."""
    crowd, pair = DirectRoomsFake(), DirectRoomsFake()
    crowd.alone = False
    for rooms in (crowd, pair):
        await greeter(rooms).invited(INVITE)
        assert rooms.said
    assert crowd.adopted == []
    assert pair.adopted == [INVITE.room]


async def test_what_was_written_to_the_bot_before_it_joined_is_read_after_the_greeting() -> None:
    for alone, wanted in ((True, [INVITE]), (False, [])):
        rooms, read = DirectRoomsFake(), list[BotInvited]()
        rooms.alone = alone

        async def first_words(
            invite: BotInvited, rooms: DirectRoomsFake = rooms, read: list[BotInvited] = read
        ) -> None:
            assert rooms.said
            read.append(invite)

        made = greeter(rooms)
        made.read_first_words(first_words)
        await made.invited(INVITE)
        assert read == wanted
