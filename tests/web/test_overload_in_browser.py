"""A crowded stage in a real Chromium: the page hears the stream, and comes back by itself."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from spaces_bridge.app.media_events import RESTARTED
from spaces_bridge.app.ports import Overload
from spaces_bridge.media import launch
from spaces_bridge.media.messages import OverloadChanged
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.worker.values import OverloadStep
from tests.support.loaded_worker import MODULE
from tests.web.browser import Watched, opened, text
from tests.web.test_sound_in_browser import with_sound
from tests.web.world import ALICE, HOST, WebWorld, until

pytestmark = pytest.mark.e2e

ONLINE = "dispatchEvent(new Event('online'))"
"""What a page tries WebRTC again by, but for time."""


@pytest.fixture(autouse=True)
def _workers_that_measure_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine may be busy indeed, and its worker would say so in between."""
    monkeypatch.setattr(launch, "MODULE", MODULE)


def now_is(stage: WorkerStage, step: OverloadStep) -> None:
    """As if the worker had said so."""
    stage._hear(OverloadChanged(step))


def refused(stage: WorkerStage) -> float:
    return stage.metrics()["crowded_out"]


def expected(watched: Watched) -> None:
    """A refusal is an answer; Chromium writes it down as an error."""
    told = [each for each in watched.complaints if "status of 503" not in each]
    watched.complaints[:] = told


async def test_a_new_listener_hears_the_stream_of_a_crowded_stage_and_the_sound_itself_later(
    tmp_path: Path, browser: Browser
) -> None:
    async with with_sound(tmp_path) as (world, stage):
        space = await world.create()
        await world.seat(space.space, ALICE, "Alice")
        link = world.page(space, f"#t={await world.link(space.space, ALICE)}")
        async with (
            opened(browser, link) as speaker,
            opened(browser, world.page(space)) as early,
            opened(browser, world.page(space)) as late,
        ):
            await early.page.click("#listen")
            await until(lambda: stage.listeners(space.space) == 1)
            now_is(stage, OverloadStep.CROWDED)
            await speaker.page.click("#microphone")
            await text(speaker.page, "#microphone", "Mute")  # and hears, as who speaks
            await until(lambda: sessions(stage) == 2)
            await late.page.click("#listen")
            await text(late.page, "#sound", "Many people are listening")
            await until(lambda: refused(stage) >= 1)
            # Chromium begins to play such a stream after 32 kB of it
            playing = expect(late.page.locator("#sound"))
            await playing.to_contain_text("a few seconds' delay", timeout=120_000)
            assert (sessions(stage), stage.listeners(space.space)) == (2, 3)
            before = refused(stage)  # a page that has just heard of the space asks again, too
            await late.page.evaluate(ONLINE)
            await until(lambda: refused(stage) > before)
            await text(late.page, "#sound", "a few seconds' delay")
            assert await early.loudness() > 0.05

            now_is(stage, OverloadStep.LONG_FRAMES)
            await late.page.evaluate(ONLINE)
            await until(lambda: sessions(stage) == 3)
            await expect(late.page.locator("#sound")).to_have_text("")
            assert await late.loudness() > 0.05
            await until(lambda: stage.listeners(space.space) == 3)  # the stream has ended
            expected(late)


def sessions(stage: WorkerStage) -> int:
    """Connections that hear by WebRTC."""
    return stage.all_listening


async def test_whoever_gets_the_floor_hears_the_sound_itself_at_once(
    tmp_path: Path, browser: Browser
) -> None:
    async with with_sound(tmp_path) as (world, stage):
        space = await world.create()
        link = world.page(space, f"#t={await world.link(space.space, ALICE)}")
        async with opened(browser, link) as page:
            now_is(stage, OverloadStep.CROWDED)
            await page.page.click("#listen")
            await text(page.page, "#sound", "Many people are listening")
            assert sessions(stage) == 0
            await world.seat(space.space, ALICE, "Alice")
            await page.page.click("#microphone")
            await text(page.page, "#microphone", "Mute")
            await until(lambda: sessions(stage) == 1)
            await expect(page.page.locator("#sound")).to_have_text("")
            expected(page)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Overload.NO_DRAFTS, "captions appear when a sentence is finished"),
        (Overload.LONG_FRAMES, "listeners hear a moment later"),
        (Overload.CROWDED, "new ones hear with a few seconds' delay"),
    ],
)
async def test_a_host_reads_what_is_given_up_and_listeners_do_not(
    world: WebWorld, browser: Browser, step: Overload, said: str
) -> None:
    space = await world.create()
    host = world.page(space, f"#t={await world.link(space.space, HOST)}")
    async with opened(browser, host) as hosting, opened(browser, world.page(space)) as listening:
        world.hub.overloaded(step)
        await text(hosting.page, "#overload", said)
        world.hub.notice(space.space, RESTARTED)  # comes after it
        await text(listening.page, "#notice", "restarted")
        await expect(listening.page.locator("#overload")).to_be_hidden()
        world.hub.overloaded(Overload.CALM)
        await expect(hosting.page.locator("#overload")).to_be_hidden()
