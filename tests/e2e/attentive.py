"""A listener in a process of its own that does nothing but take in packets.

The tests' own process decodes sound, talks HTTP and starts programs: what it misses is not the
bridge's fault. Run as `python -m tests.e2e.attentive PAGE`: prints a line when sound arrives, and
one with what it saw when its standard input closes.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.patience import PATIENCE_S
from spaces_bridge_demo.signalling import over_http
from spaces_bridge_demo.wire import WireConnection, WirePeer

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Received:
    """What an attentive listener saw."""

    packets: int
    lost: int
    """Sequence numbers that never came."""


@dataclass(frozen=True, slots=True)
class Attentive:
    """A running one."""

    process: asyncio.subprocess.Process

    async def stop(self) -> Received:
        """End it; what it saw."""
        output, _ = await asyncio.wait_for(self.process.communicate(b""), PATIENCE_S)
        return Received(**json.loads(output))


@asynccontextmanager
async def attentive(page: str) -> AsyncIterator[Attentive]:
    """One that hears sound already."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.e2e.attentive", page),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), PATIENCE_S) == b"hears\n"
        yield Attentive(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def watch(page: str) -> None:
    """Listen until standard input closes."""
    peer = WirePeer(StreamDirection.LISTEN)
    connection = WireConnection(peer)
    async with aiohttp.ClientSession() as http:
        await connection.join(over_http(http, f"{page}/whep"))
        await connection.until(lambda: peer.received > 10)
        sys.stdout.write("hears\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    connection.close()
    sequences = {packet.sequence for packet in peer.packets}
    span = (peer.packets[-1].sequence - peer.packets[0].sequence) % (1 << 16) + 1
    seen = {"packets": peer.received, "lost": span - len(sequences)}
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1]))
