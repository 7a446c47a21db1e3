"""Starting a live space from the directory page, in a real Chromium."""

import pytest
from playwright.async_api import Browser, expect

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import RoomId
from spaces_bridge.core.live_space import LiveSpace
from tests.web.browser import comes_true, opened, text
from tests.web.looks import complaints, has_focus
from tests.web.world import ALICE, BOT, HOST, WebWorld, until

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]


async def test_a_host_starts_a_live_space_by_keyboard_and_lands_on_its_page(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create("Garden hour", live=False)
    link = world.page(space, f"#t={await world.link(space.space, HOST)}")
    async with opened(browser, link, width=320, height=640) as host:
        page = host.page
        # the way home: the tab still knows who this is
        await page.click(".home")
        await expect(page.locator("#start-here")).to_be_visible()  # a press waits for no sight
        await page.locator("#start-here").press("Enter")
        await has_focus(page, "start-name")
        await page.keyboard.press("Enter")
        await text(page, "#start-error", "needs a title")
        await page.keyboard.type("Late songs")
        await page.locator("[name=when][value=now]").press("ArrowRight")
        await expect(page.locator("#start-time")).to_be_visible()
        await page.locator("#start-yes").press("Enter")
        await text(page, "#start-error", "Choose a date")
        await has_focus(page, "start-at")
        await page.fill("#start-at", "2020-01-01T20:00")
        await page.keyboard.press("Enter")
        await text(page, "#start-error", "in the past")
        assert await complaints(page) == []
        await page.locator("#start-later").press("ArrowLeft")
        await expect(page.locator("#start-time")).to_be_hidden()
        await page.select_option("#start-policy", "invited")
        await page.locator("#start-private").press("Space")
        await page.locator("#start-yes").press("Enter")
        await text(page, "#title", "Late songs")
        await until(lambda: len(world.spaces.open()) == 2)
        new = next(s for s in world.spaces.open() if s.space != space.space)
        assert (new.private, new.speak_policy) == (True, SpeakPolicy.INVITED)
        await expect(page).to_have_url(world.page(new))
        await world.spaces.ask(new.space, cmd.AttachRoom(RoomId("!made")))
        await page.get_by_role("button", name="Go live").click()
        await until(lambda: world.view(new.space).phase.value == "live")


async def test_whom_the_page_does_not_know_it_sends_to_the_bot(
    world: WebWorld, browser: Browser, space: LiveSpace
) -> None:
    world.listeners_only.add(ALICE)
    secret = await world.link(space.space, ALICE)
    in_chat = f"https://matrix.to/#/{BOT.replace('@', '%40').replace(':', '%3A')}"
    for address, script in ((f"/#t={secret}", True), ("/", True), ("/", False)):
        async with opened(browser, world.base + address, script=script) as visitor:
            link = visitor.page.locator("#start-in-chat")
            await expect(link).to_have_attribute("href", in_chat)
            await expect(link).to_be_visible()
            await expect(visitor.page.locator("#start-here")).to_be_hidden()


async def test_a_link_that_was_revoked_is_shown_once_and_forgotten(
    world: WebWorld, browser: Browser, space: LiveSpace
) -> None:
    secret = await world.link(space.space, HOST)
    await world.sessions.revoke(space.space, HOST)
    async with opened(browser, f"{world.base}/#t={secret}") as host:
        await comes_true(host.page, "sessionStorage.length === 0")
        await expect(host.page.locator("#start-in-chat")).to_be_visible()


async def test_who_is_refused_reads_why_and_loses_nothing(
    world: WebWorld, browser: Browser, space: LiveSpace
) -> None:
    secret = await world.link(space.space, HOST)
    async with opened(browser, f"{world.base}/?lang=ar#t={secret}", dark=True) as host:
        page = host.page
        await page.click("#start-here")
        await page.fill("#start-name", "Late songs")
        world.listeners_only.add(HOST)
        await page.click("#start-yes")
        await expect(page.locator("#start-error")).to_contain_text("إدارة هذا الخادم")
        await page.route("**/api/v1/spaces", lambda route: route.abort())
        await page.click("#start-yes")
        await expect(page.locator("#start-error")).to_contain_text("تعذر الوصول")
        await expect(page.locator("#start-name")).to_have_value("Late songs")
        host.complaints.clear()  # the request that this test has cut off
    assert len(world.spaces.open()) == 1
