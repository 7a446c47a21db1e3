"""The host's page: going, coming back, and what that leads to."""

import asyncio
from pathlib import Path

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.live_space import LiveSpace
from tests.web.world import ALICE, HOST, WebWorld, until, until_role, web_world

pytestmark = pytest.mark.peers


async def spoken(world: WebWorld) -> LiveSpace:
    """A live space whose host has spoken, and does not speak now."""
    space = await world.create()
    await world.spaces.ask(space.space, cmd.OpenMicrophone(HOST))
    await world.spaces.ask(space.space, cmd.CloseMicrophone(HOST))
    return space


async def test_the_hosts_page_goes_and_comes_back(tmp_path: Path) -> None:
    async with web_world(tmp_path, seat_kept_s=0.05) as world:
        space = await spoken(world)
        link = await world.link(space.space, HOST)
        async with world.feed(space, token=link) as first, world.feed(space, token=link) as tab:
            await first.next("hello")
            await tab.next("hello")
        await until(lambda: world.view(space.space).host_left_page)
        assert not world.view(space.space).host_present
        async with world.feed(space, token=link) as page:
            await page.next("hello")
            await until(lambda: not world.view(space.space).host_left_page)


async def test_a_reload_and_another_open_tab_are_no_absence(world: WebWorld) -> None:
    space = await spoken(world)
    link = await world.link(space.space, HOST)
    async with world.feed(space, token=link) as tab:
        await tab.next("hello")
        async with world.feed(space, token=link) as page:
            await page.next("hello")
        await until(lambda: world.hub.connections() == 1)
    async with world.feed(space, token=link) as page:
        await page.next("hello")
        rows = await world.storage.journal.replay(space.space)
    assert not {"host.left_page", "host.returned"} & {row.kind for row in rows}


async def test_any_verb_of_the_host_is_a_sign_of_life(world: WebWorld) -> None:
    space = await spoken(world)
    async with world.feed(space, token=await world.link(space.space, HOST)) as page:
        await page.next("hello")
        await world.spaces.ask(space.space, cmd.NoteHostAway(HOST))
        assert world.view(space.space).host_left_page
        await page.send(type="react", emoji="👏")
        await until(lambda: not world.view(space.space).host_left_page)


async def test_a_member_who_goes_is_no_host_who_goes(tmp_path: Path) -> None:
    async with web_world(tmp_path, seat_kept_s=0.05) as world:
        space = await spoken(world)
        secret = await world.member(space.space, ALICE, 10)
        async with world.feed(space, token=secret) as page:
            await page.next("hello")
        async with world.feed(space, token=await world.link(space.space, HOST)) as page:
            await page.next("hello")
        await until(lambda: world.view(space.space).host_left_page)
        assert world.view(space.space).may_speak(ALICE)


async def test_a_host_who_never_comes_back_after_a_restart_is_missed(tmp_path: Path) -> None:
    async with web_world(tmp_path) as world:
        space = await spoken(world)
        async with world.feed(space, token=await world.link(space.space, HOST)) as page:
            await page.next("hello")
    async with web_world(tmp_path, seat_kept_s=0.05) as world:
        await until(lambda: world.view(space.space).host_left_page)


async def test_the_pages_going_because_we_stop_is_no_absence(tmp_path: Path) -> None:
    async with web_world(tmp_path, seat_kept_s=0.01) as world:
        space = await spoken(world)
        async with world.feed(space, token=await world.link(space.space, HOST)) as page:
            await page.next("hello")
            stopping = asyncio.create_task(world.service.stop())
            assert await page.close_code() == 1001
            await stopping
        rows = await world.storage.journal.replay(space.space)
    assert "host.left_page" not in {row.kind for row in rows}


async def test_whoever_hosts_now_is_whose_page_counts(tmp_path: Path) -> None:
    async with web_world(tmp_path, seat_kept_s=0.05) as world:
        space = await spoken(world)
        async with world.feed(space, token=await world.link(space.space, HOST)) as old:
            secret = await world.member(space.space, ALICE)
            async with world.feed(space, token=secret) as new:
                await new.next("hello")
                await world.spaces.ask(space.space, cmd.HandOver(HOST, ALICE))
                await world.levels(space.space, {ALICE: 90})
                await until_role(new, role="host", may_end=True)
                await world.spaces.ask(space.space, cmd.OpenMicrophone(ALICE))
                await world.spaces.ask(space.space, cmd.CloseMicrophone(ALICE))
            await until(lambda: world.view(space.space).host_left_page)
            await old.send(type="dance")
            assert (await old.next("error"))["code"] == "unknown"
            assert world.view(space.space).host_left_page
