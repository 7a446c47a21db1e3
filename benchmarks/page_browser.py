"""The page's speed in a real Chromium, each time in a fresh profile with nothing cached.

* link to sound: from opening the link, with a click on Listen as soon as it can be clicked, until
  sound of the live host has been played: the element's time moves and what was played had energy
  (Chromium renews that statistic every 50 ms).
* largest contentful paint: as the browser itself reports it, of the directory and of a space.
* caption to page: from the moment the control process has the transcriber's final until its line
  is in the document; in between the live space's actor, its journal, the feed and the script.
"""

import asyncio
import random
import tempfile
import time
from pathlib import Path

from playwright.async_api import Browser, Page, ViewportSize

from benchmarks.rig import Mouth, Rig
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from tests.web.world import HOST, WebWorld, web_world

SEED = 20261125
PHONE = ViewportSize(width=390, height=844)

_EARS = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    window.connections.push(this);
  }
};
"""
_CLICKABLE = """
() => new Promise((resolve) => {
  const look = () => {
    const button = document.getElementById("listen");
    const box = button?.getBoundingClientRect();
    if (!box?.width || button.disabled) requestAnimationFrame(look);
    else resolve([box.x + box.width / 2, box.y + box.height / 2]);
  };
  look();
})
"""
_HEARD = """
async () => {
  const audio = document.getElementById("audio");
  const energy = async () => {
    let sum = 0;
    for (const connection of window.connections)
      for (const stat of (await connection.getStats()).values())
        if (stat.type === "inbound-rtp") sum += stat.totalAudioEnergy ?? 0;
    return sum;
  };
  while (audio.currentTime === 0 || (await energy()) === 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  return performance.now();
}
"""
_LARGEST_PAINT = """
() => new Promise((resolve) => {
  let last = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) last = entry.startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  setTimeout(() => resolve(last), 300);
})
"""
_WATCH_CAPTIONS = """
() => {
  const waiting = new Map();
  const came = new Map();
  new MutationObserver((changes) => {
    const at = performance.timeOrigin + performance.now();
    for (const { addedNodes } of changes)
      for (const { dataset } of addedNodes) {
        came.set(dataset.key, at);
        waiting.get(dataset.key)?.(at);
      }
  }).observe(document.getElementById("captions"), { childList: true });
  window.captionAt = (key) => came.get(key) ?? new Promise((resolve) => waiting.set(key, resolve));
}
"""
_NOW = "performance.timeOrigin + performance.now()"


async def link_to_sound(browser: Browser, stage: Rig, rounds: int) -> list[float]:
    """Return the seconds from link to sound of each round; the host is on air all the while."""
    mouth = Mouth()
    await mouth.open(stage.http, stage.space.page, stage.host_tab.session)
    try:
        return [await _hear(browser, stage.space.page) for _ in range(rounds)]
    finally:
        await mouth.close()


async def _hear(browser: Browser, link: str) -> float:
    context = await browser.new_context(viewport=PHONE)
    try:
        await context.add_init_script(_EARS)
        page = await context.new_page()
        await page.goto(link, wait_until="commit")
        await page.mouse.click(*await page.evaluate(_CLICKABLE))
        async with asyncio.timeout(30):
            return float(await page.evaluate(_HEARD)) / 1000
    finally:
        await context.close()


async def largest_paint(browser: Browser, address: str, rounds: int) -> list[float]:
    """Return the seconds to the largest contentful paint of each round."""
    times = []
    for _ in range(rounds):
        context = await browser.new_context(viewport=PHONE)
        try:
            page = await context.new_page()
            await page.goto(address, wait_until="load")
            times.append(float(await page.evaluate(_LARGEST_PAINT)) / 1000)
        finally:
            await context.close()
    return times


async def caption_to_page(browser: Browser, rounds: int) -> list[float]:
    """Return the milliseconds to the page of each caption, at random moments from one seed."""
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        async with web_world(Path(folder)) as world:
            space = await world.create()
            context = await browser.new_context(viewport=PHONE)
            try:
                page = await context.new_page()
                await page.goto(world.page(space))
                await page.wait_for_selector("#bar", state="visible")
                await page.evaluate(_WATCH_CAPTIONS)
                ahead_ms = await _clock_ahead_ms(page)
                return [
                    await _caption(world, space, page, number, chance) - ahead_ms
                    for number in range(rounds)
                ]
            finally:
                await context.close()


async def _caption(
    world: WebWorld, space: LiveSpace, page: Page, number: int, chance: random.Random
) -> float:
    await asyncio.sleep(chance.uniform(0.02, 0.12))
    key, start_ms = f"said-{number}", number * 1000
    text = f"This is sentence number {number}, and it is about as long as most are."
    said = cmd.CaptionUtterance(UtteranceId(key), HOST, start_ms, start_ms + 900, text, "en")
    began_ms = time.time() * 1000
    world.spaces.tell(space.space, said)
    async with asyncio.timeout(10):
        return float(await page.evaluate("(key) => captionAt(key)", key)) - began_ms


async def _clock_ahead_ms(page: Page) -> float:
    """Return how far the page's clock is ahead of ours, by the quickest of some questions."""
    found = []
    for _ in range(50):
        asked = time.time() * 1000
        told = float(await page.evaluate(_NOW))
        answered = time.time() * 1000
        found.append((answered - asked, told - (asked + answered) / 2))
    return min(found)[1]
