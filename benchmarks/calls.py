"""What a packet costs that is forwarded to a client of a call, beside a real livekit-server.

Both servers have the same three speakers and fifty listeners in one call, at the same time in one
run: cheap clients that say the same to both (see `peers.livekit_wire`). The speakers speak to one
server at a time, in turns, and the CPU time of that server's processes alone is taken, by
/proc/PID/stat, for the packets that its listeners received and decrypted. Ours is two processes,
the media worker and the one with the signalling: both count. Then two hundred people listen on
our page besides, which is work that livekit-server does not have, and is counted apart.
"""

import asyncio
import contextlib
import itertools
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import psutil

from benchmarks.peers.embedded import Embedded, embedded
from benchmarks.peers.livekit_wire import LiveKitWire, joined
from benchmarks.peers.voice import TICK_S, frames
from benchmarks.result import Result, percentile, spread
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.mix.opus import Encoder
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.wire import WireConnection, WirePeer
from tests.livekit.livekit_server import livekit_server
from tests.support.machine import find, how_to_get

SPEAKERS: Final = 3
CLIENTS: Final = 50
DEVICES: Final = 5
"""Clients of one person: more, a call does not let in."""
PAGES: Final = 200
RUNS: Final = 7
RUN_S: Final = 5.0
_SETTLE_S: Final = 1.0
_LOST_MAX: Final = 0.001
_TARGET: Final = ">= 1: no more than livekit-server's"


@dataclass(frozen=True, slots=True)
class Turn:
    """One server's turn: CPU seconds of each of its processes, and the packets received."""

    cpu_s: tuple[float, ...]
    packets: int
    pages: int
    seconds: float

    @property
    def us_per_packet(self) -> float:
        """CPU microseconds of all processes per packet to a call's client."""
        return 1e6 * sum(self.cpu_s) / self.packets

    @property
    def core_percent(self) -> float:
        """Per cent of a core of all processes."""
        return 100 * sum(self.cpu_s) / self.seconds


