"""Notes on both databases: found by key, read strictly, pruned by their expiry."""

import logging
from dataclasses import replace

import pytest

from spaces_bridge.app.notes.commands import CommandPerson, CommandReworded
from spaces_bridge.app.notes.dms_and_reactions import UserRoom
from spaces_bridge.app.notes.kinds import ALL
from spaces_bridge.app.notes.record import (
    AfterHandling,
    AfterSpace,
    AfterWriting,
    ForEver,
    Key,
    Note,
    key_parts,
)
from spaces_bridge.app.notes.rooms import LatestCaption, PinnedPost
from spaces_bridge.app.records import Token
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.storage import notes as notes_module
from spaces_bridge.storage import tokens as tokens_module
from spaces_bridge.storage.notes import DAY_MS
from spaces_bridge.storage.storage import Storage
from tests.storage.support import SetClock, event, stored, summary
from tests.support.each_note import ADA, BEN, EACH, SPACE

pytestmark = pytest.mark.peers

NOW = 2_000 * DAY_MS


def key_of(note: Note) -> Key[Note]:
    return Key(type(note), key_parts(note))


async def kinds(storage: Storage) -> set[str]:
    """The kinds that are stored."""
    return {row["kind"] for row in await storage.pool.fetch("SELECT kind FROM note_records")}


async def end(storage: Storage, ended_at_ms: int | None, space: SpaceId = SPACE) -> None:
    """A live space that ended then, or goes on."""
    about = summary(space, ended_at_ms=ended_at_ms)
    await storage.journal.append(space, [stored(1)], [], about)


async def test_each_kind_is_found_replaced_and_dropped(storage: Storage) -> None:
    for note in EACH:
        assert await storage.notes.get(key_of(note)) is None
        await storage.notes.put(note)
    for note in EACH:
        assert await storage.notes.get(key_of(note)) == note
    for note in EACH:
        await storage.notes.drop(key_of(note))
        assert await storage.notes.get(key_of(note)) is None
    assert await kinds(storage) == set()


async def test_the_newest_counts_whatever_is_in_it(storage: Storage) -> None:
    key = CommandPerson.key(EventId("$e"))
    for rest in ("first", 'new \x00\ud800 "’'):
        note = CommandPerson(EventId("$e"), UserId("@a:x"), rest)
        await storage.notes.put(note)
        assert await storage.notes.get(key) == note


async def test_ids_of_any_length_and_form_are_keys(storage: Storage) -> None:
    users = [UserId(name) for name in ("@a:x", "@a:x\x00", "\ud800", "@" + "a" * 9000, "", '["')]
    for user in users:
        await storage.notes.put(UserRoom(user, RoomId(f"!{user}")))
    for user in users:
        found = await storage.notes.get(UserRoom.key(user))
        assert found == UserRoom(user, RoomId(f"!{user}"))


async def test_parts_of_a_key_are_not_mistaken_for_each_other(storage: Storage) -> None:
    names = ("a", 'a","1', "a,1", 'a"')
    pinned = [PinnedPost(SpaceId(name), 1, EventId(f"${name}")) for name in names]
    for note in pinned:
        await storage.notes.put(note)
    for note in pinned:
        assert await storage.notes.get(key_of(note)) == note


