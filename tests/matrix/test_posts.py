"""Shared posts: which are shown, and what becomes of those that cannot be."""

from typing import Any

import pytest

from spaces_bridge.app.tasks import OutboxTask, PinPost, TellUser
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, RoomId, SpaceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.cards.pins import Placing
from spaces_bridge.matrix.cards.posts import Posts
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.events.content import Content
from tests.support.notes import MemoryNotes
from tests.support.spaces import HOST, ROOM, after, live_space

pytestmark = pytest.mark.unit


def sharing(number: int, event: str | None = None) -> cmd.SharePost:
    about = EventId(event) if event is not None else None
    return cmd.SharePost(HOST, f"https://example.org/{number}", 3_000 + number, about)


class Wall:
    """A live space's room with a card; what is sent there and pinned."""

    def __init__(self, *shared: cmd.SharePost) -> None:
        self.space = after(live_space(), *shared)
        self.notes = MemoryNotes()
        self.bodies: dict[str, str] = {}
        self.pins: list[str] = []
        self.told: list[TellUser] = []
        self.known: set[str] = set()
        every: Any = self
        self.posts = Posts(every, every, self.notes, every, every)

    async def pin(self, number: int) -> EventId | None:
        return await self.posts.run(PinPost(self.space.space, number), f"share{number}")

    async def find(self, space: SpaceId) -> LiveSpace:
        return self.space

    async def event_of(self, space: SpaceId) -> EventId | None:
        return EventId("$card")

    async def enqueue_task(self, wanted: OutboxTask, key: str, due_at_ms: int = 0) -> None:
        assert isinstance(wanted, TellUser)
        self.told.append(wanted)

    async def send(self, room: RoomId, type_: str, content: Content, key: str) -> EventId:
        assert room == ROOM
        self.bodies[f"${key}"] = content["body"]
        return EventId(f"${key}")

    async def call(self, method: str, path: list[str]) -> None:
        if path[-1] not in self.known:
            raise RequestRefused(404, "M_NOT_FOUND", "no such event")

    async def arrange(self, room: RoomId, placing: Placing) -> None:
        self.pins = list(placing(self.pins))


async def test_a_sixth_post_takes_the_place_of_the_first() -> None:
    wall = Wall()
    for number in range(1, 7):
        wall.space = after(wall.space, sharing(number))
        await wall.pin(number)
    assert wall.pins == ["$card", *(f"$share{number}" for number in range(2, 7))]
    assert wall.bodies["$share6"] == "Ada shares: https://example.org/6"


async def test_what_newer_ones_have_pushed_out_is_not_shown_late() -> None:
    wall = Wall(*(sharing(number) for number in range(1, 7)))
    assert await wall.pin(1) is None
    assert wall.bodies == {}


async def test_once_more_changes_nothing() -> None:
    wall = Wall(sharing(1))
    await wall.pin(1)
    pins = wall.pins
    await wall.pin(1)
    assert (wall.pins, len(wall.bodies)) == (pins, 1)


async def test_a_message_of_the_room_is_pinned_itself() -> None:
    wall = Wall(sharing(1, "$said"), sharing(2, "$gone"))
    wall.known = {"$said"}
    await wall.pin(1)
    await wall.pin(2)
    assert wall.pins == ["$card", "$said", "$share2"]
    assert list(wall.bodies) == ["$share2"]


async def test_who_shared_hears_of_a_refusal() -> None:
    wall = Wall(sharing(1))
    wanted = PinPost(wall.space.space, 1)
    await wall.posts.refused(wanted, RequestRefused(413, "M_TOO_LARGE", "too large"))
    await wall.posts.refused(PinPost(wall.space.space, 9), RequestRefused(413, "M_TOO_LARGE", "x"))
    assert [(task.user, "M_TOO_LARGE" in task.text) for task in wall.told] == [(HOST, True)]


async def test_while_the_homeserver_is_away_it_waits() -> None:
    wall = Wall(sharing(1, "$said"))

    async def away(method: str, path: list[str]) -> None:
        raise Away("nobody there", unreached=True)

    wall.call = away  # type: ignore[method-assign]  # what the test is about
    with pytest.raises(Away):
        await wall.pin(1)
    assert wall.bodies == {}
