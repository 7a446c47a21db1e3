"""What is read back after an outage: how far, of which rooms, and what of it enters."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from spaces_bridge.app.records import InboxEvent
from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.appservice import lookback
from spaces_bridge.matrix.appservice.lookback import MARGIN_MS, OLDEST_MS, PAGES_MAX, LookBack
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.events.translate import BotInvited
from tests.matrix.support import eventually
from tests.support.notes import MemoryNotes

pytestmark = pytest.mark.unit

BOT, LIVE, DIRECT = UserId("@bot:x"), RoomId("!live"), RoomId("!direct")
NOW, LOST = 10 * OLDEST_MS, 10 * OLDEST_MS - 60_000
PAGE = 2


def said(name: str, at_ms: object, **more: object) -> dict[str, Any]:
    """A message, as `/messages` gives it."""
    plain = {"event_id": name, "type": "m.room.message", "sender": "@ada:x", "content": {}}
    return {**plain, "origin_server_ts": at_ms, **more}


class Place:
    """A homeserver with rooms, an inbox, notes and a clock."""

    def __init__(self) -> None:
        self.user = BOT
        self.rooms: dict[RoomId, list[dict[str, Any]]] = {DIRECT: [], LIVE: []}
        self.read: list[RoomId] = []
        self.failure: Exception | None = None
        self.known: set[str] = set()
        self.entered: list[str] = []
        self.newest: int | None = None
        self.notes = MemoryNotes()
        self.arrivals = 0
        every: Any = self
        self.looking = LookBack(every, every, self.notes, every, lambda: [LIVE], self.arrived)

    def arrived(self) -> None:
        self.arrivals += 1

    def now_ms(self) -> int:
        return NOW

    async def joined_rooms(self) -> list[RoomId]:
        return list(self.rooms)

    async def page_back(
        self, room: RoomId, types: Sequence[str], start: str | None
    ) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        self.read.append(room)
        if self.failure is not None:
            raise self.failure
        at = int(start or 0)
        page = self.rooms[room][::-1][at : at + PAGE]
        return page, str(at + PAGE) if page else None

    async def store(self, events: Sequence[InboxEvent]) -> bool:
        news = [event for event in events if event.event_id not in self.known]
        for event in news:
            assert json.loads(event.body)["room_id"] == event.room_id
        self.known |= {event.event_id for event in news}
        self.entered += [event.event_id for event in news]
        return bool(news)

    async def newest_ms(self) -> int | None:
        return self.newest


@pytest.fixture
def place() -> Place:
    made = Place()
    made.newest = LOST
    return made


async def test_what_is_unknown_enters_once_in_order_and_live_spaces_come_first(
    place: Place,
) -> None:
    place.known = {"$2", "$4"}
    place.rooms[LIVE] = [said(f"${n}", LOST + n) for n in range(1, 6)]
    place.rooms[DIRECT] = [said("$tap", LOST)]
    await place.looking.look()
    assert place.entered == ["$1", "$3", "$5", "$tap"], "also what lies between known ones"
    assert place.arrivals == 2
    await place.looking.look()
    assert place.entered == ["$1", "$3", "$5", "$tap"]
    assert place.arrivals == 2


async def test_what_is_older_than_the_outage_or_a_day_is_left_alone(place: Place) -> None:
    place.rooms[LIVE] = [said("$old", LOST - MARGIN_MS - 1), said("$new", LOST - MARGIN_MS)]
    await place.looking.look()
    assert place.entered == ["$new"]
    place.newest = 0
    place.rooms[LIVE] = [said("$yesterday", NOW - OLDEST_MS - 1), said("$today", NOW - OLDEST_MS)]
    await place.looking.look()
    assert place.entered == ["$new", "$today"]


async def test_what_came_after_the_return_does_not_hide_what_was_missed(place: Place) -> None:
    """The newest event that came is newer than the one that did not."""
    place.looking.homeserver_away()
    place.newest = NOW + OLDEST_MS
    place.rooms[LIVE] = [said("$missed", NOW - MARGIN_MS), said("$after", NOW)]
    await place.looking.look()
    assert place.entered == ["$missed", "$after"]


async def test_a_reading_that_was_broken_off_begins_where_it_began(place: Place) -> None:
    place.rooms[LIVE] = [said("$missed", LOST)]
    place.failure = Away("gone again")
    with pytest.raises(Away):
        await place.looking.look()
    place.failure, place.newest = None, NOW + OLDEST_MS
    await place.looking.look()
    assert place.entered == ["$missed"], "also by the next run of the bridge"


async def test_a_bridge_that_never_heard_anything_reads_nothing(place: Place) -> None:
    place.newest = None
    place.rooms[LIVE] = [said("$before", NOW)]
    await place.looking.look()
    assert place.read == []


@pytest.mark.parametrize("newest", [LOST, None])
async def test_what_the_homeserver_forgets_just_after_its_return_is_found_a_while_later(
    place: Place, newest: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Synapse keeps an event back that comes when it is done with what had queued up."""
    place.newest = newest
    place.rooms[LIVE] = [said("$before", LOST)]

    async def rest(event: asyncio.Event, seconds: float) -> None:
        if "$kept" in place.entered:
            await event.wait()
        place.rooms[LIVE].append(said("$kept", NOW))

    monkeypatch.setattr(lookback, "rest", rest)
    place.looking.homeserver_back()
    async with running(place):
        await eventually(lambda: "$kept" in place.entered, "it is not found", 5.0)
    assert place.entered == (["$kept"] if newest is None else ["$before", "$kept"])