@pytest.mark.parametrize(
    "body", ['{"user": 1', "[]", '{"user":"@a:x"}', '{"user":"@a:x","room":7}']
)
async def test_what_cannot_be_read_counts_as_absent_and_is_said_once(
    storage: Storage, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    note = UserRoom(UserId("@a:x"), RoomId("!r"))
    await storage.notes.put(note)
    await storage.pool.execute("UPDATE note_records SET body = $1", body)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert await storage.notes.get(UserRoom.key(note.user)) is None
    assert [r.levelname for r in caplog.records] == ["ERROR"]
    assert "(user_room) cannot be read" in caplog.text
    assert "@a:x" not in caplog.text
    await storage.notes.put(note)
    assert await storage.notes.get(UserRoom.key(note.user)) == note


# --- expiry -------------------------------------------------------------------------------------


def of_expiry(expiry: type[object]) -> set[str]:
    return {record.kind for record in ALL if isinstance(record.expiry, expiry)}


async def test_each_kind_goes_when_its_days_after_writing_are_over(
    storage: Storage, clock: SetClock
) -> None:
    for note in EACH:
        expiry = note.expiry
        if isinstance(expiry, AfterWriting | AfterHandling):
            clock.ms = NOW - expiry.days * DAY_MS
            await storage.notes.put(note)
    written = of_expiry(AfterWriting) | of_expiry(AfterHandling)
    clock.ms = NOW
    await storage.notes.prune()
    assert await kinds(storage) == written, "not one millisecond too early"
    clock.ms = NOW + 1
    await storage.notes.prune()
    assert await kinds(storage) == set()


async def test_each_kind_about_a_live_space_goes_some_days_after_its_end(
    storage: Storage, clock: SetClock
) -> None:
    of_space = {note.kind: note for note in EACH if isinstance(note.expiry, AfterSpace)}
    clock.ms = 0
    for note in of_space.values():
        await storage.notes.put(note)
    await end(storage, None)
    clock.ms = NOW
    await storage.notes.prune()
    assert await kinds(storage) == set(of_space), "a live space may go on for years"
    await storage.journal.append(SPACE, [stored(2)], [], summary(SPACE, ended_at_ms=NOW))
    months = {kind for kind, note in of_space.items() if note.expiry == AfterSpace(30)}
    years = {kind for kind, note in of_space.items() if note.expiry == AfterSpace(365)}
    assert months
    assert months | years == set(of_space)
    for days, left in ((30, months | years), (31, years), (365, years), (366, set[str]())):
        clock.ms = NOW + days * DAY_MS
        await storage.notes.prune()
        assert await kinds(storage) == left


async def test_only_notes_about_the_ended_live_space_go(storage: Storage, clock: SetClock) -> None:
    other, unknown = SpaceId("zyxwvuts76543210"), SpaceId("nobodyknows12345")
    for space in (SPACE, other, unknown):
        await storage.notes.put(LatestCaption(space, EventId("$c")))
    await end(storage, 1)
    await end(storage, None, other)
    clock.ms = NOW
    await storage.notes.prune()
    found = [await storage.notes.get(LatestCaption.key(s)) for s in (SPACE, other, unknown)]
    assert [note is not None for note in found] == [False, True, True]


async def test_what_is_about_people_stays_for_ever(storage: Storage, clock: SetClock) -> None:
    clock.ms = 0
    for note in EACH:
        await storage.notes.put(note)
    await end(storage, 1)
    clock.ms = 100 * NOW
    await storage.notes.prune()
    assert await kinds(storage) == of_expiry(ForEver)
    assert of_expiry(ForEver) == {
        "user_room",
        "room_user",
        "latest_invitation",
        "latest_from",
        "uploaded_picture",
        "read_back_from",
    }


async def test_a_note_that_is_written_again_is_young_again(
    storage: Storage, clock: SetClock
) -> None:
    note = CommandReworded(EventId("$m"), EventId("$e"))
    for days in range(0, 200, 20):
        clock.ms = days * DAY_MS
        await storage.notes.prune()
        await storage.notes.put(note)
    assert await storage.notes.get(key_of(note)) == note


async def test_a_note_stays_as_long_as_its_event_waits_to_be_handled(
    storage: Storage, clock: SetClock
) -> None:
    """A bridge that was off for weeks handles what it had begun to handle."""
    waiting = [event(1), replace(event(2), event_id="$" + "long" * 500)]
    await storage.inbox.store(waiting)
    for each in waiting:
        await storage.notes.put(CommandPerson(EventId(each.event_id), BEN, "why"))
    await storage.notes.put(CommandPerson(EventId("$handled"), BEN, "why"))
    clock.ms = NOW
    await storage.notes.prune()
    assert await storage.notes.get(CommandPerson.key(EventId("$handled"))) is None
    for each in waiting:
        assert await storage.notes.get(CommandPerson.key(EventId(each.event_id))) is not None
    first, second = await storage.inbox.pending(0, 10)
    await storage.inbox.done(first.seq)
    await storage.inbox.bury(second.seq, "it cannot be handled")
    await storage.notes.prune()
    assert await kinds(storage) == set()


async def test_many_go_a_few_at_a_time(
    storage: Storage, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes_module, "BATCH", 3)
    clock.ms = 0
    for number in range(6):
        await storage.notes.put(CommandReworded(EventId(f"${number}"), EventId("$e")))
    clock.ms = NOW
    young = CommandReworded(EventId("$young"), EventId("$e"))
    await storage.notes.put(young)
    await storage.notes.prune()
    assert await storage.pool.fetchval("SELECT count(*) FROM note_records") == 1
    assert await storage.notes.get(key_of(young)) == young


async def test_tokens_of_live_spaces_that_are_long_over_go(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "BATCH", 2)
    spaces = {SpaceId("long-over"): 10, SpaceId("just-over"): 20, SpaceId("goes-on"): None}
    for space, ended_at_ms in spaces.items():
        await end(storage, ended_at_ms, space)
        for number in range(4):
            hash_ = f"{space}{number}"
            await storage.tokens.put(Token(hash_, space, ADA, "Ada", number == 0, 1))
    await storage.tokens.prune(20)
    rows = await storage.pool.fetch("SELECT DISTINCT space FROM tokens")
    assert {row["space"] for row in rows} == {"just-over", "goes-on"}
    assert await storage.tokens.find("just-over0") is not None
    assert await storage.tokens.find("long-over0") is None
