"""Memberships that killed clients leave: when they are looked at, and how often."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.tasks import ClearCallMember, OutboxTask
from spaces_bridge.core.ids import EventId, RoomId, SpaceId
from spaces_bridge.matrix.appservice.call_events import ASKED_A_MINUTE, KNOWN_MAX, MemberEvents
from spaces_bridge.matrix.client.errors import NotYetError, RequestRefused
from spaces_bridge.matrix.events import rtc
from spaces_bridge.matrix.rooms import call_members
from spaces_bridge.matrix.rooms.call_members import GRACE_MS, CallConnections
from tests.support.spaces import BEN, EVE, ROOM

pytestmark = pytest.mark.unit

SPACE, DEVICE = SpaceId("space1"), "DEV"


class Desk:
    """The outbox and the clock, with the connections of one bridge."""

    def __init__(self) -> None:
        self.now = 1_000_000
        self.enqueued: list[tuple[OutboxTask, str, int]] = []
        self.failures = 0
        self.news = asyncio.Event()
        every: Any = self
        self.connections = CallConnections(every, every)

    def now_ms(self) -> int:
        return self.now

    async def enqueue_task(self, wanted: OutboxTask, key: str, due_at_ms: int = 0) -> None:
        if self.failures:
            self.failures -= 1
            raise StorageError("away")
        self.enqueued.append((wanted, key, due_at_ms))
        self.news.set()

    async def next(self) -> ClearCallMember:
        """The next task that is stored."""
        while not self.enqueued:
            self.news.clear()
            await self.news.wait()
        task, _, due_at_ms = self.enqueued.pop(0)
        assert isinstance(task, ClearCallMember)
        assert task.gone_at_ms is not None
        assert due_at_ms == task.gone_at_ms + GRACE_MS
        return task


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    running = asyncio.create_task(made.connections.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_who_is_in_a_call_is_known_by_any_of_their_devices(desk: Desk) -> None:
    connections = desk.connections
    assert not connections.is_in(SPACE, BEN)
    connections.connected(SPACE, BEN, DEVICE)
    connections.connected(SPACE, BEN, "OTHER")
    connections.gone(SPACE, BEN, DEVICE)
    assert connections.is_in(SPACE, BEN)
    assert not connections.is_in(SPACE, EVE)
    assert not connections.is_in(SpaceId("other"), BEN)
    connections.gone(SPACE, BEN, "OTHER")
    assert not connections.is_in(SPACE, BEN)


async def test_a_device_that_is_gone_is_looked_at_after_the_grace(desk: Desk) -> None:
    desk.connections.connected(SPACE, BEN, DEVICE)
    desk.connections.gone(SPACE, BEN, DEVICE)
    task = await desk.next()
    assert task == ClearCallMember(SPACE, BEN, DEVICE, desk.now)
    assert desk.connections.stays_away(task)


async def test_a_device_that_came_back_is_left_alone(desk: Desk) -> None:
    desk.connections.gone(SPACE, BEN, DEVICE)
    desk.connections.connected(SPACE, BEN, DEVICE)
    assert not desk.connections.stays_away(await desk.next())


async def test_for_a_device_that_comes_and_goes_one_task_waits(desk: Desk) -> None:
    first_ms = desk.now
    for _ in range(100):
        desk.connections.connected(SPACE, BEN, DEVICE)
        desk.connections.gone(SPACE, BEN, DEVICE)
        desk.now += 100
    task = await desk.next()
    assert task.gone_at_ms == first_ms
    assert desk.enqueued == []
    assert not desk.connections.stays_away(task), "it was back meanwhile"
    again = await desk.next()
    assert again.gone_at_ms == desk.now - 100
    assert desk.connections.stays_away(again)


async def test_devices_are_told_apart(desk: Desk) -> None:
    desk.connections.connected(SPACE, BEN, "OTHER")
    desk.connections.connected(SPACE, EVE, DEVICE)
    desk.connections.gone(SPACE, BEN, DEVICE)
    assert desk.connections.stays_away(await desk.next())


async def test_just_after_a_start_nobody_is_gone_yet(desk: Desk) -> None:
    of_before = ClearCallMember(SPACE, BEN, DEVICE, desk.now - 10 * GRACE_MS)
    with pytest.raises(NotYetError) as wait:
        desk.connections.stays_away(of_before)
    assert wait.value.after_s == GRACE_MS / 1000
    desk.connections.connected(SPACE, BEN, DEVICE)
    desk.now += GRACE_MS
    assert not desk.connections.stays_away(of_before)
    assert desk.connections.stays_away(ClearCallMember(SPACE, EVE, DEVICE, of_before.gone_at_ms))


async def test_when_the_call_is_over_everybody_is_gone(desk: Desk) -> None:
    desk.connections.connected(SPACE, BEN, DEVICE)
    assert desk.connections.stays_away(ClearCallMember(SPACE, BEN, DEVICE))


async def test_what_could_not_be_stored_is_stored_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_members, "STORE_PAUSE_S", 0.0)
    desk.failures = 3
    desk.connections.gone(SPACE, BEN, DEVICE)
    assert (await desk.next()).user == BEN


class Bot:
    """Knows no event, and counts how often it is asked for one."""

    def __init__(self) -> None:
        self.asked = 0
        self.now = 1
        every: Any = self
        self.members = MemberEvents(every, every)

    def now_ms(self) -> int:
        return self.now

    async def call(self, *_: object) -> object:
        self.asked += 1
        raise RequestRefused(404, "M_NOT_FOUND", "no such event")


async def test_a_flood_of_hands_on_unknown_events_asks_for_a_few() -> None:
    bot = Bot()
    for number in range(50):
        for _ in range(3):
            assert not await bot.members.is_own(ROOM, EventId(f"$e{number}"), BEN)
    assert bot.asked == 12
    for number in range(1000):
        user = type(BEN)(f"@troll{number}:evil")
        assert not await bot.members.is_own(ROOM, EventId(f"$t{number}"), user)
    assert bot.asked == ASKED_A_MINUTE


async def test_what_is_known_of_events_is_bounded_and_the_newest_stays() -> None:
    bot = Bot()
    for number in range(KNOWN_MAX + 1):
        bot.members.note(ROOM, EventId(f"$m{number}"), BEN)
    assert await bot.members.is_own(ROOM, EventId(f"$m{KNOWN_MAX}"), BEN)
    assert not await bot.members.is_own(ROOM, EventId(f"$m{KNOWN_MAX}"), EVE)
    assert not await bot.members.is_own(RoomId("!other"), EventId(f"$m{KNOWN_MAX}"), BEN)
    assert bot.asked == 1, "the same id in another room is another event"
    assert not await bot.members.is_own(ROOM, EventId("$m0"), BEN)
    assert bot.asked == 2


def test_the_bot_may_write_everybodys_key_and_nobody_else_the_bots() -> None:
    """Keys that begin with `@` are their user's alone."""
    assert rtc.state_key(BEN, DEVICE) == f"_{BEN}_{DEVICE}_m.call"
    assert rtc.own_state_key(BEN) == BEN
