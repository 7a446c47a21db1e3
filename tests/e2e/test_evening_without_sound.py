"""A whole evening with the sound off: followed, and taken part in, by captions alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser, Page, expect

from spaces_bridge_demo import speech
from spaces_bridge_demo.deployment import said_by, until
from tests.e2e.chromium import write_wav
from tests.e2e.evenings import next_member, phone, seen, unseen
from tests.e2e.states import PATIENCE_MS
from tests.support.words import understood, word_error_rate_within
from tests.support.world import OnAir, World
from tests.web.browser import chromium

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium")]

PATIENCE_S = 180.0
TOLD = speech.CONVERSATION[1]
QUESTION = next(line for line in speech.CONVERSATION if line.voice is speech.LISTENER)

DRAFTS = """
window.drafted = [];
addEventListener("DOMContentLoaded", () => {
  const look = () => {
    const text = document.getElementById("drafts").textContent.trim();
    if (text) drafted.push(text);
  };
  const about = { childList: true, subtree: true, characterData: true };
  new MutationObserver(look).observe(document.getElementById("drafts"), about);
});
"""
"""Keeps what was shown before it was final."""


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    """A browser whose microphone hears the question, over and over."""
    recording = tmp_path / "question.wav"
    silence = speech.silence(2.5)
    write_wav(recording, np.concatenate([silence, speech.speak(QUESTION), silence]))
    async with chromium(recording) as running:
        yield running


async def captions_of(page: Page, speaker: str) -> str:
    """All finished words of one speaker on the page."""
    lines = page.locator(f"#captions .caption[data-speaker='{speaker}'] .caption-text")
    return " ".join(await lines.all_inner_texts())


async def test_who_hears_nothing_follows_asks_speaks_and_reads_the_own_words(
    world: World, browser: Browser
) -> None:
    live = await world.on_air("Gardens in the city")
    async with phone(browser, live.space.page, before=DRAFTS) as watched:
        page = watched.page
        await follows_the_host(page, live)
        user = await asks_and_sees_the_place(page, live, world)
        await speaks_and_reads_it(page, live, user)
        assert await page.evaluate("document.getElementById('audio').srcObject") is None
        live.host_mic.say(speech.speak(TOLD))
        assert await page.locator("#listen").inner_text() == "Listen"


async def follows_the_host(page: Page, live: OnAir) -> None:
    await seen(page, "#listen", "Listen")
    await seen(page, "#captions-empty", "appears here")
    live.host_mic.say(speech.speak(TOLD))
    await expect(page.locator("#stage .speaking")).to_be_visible(timeout=PATIENCE_MS)

    async def misread() -> float:
        return word_error_rate_within(TOLD.text, await captions_of(page, live.host.id))

    async def again() -> None:
        live.host_mic.say(speech.speak(TOLD))
        await live.host_mic.said()

    await understood(misread, again)
    names = await page.locator("#captions .caption-name").all_text_contents()
    assert {name.rstrip(": ") for name in names} == {live.host.name}
    await is_drafted(page, live)
    await expect(page.locator("#drafts")).to_be_empty(timeout=PATIENCE_MS)


async def is_drafted(page: Page, live: OnAir) -> None:
    """Words were shown before they were final; a busy worker may leave that out, so say it again.

    After a rest, as that is when it begins again.
    """
    async with asyncio.timeout(PATIENCE_S):
        while not any(
            TOLD.text.split()[0] in text for text in await page.evaluate("window.drafted")
        ):
            live.host_mic.say(speech.silence(8.0))
            live.host_mic.say(speech.speak(TOLD))
            await live.host_mic.said()


async def asks_and_sees_the_place(page: Page, live: OnAir, world: World) -> str:
    first = await world.page(live.space.page, "Lin")
    await first.send({"type": "hand", "raised": True})
    await seen(page, "#hands", "A guest")
    asked = live.host_page.next_frame("roster", lambda roster: len(roster["queue"]) == 2)
    await page.click("#ask")
    await page.fill("#name", "Gil")
    await page.click("#name-form [type=submit]")
    user = str((await asked)["queue"][1]["id"])
    await seen(page, "#hands .mine .hand-note", "You are number 2")
    await live.host_page.send({"type": "deny", "user": first.id})
    await seen(page, "#hands .mine .hand-note", "You are next")
    await live.host_page.send({"type": "approve", "user": user})
    await seen(page, "#floor-title", "You have the floor")
    await seen(page, "#floor-text", "Nobody hears you yet")
    await unseen(page, "#queue")
    return user


async def speaks_and_reads_it(page: Page, live: OnAir, user: str) -> None:
    joined = next_member(live.host, live.space, user, "leave")
    await page.click("#microphone")
    await seen(page, "#floor-text", "on air")
    # to speak is no wish to hear
    await page.click("#listen")
    await seen(page, "#listen", "Listen")

    async def has_read_it() -> bool:
        return word_error_rate_within(QUESTION.text, await captions_of(page, user)) <= 0.3

    await until(has_read_it, "the own words", PATIENCE_S)
    mine = page.locator(f"#captions [data-speaker='{user}'] .caption-name").first
    await expect(mine).to_contain_text("Gil", timeout=PATIENCE_MS)
    await page.click("#step-down")
    await seen(page, "#ask", "Ask to speak")
    await joined

    async def in_the_room() -> bool:
        return bool(said_by(await live.host.captions(live.space), user))

    await until(in_the_room, "the guest's words in the room", PATIENCE_S)
