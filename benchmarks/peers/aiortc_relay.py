"""The aiortc peer, used as people do for one voice: `MediaRelay`, encoding for each listener.

Run as a module, this is the server; `aiortc_relay()` starts that in a process of its own.
"""

import asyncio
import contextlib
import fractions
from collections.abc import AsyncIterator
from importlib.metadata import version

import aioice
import av
from aiortc import (
    AudioStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.contrib.media import MediaRelay

from benchmarks.peers.client import HOST, Client
from benchmarks.peers.lines import Answering, answer, answering, questions
from benchmarks.peers.voice import TICK_S, frames
from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE

LABEL = f"aiortc {version('aiortc')} MediaRelay, a track per listener"


class _Relay:
    """A room on this server (a `Room`)."""

    def __init__(self, server: Answering) -> None:
        self._server = server
        self.pid = server.pid

    async def join(self, client: Client) -> None:
        """Connect the client by its own offer, which the server answers."""
        client.accept(str((await self._server.ask({"offer": client.offer()}))["answer"]))
        await client.connect()

    async def begin(self) -> None:
        """Start the source track."""
        await self._server.ask({})


@contextlib.asynccontextmanager
async def aiortc_relay() -> AsyncIterator[_Relay]:
    """Run a server with one room."""
    async with answering("-m", "benchmarks.peers.aiortc_relay") as server:
        yield _Relay(server)


class _Voice(AudioStreamTrack):
    """The source track: PCM frames, 50 a second from `begun` on."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self._frames = frames()
        self._index = 0
        self._began = 0.0

    async def recv(self) -> av.AudioFrame:
        """Return the next frame when it is due."""
        await self.begun.wait()
        now = asyncio.get_running_loop().time()
        self._began = self._began or now
        await asyncio.sleep(max(0.0, self._began + self._index * TICK_S - now))
        pcm = self._frames[self._index % len(self._frames)]
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, self._index * FRAME
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        self._index += 1
        return frame


async def _serve() -> None:
    # aioice leaves 127.0.0.1 out otherwise.
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [HOST]
    voice, relay = _Voice(), MediaRelay()
    connections = list[RTCPeerConnection]()
    async for question in questions():
        if "offer" in question:
            connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            connections.append(connection)
            connection.addTrack(relay.subscribe(voice))
            offer = RTCSessionDescription(question["offer"], "offer")
            await connection.setRemoteDescription(offer)
            await connection.setLocalDescription(await connection.createAnswer())
            answer(answer=connection.localDescription.sdp)
        else:
            voice.begun.set()
            answer()


if __name__ == "__main__":
    asyncio.run(_serve())
