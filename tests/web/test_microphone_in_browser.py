"""The microphone's own module in a real Chromium: devices, level, interruptions, the screen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.web.browser import comes_true, opened
from tests.web.test_sound_in_browser import with_sound
from tests.web.world import ALICE, until

pytestmark = pytest.mark.e2e

TRACKS = """
window.tracks = [];
window.posts = 0;
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (...wanted) => {
  if (window.refusal) throw new DOMException("", window.refusal);
  const stream = await ask(...wanted);
  window.tracks.push(stream.getAudioTracks()[0]);
  return stream;
};
const send = window.fetch;
window.fetch = (url, options) => {
  if (options?.method === "POST") window.posts += 1;
  return send(url, options);
};
"""
MAKE = """
async ([whip, token]) => {
  const main = document.querySelector("script[type=module]").src;
  const at = (name) => new URL(name, main).href;
  Object.assign(window, await import(at("devices.js")), await import(at("microphone.js")));
  Object.assign(window, await import(at("wake.js")));
  window.told = [];
  window.microphone = new Microphone(whip, () => token, (muted) => told.push(muted));
  await microphone.turnOn();
}
"""


@asynccontextmanager
async def on_air(tmp_path: Path, browser: Browser) -> AsyncIterator[Page]:
    """A page with a microphone of its own, which is on, as `window.microphone`."""
    async with with_sound(tmp_path) as (world, stage):
        space = await world.create()
        await world.seat(space.space, ALICE, "Alice")
        token = await world.link(space.space, ALICE)
        async with opened(browser, world.page(space), before=TRACKS) as watched:
            await watched.page.evaluate(MAKE, [world.page(space, "/whip"), token])
            assert await watched.page.evaluate("microphone.state") == "on"
            await until(lambda: stage.has_microphone(space.space, ALICE))
            yield watched.page


async def test_another_device_takes_over_without_a_new_connection(
    tmp_path: Path, browser: Browser
) -> None:
    async with on_air(tmp_path, browser) as page:
        await page.evaluate("microphone.setMuted(true)")
        devices = await page.evaluate("listMicrophones()")
        assert len({device["id"] for device in devices}) > 1
        assert all(device["label"] for device in devices)
        other = devices[-1]["id"]
        assert await page.evaluate("microphone.device") != other
        assert await page.evaluate("(id) => microphone.choose(id)", other)
        assert await page.evaluate("microphone.device") == other
        assert await page.evaluate("[microphone.state, microphone.muted]") == ["on", True]
        assert await page.evaluate("tracks.map((track) => track.readyState)") == ["ended", "live"]
        assert not await page.evaluate("tracks[1].enabled"), "who had muted stays muted"
        assert await page.evaluate("posts") == 1
        await page.evaluate("microphone.turnOff()")
        await page.evaluate("microphone.turnOn()")
        assert await page.evaluate("microphone.device") == other, "the choice is remembered"


async def test_a_device_that_is_gone_leaves_the_old_one_on(
    tmp_path: Path, browser: Browser
) -> None:
    async with on_air(tmp_path, browser) as page:
        assert not await page.evaluate("microphone.choose('no-such-device')")
        assert "No microphone was found" in await page.evaluate("microphone.trouble")
        assert await page.evaluate("[microphone.state, tracks[0].readyState]") == ["on", "live"]


async def test_a_device_chosen_before_that_is_not_there_today_is_done_without(
    tmp_path: Path, browser: Browser
) -> None:
    async with on_air(tmp_path, browser) as page:
        await page.evaluate("rememberMicrophone('left at home'); microphone.turnOff()")
        await page.evaluate("microphone.turnOn()")
        assert await page.evaluate("[microphone.state, microphone.trouble]") == ["on", ""]


async def test_the_level_follows_the_voice_and_is_silent_when_muted(
    tmp_path: Path, browser: Browser
) -> None:
    async with on_air(tmp_path, browser) as page:
        await comes_true(page, "microphone.level > 0.3")
        assert await page.evaluate("microphone.level") <= 1
        await page.evaluate("microphone.setMuted(true)")
        assert await page.evaluate("told") == [True]
        await comes_true(page, "microphone.level === 0")


async def test_an_unplugged_device_is_replaced_by_another_one(
    tmp_path: Path, browser: Browser
) -> None:
    async with on_air(tmp_path, browser) as page:
        await page.evaluate("tracks[0].dispatchEvent(new Event('ended'))")
        await comes_true(page, "tracks.length === 2 && tracks[0].readyState === 'ended'")
        await comes_true(page, "microphone.level > 0.3")
        assert await page.evaluate("[microphone.state, posts]") == ["on", 1]


async def test_when_no_other_device_is_there_the_microphone_is_off_and_says_why(
    tmp_path: Path, browser: Browser
) -> None:
    async with on_air(tmp_path, browser) as page:
        await page.evaluate("window.refusal = 'NotReadableError'")
        await page.evaluate("tracks[0].dispatchEvent(new Event('ended'))")
        await comes_true(page, "microphone.state === 'off'")
        assert "Another program" in await page.evaluate("microphone.trouble")


async def test_a_phone_call_that_takes_the_microphone_is_noticed(
    tmp_path: Path, browser: Browser
) -> None:
    async with on_air(tmp_path, browser) as page:
        changes = "window.changes = 0; microphone.addEventListener('change', () => changes += 1)"
        await page.evaluate(changes)
        for event, interrupted in (("mute", True), ("unmute", False)):
            await page.evaluate("(name) => tracks[0].dispatchEvent(new Event(name))", event)
            assert await page.evaluate("microphone.interrupted") is interrupted
        assert await page.evaluate("changes") == 2


async def test_the_screen_stays_on_while_that_is_wanted(tmp_path: Path, browser: Browser) -> None:
    async with on_air(tmp_path, browser) as page:
        await page.evaluate(
            """() => {
              window.locks = [];
              Object.defineProperty(navigator, "wakeLock", {value: {request: async () => {
                const lock = {released: false, release: async () => { lock.released = true; }};
                locks.push(lock);
                return lock;
              }}});
              window.screenLock = new WakeLock();
              return screenLock.keep(true);
            }"""
        )
        assert await page.evaluate("locks.map((lock) => lock.released)") == [False]
        # the browser lets go of it when the page is hidden; visible again, it is taken again
        await page.evaluate("locks[0].released = true")
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await comes_true(page, "locks.length === 2")
        await page.evaluate("screenLock.keep(false)")
        assert await page.evaluate("locks.map((lock) => lock.released)") == [True, True]


async def test_a_device_that_comes_too_late_is_let_go_of(tmp_path: Path, browser: Browser) -> None:
    """Turned off while another device takes over: nothing may go on listening."""
    async with on_air(tmp_path, browser) as page:
        await page.evaluate(
            """() => {
              const replace = RTCRtpSender.prototype.replaceTrack;
              RTCRtpSender.prototype.replaceTrack = async function (track) {
                microphone.turnOff();
                return replace.call(this, track);
              };
            }"""
        )
        assert not await page.evaluate("microphone.choose('')")
        assert await page.evaluate("[microphone.state, microphone.device]") == ["off", None]
        assert await page.evaluate("tracks.map((track) => track.readyState)") == ["ended", "ended"]


async def test_another_device_may_be_chosen_while_the_connection_is_lost(
    tmp_path: Path, browser: Browser
) -> None:
    async with on_air(tmp_path, browser) as page:
        await page.evaluate(
            """() => {
              RTCRtpSender.prototype.replaceTrack = async () => {
                throw new DOMException("", "InvalidStateError");
              };
            }"""
        )
        assert await page.evaluate("microphone.choose('')")
        assert await page.evaluate("tracks.map((track) => track.readyState)") == ["ended", "live"]
