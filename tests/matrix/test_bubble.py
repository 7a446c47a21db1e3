"""What the bubble says, when it is edited, and what taps on it do."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from spaces_bridge.app.tasks import OutboxTask, RefreshBubble, TellUser
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, RoomId, SpaceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.cards.bubble import render
from spaces_bridge.matrix.cards.bubbles import Bubbles
from spaces_bridge.matrix.cards.card import Card
from spaces_bridge.matrix.cards.pins import Pins
from spaces_bridge.matrix.client.errors import NotYetError, RequestRefused
from spaces_bridge.matrix.client.matrix_client import StateEvent
from spaces_bridge.matrix.settings import MatrixSettings
from tests.support.notes import MemoryNotes
from tests.support.spaces import BEN, HOST, ROOM, after, live_space, scheduled

pytestmark = pytest.mark.unit

SQUARE = RoomId("!square")
SETTINGS = MatrixSettings("http://hs", "example.org", "as", "hs", "https://pages")
ACCESS = "https://matrix.to/#/#spaces_first-talk:example.org"
AT_MS = 1_796_324_400_000


def shown(space: LiveSpace, listeners: int = 3) -> Card:
    return render(space, listeners, "https://pages/s/first-talk", ACCESS)


def body(space: LiveSpace, listeners: int = 3) -> str:
    return str(shown(space, listeners).content["body"])


def test_a_live_one_names_host_numbers_and_both_ways_in() -> None:
    lines = body(live_space(), 1).split("\n")
    assert lines[0] == "🔴 Live now: First talk"
    assert "Host: Ada" in lines
    assert "🎙 1 speaker · 👂 1 listener" in lines
    assert "Listen in the browser: https://pages/s/first-talk" in lines
    assert f"Join the room: {ACCESS}" in lines
    assert "🔔" in lines[-1]
    assert "✅" not in lines[-1]


def test_a_scheduled_one_says_when_and_may_be_ticked() -> None:
    text = body(after(scheduled(), cmd.Reschedule(HOST, AT_MS, AT_MS - 1_000)))
    assert "When: Thu 3 December 2026, 19:00 UTC" in text
    assert "✅" in text


def test_an_ended_one_leads_to_what_was_said() -> None:
    ended = after(live_space(), cmd.EndSpace(HOST, 9_000))
    text = body(replace(ended, captions_said=3))
    assert text.startswith("Ended: First talk")
    assert "What was said: https://pages/s/first-talk" in text
    assert ACCESS not in text
    assert "What was said" not in body(ended)


def test_only_the_phase_is_its_frame() -> None:
    quiet = live_space()
    other = after(quiet, cmd.Retitle(HOST, "Second talk"))
    assert shown(quiet).frame == shown(other, 9).frame
    assert shown(quiet).counters != shown(quiet, 9).counters
    ended = after(quiet, cmd.EndSpace(HOST, 9_000))
    assert shown(ended).frame != shown(quiet).frame


class Square:
    """A community's room, with a bot that notes what it sends."""

    def __init__(self, space: LiveSpace) -> None:
        self.space = replace(space, community=SQUARE)
        self.now = 1_000_000
        self.listeners = 3
        self.notes = MemoryNotes()
        self.sent: list[str] = []
        self.told: list[TellUser] = []
        self.redacted: list[str] = []
        self.pinned: list[str] = []
        self.refusal: RequestRefused | None = None
        self.unpinnable = False
        every: Any = self
        self.bubbles = Bubbles(
            every, every, self.notes, every, SETTINGS, Pins(every), lambda _: self.listeners
        )

    async def refresh(self) -> str | None:
        return await self.bubbles.run(RefreshBubble(self.space.space), "key")

    def now_ms(self) -> int:
        return self.now

    async def find(self, space: SpaceId) -> LiveSpace:
        return self.space

    async def enqueue_task(self, wanted: OutboxTask, key: str, due_at_ms: int = 0) -> None:
        assert isinstance(wanted, TellUser)
        self.told.append(wanted)

    async def send(
        self, room: RoomId, type_: str, content: Mapping[str, Any], key: str
    ) -> EventId:
        assert room == SQUARE
        if self.refusal is not None:
            raise self.refusal
        if type_ == "m.room.message":
            self.sent.append(content.get("m.new_content", content)["body"])
        return EventId(f"${key}")

    async def redact(self, room: RoomId, event: EventId, key: str) -> EventId:
        self.redacted.append(event)
        return EventId(f"${key}")

    async def state_event(self, room: RoomId, type_: str) -> StateEvent:
        return StateEvent(None, None, {"pinned": self.pinned})

    async def write_state(self, room: RoomId, type_: str, content: Mapping[str, Any]) -> EventId:
        if self.unpinnable:
            raise RequestRefused(403, "M_FORBIDDEN", "no")
        self.pinned = content["pinned"]
        return EventId("$pins")


