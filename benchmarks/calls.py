"""What a packet costs that is forwarded to a client of a call, beside a real livekit-server.

Both servers have the same three speakers and fifty listeners in one call, at the same time in one
run: cheap clients that say the same to both (see `peers.livekit_wire`). The speakers speak to one
server at a time, in turns, and the CPU time of that server's processes alone is taken, by
/proc/PID/stat, for the packets that its listeners received and decrypted. Ours is two processes,
the media worker and the one with the signalling: both count.

Ours also has two hundred people on the page, for whom it decodes and mixes: work that
livekit-server does not have. It is counted apart, by turns in which only they are there. Without
anybody on the page all is counted, though the speakers are mixed and kept for captions then, too.
"""

import asyncio
import contextlib
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import psutil

from benchmarks import legacy_calls
from benchmarks.peers.embedded import Embedded, embedded
from benchmarks.peers.livekit_wire import LiveKitWire, joined
from benchmarks.peers.voice import TICK_S, frames
from benchmarks.result import Result, percentile, spread
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.mix.opus import Encoder
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.wire import WireConnection, WirePeer
from tests.livekit.livekit_server import livekit_server
from tests.support.machine import find, how_to_get, program

SPEAKERS: Final = 3
CLIENTS: Final = 50
DEVICES: Final = 5
"""Clients of one person: more, a call does not let in."""
PAGES: Final = 200
RUNS: Final = 5
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

    async def dismiss_listeners(self) -> None:
        """Have all listeners leave the call."""
        leaving, self.listeners[:] = list(self.listeners), []
        await asyncio.gather(*(listener.close() for listener in leaving))

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
        return Turn(cpu, packets, pages, seconds)

    def _counted(self) -> tuple[Sequence[float], int, int]:
        packets = sum(listener.streams.packets for listener in self.listeners)
        return list(map(_cpu_s, self.pids)), packets, sum(p.peer.received for p in self.pages)

    def _refuse_losses(self) -> None:
        """Raise RuntimeError unless the listeners have got what was said, from the first on."""
        packets = sum(listener.streams.packets for listener in self.listeners)
        lost = sum(listener.streams.missing for listener in self.listeners)
        streams = {listener.streams.number for listener in self.listeners}
        rejected = sum(listener.peer.rejected for listener in self.listeners)
        if streams - {len(self.speakers)} or rejected or lost > _LOST_MAX * packets:
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


@dataclass(slots=True)
class _Turns:
    """The turns: ours without pages and theirs, ours with pages and theirs, our pages alone."""

    alone: list[Turn] = field(default_factory=list)
    their_alone: list[Turn] = field(default_factory=list)
    both: list[Turn] = field(default_factory=list)
    their_both: list[Turn] = field(default_factory=list)
    pages: list[Turn] = field(default_factory=list)


async def _measure() -> Sequence[Result]:
    turns = _Turns()
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
            turns.alone.append(await our.turn())
            if their is not None:
                turns.their_alone.append(await their.turn())
        await _open_pages(engine, our)
        try:
            for _ in range(RUNS):
                turns.both.append(await our.turn())
                if their is not None:
                    turns.their_both.append(await their.turn())
            await our.dismiss_listeners()
            for _ in range(RUNS):
                turns.pages.append(await our.turn())
        finally:
            for page in our.pages:
                page.close()
    return list(_results(turns))


def _results(turns: _Turns) -> Iterator[Result]:
    place = f"{CLIENTS} clients hear {SPEAKERS} speakers, {PAGES} pages hear one mix"
    base = _share(turns.pages)
    beside = [1e6 * (sum(t.cpu_s) - base * t.seconds) / t.packets for t in turns.both]
    yield from _forwarded("calls.cpu_us_per_packet_beside_pages", beside, turns.their_both, place)
    alone = [turn.us_per_packet for turn in turns.alone]
    place = "nobody on the page, yet the speakers are decoded, mixed and kept for captions"
    yield from _forwarded("calls.cpu_us_per_packet_without_pages", alone, turns.their_alone, place)
    base = _share(turns.alone)
    pages = [1e6 * (sum(t.cpu_s) - base * t.seconds) / t.pages for t in turns.both]
    only = [1e6 * sum(t.cpu_s) / t.pages for t in turns.pages]
    yield Result(
        "calls.cpu_us_per_page_packet",
        round(percentile(pages, 50), 2),
        "us",
        len(pages),
        f"{spread(pages)}, beside the call; with nobody in it, mixing and all: {spread(only)}; "
        f"{turns.both[0].pages / turns.both[0].seconds:.0f}/s",
    )
    whole = [turn.core_percent for turn in turns.both]
    yield Result(
        "calls.core_percent",
        round(percentile(whole, 50), 1),
        "% of a core",
        len(whole),
        f"{spread(whole)}; without the pages {spread([t.core_percent for t in turns.alone])}; "
        f"without the clients {spread([t.core_percent for t in turns.pages])}",
    )


def _share(turns: Sequence[Turn]) -> float:
    """Return the middle share of a core, to be taken off what else is measured with it."""
    return percentile([sum(turn.cpu_s) / turn.seconds for turn in turns], 50)


def _forwarded(
    name: str, costs: Sequence[float], their: Sequence[Turn], place: str
) -> Iterator[Result]:
    """Yield our cost of a forwarded packet, and how often livekit-server's goes into it."""
    value = round(percentile(costs, 50), 2)
    yield Result(name, value, "us", len(costs), f"{spread(costs)}; {place}")
    if not their:
        return
    peers = [turn.us_per_packet for turn in their]
    ratios = [theirs / ours for ours, theirs in zip(costs, peers, strict=True)]
    middle = round(percentile(ratios, 50), 2)
    yield Result(
        name.replace("cpu_us_per_packet", "times_cheaper_than_livekit"),
        middle,
        "times",
        len(ratios),
        f"{spread(ratios, 2)}; peer {spread(peers)} us at "
        f"{their[0].packets / their[0].seconds:.0f}/s",
        _TARGET,
        _version(),
        middle,
    )


def _version() -> str:
    command = [str(program("livekit-server")), "--version"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30.0, check=True)
    return told.stdout.strip().replace(" version", "")


def results() -> Sequence[Result]:
    """Measure once and return the figures."""
    return [*asyncio.run(_measure()), *legacy_calls.results()]
