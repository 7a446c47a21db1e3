"""Listening and speaking in a real Chromium, with a real media worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from spaces_bridge.app.media_events import RESTARTED, MediaEvents
from spaces_bridge.core import commands as cmd
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.web.feed.presence import SEAT_KEPT_S
from tests.web.browser import opened, text
from tests.web.world import ALICE, HOST, WebWorld, until, web_world

pytestmark = pytest.mark.e2e


@asynccontextmanager
async def with_sound(
    tmp_path: Path, seat_kept_s: float = SEAT_KEPT_S
) -> AsyncIterator[tuple[WebWorld, WorkerStage]]:
    """A web room whose stage is the real one."""
    options = MediaOptions(
        addresses=("127.0.0.1",),
        port=0,
        hostnames=("127.0.0.1",),
        runtime_dir=tmp_path,
        orphan_grace_s=20.0,
    )
    stage = WorkerStage(options)
    async with web_world(tmp_path, seat_kept_s=seat_kept_s, sound=stage) as world:
        stage.listen(MediaEvents(world.spaces))
        await stage.start()
        try:
            yield world, stage
        finally:
            await stage.stop()


# --- sound ------------------------------------------------------------------------------------


async def test_a_speakers_browser_is_heard_in_a_listeners_browser(
    tmp_path: Path, browser: Browser
) -> None:
    async with with_sound(tmp_path) as (world, stage):
        space = await world.create()
        await world.seat(space.space, ALICE, "Alice")
        link = world.page(space, f"#t={await world.link(space.space, ALICE)}")
        async with (
            opened(browser, world.page(space)) as listener,
            opened(browser, link) as speaker,
        ):
            await listener.page.click("#listen")
            await text(listener.page, "#listen", "Stop listening")
            await until(lambda: stage.listeners(space.space) == 1)
            await text(speaker.page, "#floor", "Nobody hears you yet")
            assert await speaker.page.evaluate("window.microphonesAsked") == 0
            assert not world.view(space.space).on_air
            await speaker.page.click("#microphone")
            await text(speaker.page, "#microphone", "Mute")
            assert world.view(space.space).on_air == {ALICE}
            assert await listener.loudness() > 0.05
            await expect(listener.page.locator(".person.speaking")).to_contain_text("Alice")

            await speaker.page.click("#microphone")
            await text(speaker.page, "#floor", "muted")
            assert not world.view(space.space).on_air
            await speaker.page.click("#microphone")
            await text(speaker.page, "#floor", "on air")

            await world.spaces.ask(space.space, cmd.DemoteSpeaker(HOST, ALICE))
            await expect(speaker.page.locator("#microphone")).to_be_hidden()
            assert not stage.has_microphone(space.space, ALICE)
            await listener.page.click("#listen")
            await until(lambda: stage.listeners(space.space) == 1)


async def test_who_muted_stays_muted_when_the_server_has_not_heard_of_it(
    tmp_path: Path, browser: Browser
) -> None:
    async with with_sound(tmp_path) as (world, _):
        space = await world.create()
        await world.seat(space.space, ALICE, "Alice")
        link = world.page(space, f"#t={await world.link(space.space, ALICE)}")
        async with opened(browser, link) as speaker:
            await speaker.page.click("#microphone")
            await text(speaker.page, "#microphone", "Mute")
            await speaker.page.click("#microphone")
            await text(speaker.page, "#floor", "muted")
            # as if the word had been lost with the feed
            await world.spaces.ask(space.space, cmd.OpenMicrophone(ALICE))
            assert world.view(space.space).on_air == {ALICE}
            world.hub.stop()
            await until(lambda: not world.view(space.space).on_air)
            await text(speaker.page, "#floor", "muted")


async def test_a_lost_connection_is_made_anew_without_a_click(
    tmp_path: Path, browser: Browser
) -> None:
    async with with_sound(tmp_path) as (world, stage):
        space = await world.create()
        async with opened(browser, world.page(space)) as listener:
            await listener.page.click("#listen")
            await until(lambda: stage.listeners(space.space) == 1)
            for session in list(stage._sessions):
                stage.hang_up(session)
            assert stage.listeners(space.space) == 0
            world.hub.notice(space.space, RESTARTED)
            await until(lambda: stage.listeners(space.space) == 1)
            await text(listener.page, "#listen", "Stop listening")
            await text(listener.page, "#notice", "restarted")


async def test_a_browser_without_webrtc_listens_over_plain_http(
    tmp_path: Path, browser: Browser
) -> None:
    async with with_sound(tmp_path) as (world, stage):
        space = await world.create()
        await world.seat(space.space, ALICE, "Alice")
        link = world.page(space, f"#t={await world.link(space.space, ALICE)}")
        without = "delete window.RTCPeerConnection;"
        async with (
            opened(browser, link) as speaker,
            opened(browser, world.page(space), before=without) as listener,
        ):
            await speaker.page.click("#microphone")
            await text(speaker.page, "#microphone", "Mute")
            await listener.page.click("#listen")
            await text(listener.page, "#sound", "plain HTTP")
            await until(lambda: stage.listeners(space.space) == 2)
            # Chromium begins to play such a stream after 32 kB of it
            playing = expect(listener.page.locator("#sound"))
            await playing.to_contain_text("some seconds behind", timeout=120_000)
            await listener.page.click("#listen")
            await until(lambda: stage.listeners(space.space) == 1)


async def test_where_no_sound_can_come_a_plain_sentence_does(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    neither = "delete window.RTCPeerConnection; HTMLMediaElement.prototype.canPlayType = () => '';"
    async with opened(browser, world.page(space), before=neither) as listener:
        await listener.page.click("#listen")
        await text(listener.page, "#sound", "The captions go on")


async def test_a_browser_that_begins_to_play_and_breaks_off_at_once_is_not_asked_for_ever(
    tmp_path: Path, browser: Browser
) -> None:
    # as Firefox does on a machine without a sound card
    breaks_off = """
        delete window.RTCPeerConnection;
        HTMLMediaElement.prototype.play = function () {
          setTimeout(() => this.dispatchEvent(new Event("error")), 100);
          return Promise.resolve();
        };
    """
    async with (
        with_sound(tmp_path) as (world, stage),
        opened(browser, world.page(space := await world.create()), before=breaks_off) as listener,
    ):
        asked: list[str] = []
        listener.page.on("request", lambda made: asked.append(made.method))
        await listener.page.click("#listen")
        await text(listener.page, "#sound", "The captions go on")
        assert asked.count("POST") == 2
        await until(lambda: stage.listeners(space.space) == 0)


async def test_a_browser_that_holds_sound_back_offers_a_button(
    tmp_path: Path, browser: Browser
) -> None:
    holds = """
        const play = HTMLMediaElement.prototype.play;
        let held = true;
        HTMLMediaElement.prototype.play = function () {
          if (!held) return play.call(this);
          held = false;
          return Promise.reject(new DOMException("no gesture", "NotAllowedError"));
        };
    """
    async with with_sound(tmp_path) as (world, _):
        space = await world.create()
        async with opened(browser, world.page(space), before=holds) as listener:
            await listener.page.click("#listen")
            await text(listener.page, "#listen", "Tap to hear")
            await listener.page.click("#listen")
            await text(listener.page, "#listen", "Stop listening")


async def test_sound_that_does_not_come_is_said_and_can_be_stopped(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create()
    async with opened(browser, world.page(space)) as listener:
        await listener.page.click("#listen")
        # the recording stage answers nonsense
        await text(listener.page, "#sound", "Reconnecting")
        await listener.page.click("#listen")
        await text(listener.page, "#listen", "Listen")
        await expect(listener.page.locator("#sound")).to_have_text("")
