"""Reactions and their picker, in a real Chromium; and that the server knows all of them."""

import re
from pathlib import Path

import emoji
import pytest
from playwright.async_api import Browser, expect

import spaces_bridge.web
from spaces_bridge.core import commands as cmd
from tests.web.browser import FLOATED, floated, opened, text
from tests.web.looks import fits, has_focus
from tests.web.world import ALICE, HOST, WebWorld, until

TABLE = Path(spaces_bridge.web.__file__).parent / "static" / "js" / "emoji.js"


@pytest.mark.unit
def test_every_emoji_of_the_picker_is_one_for_the_server_in_every_tone() -> None:
    source = TABLE.read_text("utf-8")
    picks = re.findall(r'\["([^"]+)", "([a-z_]+)"\]', source)
    assert len(picks) >= 40
    assert len({key for _, key in picks}) == len({pick for pick, _ in picks}) == len(picks)
    assert [pick for pick, _ in picks if not emoji.is_emoji(pick)] == []
    hands = source[source.index("hands: [") : source.index("faces: [")]
    bases = [*re.findall(r'\["([^"]+)"', hands), "👏"]
    tones = re.findall(r': "(.)",', source[source.index("TONES") :])
    assert len(tones) == 5
    worn = [base.replace("\ufe0f", "") + tone for base in bases for tone in tones]
    assert [hand for hand in worn if not emoji.is_emoji(hand)] == []


@pytest.mark.e2e
async def test_ones_own_reaction_is_seen_at_once_and_only_once(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with (
        opened(browser, world.page(space), before=FLOATED) as one,
        opened(browser, world.page(space), before=FLOATED) as two,
    ):
        await until(lambda: world.hub.connections() == 2)
        await one.page.click("[data-emoji='❤️']")
        await floated(two.page, "❤️")
        # another one behind it: by then one's own has come back, too
        await two.page.click("[data-emoji='💯']")
        await floated(one.page, "💯")
        assert await one.page.evaluate("floated") == ["❤️", "💯"]


@pytest.mark.e2e
async def test_the_picker_by_keyboard(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    async with opened(browser, world.page(space), width=320, height=640, before=FLOATED) as one:
        page = one.page
        await until(lambda: world.hub.connections() == 1)
        await page.locator("#more-reactions").press("Enter")
        await expect(page.get_by_role("button", name="Thumbs up")).to_be_focused()
        await fits(page)
        await page.keyboard.press("ArrowRight")
        await expect(page.get_by_role("button", name="Thumbs down")).to_be_focused()
        await page.keyboard.press("End")
        await page.keyboard.press("Home")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="Beaming face")).to_be_focused()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("Escape")
        await expect(page.locator("#picker")).to_be_hidden()
        await has_focus(page, "more-reactions")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Party popper").press("Enter")
        await floated(page, "🎉")
        await has_focus(page, "more-reactions")
        await until(lambda: world.view(space.space).reactions.get("🎉") == 1)


@pytest.mark.e2e
async def test_hands_take_the_skin_tone_that_was_chosen(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    async with opened(browser, world.page(space), before=FLOATED) as one:
        page = one.page
        await until(lambda: world.hub.connections() == 1)
        await page.click("#more-reactions")
        await page.get_by_role("radio", name="Medium-dark").check()
        await page.get_by_role("button", name="Waving hand").click()
        await floated(page, "👋🏾")
        await page.reload()
        await text(page, ".react >> nth=0", "👏🏾")
        await until(lambda: world.view(space.space).reactions.get("👋🏾") == 1)


@pytest.mark.e2e
async def test_any_other_emoji_and_nothing_else(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    async with opened(browser, world.page(space), before=FLOATED) as one:
        page = one.page
        await until(lambda: world.hub.connections() == 1)
        await page.click("#more-reactions")
        for wrong in ("", "a", "🦔🦔", "<b>"):
            await page.fill("#picker-any", wrong)
            await page.keyboard.press("Enter")
            await text(page, "#picker-error", "exactly one emoji")
        await page.fill("#picker-any", "🦔")
        await page.keyboard.press("Enter")
        await floated(page, "🦔")
        await until(lambda: world.view(space.space).reactions.get("🦔") == 1)


WHEN_TOLD = """
const later = window.setTimeout;
window.setTimeout = (then, ms, ...rest) => {
  if (ms !== 4000) return later(then, ms, ...rest);
  window.forget = then;
  return 0;
};
"""
"""What was counted is forgotten not four seconds after the last one, but when the test says so."""


@pytest.mark.e2e
async def test_who_wants_no_motion_sees_a_quiet_count(world: WebWorld, browser: Browser) -> None:
    space = await world.create()
    await world.joined(space.space, ALICE, "Alice")
    async with opened(browser, world.page(space), before=WHEN_TOLD) as reader:
        await reader.page.emulate_media(reduced_motion="reduce")
        await until(lambda: world.hub.connections() == 1)
        await world.spaces.ask(space.space, cmd.React(HOST, "👏"))
        await text(reader.page, "#counted", "👏\u00a01")
        await world.spaces.ask(space.space, cmd.React(ALICE, "👏"))
        await text(reader.page, "#counted", "👏\u00a02")
        await expect(reader.page.locator(".float")).to_have_count(0)
        await reader.page.evaluate("forget()")
        await expect(reader.page.locator("#counted")).to_be_hidden()
