"""The live feed: what it tells everybody, and what becomes of those who leave."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from spaces_bridge.app.media_events import CUT, RESTARTED
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.sentences import say
from spaces_bridge.web.feed.channel import REACTIONS_INTERVAL_S
from spaces_bridge.web.feed.feed import PERSON_BURST
from spaces_bridge.web.feed.outgoing import encode
from spaces_bridge.web.feed.presence import SEAT_KEPT_S
from tests.web.world import (
    ALICE,
    BOB,
    HOST,
    PATIENCE_S,
    Feed,
    HandSetTimers,
    WebWorld,
    refused,
    until,
    until_role,
    web_world,
)

pytestmark = pytest.mark.peers

HEAVY = {"type": "notice", "text": "x" * (1 << 18)}
MORE_THAN_FITS = 200
"""Such frames are more than the system's buffers and a page's queue take."""


# --- what everybody is told -------------------------------------------------------------------


async def test_captions_levels_and_notices_reach_every_page(world: WebWorld) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    async with world.feed(space) as one, world.feed(space, name="Maria") as two:
        for feed in (one, two):
            await feed.next("hello")
        await world.caption(space.space, ALICE, "Roses want water.", start_ms=2000)
        world.hub.levels(space.space, {ALICE: 40})
        world.hub.notice(space.space, RESTARTED)
        for feed in (one, two):
            caption = await feed.next("caption")
            assert caption["text"] == "Roses want water."
            assert (caption["name"], caption["final"]) == ("Alice", True)
            assert (caption["start_ms"], caption["end_ms"]) == (2000, 2900)
            assert (await feed.next("speaking"))["levels"] == {ALICE: 40}
            assert "restarted" in str((await feed.next("notice"))["text"])


async def test_gaps_are_told_to_hosts_and_to_whom_they_are_of(world: WebWorld) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    host, alice = await world.member(space.space, HOST), await world.member(space.space, ALICE)
    async with (
        world.feed(space, token=host) as hosts,
        world.feed(space, token=alice) as own,
        world.feed(space, name="Maria") as guests,
    ):
        for feed in (hosts, own, guests):
            await feed.next("hello")
        world.hub.gaps(space.space, {ALICE: 14, HOST: 30})
        assert (await hosts.next("gaps"))["missing"] == {ALICE: 14, HOST: 30}
        assert (await own.next("gaps"))["missing"] == {ALICE: 14}
        world.hub.gaps(space.space, {HOST: 30})
        assert (await own.next("gaps"))["missing"] == {}
        world.hub.gaps(space.space, {})
        assert (await hosts.next("gaps"))["missing"] == {HOST: 30}
        assert (await hosts.next("gaps"))["missing"] == {}
        world.hub.gaps(space.space, {})
        world.hub.notice(space.space, RESTARTED)
        for feed in (hosts, own, guests):  # nothing more was told, and a guest nothing at all
            kinds = list[object]()
            while "notice" not in kinds:
                kinds.append((await feed.socket.receive_json())["type"])
            assert "gaps" not in kinds


async def test_a_notice_for_one_person_reaches_their_pages_alone(world: WebWorld) -> None:
    space = await world.create()
    token = await world.member(space.space, ALICE)
    async with world.feed(space) as one, world.feed(space, token=token) as two:
        for feed in (one, two):
            await feed.next("hello")
        world.hub.notice(space.space, CUT, to=ALICE)
        world.hub.notice(space.space, RESTARTED)
        assert "restarted" in str((await one.next("notice"))["text"])
        assert "64 kbit/s" in str((await two.next("notice"))["text"])


async def test_reactions_of_a_crowd_arrive_together_and_none_is_lost(world: WebWorld) -> None:
    space = await world.create()
    await world.joined(space.space, ALICE, "Alice")
    async with world.feed(space) as page:
        await page.next("hello")
        started = asyncio.get_running_loop().time()
        for _ in range(40):
            await world.spaces.ask(space.space, cmd.React(ALICE, "👏"))
        seen = frames = 0
        while seen < 40:
            counts = (await page.next("reactions"))["counts"]
            assert isinstance(counts, dict)
            seen += counts["👏"]
            frames += 1
        took = asyncio.get_running_loop().time() - started
    assert seen == 40
    assert frames <= 2 + took / REACTIONS_INTERVAL_S


async def test_reactions_of_the_nameless_are_counted(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space) as page:
        await page.send(type="react", emoji="❤️")
        assert (await page.next("reactions"))["counts"] == {"❤️": 1}
    assert world.view(space.space).reactions == {"❤️": 1}


@pytest.mark.usefixtures("nothing_grows_back")
async def test_who_sends_too_fast_is_told_and_stays(world: WebWorld) -> None:
    space = await world.create()
    async with world.feed(space, name="Maria") as guest:
        await guest.next("hello")
        for _ in range(15):
            await guest.send(type="react", emoji="👏")
        await refused(guest, "too_fast")
        await until(lambda: world.view(space.space).reactions == {"👏": PERSON_BURST})
        assert guest.socket.close_code is None


async def test_the_count_of_listeners_follows_the_pages(world: WebWorld) -> None:
    space = await world.create()
    await world.joined(space.space, BOB, "Bob")
    async with world.feed(space) as first:
        assert listeners_of(await first.next("hello")) == 2
        async with world.feed(space):
            while listeners_of(await first.next("roster")) != 3:
                pass
            assert world.spaces.audience_size(space.space) == 3
        await until(lambda: world.spaces.audience_size(space.space) == 2)


def listeners_of(frame: dict[str, object]) -> object:
    roster = frame.get("roster", frame)
    assert isinstance(roster, dict)
    return roster["listeners"]


async def test_a_page_that_reads_nothing_is_let_go_and_costs_the_others_nothing(
    world: WebWorld,
) -> None:
    space = await world.create()
    async with world.feed(space) as slow, world.feed(space) as quick:
        for feed in (slow, quick):
            await feed.next("hello")
        client = next(iter(world.hub._channels[space.space].clients))
        for _ in range(MORE_THAN_FITS):
            client.outgoing.put(encode(HEAVY))
        world.hub.notice(space.space, say("still_here", "Still here."))
        found = [await outcome(feed) for feed in (slow, quick)]
    assert sorted(found) == ["4408", "Still here."]


async def outcome(feed: Feed) -> str:
    """The last notice, or how the connection ended."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await feed.socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                return str(feed.socket.close_code)
            frame = json.loads(message.data)
            if frame.get("text") == "Still here.":
                return "Still here."


