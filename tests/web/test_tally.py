"""Reactions of the page: counted, shown to all, and cheap for the journal."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from spaces_bridge.app.tally import EVERY_S
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId
from tests.web.world import ALICE, HOST, Feed, WallClock, WebWorld, refused, web_world

pytestmark = pytest.mark.peers


async def lines_of(world: WebWorld, space: SpaceId) -> Counter[str]:
    """The journal's lines about reactions, by kind."""
    rows = await world.storage.journal.replay(space)
    return Counter(row.kind for row in rows if row.kind in {"reaction.added", "reactions.counted"})


async def shown(feed: Feed, count: int) -> Counter[str]:
    """What the page has shown once it has shown so many."""
    seen = Counter[str]()
    while seen.total() < count:
        counts = (await feed.next("reactions"))["counts"]
        assert isinstance(counts, dict)
        seen.update(counts)
    return seen


async def test_what_a_crowd_taps_is_counted_exactly_in_few_lines(world: WebWorld) -> None:
    space = await world.create()
    member = await world.member(space.space, ALICE)
    async with (
        world.feed(space) as page,
        world.feed(space, name="Maria") as guest,
        world.feed(space, token=member) as alice,
    ):
        for feed in (page, guest, alice):
            await feed.next("hello")
        started = asyncio.get_running_loop().time()
        for _ in range(10):
            await guest.send(type="react", emoji="👏")
            await alice.send(type="react", emoji="❤️")
            await page.send(type="react", emoji="👍🏽")
        seen = await shown(page, 30)
        took = asyncio.get_running_loop().time() - started
    expected = {"👏": 10, "❤️": 10, "👍🏽": 10}
    assert seen == expected
    assert world.view(space.space).reactions == expected
    lines = await lines_of(world, space.space)
    assert set(lines) == {"reactions.counted"}
    assert lines.total() <= 2 + took / EVERY_S


async def test_what_was_counted_before_a_stop_is_in_the_journal(tmp_path: Path) -> None:
    async with web_world(tmp_path) as world:
        space = await world.create()
        async with world.feed(space) as page:
            await page.next("hello")
            await page.send(type="react", emoji="👏")
            await page.send(type="hand", raised=True)
            await refused(page, "name_needed")  # so the reaction before it was counted
            await world.service.stop()
    async with web_world(tmp_path) as world:
        assert world.view(space.space).reactions == {"👏": 1}


async def test_reactions_of_the_page_are_refused_in_words(world: WebWorld) -> None:
    space = await world.create(live=False)
    async with world.feed(space, name="Maria") as guest:
        await guest.next("hello")
        await guest.send(type="react", emoji="👏")
        await refused(guest, "not_live")
        await world.spaces.ask(space.space, cmd.StartSpace(HOST, WallClock().now_ms()))
        kinds = {chr(0x1F600 + number): 1 for number in range(50)}
        await world.spaces.ask(space.space, cmd.CountReactions(kinds))
        await guest.send(type="react", emoji="👏")
        await refused(guest, "too_many_kinds")
        await guest.send(type="react", emoji=chr(0x1F600))
        assert await shown(guest, 1) == {chr(0x1F600): 1}
    assert sum(world.view(space.space).reactions.values()) == 51


async def test_ten_thousand_taps_make_at_most_four_frames_and_lines_a_second(
    world: WebWorld,
) -> None:
    space = await world.create()
    async with world.feed(space) as page:
        await page.next("hello")
        started = asyncio.get_running_loop().time()
        for _ in range(100):
            for _ in range(100):
                world.service._tally.count(space.space, "👏")
            await asyncio.sleep(0)
        frames = seen = 0
        while seen < 10_000:
            counts = (await page.next("reactions"))["counts"]
            assert isinstance(counts, dict)
            seen += counts["👏"]
            frames += 1
        took = asyncio.get_running_loop().time() - started
    assert seen == 10_000
    assert frames <= 2 + took / EVERY_S
    assert (await lines_of(world, space.space)).total() <= 2 + took / EVERY_S