async def test_counters_wait_a_minute_and_a_phase_five_seconds() -> None:
    square = Square(live_space())
    await square.refresh()
    square.listeners = 40
    square.now += 59_000
    with pytest.raises(NotYetError):
        await square.refresh()
    square.now += 1_000
    await square.refresh()
    assert "40 listeners" in square.sent[1]
    square.space = after(square.space, cmd.EndSpace(HOST, 9_000))
    square.now += 4_000
    with pytest.raises(NotYetError):
        await square.refresh()
    square.now += 1_000
    await square.refresh()
    await square.refresh()
    assert [text.split("\n")[0] for text in square.sent] == [
        "🔴 Live now: First talk",
        "🔴 Live now: First talk",
        "Ended: First talk",
    ]


async def test_it_is_pinned_while_it_lasts() -> None:
    square = Square(live_space())
    square.pinned = ["$rules"]
    event = await square.refresh()
    assert square.pinned == ["$rules", event]
    square.space = after(square.space, cmd.EndSpace(HOST, 9_000))
    square.now += 5_000
    await square.refresh()
    assert square.pinned == ["$rules"]


async def test_what_has_begun_is_not_to_be_ticked() -> None:
    waiting = after(scheduled(), cmd.AttachRoom(ROOM))
    square = Square(waiting)
    await square.refresh()
    assert square.redacted == []
    square.space = after(square.space, cmd.StartSpace(HOST, 2_000))
    square.now += 5_000
    await square.refresh()
    await square.refresh()
    assert square.redacted == [f"$bubble-seed:{waiting.space}:✅"]


async def test_without_the_right_to_pin_it_still_stands() -> None:
    square = Square(live_space())
    square.unpinnable = True
    assert await square.refresh() is not None
    assert square.told == []


async def test_without_the_right_to_write_the_host_is_told_once() -> None:
    square = Square(live_space())
    square.refusal = RequestRefused(403, "M_FORBIDDEN", "not in room")
    assert await square.refresh() is None
    square.refusal = None
    assert await square.refresh() is None
    assert [task.user for task in square.told] == [HOST]
    assert square.sent == []


async def test_private_ones_and_those_made_elsewhere_have_none() -> None:
    for space in (replace(live_space(), private=True), live_space()):
        square = Square(space)
        if not space.private:
            square.space = space
        assert await square.refresh() is None
        assert square.sent == []


async def test_an_ended_one_that_never_had_a_bubble_gets_none() -> None:
    square = Square(after(live_space(), cmd.EndSpace(HOST, 9_000)))
    assert await square.refresh() is None


async def test_only_its_own_redaction_in_its_own_room_ends_it() -> None:
    square = Square(live_space())
    event = await square.refresh()
    assert event is not None
    assert not await square.bubbles.removed(EventId("$other"), SQUARE)
    assert not await square.bubbles.removed(EventId(event), RoomId("!elsewhere"))
    assert await square.bubbles.removed(EventId(event), SQUARE)
    square.space = after(square.space, cmd.ObserveMember(BEN, False))
    square.listeners = 99
    assert await square.refresh() is None
