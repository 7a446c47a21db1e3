"""An audience: many listeners, whose sound a sink counts, and some that decrypt; and a talker.

All do ICE and DTLS themselves, check their consent as browsers do, and report their reception by
RTCP each 5 s.
"""

import asyncio
import contextlib
import os
import resource
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from benchmarks.peers.client import Client, FullIcePeer
from benchmarks.peers.sink import Counted, Ear, Sink
from benchmarks.peers.voice import every_tick
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.mix.opus import FRAME, Encoder
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo import speech

MOST: Final = 8000
"""The most listeners of one audience."""
AT_ONCE: Final = 16
"""Handshakes that are under way at the same time."""
REPORT_S: Final = 5.0
PER_BATCH: Final = 50
_REPORT_ROUND_S: Final = 0.05
_RECEIVER_REPORT: Final = struct.Struct("!BBHIIIIIII")

Answers = Callable[[Sequence[str]], Awaitable[Sequence[str]]]
"""A function that takes offers to the server and returns its answers."""


class DecryptingPeer(FullIcePeer):
    """A listener's peer that decrypts all, and notes what is missing and the longest gap."""

    def __init__(self, identity: Identity) -> None:
        super().__init__(StreamDirection.LISTEN, identity)
        self._keep = True
        self.missing = 0
        self.longest_gap_s = 0.0
        self.payload = b""
        """Of the last packet."""
        self._newest: int | None = None
        self._at = 0.0

    def forget(self) -> None:
        """Count from zero."""
        self.missing, self.longest_gap_s, self.received = 0, 0.0, 0

    def _receive_rtp(self, datagram: bytes) -> None:
        super()._receive_rtp(datagram)
        now = time.monotonic()
        for packet in self.packets:
            if self._newest is not None:
                self.missing += ((packet.sequence - self._newest) & 0xFFFF) - 1
                self.longest_gap_s = max(self.longest_gap_s, now - self._at)
            self._newest, self._at, self.payload = packet.sequence, now, packet.payload
        self.packets.clear()


@dataclass(frozen=True, slots=True)
class Heard:
    """What an audience has heard since `forget`: by the sink, and by those who decrypt."""

    sink: Counted
    real: int
    """Listeners that decrypt."""
    real_packets: int
    real_missing: int
    real_rejected: int
    real_longest_gap_s: float

    @property
    def packets(self) -> int:
        """The packets of all."""
        return self.sink.packets + self.real_packets


