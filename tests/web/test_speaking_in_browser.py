"""What a speaker sees and does: states of the microphone, keys, lock screen. Real sound."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from spaces_bridge.core import commands as cmd
from tests.web.browser import comes_true, opened, text
from tests.web.captions import WAKE_LOCKS
from tests.web.test_microphone_in_browser import TRACKS
from tests.web.test_sound_in_browser import with_sound
from tests.web.world import ALICE, HOST, WebWorld

pytestmark = pytest.mark.e2e

SEEN = (
    f"{{{TRACKS}}}{{{WAKE_LOCKS}}}"
    """
window.handlers = {};
// as the standard has it: off silences the device, on takes a tap
navigator.mediaSession.setMicrophoneActive = async (active) => {
  if (active) throw new DOMException("no tap", "InvalidStateError");
  for (const track of tracks) track.dispatchEvent(new Event("mute"));
};
navigator.mediaSession.setActionHandler = (action, handler) => (handlers[action] = handler);
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    connections.push(this);
  }
};
const answer = window.fetch;
window.held = null;
window.fetch = async (url, options) => {
  if (held && options?.method === "POST") await held;
  return answer(url, options);
};
window.hold = () => (window.held = new Promise((resolve) => (window.release = () => {
  window.held = null;
  resolve();
})));
"""
)

LEVEL = "Number(document.getElementById('microphone').style.getPropertyValue('--level'))"


@asynccontextmanager
async def seated(
    tmp_path: Path, browser: Browser, before: str = ""
) -> AsyncIterator[tuple[WebWorld, Page]]:
    """Alice has the floor, and her page is open."""
    async with with_sound(tmp_path) as (world, _):
        space = await world.create("Garden hour")
        await world.seat(space.space, ALICE, "Alice")
        link = world.page(space, f"#t={await world.link(space.space, ALICE)}")
        async with opened(browser, link, before=SEEN + before) as watched:
            await text(watched.page, "#floor", "Nobody hears you yet")
            yield world, watched.page


async def on_the_air(page: Page) -> None:
    await page.click("#microphone")
    await text(page, "#floor-text", "on air")


async def test_every_state_of_the_microphone_is_said(tmp_path: Path, browser: Browser) -> None:
    async with seated(tmp_path, browser) as (world, page):
        button, floor = page.locator("#microphone"), page.locator("#floor-text")
        await page.evaluate("window.refusal = 'NotAllowedError'")
        await button.click()
        await text(page, "#sound", "was not allowed to use a microphone")
        await expect(floor).to_contain_text("Nobody hears you right now")
        await expect(button).to_have_text("Turn on microphone")

        await page.evaluate(
            """() => {
              window.refusal = null;
              const ask = navigator.mediaDevices.getUserMedia;
              const allowed = new Promise((resolve) => (window.allow = resolve));
              navigator.mediaDevices.getUserMedia = async (...wanted) => {
                await allowed;
                return ask(...wanted);
              };
              hold();
            }"""
        )
        await button.click()
        await expect(floor).to_contain_text("Your browser asks whether")
        await expect(button).to_be_disabled()
        await page.evaluate("allow()")
        await expect(floor).to_contain_text("Your microphone connects")
        await expect(button).to_have_text("Connecting…")
        await page.evaluate("release()")
        await expect(floor).to_contain_text("You are on air")
        await comes_true(page, f"{LEVEL} > 0.1")

        await button.click()
        await expect(floor).to_contain_text("is muted")
        await comes_true(page, f"{LEVEL} === 0")
        await button.click()
        await expect(floor).to_contain_text("You are on air")
        for event, said in (("mute", "A call or another program"), ("unmute", "You are on air")):
            await page.evaluate("(name) => tracks[0].dispatchEvent(new Event(name))", event)
            await expect(floor).to_contain_text(said)

        await page.evaluate("hold(); connections.forEach((connection) => connection.close())")
        await expect(floor).to_contain_text("reconnects. Your place on the stage is kept")
        await expect(button).to_have_text("Reconnecting…")
        await page.evaluate("release()")
        await expect(floor).to_contain_text("You are on air")

        [space] = world.spaces.open()
        await world.spaces.ask(space.space, cmd.MuteSpeaker(HOST, ALICE))
        await text(page, "#floor", "A host has muted you")
        await expect(button).to_be_hidden()
        await expect(page.locator("#notice")).to_be_hidden()
        assert await page.locator("text=A host has muted you").count() == 1


async def test_the_screen_stays_on_while_somebody_speaks_or_reads(
    tmp_path: Path, browser: Browser
) -> None:
    async with seated(tmp_path, browser) as (_, page):
        assert await page.evaluate("locks.length") == 0
        await page.click("#microphone")
        await comes_true(page, "locks.length === 1 && !locks[0].released")
        await page.click("#large")
        await page.keyboard.press("Escape")
        await expect(page.locator("#captions-large")).to_be_hidden()
        assert await page.evaluate("locks.map((lock) => lock.released)") == [False]
        await page.click("#step-down")
        await comes_true(page, "locks[0].released")


async def test_lock_screen_and_media_keys_know_what_plays(
    tmp_path: Path, browser: Browser
) -> None:
    async with seated(tmp_path, browser) as (world, page):
        media = "navigator.mediaSession"
        await comes_true(page, f"{media}.metadata !== null")
        assert await page.evaluate(f"{media}.metadata.title") == "Garden hour"
        assert await page.evaluate(f"{media}.metadata.artist") == "Hanna"
        [icon] = await page.evaluate(f"{media}.metadata.artwork.slice(-1).map((a) => a.src)")
        async with world.http.get(icon) as answer:
            assert answer.content_type == "image/svg+xml"
        await page.evaluate("handlers.play()")
        await text(page, "#listen", "Stop listening")
        assert await page.evaluate(f"{media}.playbackState") == "playing"
        await page.evaluate("handlers.pause()")
        await text(page, "#listen", "Listen")
        assert await page.evaluate(f"{media}.playbackState") == "paused"
        await on_the_air(page)
        await page.evaluate("handlers.togglemicrophone()")
        await text(page, "#floor-text", "is muted")
        await page.evaluate("handlers.hangup()")
        await text(page, "#floor-text", "Nobody hears you yet")


async def test_the_space_bar_speaks_while_it_is_held(tmp_path: Path, browser: Browser) -> None:
    async with seated(tmp_path, browser, "localStorage['spaces:push-to-talk'] = 'yes';") as (
        _,
        page,
    ):
        await page.click("#microphone")
        await text(page, "#floor-text", "is muted")
        # the microphone's button has the focus: the space bar does not press it
        await expect(page.locator("#microphone")).to_be_focused()
        await page.keyboard.down("Space")
        await text(page, "#floor-text", "on air")
        assert await page.evaluate("tracks[0].enabled")
        await page.keyboard.down("Space")
        await page.keyboard.up("Space")
        await text(page, "#floor-text", "is muted")
        assert not await page.evaluate("tracks[0].enabled")
        # held when the window goes away: nobody stays on air without knowing
        await page.keyboard.down("Space")
        await text(page, "#floor-text", "on air")
        await page.evaluate("window.dispatchEvent(new Event('blur'))")
        await text(page, "#floor-text", "is muted")
        await page.keyboard.up("Space")
        # while something is typed, it is a space
        await page.click("#tab-chat")
        await page.locator("#chat-text").press_sequentially("a b")
        await expect(page.locator("#chat-text")).to_have_value("a b")
        await text(page, "#floor-text", "is muted")


async def test_without_push_to_talk_the_space_bar_presses_what_has_the_focus(
    tmp_path: Path, browser: Browser
) -> None:
    async with seated(tmp_path, browser) as (_, page):
        await on_the_air(page)
        await page.keyboard.press("Space")
        await text(page, "#floor-text", "is muted")
        await page.locator("#title").click()
        await page.keyboard.press("Space")
        await text(page, "#floor-text", "is muted")


async def test_keys_listen_and_mute_and_can_be_turned_off(
    tmp_path: Path, browser: Browser
) -> None:
    async with seated(tmp_path, browser) as (_, page):
        await page.keyboard.press("l")
        await text(page, "#listen", "Stop listening")
        await page.keyboard.press("L")
        await text(page, "#listen", "Listen")
        await page.keyboard.press("m")
        await text(page, "#floor-text", "on air")
        await page.keyboard.press("m")
        await text(page, "#floor-text", "is muted")
        await page.keyboard.press("h")
        await expect(page.locator("#microphone")).to_be_visible()  # one key gives up no seat
        await page.keyboard.press("Control+m")
        await page.click("#tab-chat")
        await page.fill("#chat-text", "")
        await page.keyboard.type("mlh")
        await expect(page.locator("#chat-text")).to_have_value("mlh")
        await page.click("#open-settings")
        await page.keyboard.press("m")
        await expect(page.locator("#settings-dialog")).to_be_visible()
        await text(page, "#floor-text", "is muted")

        box = await page.locator("#keys").bounding_box()
        assert box is not None
        assert box["width"] > 1.5 * box["height"]  # a switch, as everywhere

        await page.uncheck("#keys")
        await page.keyboard.press("Escape")
        await page.keyboard.press("m")
        await page.click("#open-settings")
        await page.check("#keys")
        await page.keyboard.press("Escape")
        await text(page, "#floor-text", "is muted")
        await page.keyboard.press("m")
        await text(page, "#floor-text", "on air")


async def test_the_settings_show_the_level_while_the_microphone_is_on(
    tmp_path: Path, browser: Browser
) -> None:
    async with seated(tmp_path, browser) as (_, page):
        await page.click("#open-settings")
        await expect(page.locator("#level-hint")).to_be_visible()
        await page.keyboard.press("Escape")
        await on_the_air(page)
        await page.click("#open-settings")
        await expect(page.locator("#level-hint")).to_be_hidden()
        meter = "Number(document.getElementById('level').getAttribute('aria-valuenow'))"
        await comes_true(page, f"{meter} > 10")
        assert await page.evaluate("document.querySelector('.meter-fill').offsetWidth") > 0
        switches = page.locator("#settings-dialog .switch input:visible")
        shapes = await switches.evaluate_all(
            "(all) => all.map((n) => n.offsetWidth / n.offsetHeight)"
        )
        assert len(shapes) == 2
        assert min(shapes) > 1.5, "a switch is wider than it is high"


async def test_why_there_is_no_sound_is_said_in_the_readers_language(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    await world.seat(space.space, ALICE, "Alice")
    world.stage.refusal_code, world.stage.refusal = "overloaded", "Too much is going on here."
    secret = await world.link(space.space, ALICE)
    async with opened(browser, world.page(space, f"?lang=de#t={secret}")) as watched:
        page = watched.page
        await page.click("#listen")
        await text(page, "#sound", "Hier ist gerade zu viel los.")
        await page.click("#listen")
        await expect(page.locator("#sound")).to_have_text("")
        world.stage.refusal_code = "no_floor"
        await page.click("#microphone")
        await text(page, "#sound", "Du hast nicht das Wort.")
