"""The list of everybody, as those who moderate see it in a real browser."""

import pytest
from playwright.async_api import Browser

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from tests.web.browser import opened
from tests.web.world import ALICE, BOB, HOST, WebWorld

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]


def row(user: UserId) -> str:
    return f'#people > li[data-key="{user}"]'


async def test_what_is_unfolded_shows_people_as_they_are_now(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    link = await world.member(space.space, HOST, 90)
    await world.seat(space.space, ALICE, "Alice")
    await world.joined(space.space, BOB, "Bob")
    async with opened(browser, f"{world.page(space)}#t={link}") as watched:
        page = watched.page
        await page.click("#tab-control")
        await page.click(f"{row(ALICE)} .people-row")
        await page.locator(f"{row(ALICE)} .people-actions").get_by_text("Mute").wait_for()
        await world.spaces.ask(space.space, cmd.MuteSpeaker(HOST, ALICE))
        muted = page.locator(f"{row(ALICE)} .people-note", has_text="muted")
        await muted.wait_for()
        for user in (BOB, ALICE):  # they came into the list before Alice was muted
            await page.click(f"{row(user)} .people-row")
            assert await muted.count() == 1
        actions = page.locator(f"{row(ALICE)} .people-actions")
        assert "Lift the mute" in await actions.inner_text()
