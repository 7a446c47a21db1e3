"""The cost of one packet to one listener on another server."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import psutil

from benchmarks.peers.client import Client
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.values import StreamDirection

_SETTLE_S = 1.0


class Room(Protocol):
    """A room: one voice, on a server in another process, that listeners can join."""

    @property
    def pid(self) -> int:
        """Return the id of the server's process."""

    async def join(self, client: Client) -> None:
        """Connect a listener."""

    async def begin(self) -> None:
        """Let the voice speak, 50 packets a second, until the room is closed."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The server's CPU time per packet that a listener received and could decrypt."""

    us_per_packet: float
    packets_per_s: float
    """Packets to all listeners; less than 50 for each where the server cannot keep up."""


async def cost(opening: AbstractAsyncContextManager[Room], listeners: int, seconds: float) -> Cost:
    """Fill a room and measure it. Raises ConnectionError, TimeoutError, and as `opening` does."""
    identity = Identity()
    clients = [Client(StreamDirection.LISTEN, identity) for _ in range(listeners)]
    try:
        async with opening as room:
            await asyncio.gather(*(room.join(client) for client in clients))
            await room.begin()
            await asyncio.sleep(_SETTLE_S)
            return await _measured(room.pid, clients, seconds)
    finally:
        for client in clients:
            client.close()


async def _measured(pid: int, clients: Sequence[Client], seconds: float) -> Cost:
    cpu, packets, began = _cpu_s(pid), _received(clients), time.monotonic()
    await asyncio.sleep(seconds)
    cpu, packets = _cpu_s(pid) - cpu, _received(clients) - packets
    passed = time.monotonic() - began
    if any(client.peer.received == 0 or client.peer.rejected for client in clients):
        raise ConnectionError("a listener heard nothing, or nothing it could decrypt")
    return Cost(1e6 * cpu / packets, packets / passed)


def _received(clients: Sequence[Client]) -> int:
    return sum(client.peer.received for client in clients)


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
