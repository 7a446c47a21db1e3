"""Names that deceive, in a real Chromium."""

import pytest
from playwright.async_api import Browser, expect

from tests.web.browser import opened, text
from tests.web.world import BOB, HOST, WebWorld

pytestmark = pytest.mark.e2e


async def test_who_comes_under_a_hosts_name_is_told_and_comes_under_their_own(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    await world.seat(space.space, BOB, "Bob")
    async with opened(browser, world.page(space, "?lang=de")) as guest:
        for name, why in (("В0b", "sieht aus wie der"), ("Bob (hоst)", "nennt keine Rolle")):
            await guest.page.click("#ask")
            await guest.page.fill("#name", name)
            await guest.page.keyboard.press("Enter")
            await text(guest.page, "#notice", why)
            await expect(guest.page.locator("#ask")).to_be_enabled()
        await guest.page.click("#ask")
        await guest.page.fill("#name", "Боб")
        await guest.page.keyboard.press("Enter")
        await text(guest.page, "#hands", "Du bist")


async def test_a_guest_who_looks_like_a_new_host_has_no_name_any_more(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    await world.joined(space.space, BOB, "Bob")
    link = world.page(space, f"?lang=de#t={await world.link(space.space, HOST)}")
    async with (
        opened(browser, world.page(space)) as guest,
        opened(browser, link, width=1280, height=800) as host,
    ):
        await guest.page.click("#ask")
        await guest.page.fill("#name", "Воb")
        await guest.page.keyboard.press("Enter")
        await text(host.page, "#hands", "Воb Gast")
        await world.levels(space.space, {BOB: 60})
        await text(host.page, "#hands", "Ein Gast")
        await expect(host.page.locator("#hands")).not_to_contain_text("Воb")
        await guest.page.reload()
        await text(guest.page, "#notice", "a name like yours")
