"""How captions look, in a real Chromium: size, contrast, off."""

import pytest
from playwright.async_api import Browser, expect

from spaces_bridge.core.live_space import LiveSpace
from tests.web.browser import opened, text
from tests.web.captions import ROSES, Talk, again, by_keyboard, connected
from tests.web.looks import NAMELESS, SMALL_TARGETS, overflow
from tests.web.world import ALICE, BOB, WebWorld

pytestmark = pytest.mark.e2e


LOOK = """
() => {
  const { fontSize, backgroundColor } = getComputedStyle(document.getElementById("captions-box"));
  return [parseFloat(fontSize), backgroundColor];
}
"""
NO_STORAGE = """
Object.defineProperty(window, "localStorage", { get() { throw new DOMException("forbidden"); } });
"""


@pytest.mark.parametrize("remembers", [True, False])
async def test_settings_are_made_by_keyboard_and_remembered_where_they_may(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser, remembers: bool
) -> None:
    await talk.final(ALICE, talk.begins(), ROSES)
    before = "" if remembers else NO_STORAGE
    async with opened(browser, world.page(space), before=before) as reader:
        await connected(world)
        size, ground = await reader.page.evaluate(LOOK)
        await by_keyboard(reader.page)
        wanted = [size * 1.75, "rgb(0, 0, 0)"]
        assert await reader.page.evaluate(LOOK) == pytest.approx(wanted)
        await reader.page.reload()
        await expect(reader.page.locator("#captions-settings")).to_be_visible()
        left = wanted if remembers else [size, ground]
        assert await reader.page.evaluate(LOOK) == pytest.approx(left)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
async def test_menu_and_large_view_fit_the_smallest_screen(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser, direction: str
) -> None:
    await talk.final(ALICE, talk.begins(), "W" * 300)
    async with opened(browser, world.page(space), width=320, height=640) as reader:
        await connected(world)
        page = reader.page
        await page.evaluate(f"document.documentElement.dir = '{direction}'")
        await page.click("#captions-settings summary")
        await page.click("#captions-form [value='4']")
        menu = await page.locator("#captions-form").bounding_box()
        bar = await page.locator("#bar").bounding_box()
        assert menu is not None
        assert bar is not None
        assert menu["x"] >= 0
        assert menu["x"] + menu["width"] <= 320
        assert menu["y"] + menu["height"] <= bar["y"]
        for opener in ("#captions-form", "#large"):
            await page.click(opener, position={"x": 5, "y": 5})
            assert await page.evaluate(SMALL_TARGETS) == []
            assert await page.evaluate(NAMELESS) == []
            assert await overflow(page) == 0
        lines = page.locator("#large-lines")
        assert await lines.evaluate("(node) => node.scrollWidth - node.clientWidth") == 0


async def test_broken_settings_are_no_settings(
    world: WebWorld, space: LiveSpace, browser: Browser
) -> None:
    for broken in ("{", "null", "7", '{"size":"99","high":"yes","shown":0}'):
        before = f"localStorage.setItem('spaces:captions', '{broken}')"
        async with opened(browser, world.page(space), before=before) as reader:
            await expect(reader.page.locator("#captions-settings")).to_be_visible()
            marks = await reader.page.evaluate("({ ...document.documentElement.dataset })")
            wanted = {"captionSize": "2", "captionContrast": "normal", "captions": "on"}
            assert wanted.items() <= marks.items(), broken


async def test_captions_switched_off_are_neither_shown_nor_read_until_wanted_again(
    world: WebWorld, space: LiveSpace, talk: Talk, browser: Browser
) -> None:
    async with opened(browser, world.page(space)) as reader:
        await connected(world)
        page = reader.page
        await page.click("#captions-settings summary")
        await page.click("#captions-form [name=shown]")
        await text(page, "#captions-away", "switched captions off")
        await expect(page.locator("#captions")).to_be_hidden()
        await again(page)
        await text(page, "#captions-away", "switched captions off")
        at = talk.begins()
        talk.draft(ALICE, at, "Roses")
        await talk.final(ALICE, at, "Roses want water.")
        log = page.locator("#captions")
        await expect(log.locator(".caption")).to_have_count(1)
        await expect(log).to_be_hidden()
        await expect(page.locator("#drafts")).to_be_hidden()

        await page.click("#captions-show")
        await expect(log).to_be_visible()
        await expect(log).to_have_attribute("aria-live", "off")  # what was missed is no news
        await talk.final(BOB, talk.begins(), "Ferns want shade.")
        await expect(log).to_contain_text("Ferns want shade.")
        await expect(log).to_have_attribute("aria-live", "polite")
        await page.reload()
        await expect(log).to_be_visible()