async def test_rooms_are_read_again_until_nothing_is_found(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookback, "AGAIN_S", 0.0)
    place.rooms[LIVE] = [said("$one", LOST)]
    place.looking.homeserver_back()
    async with running(place):
        await eventually(lambda: place.read.count(DIRECT) >= 2, "not twice", 5.0)
        place.looking.homeserver_back()  # and the next return is looked after as well
        await eventually(lambda: place.read.count(DIRECT) >= 4, "not at the next return", 5.0)
    assert place.read.count(DIRECT) == 4


@asynccontextmanager
async def running(place: Place) -> AsyncIterator[None]:
    """Rooms are read back meanwhile."""
    task = asyncio.create_task(place.looking.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_was_said_before_the_bot_came_is_not_said_to_it(place: Place) -> None:
    join = {"type": "m.room.member", "state_key": BOT, "content": {"membership": "join"}}
    place.rooms[LIVE] = [said("$a", LOST), said("$join", LOST, **join), said("$b", LOST)]
    await place.looking.look()
    assert place.entered == ["$b"]


async def test_a_talkative_room_is_read_so_far_and_no_further(place: Place) -> None:
    place.rooms[LIVE] = [said(f"${n}", LOST) for n in range(PAGE * PAGES_MAX + 1)]
    await place.looking.look()
    assert len(place.entered) == PAGE * PAGES_MAX
    assert place.read == [LIVE] * PAGES_MAX + [DIRECT]


async def test_a_room_that_refuses_stops_no_other(place: Place) -> None:
    place.failure = RequestRefused(403, "M_FORBIDDEN", "not here")
    await place.looking.look()
    assert place.read == [LIVE, DIRECT]


@pytest.mark.parametrize("odd", [None, "soon", [], {}, float("inf"), True, 0, -1])
async def test_an_event_that_lies_about_its_time_hides_none(place: Place, odd: object) -> None:
    liar = said("$odd", odd, content="odd", sender=7)
    place.rooms[LIVE] = [said("$before", LOST), liar, said("$after", LOST)]
    await place.looking.look()
    assert place.entered == ["$before", "$after"]


# --- what was written before the bot joined ------------------------------------------------------

INVITE = BotInvited(DIRECT, EventId("$invite"), UserId("@ada:x"), direct=True)


async def test_what_the_inviter_wrote_before_the_join_enters_in_order(place: Place) -> None:
    place.rooms[DIRECT] = [
        said("$before", NOW),
        said("$invite", NOW, type="m.room.member", state_key=BOT),
        said("$first", NOW),
        said("$of-another", NOW, sender="@ben:x"),
        said("$second", NOW, type="m.room.encrypted"),
        said("$join", NOW, type="m.room.member", state_key=BOT, sender=BOT),
        said("$third", NOW),
    ]
    place.known = {"$third"}
    await place.looking.first_words(INVITE)
    assert place.entered == ["$first", "$second"]
    assert place.arrivals == 1
    await place.looking.first_words(INVITE)
    assert place.entered == ["$first", "$second"]
    assert place.arrivals == 1


async def test_no_more_is_read_of_a_room_that_hides_its_invite(place: Place) -> None:
    place.rooms[DIRECT] = [said(f"${n}", NOW) for n in range(PAGE * (PAGES_MAX + 5))]
    await place.looking.first_words(INVITE)
    assert len(place.entered) == PAGE * PAGES_MAX