# --- leaving ----------------------------------------------------------------------------------


async def test_a_guests_hand_goes_down_a_while_after_its_page_is_gone(tmp_path: Path) -> None:
    async with web_world(tmp_path, seat_kept_s=0.1) as world:
        space = await world.create()
        async with world.feed(space, name="Maria") as guest:
            await guest.send(type="hand", raised=True)
            await until_role(guest, hand="pending")
        await until(lambda: not world.view(space.space).requests)


async def test_a_guest_with_the_floor_leaves_the_stage_a_while_after_its_page(
    tmp_path: Path,
) -> None:
    async with web_world(tmp_path, seat_kept_s=0.1) as world:
        space = await world.create()
        async with world.feed(space, name="Maria") as guest:
            hello = await guest.next("hello")
            assert isinstance(hello["you"], dict)
            user = UserId(hello["you"]["id"])
            await guest.send(type="hand", raised=True)
            await until_role(guest, hand="pending")
            await world.spaces.ask(space.space, cmd.ApproveSpeaker(HOST, user))
            await world.seat(space.space, user, "Maria (guest)")
            await until_role(guest, may_speak=True)
        await until(lambda: user in world.view(space.space).closing)


async def test_a_guest_who_reloads_keeps_its_hand(tmp_path: Path) -> None:
    timers = HandSetTimers()
    async with web_world(tmp_path, call_later=timers.call_later) as world:
        space = await world.create()
        async with world.feed(space, name="Maria") as guest:
            session = str((await guest.next("hello"))["session"])
            await guest.send(type="hand", raised=True)
            await until_role(guest, hand="pending")
        await until(lambda: len(timers.running) == 1)
        timers.pass_by(0.9 * SEAT_KEPT_S)
        async with world.feed(space, token=session) as guest:
            await guest.next("hello")
            assert timers.running == [], "nobody is waited for any more"
            timers.pass_by(SEAT_KEPT_S)
            await world.joined(space.space, BOB, "Bob")  # after whatever else was asked for
            assert world.view(space.space).requests
