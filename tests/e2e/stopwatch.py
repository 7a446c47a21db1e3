"""A listener in a process of its own that does nothing but look at the clock.

The tests' own process decodes sound, talks HTTP and starts programs: its pauses are not the
bridge's. Run as `python -m tests.e2e.stopwatch PAGE`: prints a line when sound arrives, and one
with what it saw when its standard input closes.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import aiohttp

from spaces_bridge.demo.signalling import over_http
from spaces_bridge.demo.wire import WireConnection, WirePeer
from spaces_bridge.media.worker.values import Direction

ROOT = Path(__file__).parents[2]


class TimedPeer(WirePeer):
    """Notes when each packet came."""

    def __init__(self) -> None:
        super().__init__(Direction.LISTEN)
        self.arrivals: list[float] = []

    def receive(self, datagram: bytes) -> None:
        """Take in a datagram of the server."""
        before = self.received
        super().receive(datagram)
        if self.received > before:
            self.arrivals.append(time.monotonic())


@dataclass(frozen=True, slots=True)
class Watched:
    """What a stopwatch saw."""

    packets: int
    seconds: float
    longest_gap_s: float
    lost: int
    """Sequence numbers that never came."""


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """A running one."""

    process: asyncio.subprocess.Process

    async def stop(self) -> Watched:
        """End it; what it saw."""
        output, _ = await asyncio.wait_for(self.process.communicate(b""), 20)
        return Watched(**json.loads(output))


@asynccontextmanager
async def stopwatch(page: str) -> AsyncIterator[Stopwatch]:
    """One that hears sound already."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.e2e.stopwatch", page),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"hears\n"
        yield Stopwatch(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def watch(page: str) -> None:
    """Listen until standard input closes."""
    peer = TimedPeer()
    connection = WireConnection(peer)
    async with aiohttp.ClientSession() as http:
        await connection.join(over_http(http, f"{page}/whep"))
        await connection.until(lambda: peer.received > 10)
        sys.stdout.write("hears\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    connection.close()
    arrivals = peer.arrivals
    sequences = {packet.sequence for packet in peer.packets}
    span = (peer.packets[-1].sequence - peer.packets[0].sequence) % (1 << 16) + 1
    seen = {
        "packets": len(arrivals),
        "seconds": arrivals[-1] - arrivals[0],
        "longest_gap_s": max(later - earlier for earlier, later in pairwise(arrivals)),
        "lost": span - len(sequences),
    }
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1]))
