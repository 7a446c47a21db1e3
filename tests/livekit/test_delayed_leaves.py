"""Delegated delayed leaves: put off while somebody is there, sent when nobody is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from spaces_bridge.app.call_ports import DelayedEventGone
from spaces_bridge.app.errors import AdapterError, StorageError
from spaces_bridge.app.notes.delayed_leaves import DelegatedLeave, DelegatedLeaves
from spaces_bridge.app.notes.record import Note
from spaces_bridge.app.usecases.calls import CallPermit
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.livekit import delayed_leaves
from spaces_bridge.livekit.delayed_leaves import (
    GONE_AFTER_S,
    JOIN_WITHIN_S,
    MOST_PER_USER,
    LeaveKeeper,
)
from tests.livekit.authorised import ToldEvents, ToldPresence
from tests.support.edge import Clock
from tests.support.notes import MemoryNotes
from tests.web.world import until

pytestmark = pytest.mark.peers

ALICE, BOB = UserId("@alice:x"), UserId("@bob:y")
PHONE = f"{ALICE}:PHONE"
HOUR_MS = 3_600_000


SPACE, OTHER = SpaceId("space0000000000a"), SpaceId("space0000000000b")


def permit(user: UserId = ALICE, space: SpaceId = SPACE) -> CallPermit:
    return CallPermit(space, RoomId(f"!{space}"), user, "A", may_publish=False)


class CountedPresence(ToldPresence):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def is_connected(self, space: SpaceId, identity: str) -> bool:
        self.looks += 1
        return super().is_connected(space, identity)


class AuthoriserSetup:
    """A keeper and its world; looks go on by themselves, time only when a test says so."""

    def __init__(self, notes: MemoryNotes | None = None) -> None:
        self.clock = Clock()
        self.events, self.presence = ToldEvents(), CountedPresence()
        self.notes = notes or MemoryNotes()
        self.keeper = LeaveKeeper(self.presence, self.events, self.notes, self.clock)

    async def delegate(
        self,
        delay_id: str = "one",
        user: UserId = ALICE,
        device: str = "PHONE",
        member: str = "",
        delay_ms: int = HOUR_MS,
        space: SpaceId = SPACE,
    ) -> None:
        await self.keeper.delegate(permit(user, space), device, member, delay_id, delay_ms)

    async def looked(self, times: int = 3) -> None:
        """It has looked so many times more, at what is true now."""
        wanted = self.presence.looks + times
        await until(lambda: self.presence.looks >= wanted or len(self.keeper) == 0)

    async def pass_by(self, seconds: float) -> None:
        self.clock.now += seconds
        await self.looked()

    def noted(self) -> list[str]:
        """The delayed events that a restart would find."""
        note = self.notes.held.get((DelegatedLeaves.kind, ()))
        return (
            [leave.delay_id for leave in note.leaves] if isinstance(note, DelegatedLeaves) else []
        )


@asynccontextmanager
async def working(setup: AuthoriserSetup) -> AsyncIterator[AuthoriserSetup]:
    run = asyncio.create_task(setup.keeper.run())
    try:
        yield setup
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delayed_leaves, "LOOK_EVERY_S", 0.001)


@pytest.fixture
async def setup() -> AsyncIterator[AuthoriserSetup]:
    async with working(AuthoriserSetup()) as running:
        yield running


async def test_the_homeserver_is_asked_at_once_so_that_a_wrong_event_is_told(
    setup: AuthoriserSetup,
) -> None:
    await setup.delegate()
    assert setup.events.asked == [("restart", ALICE, "one")]
    setup.events.gone.add("two")
    with pytest.raises(DelayedEventGone):
        await setup.delegate("two", device="TABLET")
    assert len(setup.keeper) == 1


async def test_while_somebody_is_there_the_delay_begins_anew_in_half_its_time(
    setup: AuthoriserSetup,
) -> None:
    setup.presence.identities.add(PHONE)
    await setup.delegate()
    for times in range(1, 4):
        await setup.pass_by(HOUR_MS / 2000 - 1)
        assert setup.events.times("restart") == times
        await setup.pass_by(1)
        assert setup.events.times("restart") == times + 1
    assert not setup.events.times("send")


async def test_when_somebody_is_gone_the_event_is_sent_once(setup: AuthoriserSetup) -> None:
    setup.presence.identities.add(PHONE)
    await setup.delegate()
    await setup.looked()
    setup.presence.identities.clear()
    await setup.looked()
    await setup.pass_by(GONE_AFTER_S - 0.1)
    assert not setup.events.times("send")
    await setup.pass_by(0.1)
    assert setup.events.times("send") == 1
    assert len(setup.keeper) == 0
    await until(lambda: setup.noted() == [])


async def test_a_short_absence_is_none(setup: AuthoriserSetup) -> None:
    setup.presence.identities.add(PHONE)
    await setup.delegate()
    await setup.looked()
    setup.presence.identities.clear()
    await setup.pass_by(GONE_AFTER_S - 1)
    setup.presence.identities.add(PHONE)
    await setup.looked()
    setup.presence.identities.clear()
    await setup.pass_by(GONE_AFTER_S - 1)
    assert not setup.events.times("send")


async def test_who_never_comes_is_gone_a_minute_later(setup: AuthoriserSetup) -> None:
    await setup.delegate()
    await setup.looked()
    await setup.pass_by(JOIN_WITHIN_S - 1)
    assert not setup.events.times("send")
    await setup.pass_by(1)
    assert setup.events.times("send") == 1


async def test_who_left_by_themselves_is_forgotten(setup: AuthoriserSetup) -> None:
    """The client sent its own leave: the homeserver does not know the event any more."""
    setup.presence.identities.add(PHONE)
    await setup.delegate()
    setup.events.gone.add("one")
    await setup.pass_by(HOUR_MS / 2000)
    assert len(setup.keeper) == 0
    assert not setup.events.times("send")


async def test_a_homeserver_that_is_away_is_asked_again_until_it_has_sent_the_event_itself(
    setup: AuthoriserSetup,
) -> None:
    setup.presence.identities.add(PHONE)
    setup.events.away = True
    with pytest.raises(AdapterError):
        await setup.delegate()
    assert len(setup.keeper) == 1
    await setup.pass_by(0.5)
    assert setup.events.times("restart") == 1
    await setup.pass_by(0.5)
    assert setup.events.times("restart") == 2
    setup.events.away = False
    await setup.pass_by(2)
    assert setup.events.times("restart") == 3
    setup.events.away = True
    setup.presence.identities.clear()
    await setup.looked()
    await setup.pass_by(GONE_AFTER_S)
    assert setup.events.times("send") == 1
    await setup.pass_by(HOUR_MS / 1000)
    assert len(setup.keeper) == 0


async def test_a_new_event_of_the_same_membership_takes_the_place_of_the_old_one(
    setup: AuthoriserSetup,
) -> None:
    """The old one would end the membership that the new one stands for."""
    setup.presence.identities.add(PHONE)
    await setup.delegate("old")
    await setup.delegate("new")
    await until(lambda: setup.events.times("cancel", "old") == 1)
    assert len(setup.keeper) == 1
    await setup.delegate("new")
    assert setup.events.times("cancel") == 1
    await setup.pass_by(HOUR_MS / 2000)
    assert setup.events.times("restart", "old") == 1


async def test_devices_and_member_ids_are_told_apart(setup: AuthoriserSetup) -> None:
    await setup.delegate("one")
    await setup.delegate("two", device="TABLET")
    await setup.delegate("three", member="uuid-1")
    await setup.delegate("four", member="uuid-2")
    assert len(setup.keeper) == 4
    assert not setup.events.times("cancel")


async def test_a_device_in_two_calls_may_leave_one_of_them(setup: AuthoriserSetup) -> None:
    setup.presence.identities.add(PHONE)
    await setup.delegate("here")
    await setup.delegate("there", space=OTHER)
    assert not setup.events.times("cancel")
    await setup.looked()
    setup.presence.empty.add(OTHER)
    await setup.looked()
    await setup.pass_by(GONE_AFTER_S)
    assert setup.events.times("send", "there") == 1
    assert not setup.events.times("send", "here")
    assert len(setup.keeper) == 1


async def test_a_person_has_only_so_many_and_keeps_nobody_else_out(
    setup: AuthoriserSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(MOST_PER_USER):
        await setup.delegate(f"event-{number}", device=f"D{number}")
    with pytest.raises(Rejected, match="too many calls"):
        await setup.delegate("more", device="MORE")
    await setup.delegate("again", device="D0")
    await setup.delegate("bobs", user=BOB)
    monkeypatch.setattr(delayed_leaves, "MOST", MOST_PER_USER + 1)
    with pytest.raises(Rejected):
        await setup.delegate("carls", user=UserId("@carl:z"))


async def test_a_restart_forgets_nothing(setup: AuthoriserSetup) -> None:
    setup.presence.identities.update({PHONE, f"{BOB}:PHONE"})
    await setup.delegate("alices")
    await setup.delegate("bobs", user=BOB)
    await until(lambda: setup.noted() == ["alices", "bobs"])
    async with working(AuthoriserSetup(setup.notes)) as after:
        after.presence.identities.add(PHONE)
        await until(lambda: after.events.times("restart") == 2)
        await after.pass_by(JOIN_WITHIN_S)
        await until(lambda: after.events.times("send", "bobs") == 1)
        assert not after.events.times("send", "alices")
        await until(lambda: after.noted() == ["alices"])


async def test_a_store_that_fails_is_tried_again(
    setup: AuthoriserSetup, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing = [StorageError("full"), StorageError("full")]
    put = setup.notes.put

    async def fail_twice(note: Note) -> None:
        if failing:
            raise failing.pop()
        await put(note)

    monkeypatch.setattr(setup.notes, "put", fail_twice)
    setup.presence.identities.add(PHONE)
    await setup.delegate()
    await until(lambda: setup.noted() == ["one"])
    assert "cannot be noted" in caplog.text


async def test_what_was_not_noted_yet_is_at_the_end() -> None:
    setup = AuthoriserSetup()
    await setup.delegate()
    assert setup.noted() == []
    await setup.keeper.save()
    assert setup.noted() == ["one"]


async def test_a_note_of_before_does_not_undo_what_came_since() -> None:
    """Who delegates while the note is being read stands for more than the note."""
    notes = MemoryNotes(
        DelegatedLeaves((DelegatedLeave(SPACE, PHONE, ALICE, "of before", HOUR_MS),)),
    )
    setup = AuthoriserSetup(notes)
    await setup.delegate("new")
    async with working(setup):
        await setup.looked()
        assert setup.events.times("restart", "of before") == 0
        assert len(setup.keeper) == 1


async def test_a_slow_homeserver_holds_up_nobody_else(
    setup: AuthoriserSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.presence.identities.update({PHONE, f"{BOB}:PHONE"})
    await setup.delegate("alices")
    await setup.delegate("bobs", user=BOB)
    told, stuck = setup.events.restart, asyncio.Event()

    async def slow(user: UserId, delay_id: str) -> None:
        if user == BOB:
            await stuck.wait()
        await told(user, delay_id)

    monkeypatch.setattr(setup.events, "restart", slow)

    def alices() -> int:
        return setup.events.times("restart", "alices")

    for times in range(2, 5):
        await setup.pass_by(HOUR_MS / 2000)
        await until(partial(lambda wanted: alices() == wanted, times))
    assert setup.events.times("restart", "bobs") == 1
    stuck.set()
    await until(lambda: setup.events.times("restart", "bobs") == 2)
