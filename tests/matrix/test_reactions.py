"""Reactions to the card: all are counted, and none stays on it."""

from typing import Any

import pytest

from spaces_bridge.app import tasks
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, RoomId, SpaceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import decide
from spaces_bridge.matrix.appservice.dispatcher import EventDispatcher
from tests.matrix.command_setup import SETTINGS
from tests.support.spaces import BEN, HOST, ROOM, after, live_space, scheduled

pytestmark = pytest.mark.unit

CARD, TAP = EventId("$card"), EventId("$tap")


class Room:
    """A live space whose card somebody taps; nothing but reactions reaches anybody."""

    def __init__(self, space: LiveSpace) -> None:
        self.space = space
        self.asked: list[cmd.Command] = []
        self.enqueued: list[tuple[tasks.OutboxTask, str]] = []
        every: Any = self
        self.event_dispatcher = EventDispatcher(every, SETTINGS, *[every] * 11)

    async def tap(self, key: str) -> None:
        relation = {"rel_type": "m.annotation", "event_id": CARD, "key": key}
        await self.event_dispatcher.receive(
            {
                "type": "m.reaction",
                "room_id": ROOM,
                "event_id": TAP,
                "sender": BEN,
                "content": {"m.relates_to": relation},
            }
        )

    def by_room(self, room: RoomId) -> LiveSpace:
        return self.space

    async def event_of(self, space: SpaceId) -> EventId:
        return CARD

    def note(self, event: object) -> None:
        """The chat has no part in this."""

    async def reacted(self, reaction: object) -> bool:
        return False

    async def ask(self, space: SpaceId, command: cmd.Command, source: str) -> None:
        decide(self.space, command)
        self.asked.append(command)

    async def enqueue_task(self, wanted: tasks.OutboxTask, key: str, due_at_ms: int = 0) -> None:
        self.enqueued.append((wanted, key))


@pytest.mark.parametrize(
    ("key", "form"),
    [("lol", "💬"), (":blobcat:", "💬"), ("mxc://x/cat", "🖼️"), ("👏👏", "👏"), (":clap:", "👏")],
)
async def test_what_is_no_emoji_is_counted_as_one(key: str, form: str) -> None:
    room = Room(live_space())
    await room.tap(key)
    assert room.asked == [cmd.React(BEN, form, TAP)]
    assert room.enqueued == []


@pytest.mark.parametrize("key", ["lol", "👏", "mxc://x/cat"])
async def test_what_comes_too_early_does_not_stay_on_the_card(key: str) -> None:
    room = Room(scheduled())
    await room.tap(key)
    gone = tasks.RedactEvent(room.space.space, TAP, expired=True)
    assert room.enqueued == [(gone, f"uncounted:{TAP}")]


async def test_a_wish_to_be_reminded_and_what_comes_after_the_end_stay() -> None:
    for room, key in (
        (Room(scheduled()), "✅"),
        (Room(after(live_space(), cmd.EndSpace(HOST, 9))), "👏"),
    ):
        await room.tap(key)
        assert (room.asked, room.enqueued) == ([], [])
