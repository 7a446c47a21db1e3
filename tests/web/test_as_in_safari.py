"""What Safari does otherwise, done in Chromium. The engine itself listens in tests/e2e."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from spaces_bridge.app.media_events import RESTARTED
from spaces_bridge.core import commands as cmd
from tests.web.browser import comes_true, opened, text
from tests.web.test_chat_in_browser import LINE, open_chat, page_of
from tests.web.test_sound_in_browser import with_sound
from tests.web.world import ALICE, HOST, WebWorld, until

pytestmark = pytest.mark.e2e

AUDIO = "document.getElementById('audio')"

VOLUME_OF_A_PHONE = """
Object.defineProperty(HTMLMediaElement.prototype, "volume", {get: () => 1, set() {}});
"""

CHOOSES_A_WORD = """
document.getElementById("chat-text").dispatchEvent(
  new KeyboardEvent("keydown", {key: "Enter", keyCode: 229, bubbles: true, cancelable: true}))
"""


PAUSED_AT_ONCE = """
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  const playing = play.call(this);
  this.pause();
  HTMLMediaElement.prototype.play = play;
  return playing;
};
"""


async def test_sound_stopped_by_a_call_is_one_tap_away(tmp_path: Path, browser: Browser) -> None:
    async with with_sound(tmp_path) as (world, stage):
        space = await world.create()
        async with opened(browser, world.page(space)) as watched:
            page = watched.page
            await page.click("#listen")
            await text(page, "#listen", "Stop listening")
            await comes_true(page, f"{AUDIO}.currentTime > 0")
            await page.evaluate(f"{AUDIO}.pause()")
            await text(page, "#listen", "Tap to hear")
            await page.click("#listen")
            await text(page, "#listen", "Stop listening")
            assert not await page.evaluate(f"{AUDIO}.paused")

            # the system may give it back by itself
            await page.evaluate(f"{AUDIO}.pause()")
            await text(page, "#listen", "Tap to hear")
            await page.evaluate(f"{AUDIO}.play()")
            await text(page, "#listen", "Stop listening")

            # a new connection does not
            await page.evaluate(f"{AUDIO}.pause()")
            await text(page, "#listen", "Tap to hear")
            [before] = stage._sessions
            stage.hang_up(before)
            world.hub.notice(space.space, RESTARTED)
            await until(lambda: stage.listeners(space.space) == 1, within_s=60)
            await text(page, "#sound", "until you tap")
            assert await page.evaluate(f"{AUDIO}.paused")
            await page.click("#listen")
            await text(page, "#listen", "Stop listening")


async def test_sound_stopped_before_it_begins_is_one_tap_away(
    tmp_path: Path, browser: Browser
) -> None:
    async with with_sound(tmp_path) as (world, _):
        space = await world.create()
        async with opened(browser, world.page(space), before=PAUSED_AT_ONCE) as watched:
            await watched.page.click("#listen")
            await text(watched.page, "#listen", "Tap to hear")
            await watched.page.click("#listen")
            await text(watched.page, "#listen", "Stop listening")
            await comes_true(watched.page, f"{AUDIO}.currentTime > 0")


async def test_a_phone_that_keeps_its_volume_to_itself_is_offered_none(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with opened(browser, world.page(space), before=VOLUME_OF_A_PHONE) as watched:
        await watched.page.click("#open-settings")
        await expect(watched.page.locator("#language")).to_be_visible()
        await expect(watched.page.locator("#volume")).to_be_hidden()


async def test_enter_that_chooses_a_word_sends_nothing(world: WebWorld, browser: Browser) -> None:
    space = (await world.create()).space
    async with opened(browser, await page_of(world, space, ALICE)) as watched:
        page = watched.page
        await open_chat(page)
        await page.fill("#chat-text", "にほん")
        await page.evaluate(CHOOSES_A_WORD)
        await expect(page.locator("#chat-text")).to_have_value("にほん")
        await page.press("#chat-text", "Enter")
        await expect(page.locator(f"{LINE} .line-text")).to_have_text(["にほん"])


async def test_the_focus_finds_its_place_in_a_browser_of_2023(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    older = "delete Element.prototype.checkVisibility; delete URL.parse;"
    async with opened(browser, world.page(space), before=older) as watched:
        page = watched.page
        await page.focus("#tab-words")
        await page.focus("#listen")
        await world.spaces.ask(space.space, cmd.EndSpace(HOST, 1))
        await expect(page.locator("#bar")).to_be_hidden()
        await expect(page.locator("h1:focus, h2:focus")).to_be_visible()
