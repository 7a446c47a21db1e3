"""A bad connection, as its speaker and a host see it, in a real Chromium."""

import pytest
from playwright.async_api import Browser, expect

from tests.web.browser import opened, text
from tests.web.world import ALICE, BOB, HOST, WebWorld

pytestmark = pytest.mark.e2e

MARKED = ".person-gaps"


async def test_a_speaker_with_a_bad_connection_is_told_and_hosts_see_who_it_is(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    for user, name in ((ALICE, "Alice"), (BOB, "Bob")):
        await world.seat(space.space, user, name)
    links = [
        world.page(space, f"#t={await world.link(space.space, user)}") for user in (HOST, ALICE)
    ]
    async with opened(browser, links[0]) as host, opened(browser, links[1]) as alice:
        for watched in (host, alice):
            await expect(watched.page.locator("#stage > li")).to_have_count(3, timeout=20_000)
        world.hub.gaps(space.space, {ALICE: 14})
        await text(alice.page, "#connection", "others hear gaps")
        await text(host.page, f"#stage > [data-key='{ALICE}']", "bad connection")
        await expect(host.page.locator(MARKED)).to_have_count(1)
        await expect(host.page.locator("#connection")).to_be_hidden()
        world.hub.gaps(space.space, {})
        await expect(host.page.locator(MARKED)).to_have_count(0)
        await expect(alice.page.locator("#connection")).to_be_hidden()
