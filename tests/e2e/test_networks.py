"""The page on bad networks: no UDP, no network for a while."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import expect

from spaces_bridge_demo.deployment import until
from spaces_bridge_demo.ears import tone
from tests.e2e.far import (
    HERTZ,
    ROUTE,
    SAID,
    hears,
    inside,
    is_heard,
    listens,
    speaks,
)
from tests.support.netns import Network, network, networks
from tests.support.world import World
from tests.web.browser import comes_true

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.needs("chromium", "network namespaces"),
]


def test_a_network_leaves_nothing_behind_when_its_test_fails() -> None:
    before = networks()
    with pytest.raises(ZeroDivisionError):
        fail_in_a_network(len(before) + 2)
    assert networks() == before


def fail_in_a_network(expected: int) -> None:
    with network() as made:
        assert len(networks()) == expected
        made.drop_udp()
        raise ZeroDivisionError


# --- UDP is dropped -----------------------------------------------------------------


async def test_without_udp_a_browser_listens_over_tcp(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    live = await far_world.on_air()
    line.drop_udp()
    async with inside(line, tmp_path, live.space) as page:
        await listens(page, live)
        assert await page.evaluate(ROUTE) == "tcp"


async def test_without_udp_a_guest_speaks_over_tcp_and_is_heard(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    live = await far_world.on_air()
    line.drop_udp()
    async with inside(line, tmp_path, live.space, speaks=True) as page:
        await speaks(page, live)
        assert await page.evaluate(ROUTE) == "tcp"


async def test_udp_dropped_while_listening_is_noticed_and_the_sound_is_back_over_tcp(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    live = await far_world.on_air()
    async with inside(line, tmp_path, live.space) as page:
        await page.add_init_script(SAID)
        await listens(page, live)
        assert await page.evaluate(ROUTE) == "udp"
        line.drop_udp()
        await comes_true(page, "said.some((words) => words.includes('Reconnecting'))")
        await expect(page.locator("#sound")).to_have_text("")
        await hears(page)
        assert await page.evaluate(ROUTE) == "tcp"


async def test_udp_dropped_while_speaking_is_noticed_and_the_speaker_is_heard_over_tcp(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    live = await far_world.on_air()
    async with inside(line, tmp_path, live.space, speaks=True) as page:
        await speaks(page, live)
        line.drop_udp()

        async def by_tcp() -> bool:
            return bool(await page.evaluate(ROUTE) == "tcp")

        await until(by_tcp, "another way to the server")
        await is_heard(live.listener)


# --- the network is cut -----------------------------------------------------------------


async def test_a_listener_whose_network_is_cut_for_ten_seconds_needs_no_click(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    live = await far_world.on_air()
    async with inside(line, tmp_path, live.space) as page:
        await listens(page, live)
        line.drop_all()
        cut = asyncio.create_task(asyncio.sleep(10))
        await expect(page.locator("#sound")).to_contain_text("Reconnecting")
        await expect(page.locator("#link")).to_contain_text("Reconnecting")
        await cut
        line.restore()
        await expect(page.locator("#sound")).to_have_text("")
        await expect(page.locator("#link")).to_have_text("")
        await hears(page)


async def test_a_speaker_whose_network_is_cut_for_ten_seconds_keeps_the_seat_and_is_heard_again(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    live = await far_world.on_air()
    async with inside(line, tmp_path, live.space, speaks=True) as page:
        await speaks(page, live)
        seen = len(live.host_page.frames)
        line.drop_all()
        cut = asyncio.create_task(asyncio.sleep(10))
        await expect(page.locator("#link")).to_contain_text("Reconnecting")
        await cut
        line.restore()
        await expect(page.locator("#link")).to_have_text("")
        await is_heard(live.listener)
        await expect(page.locator("#floor-text")).to_contain_text("air")
        rosters = [frame for frame in live.host_page.frames[seen:] if frame["type"] == "roster"]
        assert all(len(roster["stage"]) == 2 for roster in rosters), "the seat was kept"


async def test_a_cable_pulled_and_put_in_again_needs_no_click(
    far_world: World, line: Network, tmp_path: Path
) -> None:
    live = await far_world.on_air()
    async with inside(line, tmp_path, live.space, speaks=True) as page:
        await speaks(page, live)
        live.host_mic.say(tone(HERTZ, 240.0))
        await hears(page)
        line.unplug()
        await expect(page.locator("#link")).to_contain_text("Reconnecting")
        await asyncio.sleep(10)
        line.plug()
        await expect(page.locator("#link")).to_have_text("")
        await expect(page.locator("#sound")).to_have_text("")
        await hears(page)
        live.host_mic.stop_saying()
        await is_heard(live.listener)
