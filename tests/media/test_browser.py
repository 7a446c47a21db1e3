"""A real browser (Chromium, headless) as listener and as speaker, by UDP and by TCP alone."""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from opuslib_next import Decoder, Encoder
from playwright.async_api import Page, Route, async_playwright

from spaces_bridge.media.worker.values import ResumeRecord, StreamDirection
from tests.support.edge import EdgeWorld, edge_world

pytestmark = pytest.mark.e2e

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
PAGE = """<!doctype html><audio id="sound" autoplay></audio><script>
const peers = {};
async function join(name, direction, more) {
  const pc = peers[name] = new RTCPeerConnection();
  if (direction === "speak") {
    const stream = await navigator.mediaDevices.getUserMedia({audio: true});
    pc.addTransceiver(stream.getTracks()[0], {direction: "sendonly"});
  } else {
    pc.addTransceiver("audio", {direction: "recvonly"});
    pc.ontrack = event => { sound.srcObject = event.streams[0]; };
  }
  if (more) {
    pc.addTransceiver("video", {direction: "recvonly"});
    pc.addTransceiver("audio", {direction: "recvonly"});
    pc.createDataChannel("chat");
  }
  await pc.setLocalDescription(await pc.createOffer());
  const answer = await signal(name, direction, pc.localDescription.sdp);
  await pc.setRemoteDescription({type: "answer", sdp: answer});
}
async function look(name) {
  const found = {state: peers[name].connectionState};
  for (const entry of (await peers[name].getStats()).values()) {
    if (entry.type === "inbound-rtp") {
      found.received = entry.packetsReceived;
      found.energy = entry.totalAudioEnergy;
      found.concealed = entry.concealedSamples;
    } else if (entry.type === "remote-inbound-rtp") {
      found.reported = true;
    } else if (entry.type === "transport") {
      found.profile = entry.srtpCipher;
      found.pair = entry.selectedCandidatePairId;
    } else if (entry.type === "local-candidate") {
      found.protocols = [...(found.protocols || []), entry.protocol];
    }
  }
  return found;
}
</script>"""


class Browser:
    """One page with any number of peer connections."""

    def __init__(self, page: Page, world: EdgeWorld, *, tcp_only: bool) -> None:
        self._page, self._world, self._tcp_only = page, world, tcp_only

    async def open(self) -> None:
        """Load the page; localhost is a secure context, so it may use the microphone."""

        async def fulfil(route: Route) -> None:
            await route.fulfill(body=PAGE, content_type="text/html")

        await self._page.route("**/*", fulfil)
        await self._page.expose_function("signal", self._signal)
        await self._page.goto("http://localhost/")

    def _signal(self, name: str, direction: str, offer: str) -> str:
        answer = self._world.edge.accept(name, StreamDirection(direction), offer)
        if self._tcp_only:
            answer = re.sub(r"a=candidate:\d+ 1 udp .*\r\n", "", answer)
        return answer

    async def join(self, name: str, direction: StreamDirection, *, more: bool = False) -> None:
        """Join and wait until both sides are connected; `more`: offer what nobody wants, too."""
        await self._page.evaluate(
            "([name, way, more]) => join(name, way, more)", [name, direction.value, more]
        )
        await self._world.until(lambda: self._world.is_connected(name))

    async def look(self, name: str) -> dict[str, Any]:
        """What the browser's statistics say."""
        found: dict[str, Any] = await self._page.evaluate("name => look(name)", name)
        return found

    async def sees(self, name: str, fact: str, timeout_s: float = 60.0) -> None:
        """Wait until the statistics hold this."""
        async with asyncio.timeout(timeout_s):
            while True:
                if fact in await self.look(name):
                    return
                await asyncio.sleep(0.1)

    async def hears(self, name: str, packets: int, timeout_s: float = 60.0) -> dict[str, Any]:
        """Wait until `packets` more packets with sound in them have arrived."""
        before = await self.look(name)
        goal = before.get("received", 0) + packets
        async with asyncio.timeout(timeout_s):
            while True:
                seen = await self.look(name)
                louder = seen.get("energy", 0) > before.get("energy", 0)
                if seen.get("received", 0) >= goal and louder:
                    return seen
                await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def browsing(*, tcp_only: bool = False) -> AsyncIterator[tuple[EdgeWorld, Browser]]:
    async with edge_world() as world, async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *(["--no-sandbox"] * (os.getuid() == 0))]
        )
        try:
            browser = Browser(await chromium.new_page(), world, tcp_only=tcp_only)
            await browser.open()
            yield world, browser
        finally:
            await chromium.close()


