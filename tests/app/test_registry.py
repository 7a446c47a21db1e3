"""The registry of all live spaces."""

import asyncio
from dataclasses import replace

import pytest

from spaces_bridge.app import registry
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.tasks import TellUser
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import RoomId, SpaceId
from tests.app.support import SPACE, enter, seat
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, CREATE, EVE, GUEST, HOST, ROOM

pytestmark = pytest.mark.unit


async def test_creating_asks_for_a_room_and_twice_is_once(
    spaces: Spaces, recorder: Recorder
) -> None:
    again = await spaces.create(CREATE, source="$create")
    assert again.space == SPACE
    assert recorder.kinds().count("room.make") == 1
    assert [s.space for s in spaces.open()] == [SPACE]


async def test_a_host_has_one_live_space_at_a_time(spaces: Spaces) -> None:
    identity, slug = Spaces.new_identity("Zweiter Abend – größer!", "$second")
    assert (identity, slug) == Spaces.new_identity("Zweiter Abend – größer!", "$second")
    assert slug.startswith("zweiter-abend-groer-")
    assert Spaces.new_identity("日本語", "$x")[1].startswith("space-")
    second = cmd.CreateSpace(identity, slug, "Two", HOST, "Ada", 1)
    await spaces.create(second)
    with pytest.raises(Rejected) as refusal:
        await spaces.ask(identity, cmd.StartSpace(HOST, 2))
    assert refusal.value.code == "host_is_live"


async def test_a_name_that_leads_to_somebody_elses_room_is_not_given_again(
    spaces: Spaces, recorder: Recorder
) -> None:
    """Whoever chooses event ids chooses the end of the name, and rooms are found by it."""
    theirs = replace(CREATE, space=SpaceId("other"), by=EVE)
    for ended in (False, True):
        if ended:
            await spaces.ask(SPACE, cmd.EndSpace(HOST, 20_000))
        with pytest.raises(Rejected) as refusal:
            await spaces.create(theirs)
        assert refusal.value.code == "name_taken"
    assert recorder.kinds().count("room.make") == 1


async def test_spaces_are_found_by_room_slug_and_after_their_end(
    spaces: Spaces, recorder: Recorder
) -> None:
    assert spaces.by_room(ROOM) == spaces.by_slug(CREATE.slug) == spaces.view(SPACE)
    await spaces.ask(SPACE, cmd.EndSpace(HOST, 20_000))
    assert spaces.open() == []
    later = Spaces(recorder.context())
    await later.resume()
    assert later.view(SPACE) is None
    found = await later.find_by_slug(CREATE.slug)
    assert found is not None
    assert found.ended_at_ms == 20_000
    assert await later.find_by_slug("nothing") is None
    assert await later.find(SpaceId("nothing")) is None
    assert await spaces.find_by_slug(CREATE.slug) == found
    assert later.audience_size(SPACE) == 0


async def test_ended_spaces_are_let_go_after_a_while_and_still_found(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.EndSpace(HOST, recorder.now))
    recorder.now += registry.LAST_WORDS_MS + 1
    await spaces.create(
        cmd.CreateSpace(SpaceId("next"), "next", "Next", HOST, "Ada", recorder.now)
    )
    assert spaces.view(SPACE) is None
    found = await spaces.find_by_slug(CREATE.slug)
    assert found is not None
    assert found.space == SPACE


async def test_listeners_are_members_without_the_floor_and_guests(spaces: Spaces) -> None:
    assert spaces.audience_size(SPACE) == 1 + 3
    await seat(spaces)
    assert spaces.audience_size(SPACE) == 0 + 3


async def test_a_journal_that_does_not_begin_or_is_missing_is_refused(
    recorder: Recorder,
) -> None:
    spaces = Spaces(recorder.context())
    await spaces.create(CREATE)
    await spaces.ask(SPACE, cmd.AttachRoom(ROOM))
    await spaces.stop()
    for rows in (recorder.rows[SPACE][1:], []):
        recorder.rows[SPACE] = rows
        with pytest.raises(AdapterError):
            await Spaces(recorder.context()).resume()