@dataclass(slots=True)
class Stage:
    """One server with its speakers and listeners."""

    pids: Sequence[int]
    speakers: list[LiveKitWire]
    listeners: list[LiveKitWire]
    pages: list[WireConnection] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)

    async def turn(self) -> Turn:
        """Let the speakers speak, and measure. Raises RuntimeError when packets are missing."""
        speaking = asyncio.create_task(talk(self.speakers))
        try:
            await asyncio.sleep(_SETTLE_S)
            before, began = self._counted(), time.monotonic()
            await asyncio.sleep(RUN_S)
            after, seconds = self._counted(), time.monotonic() - began
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
        await asyncio.sleep(_SETTLE_S)
        cpu, packets, pages = (
            tuple(b - a for a, b in zip(before[0], after[0], strict=True)),
            after[1] - before[1],
            after[2] - before[2],
        )
        self._refuse_losses()
        turn = Turn(cpu, packets, pages, seconds)
        self.turns.append(turn)
        return turn

    def _counted(self) -> tuple[Sequence[float], int, int]:
        packets = sum(listener.streams.packets for listener in self.listeners)
        return list(map(_cpu_s, self.pids)), packets, sum(p.peer.received for p in self.pages)

    def _refuse_losses(self) -> None:
        """Raise RuntimeError unless the listeners have got what was said, from the first on."""
        packets = sum(listener.streams.packets for listener in self.listeners)
        lost = sum(listener.streams.missing for listener in self.listeners)
        streams = {listener.streams.number for listener in self.listeners}
        rejected = sum(listener.peer.rejected for listener in self.listeners)
        if streams != {len(self.speakers)} or rejected or lost > _LOST_MAX * packets:
            text = f"{lost} of {packets} packets were lost, {rejected} forged; streams: {streams}"
            raise RuntimeError(text)


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def talk(speakers: Sequence[LiveKitWire]) -> None:
    """Speak, each at a moment of its own within the 20 ms."""
    loop, voice = asyncio.get_running_loop(), _voice()
    began, share = loop.time(), TICK_S / len(speakers)
    for number in itertools.count():
        speakers[number % len(speakers)].say(voice[number // len(speakers) % len(voice)])
        await asyncio.sleep(max(0.0, began + (number + 1) * share - loop.time()))


def _voice() -> list[bytes]:
    encoder = Encoder()
    return [encoder.encode(frame) for frame in frames()]


# --- the servers --------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _full(
    http: aiohttp.ClientSession,
    url: str,
    pids: Sequence[int],
    tokens: Callable[[], AsyncIterator[str]],
) -> AsyncIterator[Stage]:
    """Fill a server's call: the tokens of the speakers come first."""
    identity = Identity()
    speakers = [LiveKitWire(identity, cid=f"microphone-{n}") for n in range(SPEAKERS)]
    listeners = [LiveKitWire(identity, ears=SPEAKERS) for _ in range(CLIENTS)]
    clients = [*speakers, *listeners]
    try:
        given = [token async for token in tokens()]
        await joined(speakers, http, url, given[:SPEAKERS])
        await joined(listeners, http, url, given[SPEAKERS:])
        yield Stage(pids, speakers, listeners)
    finally:
        await asyncio.gather(*(client.close() for client in clients), return_exceptions=True)


@contextlib.asynccontextmanager
async def ours(http: aiohttp.ClientSession) -> AsyncIterator[tuple[Embedded, Stage]]:
    """Run our engine with everybody in its call."""
    async with embedded() as engine:

        async def tokens() -> AsyncIterator[str]:
            for number in range(SPEAKERS):
                await engine.seat(f"speaker{number}", speaks=True)
                yield await engine.token(f"speaker{number}", "PHONE")
            for number in range(CLIENTS):
                name = f"listener{number // DEVICES}"
                if number % DEVICES == 0:
                    await engine.seat(name)
                yield await engine.token(name, f"DEVICE{number % DEVICES}")

        async with _full(http, engine.url, engine.pids, tokens) as stage:
            yield engine, stage


@contextlib.asynccontextmanager
async def theirs(http: aiohttp.ClientSession) -> AsyncIterator[Stage]:
    """Run a livekit-server with everybody in one of its rooms."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with livekit_server(Path(folder), log_level="warn") as engine:
            [server] = (c for c in psutil.Process().children() if c.name() == "livekit-server")
            room = await engine.room()

            async def tokens() -> AsyncIterator[str]:
                for number in range(SPEAKERS + CLIENTS):
                    speaks = number < SPEAKERS
                    ticket = await engine.ticket(room, f"client{number}", may_publish=speaks)
                    yield ticket.token

            async with _full(http, engine.url, [server.pid], tokens) as stage:
                yield stage


async def _open_pages(engine: Embedded, stage: Stage) -> None:
    """Have people listen on the page, too."""
    identity = Identity()
    for _ in range(PAGES):
        page = WireConnection(WirePeer(StreamDirection.LISTEN, identity, keep=False))
        stage.pages.append(page)
        await page.join(engine.listen)


# --- the figures --------------------------------------------------------------------------------


async def _measure() -> Sequence[Result]:
    async with contextlib.AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)  # each client keeps its connection
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        engine, our = await stack.enter_async_context(ours(http))
        their = None
        if find("livekit-server") is None:
            print(f"Left out: livekit-server ({how_to_get('livekit-server')}).", file=sys.stderr)
        else:
            their = await stack.enter_async_context(theirs(http))
        for _ in range(RUNS):
            await our.turn()
            if their is not None:
                await their.turn()
        alone = list(our.turns)
        our.turns.clear()
        await _open_pages(engine, our)
        try:
            for _ in range(RUNS):
                await our.turn()
        finally:
            for page in our.pages:
                page.close()
    return list(_results(alone, our.turns, their.turns if their is not None else ()))


def _results(
    alone: Sequence[Turn], with_pages: Sequence[Turn], their: Sequence[Turn]
) -> Iterator[Result]:
    costs = [turn.us_per_packet for turn in alone]
    worker = [1e6 * turn.cpu_s[0] / turn.packets for turn in alone]
    of_whom = (
        f"{CLIENTS} clients, {SPEAKERS} speakers, {alone[0].packets / alone[0].seconds:.0f}/s"
    )
    yield Result(
        "calls.cpu_us_per_forwarded_packet",
        round(percentile(costs, 50), 2),
        "us",
        len(alone),
        f"{spread(costs)}; the worker alone: {spread(worker)}; {of_whom}",
    )
    if their:
        peers = [turn.us_per_packet for turn in their]
        ratios = [theirs / ours for ours, theirs in zip(costs, peers, strict=True)]
        yield Result(
            "calls.times_cheaper_than_livekit_server",
            round(percentile(ratios, 50), 2),
            "times",
            len(ratios),
            f"{spread(ratios, 2)}; peer {spread(peers)} us at "
            f"{their[0].packets / their[0].seconds:.0f}/s",
            _TARGET,
            "livekit-server 1.13.5",
            round(percentile(ratios, 50), 2),
        )
    middle = percentile([sum(turn.cpu_s) / turn.seconds for turn in alone], 50)
    pages = [1e6 * (sum(turn.cpu_s) - middle * turn.seconds) / turn.pages for turn in with_pages]
    yield Result(
        "calls.cpu_us_per_page_packet_besides",
        round(percentile(pages, 50), 2),
        "us",
        len(pages),
        f"{spread(pages)}; {PAGES} pages beside the call, {with_pages[0].pages / RUN_S:.0f}/s, "
        "with one mix for them; what the call costs alone is taken off",
    )
    whole = [turn.core_percent for turn in with_pages]
    yield Result(
        "calls.core_percent",
        round(percentile(whole, 50), 1),
        "% of a core",
        len(whole),
        f"{spread(whole)}; {CLIENTS} clients and {PAGES} pages hear {SPEAKERS} speakers; "
        f"without the pages {spread([turn.core_percent for turn in alone])}",
    )


def results() -> Sequence[Result]:
    """Measure once and return the figures."""
    return asyncio.run(_measure())
