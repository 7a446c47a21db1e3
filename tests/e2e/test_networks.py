"""The page on bad networks: a browser in a network of its own, the bridge outside of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, expect

from spaces_bridge.demo import speech
from spaces_bridge.demo.ears import tone
from spaces_bridge.demo.house import House, LiveRoom, until
from spaces_bridge.demo.peer import RATE, ListenerPeer
from spaces_bridge.demo.processes import free_port
from tests.e2e.chromium import chromium, write_wav
from tests.support.machine import program
from tests.support.netns import Network, network
from tests.support.world import OnAir, World, last, open_house

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.needs("chromium", "network namespaces"),
]

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


@pytest.fixture(scope="module")
def lines() -> Iterator[Network]:
    """The network of this module."""
    with network() as made:
        yield made


@pytest.fixture(scope="module")
def outside(lines: Network, models: Path) -> Iterator[House]:
    """A house that the network's client reaches."""
    port = free_port()
    settings = {
        "web": {
            "hostname": "0.0.0.0",
            "port": port,
            "public_url": f"http://{lines.server}:{port}",
        },
        "media": {
            "addresses": [lines.server, "127.0.0.1"],
            "hostnames": [lines.server, "127.0.0.1"],
        },
        "captions": {"enabled": False},
    }
    with open_house(House(models=models, settings=settings)) as opened:
        yield opened


@pytest.fixture
async def world(outside: House) -> AsyncIterator[World]:
    """People in that house."""
    async with World(outside) as people:
        yield people


@pytest.fixture
def line(lines: Network) -> Iterator[Network]:
    """The network, good at first and again afterwards."""
    yield lines
    lines.restore()
    lines.plug()


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
        page.set_default_timeout(15_000)
        yield page


async def hears(page: Page, hertz: int = HERTZ, within_s: float = 20.0) -> None:
    """Until the page plays this tone."""

    async def audible() -> bool:
        return abs(float(await page.evaluate(LOUDEST)) - hertz) < 20

    await until(audible, f"{hertz} Hz in the browser", within_s)


async def is_heard(listener: ListenerPeer, within_s: float = 20.0) -> None:
    """Until the listener hears somebody talk, from now on."""
    before = len(listener.pcm())

    async def audible() -> bool:
        return bool(np.abs(listener.pcm()[before:]).max(initial=0) > 2000)

    await until(audible, "somebody talking", within_s)


async def listens(page: Page, scene: OnAir) -> None:
    """Open the page, press Listen, hear the host's tone."""
    scene.host_mic.say(tone(HERTZ, 240.0))
    await page.goto(scene.space.page)
    await page.click("#listen")
    await hears(page)


async def speaks(page: Page, world: World, scene: OnAir) -> None:
    """Open the page as a guest, ask, be let on stage, speak and be heard."""
    await page.goto(scene.space.page)
    await page.click("#ask")
    await page.fill("#name", "Gil")
    asked = scene.host_page.next_frame("roster", lambda frame: frame["queue"] != [])
    await page.click("#name-form button[type=submit]")
    roster = await asked
    await scene.host_page.send({"type": "approve", "user": roster["queue"][0]["id"]})
    await expect(page.locator("#microphone")).to_be_visible(timeout=15_000)
    await page.click("#microphone")
    await expect(page.locator("#floor-text")).to_contain_text("air", timeout=25_000)
    await is_heard(scene.listener)


# --- UDP is dropped -------------------------------------------------------------------------------


async def test_without_udp_a_browser_listens_over_tcp(
    world: World, line: Network, tmp_path: Path
) -> None:
    scene = await world.on_air()
    line.drop_udp()
    async with inside(line, tmp_path, scene.space) as page:
        await listens(page, scene)
        assert await page.evaluate(ROUTE) == "tcp"


async def test_without_udp_a_guest_speaks_over_tcp_and_is_heard(
    world: World, line: Network, tmp_path: Path
) -> None:
    scene = await world.on_air()
    line.drop_udp()
    async with inside(line, tmp_path, scene.space, speaks=True) as page:
        await speaks(page, world, scene)
        assert await page.evaluate(ROUTE) == "tcp"
