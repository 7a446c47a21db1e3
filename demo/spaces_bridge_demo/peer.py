"""WebRTC clients like a person's browser, made of aiortc, for the demo and the tests.

A client is given a `Signal`, which takes its SDP offer to the server and brings the answer: by
HTTP as WHEP and WHIP do (`over_http`), or any coroutine function.
"""

import asyncio
import collections
import contextlib
import fractions
import time
from collections.abc import Iterator

import aiohttp
import aioice.ice
import av
import numpy as np
from aiortc import (
    AudioStreamTrack,
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from spaces_bridge_demo.patience import PATIENCE_S
from spaces_bridge_demo.signalling import HttpSignal, JoinRefused, Signal, over_http

__all__ = [
    "FRAME",
    "RATE",
    "HttpSignal",
    "JoinRefused",
    "ListenerPeer",
    "MicrophoneTrack",
    "Pcm",
    "Signal",
    "SpeakerPeer",
    "over_http",
]

Pcm = NDArray[np.int16]
"""Samples, 48 kHz mono."""
RATE = 48000
FRAME = 960  # 20 ms
_SILENCE: Pcm = np.zeros(FRAME, dtype=np.int16)


class _Client:
    """The base of listeners and speakers: one peer connection, made by one offer."""

    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connected = asyncio.Event()
        self._connection.on("connectionstatechange", self._state_changed)

    @property
    def state(self) -> str:
        """Return the W3C connection state: new, connecting, connected, failed or closed."""
        return str(self._connection.connectionState)

    def _state_changed(self) -> None:
        if self.state != "connecting":
            self._connected.set()

    async def connect(self, timeout_s: float = PATIENCE_S) -> None:
        """Join. Raises TimeoutError, ConnectionError, or the signal's own errors."""
        async with asyncio.timeout(timeout_s):
            with _loopback_candidates():
                await self._connection.setLocalDescription(await self._connection.createOffer())
            answer = await self._signal(self._connection.localDescription.sdp)
            await self._connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            while self.state in ("new", "connecting"):
                self._connected.clear()
                await self._connected.wait()
        if self.state != "connected":
            raise ConnectionError(f"the connection is {self.state}")

    async def close(self) -> None:
        """Leave: end the connection, and the HTTP session if the signal made one."""
        await self._connection.close()
        if isinstance(self._signal, HttpSignal):
            with contextlib.suppress(aiohttp.ClientError):
                await self._signal.leave()


@contextlib.contextmanager
def _loopback_candidates() -> Iterator[None]:
    """Let aioice use 127.0.0.1, which it leaves out otherwise, and nothing else."""
    usual = aioice.ice.get_host_addresses
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = usual


class ListenerPeer(_Client):
    """A listener's client, which keeps everything it hears."""

    def __init__(self, signal: Signal, *, keep_s: float | None = None) -> None:
        """`keep_s` is how many seconds of sound to keep; all of it if None."""
        super().__init__(signal)
        self._pieces: collections.deque[Pcm] = collections.deque()
        self._keep = None if keep_s is None else max(1, int(keep_s * RATE / FRAME))
        self._heard = 0
        self._arrived = asyncio.Condition()
        self._listening: asyncio.Task[None] | None = None
        self._connection.addTransceiver("audio", direction="recvonly")
        self._connection.on("track", self._got_track)

    def _got_track(self, track: MediaStreamTrack) -> None:
        self._listening = asyncio.get_running_loop().create_task(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, av.AudioFrame)
            frames = resampler.resample(frame)
            self._pieces += [piece.to_ndarray().reshape(-1).astype(np.int16) for piece in frames]
            while self._keep is not None and len(self._pieces) > self._keep:
                self._pieces.popleft()
            self._heard += 1
            async with self._arrived:
                self._arrived.notify_all()

    def pcm(self) -> Pcm:
        """Return all sound decoded so far, or the last `keep_s` of it."""
        return np.concatenate(self._pieces) if self._pieces else np.zeros(0, dtype=np.int16)

    async def wait_packets(self, count: int, timeout_s: float = PATIENCE_S) -> None:
        """Wait until `count` more packets were heard. Raises TimeoutError."""
        wanted = self._heard + count
        async with asyncio.timeout(timeout_s), self._arrived:
            await self._arrived.wait_for(lambda: self._heard >= wanted)

    async def close(self) -> None:
        """Leave."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        await super().close()


class MicrophoneTrack(AudioStreamTrack):
    """A microphone is a track: queued speech in real time, silence in between."""

    def __init__(self) -> None:
        super().__init__()
        self._queue: list[Pcm] = []
        self._spoken = 0
        self._began: float | None = None
        self.silent = asyncio.Event()
        self.silent.set()

    def say(self, pcm: Pcm) -> None:
        """Queue this sound after all that is still to be said."""
        if len(pcm):
            self._queue.append(pcm)
            self.silent.clear()

    def clear(self) -> None:
        """Say nothing of what is queued."""
        self._queue.clear()
        self.silent.set()

    def _next(self) -> Pcm:
        if not self._queue:
            self.silent.set()
            return _SILENCE
        head = self._queue.pop(0)
        while len(head) < FRAME and self._queue:
            head = np.concatenate([head, self._queue.pop(0)])
        if len(head) > FRAME:
            self._queue.insert(0, head[FRAME:])
        return np.pad(head[:FRAME], (0, max(0, FRAME - len(head))))

    async def recv(self) -> av.AudioFrame:
        """Return the next 20 ms, in their time."""
        now = time.monotonic()
        if self._began is None:
            self._began = now
        ahead = self._began + self._spoken / RATE - now
        if ahead > 0:
            await asyncio.sleep(ahead)
        elif ahead < -0.5:  # the process was held up: do not send all of it at once
            self._began -= ahead
        frame = av.AudioFrame.from_ndarray(self._next().reshape(1, -1), "s16", "mono")
        frame.sample_rate = RATE
        frame.pts, frame.time_base = self._spoken, fractions.Fraction(1, RATE)
        self._spoken += FRAME
        return frame


class SpeakerPeer(_Client):
    """A speaker's client, which sends the given sound in real time, and silence otherwise."""

    def __init__(self, signal: Signal) -> None:
        super().__init__(signal)
        self._microphone = MicrophoneTrack()
        self._connection.addTransceiver(self._microphone, direction="sendonly")

    def say(self, pcm: Pcm) -> None:
        """Queue this sound after all that is still to be said."""
        self._microphone.say(pcm)

    def stop_saying(self) -> None:
        """Fall silent in the middle of a word."""
        self._microphone.clear()

    async def said(self, timeout_s: float = PATIENCE_S) -> None:
        """Wait until all queued sound was said. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._microphone.silent.wait()

    async def close(self) -> None:
        """Leave."""
        self._microphone.stop()
        await super().close()
