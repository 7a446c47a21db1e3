"""Debian's Chromium as a person at a live space's page, and what it really received."""

import base64
import io
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import av
import numpy as np
from playwright.async_api import Page, async_playwright, expect

from spaces_bridge_demo.peer import RATE, Pcm
from tests.support.machine import program

PATIENCE_MS = 60_000
"""How long anything may take on a busy machine before it counts as not happening."""

expect.set_options(timeout=PATIENCE_MS)

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)
# Keeps every connection the page makes, and records what arrives on it; the page does not notice.
_EARS = """
window.ears = {connections: [], recorders: []};
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    ears.connections.push(this);
    this.addEventListener("track", ({track}) => {
      const type = {mimeType: "audio/webm;codecs=opus", audioBitsPerSecond: 64000};
      const recorder = new MediaRecorder(new MediaStream([track]), type);
      recorder.chunks = [];
      recorder.ondataavailable = ({data}) => recorder.chunks.push(data);
      recorder.start(250);
      ears.recorders.push(recorder);
    });
  }
};
"""
_RECORDED = """
async () => {
  const recorder = ears.recorders[ears.recorders.length - 1];
  const given = new Promise((resolve) => recorder.addEventListener("dataavailable", resolve));
  recorder.requestData();
  await given;
  const reader = new FileReader();
  const read = new Promise((resolve) => reader.addEventListener("load", resolve));
  reader.readAsDataURL(new Blob(recorder.chunks));
  await read;
  return reader.result.split(",")[1];
}
"""
_PACKETS = """
async () => {
  let packets = 0;
  for (const connection of ears.connections)
    for (const stat of (await connection.getStats()).values())
      if (stat.type === "inbound-rtp") packets += stat.packetsReceived;
  return packets;
}
"""


@asynccontextmanager
async def chromium(
    microphone: Path | None = None,
    *,
    again: bool = False,
    executable: Path | None = None,
    flags: Sequence[str] = (),
) -> AsyncIterator[Page]:
    """An empty tab of a headless Chromium.

    `microphone`: a 48 kHz WAV it hears once, or `again` and again. `executable`: what starts it,
    if not Debian's own. `flags`: more of its command line.
    """
    arguments = [*_ARGUMENTS, *flags]
    if microphone is not None:
        once = "" if again else "%noloop"
        arguments.append(f"--use-file-for-fake-audio-capture={microphone}{once}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(executable or program("chromium")), headless=True, args=arguments
        )
        try:
            context = await browser.new_context()
            context.set_default_timeout(PATIENCE_MS)
            await context.grant_permissions(["microphone"])
            await context.add_init_script(_EARS)
            yield await context.new_page()
        finally:
            await browser.close()


async def received(page: Page) -> Pcm:
    """Everything the last connection of the page received so far, as 48 kHz mono."""
    recording = base64.b64decode(await page.evaluate(_RECORDED))
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    pieces: list[Pcm] = []
    with av.open(io.BytesIO(recording), "r") as stream:
        for frame in stream.decode(audio=0):
            pieces += [
                piece.to_ndarray().reshape(-1).astype(np.int16)
                for piece in resampler.resample(frame)
            ]
    return np.concatenate(pieces)


async def packets(page: Page) -> int:
    """RTP packets received so far."""
    return int(await page.evaluate(_PACKETS))


async def connections(page: Page) -> int:
    """Peer connections the page has made so far."""
    return int(await page.evaluate("ears.connections.length"))


def write_wav(path: Path, pcm: Pcm) -> None:
    """48 kHz mono."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm.tobytes())
