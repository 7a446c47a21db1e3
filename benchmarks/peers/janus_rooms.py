"""Rooms on Janus: a Streaming mountpoint, which relays, and an AudioBridge, which mixes."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.peers.client import HOST, Client
from benchmarks.peers.janus import Session, janus
from benchmarks.peers.voice import every_tick, frames
from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.edge.srtp import new_ssrc
from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, Encoder
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.processes import Child

_ROOM = 1
_BITRATE = 32_000
_KIND = 111
_FIRST_POSITION = 1000
_MOUNTPOINT = {
    "request": "create",
    "type": "rtp",
    "id": _ROOM,
    "media": [
        {"type": "audio", "mid": "a", "iface": HOST, "port": 0, "pt": _KIND, "codec": "opus"}
    ],
}
_BRIDGE = {
    "request": "create",
    "room": _ROOM,
    "sampling_rate": SAMPLE_RATE,
    "default_bitrate": _BITRATE,
}


class Streaming:
    """A Streaming mountpoint that relays one RTP stream of ours (a `Room`)."""

    def __init__(self, child: Child, session: Session, port: int) -> None:
        self.pid = child.pid
        self._session, self._port = session, port
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._payload, self._ssrc = os.urandom(80), new_ssrc()
        self._speaking: asyncio.Task[None] | None = None

    async def join(self, client: Client) -> None:
        """Connect the client as a viewer, by an offer of Janus."""
        handle = await self._session.attach()
        _, offer = await self._session.call(handle, {"request": "watch", "id": _ROOM})
        jsep = {"type": "answer", "sdp": client.answer(offer)}
        await self._session.call(handle, {"request": "start"}, jsep)
        await client.connect()

    async def begin(self) -> None:
        """Start the RTP stream to the mountpoint."""
        self._speaking = asyncio.create_task(every_tick(self._speak))

    def _speak(self, index: int) -> None:
        head = rtp.HEADER.pack(0x80, _KIND, index & 0xFFFF, index * FRAME, self._ssrc)
        self._socket.sendto(head + self._payload, (HOST, self._port))

    async def close(self) -> None:
        await _end(self._speaking)
        self._socket.close()


@contextlib.asynccontextmanager
async def janus_streaming() -> AsyncIterator[Streaming]:
    """Run a Janus with one mountpoint."""
    async with janus("streaming") as (child, session):
        created = await session.ask(await session.attach(), _MOUNTPOINT)
        room = Streaming(child, session, int(created["stream"]["ports"][0]["port"]))
        try:
            yield room
        finally:
            await room.close()


class _AudioBridge:
    """An AudioBridge room of one speaker and muted participants (a `Room`)."""

    def __init__(self, child: Child, session: Session) -> None:
        self.pid = child.pid
        self._session = session
        self._speaker = Client(StreamDirection.SPEAK, Identity())
        encoder = Encoder(_BITRATE)
        self._packets = [encoder.encode(frame) for frame in frames()]
        self._speaking: asyncio.Task[None] | None = None

    async def join(self, client: Client) -> None:
        """Connect the client as a participant without a microphone."""
        await self._enter(client, muted=True)

    async def begin(self) -> None:
        """Let the speaker join as the last one, and speak."""
        await self._enter(self._speaker, muted=False)
        self._speaking = asyncio.create_task(every_tick(self._speak))

    async def _enter(self, client: Client, *, muted: bool) -> None:
        handle = await self._session.attach()
        body: dict[str, Any] = {"request": "join", "room": _ROOM, "muted": muted}
        _, offer = await self._session.call(handle, {**body, "generate_offer": True})
        jsep = {"type": "answer", "sdp": client.answer(offer)}
        await self._session.call(handle, {"request": "configure"}, jsep)
        await client.connect()

    def _speak(self, index: int) -> None:
        payload = self._packets[index % len(self._packets)]
        packet = self._speaker.peer.rtp(_FIRST_POSITION + index, index * FRAME, payload)
        self._speaker.send(packet)

    async def close(self) -> None:
        await _end(self._speaking)
        self._speaker.close()


@contextlib.asynccontextmanager
async def janus_audiobridge() -> AsyncIterator[_AudioBridge]:
    """Run a Janus with one room at 48 kHz and 32 kbit/s, as ours."""
    async with janus("audiobridge") as (child, session):
        await session.ask(await session.attach(), _BRIDGE)
        room = _AudioBridge(child, session)
        try:
            yield room
        finally:
            await room.close()


async def _end(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