def play_tone(world: EdgeWorld, listener: str) -> None:
    """Send the listener a tone of 440 Hz."""
    at = np.arange(48_000) / 48_000
    pcm = (10_000 * np.sin(2 * np.pi * 440 * at)).astype(np.int16)
    encoder, frame = Encoder(48_000, 1, "audio"), iter(range(1 << 30))

    def payload() -> bytes:
        start = next(frame) * 960 % 48_000
        return bytes(encoder.encode(pcm[start : start + 960].tobytes(), 960))

    world.payload = payload
    world.start_sound([listener])


async def hears_the_browser(world: EdgeWorld, name: str) -> None:
    """The fake microphone beeps every second; wait until a beep was decoded."""
    decoder = Decoder(48_000, 1)
    at = len(world.packets.get(name, []))

    def beep() -> bool:
        nonlocal at
        fresh = world.packets.get(name, [])[at:]
        at += len(fresh)
        pcm = [np.frombuffer(decoder.decode(one.payload, 5760), np.int16) for one in fresh]
        return any(int(np.abs(piece).max(initial=0)) > 1000 for piece in pcm)

    await world.until(beep)


def crash(world: EdgeWorld, *names: str) -> None:
    records = {name: world.edge.resume_record(name).encode() for name in names}
    world.replace_edge()
    for name, record in records.items():
        world.edge.restore(name, ResumeRecord.decode(record))


@pytest.mark.parametrize("tcp_only", [False, True], ids=["udp", "tcp"])
async def test_a_browser_hears_and_is_heard(tcp_only: bool) -> None:
    async with browsing(tcp_only=tcp_only) as (world, browser):
        await browser.join("listener", StreamDirection.LISTEN)
        await browser.join("speaker", StreamDirection.SPEAK)
        play_tone(world, "listener")
        seen = await browser.hears("listener", 50)
        assert seen["state"] == "connected"
        # Chromium has called it by either name
        assert str(seen["profile"]).removeprefix("SRTP_") == "AEAD_AES_128_GCM"
        await hears_the_browser(world, "speaker")
        assert (world.edge.resume_record("listener").address is None) is tcp_only
        assert world.refused("srtp_rejected") == 0
        await browser.sees("speaker", "reported")


async def test_a_browser_hears_and_is_heard_through_crashes_without_doing_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("spaces_bridge.media.worker.edge.edge.first_position", lambda: (65_500, 0))
    async with browsing() as (world, browser):
        await browser.join("listener", StreamDirection.LISTEN)
        await browser.join("speaker", StreamDirection.SPEAK)
        play_tone(world, "listener")
        await browser.hears("listener", 60)  # past the rollover
        for _ in range(2):
            crash(world, "listener", "speaker")
            seen = await browser.hears("listener", 50)
            assert seen["state"] == "connected"
            await hears_the_browser(world, "speaker")
        assert world.edge.resume_record("listener").tx_index > 65_536


async def test_a_browser_on_tcp_dials_again_by_itself_after_a_crash() -> None:
    async with browsing(tcp_only=True) as (world, browser):
        await browser.join("listener", StreamDirection.LISTEN)
        play_tone(world, "listener")
        await browser.hears("listener", 50)
        crash(world, "listener")
        seen = await browser.hears("listener", 50)
        assert seen["state"] == "connected"


async def test_a_browser_that_offers_more_than_sound_hears_and_is_heard() -> None:
    async with browsing() as (world, browser):
        await browser.join("listener", StreamDirection.LISTEN, more=True)
        await browser.join("speaker", StreamDirection.SPEAK, more=True)
        play_tone(world, "listener")
        await browser.hears("listener", 50)
        await hears_the_browser(world, "speaker")


async def test_a_browser_answers_our_own_check() -> None:
    """What following a browser to a new network depends on."""
    async with browsing() as (world, browser):
        await browser.join("listener", StreamDirection.LISTEN)
        ice = world.edge._peers["listener"].ice
        path = ice.selected
        assert path is not None
        ice._paths[path].proven = False
        ice.selected = None  # as if this path were a new one
        ice.follow(path, world.edge._clock())
        assert ice._paths[path].asked is not None
        await world.until(lambda: ice.selected is path)
        assert ice._paths[path].proven
