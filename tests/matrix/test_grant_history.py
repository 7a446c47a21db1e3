"""Whether a grant was given and undone, told from the history of the levels."""

import pytest

from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.matrix_client import StateEvent
from spaces_bridge.matrix.rooms.grant_history import STEPS, GrantHistory
from tests.support.notes import MemoryNotes

pytestmark = pytest.mark.unit

ROOM, BEN = RoomId("!room"), UserId("@ben:x")


class Room:
    """The levels of one room, event by event; and what is noted of them."""

    user = UserId("@spacesbot:x")

    def __init__(self) -> None:
        self.events: list[StateEvent] = []
        self.notes = MemoryNotes()
        self.failure: Exception | None = None
        self.write(None)

    def write(self, level: int | None) -> None:
        """Somebody writes levels in which Ben has this entry."""
        before = self.now.event if self.events else None
        users = {} if level is None else {BEN: level}
        event = EventId(f"$levels-{len(self.events)}")
        self.events.append(StateEvent(event, before, {"users": users}))

    @property
    def now(self) -> StateEvent:
        return self.events[-1]

    async def event(self, room: RoomId, event: EventId) -> StateEvent:
        if self.failure is not None:
            raise self.failure
        return next(e for e in self.events if e.event == event)

    async def undone(self, key: str = "first task") -> bool:
        """As a bridge that has just started would say."""
        return await GrantHistory(self, self.notes).undone(ROOM, BEN, 10, key, self.now)


async def test_the_first_try_is_made_whatever_was_before() -> None:
    room = Room()
    room.write(10)
    room.write(None)
    assert not await room.undone()


async def test_a_try_of_which_nothing_is_found_is_made_again() -> None:
    room = Room()
    assert not await room.undone()
    assert not await room.undone()
    room.write(None)
    room.write(5)
    assert not await room.undone()


@pytest.mark.parametrize("later", [0, STEPS - 2])
async def test_a_level_given_and_taken_away_since_the_first_try_is_undone(later: int) -> None:
    room = Room()
    await room.undone()
    room.write(10)
    for _ in range(1 + later):
        room.write(None)
    assert await room.undone()
    assert await room.undone(), "and stays so"


async def test_another_level_given_since_then_is_the_last_word_too() -> None:
    room = Room()
    await room.undone()
    room.write(10)
    room.write(60)
    assert await room.undone()


async def test_a_level_that_stands_is_not_undone() -> None:
    room = Room()
    await room.undone()
    room.write(10)
    assert not await room.undone()


async def test_a_new_task_for_the_same_person_counts_from_its_own_first_try() -> None:
    room = Room()
    await room.undone()
    room.write(10)
    room.write(None)
    assert not await room.undone("second task")
    assert not await room.undone("second task")


async def test_the_way_back_ends_after_some_steps_and_the_try_is_made() -> None:
    room = Room()
    await room.undone()
    room.write(10)
    for _ in range(1 + STEPS):
        room.write(None)
    assert not await room.undone()


async def test_history_the_homeserver_no_longer_shows_holds_no_grant_up() -> None:
    room = Room()
    await room.undone()
    room.write(10)
    room.write(None)
    room.failure = RequestRefused(404, "M_NOT_FOUND", "gone")
    assert not await room.undone()


async def test_history_that_cannot_be_read_now_is_waited_for() -> None:
    room = Room()
    await room.undone()
    room.write(10)
    room.write(None)
    room.failure = Away("gone", unreached=True)
    with pytest.raises(Away):
        await room.undone()


async def test_a_homeserver_that_names_no_events_has_no_history() -> None:
    room = Room()
    room.events = [StateEvent(None, None, {"users": {}})]
    assert not await room.undone()
    assert room.notes.held == {}
