"""A browser in a network of its own, with a bad line between it and the bridge."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from playwright.async_api import Page, expect

from spaces_bridge_demo import speech
from spaces_bridge_demo.deployment import LiveRoom, until
from spaces_bridge_demo.ears import tone
from spaces_bridge_demo.peer import ListenerPeer
from tests.e2e.chromium import PATIENCE_MS, chromium, write_wav
from tests.support.machine import program
from tests.support.netns import Network
from tests.support.world import OnAir, World

HERTZ = 440
ROUTE = """
async () => {
  const stats = await ears.connections.at(-1).getStats();
  for (const stat of stats.values())
    if (stat.type === "transport" && stat.selectedCandidatePairId)
      return stats.get(stats.get(stat.selectedCandidatePairId).localCandidateId).protocol;
  return "none";
}
"""
SAID = """
window.said = [];
addEventListener("DOMContentLoaded", () => {
  const sound = document.getElementById("sound");
  const note = () => said.push(sound.textContent);
  new MutationObserver(note).observe(sound, {childList: true, subtree: true, characterData: true});
});
"""
"""Keeps what the page says about its sound, some of it for a moment only."""
LOUDEST = """
async () => {
  const audio = document.getElementById("audio");
  const stream = audio.srcObject ?? audio.captureStream();
  if (stream.getAudioTracks().length === 0) return 0;
  const context = new AudioContext();
  await context.resume();
  const analyser = new AnalyserNode(context, {fftSize: 8192});
  context.createMediaStreamSource(stream).connect(analyser);
  await new Promise((resolve) => setTimeout(resolve, 400));
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  await context.close();
  const loudest = bins.indexOf(Math.max(...bins));
  return bins[loudest] > -60 ? loudest * context.sampleRate / analyser.fftSize : 0;
}
"""


@asynccontextmanager
async def inside(
    line: Network, tmp_path: Path, space: LiveRoom, *flags: str, speaks: bool = False
) -> AsyncIterator[Page]:
    """A browser of the client's. `speaks`: with a microphone that hears somebody talk."""
    origin = "/".join(space.page.split("/")[:3])
    recording = tmp_path / "talk.wav"
    if speaks:
        talk = speech.speak(next(x for x in speech.CONVERSATION if x.voice is speech.LISTENER))
        write_wav(recording, np.concatenate([talk, speech.silence(0.3)]))
    async with chromium(
        recording if speaks else None,
        again=True,
        executable=line.wrapper(program("chromium"), tmp_path),
        flags=(f"--unsafely-treat-insecure-origin-as-secure={origin}", *flags),
    ) as page:
        page.set_default_timeout(PATIENCE_MS)
        yield page


async def hears(page: Page, hertz: int = HERTZ, within_s: float = 60.0) -> None:
    """Until the page plays this tone."""

    async def audible() -> bool:
        return abs(float(await page.evaluate(LOUDEST)) - hertz) < 20

    await until(audible, f"{hertz} Hz in the browser", within_s)


async def is_heard(listener: ListenerPeer, within_s: float = 60.0) -> None:
    """Until the listener hears somebody talk, from now on."""
    before = len(listener.pcm())

    async def audible() -> bool:
        return bool(np.abs(listener.pcm()[before:]).max(initial=0) > 2000)

    await until(audible, "somebody talking", within_s)


async def listens(page: Page, live: OnAir) -> None:
    """Open the page, press Listen, hear the host's tone."""
    live.host_mic.say(tone(HERTZ, 240.0))
    await page.goto(live.space.page)
    await page.click("#listen")
    await hears(page)


async def takes_the_floor(page: Page, live: OnAir) -> None:
    """Open the page as a guest, ask, be let on stage."""
    await page.goto(live.space.page)
    await page.click("#ask")
    await page.fill("#name", "Gil")
    asked = live.host_page.next_frame("roster", lambda frame: frame["queue"] != [])
    await page.click("#name-form button[type=submit]")
    roster = await asked
    await live.host_page.send({"type": "approve", "user": roster["queue"][0]["id"]})
    await expect(page.locator("#microphone")).to_be_visible(timeout=PATIENCE_MS)


async def speaks(page: Page, live: OnAir) -> None:
    """Take the floor, speak and be heard."""
    await takes_the_floor(page, live)
    await page.click("#microphone")
    await expect(page.locator("#floor-text")).to_contain_text("air", timeout=PATIENCE_MS)
    await is_heard(live.listener)


def drop_media(far_world: World, line: Network) -> None:
    """Nothing passes but the page's own HTTP."""
    line.drop_udp()
    line.drop_tcp(far_world.deployment.bridge.media_port)