async def test_others_are_served_while_a_long_journal_is_read(recorder: Recorder) -> None:
    """What people did, a hand up and down for hours, must not cost the next start its page."""
    spaces = Spaces(recorder.context())
    await spaces.create(CREATE)
    await spaces.ask(SPACE, cmd.AttachRoom(ROOM))
    await spaces.stop()
    last = recorder.rows[SPACE][-1]
    more = [replace(last, seq=last.seq + number) for number in range(1, 10 * registry.AT_ONCE)]
    recorder.rows[SPACE] += more
    turns, read = 0, asyncio.create_task(Spaces(recorder.context()).resume())
    while not read.done():
        turns += 1
        await asyncio.sleep(0)
    await read
    assert turns >= 10


async def test_tasks_go_straight_into_the_outbox(spaces: Spaces, recorder: Recorder) -> None:
    await spaces.enqueue_task(TellUser(BEN, "hello"), "k1")
    assert recorder.effects["k1"].queue == f"dm|messages|normal|{BEN}"


async def test_the_host_is_not_handed_to_somebody_who_is_live_elsewhere(spaces: Spaces) -> None:
    second = SpaceId("second")
    await spaces.create(cmd.CreateSpace(second, "second", "Second", BEN, "Ben", 1))
    await spaces.ask(second, cmd.AttachRoom(RoomId("!second")))
    assert await spaces.ask(SPACE, cmd.HandOver(HOST, BEN))
    await spaces.ask(SPACE, cmd.CancelRequest(BEN))
    await spaces.ask(second, cmd.StartSpace(BEN, 2))
    with pytest.raises(Rejected) as refusal:
        await spaces.ask(SPACE, cmd.HandOver(HOST, BEN))
    assert refusal.value.code == "heir_is_live"


async def test_whom_the_host_follows_is_asked_where_it_matters(
    spaces: Spaces, recorder: Recorder
) -> None:
    await enter(spaces, EVE)
    recorder.following.add((EVE, HOST))
    await spaces.ask(SPACE, cmd.RequestToSpeak(EVE, 1))
    await spaces.ask(SPACE, cmd.CancelRequest(EVE))
    await spaces.ask(SPACE, cmd.SetSpeakPolicy(HOST, SpeakPolicy.FOLLOWED))
    assert ev.SpeakerApproved(EVE, None, None, 2) in await spaces.ask(
        SPACE, cmd.RequestToSpeak(EVE, 2)
    )
    asked = [cmd.RequestToSpeak(BEN, 3), cmd.RequestToSpeak(GUEST, 4, name="Z", guest=True)]
    for command in asked:
        events = await spaces.ask(SPACE, command)
        assert [type(event) for event in events] == [ev.SpeakRequested]


async def test_one_host_has_only_so_many_open(
    spaces: Spaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "OPEN_PER_HOST", 1)
    with pytest.raises(Rejected) as refusal:
        await spaces.create(cmd.CreateSpace(SpaceId("two"), "two", "Two", HOST, "Ada", 1))
    assert refusal.value.code == "too_many_spaces"
    assert (await spaces.create(CREATE)).space == SPACE
    await spaces.ask(SPACE, cmd.EndSpace(HOST, 20_000))
    two = await spaces.create(cmd.CreateSpace(SpaceId("two"), "two", "Two", HOST, "Ada", 1))
    assert two.host == HOST


async def test_who_waits_for_an_ended_space_that_is_let_go_is_answered(
    spaces: Spaces, recorder: Recorder
) -> None:
    await spaces.ask(SPACE, cmd.EndSpace(HOST, recorder.now))
    recorder.now += registry.LAST_WORDS_MS + 1
    late = asyncio.create_task(spaces.ask(SPACE, cmd.React(BEN, "👏")))
    await asyncio.sleep(0)
    await spaces.create(cmd.CreateSpace(SpaceId("next"), "next", "Next", HOST, "Ada", 1))
    with pytest.raises((Rejected, AdapterError)):
        await late
