"""How the page's parts come to a real Chromium."""

import pytest
from playwright.async_api import Browser, expect

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from tests.web.browser import opened, text
from tests.web.world import HOST, WallClock, WebWorld, until

pytestmark = pytest.mark.e2e


async def test_a_page_announces_every_module_that_its_script_loads(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    for address in (world.base + "/", world.page(space)):
        async with opened(browser, address) as tab:
            await tab.page.wait_for_load_state("networkidle")
            announced = await tab.page.evaluate(
                """() => [...document.querySelectorAll("script[src], link[rel=modulepreload]")]
                  .map((node) => node.src || node.href)"""
            )
            loaded = await tab.page.evaluate(
                """() => performance.getEntriesByType("resource")
                  .map((entry) => entry.name).filter((name) => name.endsWith(".js"))"""
            )
            assert sorted(loaded) == sorted(announced)
            assert len(announced) > 2


NO_FEED = "window.WebSocket = class { close() {} };"
"""A feed that never answers."""


async def test_whoever_may_listen_need_not_wait_for_the_feed(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with opened(browser, world.page(space), before=NO_FEED) as guest:
        await expect(guest.page.locator("#ask")).to_be_disabled()
        await guest.page.click("#listen")
        await text(guest.page, "#listen", "Stop")
        await until(lambda: bool(world.stage.sessions))


async def test_where_not_everybody_may_listen_the_feed_decides(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create(live=False)
    start = cmd.StartSpace(HOST, WallClock().now_ms())
    off, lock = cmd.SetGuests(HOST, GuestPolicy.OFF), cmd.LockSpace(HOST)
    stories: list[list[cmd.Command]] = [
        [],
        [start, off],
        [cmd.SetGuests(HOST, GuestPolicy.LISTEN), lock],
    ]
    for story in stories:
        for command in story:
            await world.spaces.ask(space.space, command)
        async with opened(browser, world.page(space), before=NO_FEED) as guest:
            await guest.page.wait_for_load_state("networkidle")
            await expect(guest.page.locator("#space")).to_be_visible()
            await expect(guest.page.locator("#bar")).to_be_hidden()
