"""The page in a real browser: listening, reading along, speaking, and a worker's sudden death."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, expect

from spaces_bridge_demo import speech
from spaces_bridge_demo.deployment import until
from spaces_bridge_demo.ears import words_in
from tests.e2e.chromium import chromium, connections, packets, received, write_wav
from tests.support.words import understood, word_error_rate_within
from tests.support.world import World
from tests.web.browser import have_patience

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium")]

LINES = [line for line in speech.CONVERSATION if line.voice is speech.HOST][:2]
QUESTION = next(line for line in speech.CONVERSATION if line.voice is speech.LISTENER)


async def listen(page: Page, address: str) -> None:
    """Open the page and press Listen; returns when sound arrives."""
    await page.goto(address)
    await page.click("#listen")
    await expect(page.locator("#listen")).to_contain_text("Stop")

    async def arrives() -> bool:
        return await packets(page) > 20

    await until(arrives, "packets in the browser")


async def test_a_browser_hears_and_reads_what_the_host_says(world: World, models: Path) -> None:
    live = await world.on_air("Gardens in the city")
    async with chromium() as page:
        complaints: list[str] = []
        page.on("console", lambda entry: complaints.append(entry.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await listen(page, live.space.page)
        said = " ".join(line.text for line in LINES)

        async def says() -> None:
            for line in LINES:
                live.host_mic.say(speech.speak(line))
                live.host_mic.say(speech.silence(0.8))
            await live.host_mic.said()

        async def misread() -> float:
            captions = await page.locator("#captions .caption-text").all_inner_texts()
            return word_error_rate_within(said, " ".join(captions))

        async def misheard() -> float:
            heard = await words_in(await received(page), models)
            return word_error_rate_within(said, heard.text)

        await says()
        await understood(misread, says)
        names = set(await page.locator("#captions .caption-name").all_inner_texts())
        assert names == {live.host.name}
        await understood(misheard, says, within_s=0)
        assert complaints == []


async def test_a_guest_in_a_browser_asks_is_approved_by_a_tap_and_is_heard(
    world: World, models: Path, tmp_path: Path
) -> None:
    live = await world.on_air()
    recording = tmp_path / "question.wav"
    question = np.concatenate([speech.silence(1.5), speech.speak(QUESTION), speech.silence(1.5)])
    write_wav(recording, question)
    async with chromium(recording, again=True) as page:
        await page.goto(live.space.page)
        prompt = live.host.next_message(live.host.dm, "asks to speak", world.deployment.bridge.bot)
        await page.click("#ask")
        await page.fill("#name", "Gil")
        await page.click("#name-form button[type=submit]")
        asked = await prompt
        await expect(page.locator("#microphone")).to_be_hidden()
        await live.host.react(asked["room_id"], asked["event_id"], "✅")
        await expect(page.locator("#microphone")).to_be_visible()
        await page.click("#microphone")
        await expect(page.locator("#floor-text")).to_contain_text("air")
        before = len(live.listener.pcm())

        async def twice() -> None:
            end = len(live.listener.pcm()) + 2 * len(question)

            async def played() -> bool:
                return len(live.listener.pcm()) > end

            await until(played, "all of the question at the listener", 180.0)

        async def misheard() -> float:
            heard = await words_in(live.listener.pcm()[before:], models)
            return word_error_rate_within(QUESTION.text, heard.text)

        await twice()
        await understood(misheard, twice, within_s=0)


async def test_the_sound_comes_back_in_a_browser_without_a_click_or_a_new_connection(
    world: World,
) -> None:
    bridge, live = world.deployment.bridge, await world.on_air()
    async with chromium() as page:
        # a new worker may take its time on a busy machine: how long, benchmarks/media.py measures
        await have_patience(page)
        await listen(page, live.space.page)
        asked: list[str] = []
        page.on("request", lambda made: asked.append(made.url) if made.method == "POST" else None)
        made = await connections(page)
        for _ in range(3):
            pid = bridge.worker_pid("media")
            assert pid is not None
            os.kill(pid, signal.SIGKILL)

            async def another(pid: int = pid) -> bool:
                return bridge.worker_pid("media") not in (None, pid)

            await until(another, "another worker")
            before = await packets(page)

            async def more(before: int = before) -> bool:
                return await packets(page) > before + 50

            await until(more, "packets after the worker's death")
        assert await connections(page) == made
        assert asked == []
