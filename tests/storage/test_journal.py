"""The journal, the directory and the tokens."""

import asyncio

import pytest

from spaces_bridge.app.errors import JournalConflict
from spaces_bridge.app.records import Token
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.storage.storage import Storage
from tests.storage.support import HOST, OTHER_SPACE, SPACE, effect, stored, summary

pytestmark = pytest.mark.peers

HOSTILE = "\x00 \x1a0000 \ud800 '; SELECT 1; -- $1 ?1 % \\ \r\n\x1b[31m \U0001f44b"


async def test_a_journal_is_replayed_as_it_was_written(storage: Storage) -> None:
    events = [stored(1, by=HOST), stored(2, nested={"list": [1, None, "ä", True]}), stored(3)]
    await storage.journal.append(SPACE, events[:2], [], summary())
    await storage.journal.append(OTHER_SPACE, [stored(1)], [], summary(OTHER_SPACE))
    await storage.journal.append(SPACE, events[2:], [], summary())
    assert await storage.journal.replay(SPACE) == events
    assert await storage.journal.replay(OTHER_SPACE) == [stored(1)]
    assert await storage.journal.replay(SpaceId("unknown")) == []


async def test_a_second_writer_is_refused_and_leaves_nothing_behind(storage: Storage) -> None:
    await storage.journal.append(SPACE, [stored(1)], [effect("first")], summary())
    with pytest.raises(JournalConflict, match="Another bridge has written"):
        await storage.journal.append(
            SPACE, [stored(2), stored(1)], [effect("second")], summary(title="stolen")
        )
    assert await storage.journal.replay(SPACE) == [stored(1)]
    assert [row.effect.key for row in await storage.outbox.pending(0, 10)] == ["first"]
    found = await storage.directory.by_slug(summary().slug)
    assert found is not None
    assert found.title == "An evening talk"


async def test_of_writers_racing_for_one_place_exactly_one_wins(storage: Storage) -> None:
    results = await asyncio.gather(
        *(
            storage.journal.append(
                SPACE, [stored(1, writer=writer)], [effect(f"by {writer}")], summary()
            )
            for writer in range(20)
        ),
        return_exceptions=True,
    )
    losers = [result for result in results if isinstance(result, JournalConflict)]
    assert len(losers) == 19
    (line,) = await storage.journal.replay(SPACE)
    (task,) = await storage.outbox.pending(0, 10)
    assert task.effect.key == f"by {line.body['writer']}"


async def test_effects_and_summary_are_stored_with_the_events(storage: Storage) -> None:
    await storage.journal.append(
        SPACE, [stored(1)], [effect("a"), effect("b")], summary(phase="scheduled", room=None)
    )
    await storage.journal.append(SPACE, [], [effect("c")], summary(phase="live"))
    assert [row.effect.key for row in await storage.outbox.pending(0, 10)] == ["a", "b", "c"]
    assert await storage.directory.by_slug(summary().slug) == summary(phase="live")


async def test_only_spaces_that_have_not_ended_are_open(storage: Storage) -> None:
    phases = {"scheduled": "s1", "live": "s2", "ended": "s3"}
    for phase, name in phases.items():
        space = SpaceId(name)
        await storage.journal.append(space, [stored(1)], [], summary(space, phase=phase))
    assert await storage.journal.open_spaces() == ["s1", "s2"]
    await storage.journal.append(SpaceId("s2"), [], [], summary(SpaceId("s2"), phase="ended"))
    assert await storage.journal.open_spaces() == ["s1"]


async def test_the_directory_lists_the_newest_first(storage: Storage) -> None:
    for number in range(6):
        space = SpaceId(f"s{number}")
        phase = ("scheduled", "live", "ended")[number % 3]
        await storage.journal.append(space, [], [], summary(space, phase=phase))
    listing = storage.directory.listing
    assert [s.space for s in await listing(["live", "scheduled"], 10)] == ["s4", "s3", "s1", "s0"]
    assert [s.space for s in await listing(["live", "scheduled", "live"], 3)] == ["s4", "s3", "s1"]
    assert await listing([], 10) == []


async def test_a_space_is_found_by_slug_and_by_room(storage: Storage) -> None:
    room = RoomId("!!room")
    full = summary(
        room=room, private=True, scheduled_at_ms=5, started_at_ms=2**53, ended_at_ms=2**62
    )
    await storage.journal.append(SPACE, [], [], full)
    await storage.journal.append(OTHER_SPACE, [], [], summary(OTHER_SPACE, room=None))
    assert await storage.directory.by_room(room) == full
    assert await storage.directory.by_slug(full.slug) == full
    assert await storage.directory.by_slug("unknown") is None
    assert await storage.directory.by_room(RoomId("!unknown")) is None


async def test_a_slug_used_again_means_the_newer_space(storage: Storage) -> None:
    await storage.journal.append(SPACE, [], [], summary(slug="talk", phase="ended"))
    await storage.journal.append(OTHER_SPACE, [], [], summary(OTHER_SPACE, slug="talk"))
    found = await storage.directory.by_slug("talk")
    assert found is not None
    assert found.space == OTHER_SPACE


async def test_hostile_text_is_kept_to_the_letter(storage: Storage) -> None:
    line = stored(1, **{HOSTILE: HOSTILE, "long": "\x00ü" * 500_000})
    hostile = summary(title=HOSTILE, host=UserId(HOSTILE), slug=HOSTILE, room=RoomId(HOSTILE))
    task = effect(HOSTILE, text=HOSTILE)
    await storage.journal.append(SPACE, [line], [task], hostile)
    assert await storage.journal.replay(SPACE) == [line]
    assert await storage.directory.by_slug(HOSTILE) == hostile
    assert await storage.directory.by_room(RoomId(HOSTILE)) == hostile
    (row,) = await storage.outbox.pending(0, 10)
    assert row.effect == task


def _token(hash_: str, space: SpaceId = SPACE, user: UserId = HOST, name: str = "Ann") -> Token:
    return Token(hash_, space, user, name, guest=False, created_at_ms=7)


async def test_a_token_is_found_until_it_is_revoked(storage: Storage) -> None:
    guest = Token("h1", SPACE, UserId("@spaces_x:example.org"), HOSTILE, True, 2**40)
    await storage.tokens.put(guest)
    await storage.tokens.put(_token("h2"))
    await storage.tokens.put(_token("h3", OTHER_SPACE))
    assert await storage.tokens.find("h1") == guest
    assert await storage.tokens.find("h") is None
    await storage.tokens.revoke(SPACE, HOST)
    assert await storage.tokens.find("h2") is None
    assert await storage.tokens.find("h1") == guest
    assert await storage.tokens.find("h3") == _token("h3", OTHER_SPACE)


async def test_a_token_put_again_changes_its_holders_name_and_nothing_else(
    storage: Storage,
) -> None:
    await storage.tokens.put(_token("h"))
    await storage.tokens.put(_token("h", OTHER_SPACE, UserId("@thief:example.org"), "Bea"))
    assert await storage.tokens.find("h") == _token("h", name="Bea")