class Audience:
    """An audience of one server; it grows."""

    def __init__(self) -> None:
        """Raises FloorBroken when the sink cannot be compiled."""
        self.identity = Identity()
        """The certificate of all, which costs much to make."""
        self._sink = Sink(MOST)
        self._sunk: list[tuple[Client, Ear]] = []
        self._real: list[tuple[Client, DecryptingPeer]] = []
        self._reporting = asyncio.create_task(self._report())

    def __len__(self) -> int:
        return len(self._sunk) + len(self._real)

    def client(
        self, *, decrypts: bool = False, peer: FullIcePeer | None = None
    ) -> tuple[Client, FullIcePeer]:
        """Return a listener that is yet to connect; by `peer`, if one is given."""
        peer = peer or (DecryptingPeer(self.identity) if decrypts else self._plain())
        return Client(StreamDirection.LISTEN, self.identity, peer), peer

    def seat(self, client: Client, peer: FullIcePeer) -> None:
        """Take in a listener that is connected: the sink has its socket, unless it decrypts."""
        if isinstance(peer, DecryptingPeer):
            self._real.append((client, peer))
            return
        client.stop_listening()
        self._sunk.append((client, self._sink.take(client.fileno())))

    async def join(self, answers: Answers, peer: FullIcePeer) -> None:
        """Have one listener join. Raises TimeoutError, ConnectionError."""
        client, _ = self.client(peer=peer)
        (answer,) = await answers([client.offer()])
        await self._join(asyncio.Semaphore(1), client, peer, answer)

    async def grow(self, to: int, answers: Answers, *, decrypts: bool = False) -> None:
        """Have listeners join until there are so many. Raises TimeoutError, ConnectionError."""
        gate = asyncio.Semaphore(AT_ONCE)
        while (batch := min(PER_BATCH, to - len(self))) > 0:
            clients = [self.client(decrypts=decrypts) for _ in range(batch)]
            answered = await answers([client.offer() for client, _ in clients])
            joining = (
                self._join(gate, client, peer, answer)
                for (client, peer), answer in zip(clients, answered, strict=True)
            )
            await asyncio.gather(*joining)

    def forget(self) -> None:
        """Count from zero."""
        self._sink.forget()
        for _, peer in self._real:
            peer.forget()

    def heard(self) -> Heard:
        """Return what has come since `forget`."""
        peers = [peer for _, peer in self._real]
        return Heard(
            self._sink.counted(),
            len(peers),
            sum(peer.received for peer in peers),
            sum(peer.missing for peer in peers),
            sum(peer.rejected for peer in peers),
            max((peer.longest_gap_s for peer in peers), default=0.0),
        )

    async def close(self) -> None:
        """Close all sockets without telling the server."""
        self._reporting.cancel()
        await asyncio.gather(self._reporting, return_exceptions=True)
        self._sink.close()
        for client, _ in [*self._sunk, *self._real]:
            client.close()

    def _plain(self) -> FullIcePeer:
        return FullIcePeer(StreamDirection.LISTEN, self.identity)

    async def _join(
        self, gate: asyncio.Semaphore, client: Client, peer: FullIcePeer, answer: str
    ) -> None:
        async with gate:
            client.accept(answer)
            await client.connect(60.0)
            self.seat(client, peer)

    async def _report(self) -> None:
        """Send each listener's receiver report when it is due."""
        rounds, at = round(REPORT_S / _REPORT_ROUND_S), 0
        while True:
            await asyncio.sleep(_REPORT_ROUND_S)
            at += 1
            for client, ear in self._sunk[at % rounds :: rounds]:
                peer = client.peer
                if peer.out is not None and ear.packets:
                    client.send(peer.out.protect_rtcp(_report_of(peer.ssrc, ear)))


def _report_of(ssrc: int, ear: Ear) -> bytes:
    """Return a receiver report (RFC 3550, 6.4.2) of one block, without a time of the sender's."""
    return _RECEIVER_REPORT.pack(0x81, 201, 7, ssrc, ear.ssrc, 0, ear.newest, 0, 0, 0)


@cache
def spoken() -> tuple[bytes, ...]:
    """Return Opus packets of people's speech: a line of the demo's conversation after another."""
    encoder, packets = Encoder(), list[bytes]()
    for line in speech.CONVERSATION[:4]:
        pcm = speech.speak(line)
        for at in range(0, len(pcm) - FRAME, FRAME):
            packets.append(encoder.encode(pcm[at : at + FRAME]))
    return tuple(packets)


def speech_of(index: int) -> bytes:
    """Return the packet with this number of a speaker who says the same over and over."""
    packets = spoken()
    return packets[index % len(packets)]


class Talker:
    """A speaker who sends what `say` returns for each number, 50 packets a second."""

    def __init__(self, say: Callable[[int], bytes] = speech_of) -> None:
        self._client = Client(StreamDirection.SPEAK, Identity())
        self._sound = say
        spoken()  # now: it takes seconds
        self._task: asyncio.Task[None] | None = None

    async def begin(self, answer: Callable[[str], Awaitable[str]]) -> None:
        """Connect and speak. Raises TimeoutError."""
        self._client.accept(await answer(self._client.offer()))
        await self._client.connect()
        self._task = asyncio.create_task(every_tick(self._say))

    async def close(self) -> None:
        """Fall silent and hang up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._client.close()

    def _say(self, index: int) -> None:
        payload = self._sound(index)
        with contextlib.suppress(OSError):
            self._client.send(self._client.peer.rtp(1000 + index, index * FRAME, payload))


def enough_files() -> None:
    """Let this process have as many sockets as it is allowed to. Raises OSError."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def own_cpu_s() -> float:
    """Return the CPU seconds of this process, which are the clients'."""
    times = os.times()
    return times.user + times.system
