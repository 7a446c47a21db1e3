"""Events that wait for keys: who makes place, what is forgotten, what one costs others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from spaces_bridge.app.crypto_ports import WaitingEvent
from spaces_bridge.app.records import InboxEvent
from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.client.errors import Away
from spaces_bridge.matrix.crypto import limits, waiting_bounds
from spaces_bridge.matrix.crypto.reading import ReadFailure, Unreadable
from spaces_bridge.matrix.crypto.waiting import Replies, WaitingEvents
from spaces_bridge.matrix.crypto.waiting_bounds import makes_place
from spaces_bridge.matrix.events.envelope import Envelope, envelope_of
from tests.storage.support import SetClock
from tests.support.crypto_peers import MemoryCrypto

pytestmark = pytest.mark.unit

NO_KEY = Unreadable(ReadFailure.NO_KEY, "session")


class Surroundings:
    """What the keeper asks: whether events can be read, the inbox, the devices, the rooms.

    `away`: events that cannot be looked at, and rooms too.
    """

    def __init__(self) -> None:
        self.readable: set[str] = set()
        self.away: set[str] = set()
        self.reopened: list[str] = []
        self.asked: list[str] = []
        self.wrote: list[str] = []

    async def is_readable(self, head: Envelope) -> bool:
        if head.event in self.away:
            raise Away("slow")
        return head.event in self.readable

    async def reopen(self, event: InboxEvent) -> None:
        self.reopened.append(event.event_id)

    async def ask_for_key(self, user: UserId, room: RoomId, session: str) -> None:
        self.asked.append(user)

    async def write(self, room: RoomId, text: str, key: str) -> None:
        self.wrote.append(room)

    async def is_direct(self, room: RoomId) -> bool:
        if room in self.away:
            raise Away("slow")
        return True


class Keeper:
    """The keeper over a store in memory."""

    def __init__(self) -> None:
        self.store, self.clock, self.around = MemoryCrypto(), SetClock(), Surroundings()
        parts: Any = self.around
        replies = Replies(parts.write, parts.is_direct)
        self.events = WaitingEvents(self.store, parts, parts, parts, replies, self.clock)

    async def keep(self, event: str, sender: str = "@eve:home", room: str = "!dm") -> None:
        whole = {"type": "m.room.encrypted", "event_id": event, "room_id": room}
        whole |= {"sender": sender, "content": {}}  # type: ignore[dict-item]  # JSON
        head = envelope_of(whole)
        assert head is not None
        await self.events.keep(whole, head, NO_KEY)

    async def kept(self) -> list[str]:
        return [each.event for each in await self.store.find(WaitingEvent)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.ensure_future(self.events.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0)


def row(event: str, sender: str, at_ms: int, *, is_answered: bool = False) -> WaitingEvent:
    room, session = RoomId("!r"), f"session of {event}"
    return WaitingEvent(EventId(event), room, UserId(sender), session, "", at_ms, is_answered)


# --- bounds -------------------------------------------------------------------------------------


async def test_accounts_that_fill_all_places_switch_nothing_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting_bounds, "WAITING_MAX", 20)
    keeper = Keeper()
    for number in range(20):
        await keeper.keep(f"$flood{number}", f"@flood{number % 4}:evil{number % 5}")
    await keeper.keep("$ada", "@ada:home")
    await keeper.keep("$ben", "@ben:home")
    assert {"$ada", "$ben"} <= set(await keeper.kept())
    assert len(await keeper.kept()) == keeper.events.number == 20


async def test_answered_ones_make_place_first_and_are_forgotten_in_the_store_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting_bounds, "WAITING_MAX", 2)
    keeper = Keeper()
    await keeper.keep("$first", "@ada:home")
    async with keeper.running():
        keeper.clock.ms += limits.WAITING_ANSWERED_AFTER_MS
        await keeper.keep("$second", "@ben:home")
        await keeper.until(lambda: bool(keeper.around.wrote))
        await keeper.until(
            lambda: any(e.is_answered for e in keeper.store.rows[WaitingEvent].values())
        )
    await keeper.keep("$third", "@cleo:home")
    assert await keeper.kept() == ["$second", "$third"]


def test_the_oldest_of_who_holds_most_of_the_server_that_holds_most_makes_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting_bounds, "WAITING_MAX", 6)
    honest = [row("$a", "@ada:home", 1), row("$b", "@ben:evil", 2)]
    flood = [row(f"$f{n}", "@eve:evil", 10 - n) for n in range(4)]
    found = makes_place([*honest, *flood], UserId("@cleo:far"))
    assert found == flood[-1]
    assert makes_place([*honest, *flood[1:]], UserId("@cleo:far")) is None


def test_each_person_and_each_server_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_bounds, "WAITING_PER_SENDER", 2)
    monkeypatch.setattr(waiting_bounds, "WAITING_PER_SERVER", 3)
    old = row("$old", "@ada:home", 0)
    eves = [row("$1", "@eve:evil", 1), row("$2", "@eve:evil", 2)]
    assert makes_place([old, *eves], UserId("@eve:evil")) == eves[0]
    more = [old, *eves, row("$3", "@mallory:evil", 0)]
    assert makes_place(more, UserId("@third:evil")) == eves[0]
    assert makes_place(more, UserId("@ada:home")) is None


async def test_an_event_that_comes_again_takes_no_second_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting_bounds, "WAITING_PER_SENDER", 2)
    keeper = Keeper()
    for event in ("$1", "$2", "$2"):
        await keeper.keep(event)
    assert await keeper.kept() == ["$1", "$2"]


async def test_what_the_store_forgets_holds_no_place_in_memory() -> None:
    keeper = Keeper()
    await keeper.keep("$old")
    async with keeper.running():
        keeper.clock.ms += limits.KEPT_MS + 1
        await keeper.keep("$new")
        await keeper.until(lambda: keeper.events.number == 1)


# --- what fails ---------------------------------------------------------------------------------


async def test_one_that_cannot_be_looked_at_stops_no_other() -> None:
    keeper, slow = Keeper(), [f"$slow{number}" for number in range(20)]
    keeper.around.away.update(slow)
    for event in [*slow, "$b"]:
        await keeper.keep(event)
    keeper.around.readable.add("$b")
    async with keeper.running():
        await keeper.until(lambda: keeper.around.reopened == ["$b"])
        assert await keeper.kept() == slow
        keeper.around.away.clear()
        keeper.around.readable.update(slow)
        keeper.events.devices_changed([UserId("@eve:home")])
        await keeper.until(lambda: len(keeper.around.reopened) == 21)


async def test_a_room_that_cannot_be_looked_at_keeps_nobody_elses_answer_back() -> None:
    keeper = Keeper()
    keeper.around.away.add("!far")
    await keeper.keep("$far", "@eve:far", "!far")
    await keeper.keep("$dm", "@ada:home")
    keeper.clock.ms += limits.WAITING_ANSWERED_AFTER_MS
    async with keeper.running():
        await keeper.until(lambda: keeper.around.wrote == ["!dm"])
