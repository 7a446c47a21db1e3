"""An edge on loopback with everything it reports, for tests of the media worker."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.edge.edge import Edge
from spaces_bridge.media.worker.values import (
    ListenerPayload,
    PeerPhase,
    PeerState,
    RtpPacket,
    StreamDirection,
)
from spaces_bridge_demo.signalling import Signal
from spaces_bridge_demo.wire import WireConnection, WirePeer

SILENCE = b"\xf8\xff\xfe"
"""An Opus frame of 20 ms of silence."""


class Clock:
    """A clock that goes when told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def udp_socket(family: int = socket.AF_INET) -> socket.socket:
    """A bound, non-blocking UDP socket on loopback."""
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
    sock.setblocking(False)
    return sock


def sockets(host: str) -> tuple[socket.socket, socket.socket]:
    """A UDP socket and a listening TCP socket on one port number."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(50):
        udp, tcp = udp_socket(family), socket.socket(family)
        try:
            tcp.bind((host, udp.getsockname()[1]))
        except OSError:
            udp.close()
            tcp.close()
            continue
        tcp.listen(128)
        tcp.setblocking(False)
        return udp, tcp
    raise OSError("no port is free for both UDP and TCP")


class EdgeWorld:
    """One edge, its sockets, and what it told."""

    def __init__(
        self, clock: Callable[[], float] | None, host: str, most: int | None = None
    ) -> None:
        self.host, self._most = host, most
        self.udp, self.tcp = sockets(host)
        self.port = int(self.udp.getsockname()[1])
        self.packets: dict[str, list[RtpPacket]] = {}
        self.states: list[tuple[str, PeerState]] = []
        self.keys: list[tuple[str, str]] = []
        self._clock = clock
        self._changed = asyncio.Event()
        self._ticking: asyncio.Task[None] | None = None
        self.payload: Callable[[], bytes] = lambda: SILENCE
        self.edge = self._new_edge()
        self.edge.start(asyncio.get_running_loop())

    def _new_edge(self) -> Edge:
        more: dict[str, Any] = {} if self._clock is None else {"clock": self._clock}
        if self._most is not None:
            more["most"] = self._most
        return Edge(
            [self.udp],
            [self.tcp],
            [self.host],
            self.port,
            on_packet=self._got_packet,
            on_state=self._got_state,
            on_key=lambda peer, key: self.keys.append((peer, key)),
            **more,
        )

    def _got_packet(self, peer: str, packet: RtpPacket) -> None:
        self.packets.setdefault(peer, []).append(packet)
        self._changed.set()

    def _got_state(self, peer: str, state: PeerState) -> None:
        self.states.append((peer, state))
        self._changed.set()

    def replace_edge(self) -> Edge:
        """As a crash does: the old edge says nothing, a new one takes its sockets."""
        self.edge.stop()
        self.edge = self._new_edge()
        self.edge.start(asyncio.get_running_loop())
        return self.edge

    def signal(self, peer: str, direction: StreamDirection) -> Signal:
        """Signalling by function call."""

        async def accept(offer: str) -> str:
            return self.edge.accept(peer, direction, offer)

        return accept

    def listener(self, peer: str) -> Signal:
        """Signalling of a listener."""
        return self.signal(peer, StreamDirection.LISTEN)

    def speaker(self, peer: str) -> Signal:
        """Signalling of a speaker."""
        return self.signal(peer, StreamDirection.SPEAK)

    async def wire(
        self,
        peer: str,
        direction: StreamDirection = StreamDirection.LISTEN,
        *,
        tcp: bool = False,
        identity: Identity | None = None,
        setup: str = "actpass",
    ) -> WireConnection:
        """A connected WirePeer."""
        connection = WireConnection(WirePeer(direction, identity, setup=setup))
        await connection.join(self.signal(peer, direction), tcp=tcp)
        await self.until(lambda: self.is_connected(peer))
        return connection

    def is_connected(self, peer: str) -> bool:
        """Whether the edge has this peer as connected."""
        state = self.edge.peers().get(peer)
        return state is not None and state.phase is PeerPhase.CONNECTED

    def reason(self, peer: str) -> str:
        """Why a peer was closed last; "" if it was not."""
        reasons = [state.reason for name, state in self.states if name == peer]
        return reasons[-1] if reasons else ""

    async def until(self, holds: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Wait for something the edge tells. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 0.05)

    def start_sound(self, listeners: Sequence[str], tick_s: float = 0.02) -> None:
        """Send `payload()` to the listeners every 20 ms until the world ends."""
        self.stop_sound()
        self._ticking = asyncio.create_task(self._tick(tuple(listeners), tick_s))

    def stop_sound(self) -> None:
        """Send nothing more."""
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    async def _tick(self, listeners: tuple[str, ...], tick_s: float) -> None:
        while True:
            self.edge.fan_out(960, [ListenerPayload(listeners, self.payload())])
            await asyncio.sleep(tick_s)

    def refused(self, reason: str) -> int:
        """How many datagrams were refused for this reason."""
        return self.edge.stats().refused.get(reason, 0)

    def udp_paths(self) -> list[object]:
        """The remote addresses the edge recognises."""
        return [path for port in self.edge._ports for path in port.paths.values()]

    def close(self) -> None:
        """End everything."""
        self.stop_sound()
        self.edge.stop()
        self.udp.close()
        self.tcp.close()


@contextlib.asynccontextmanager
async def edge_world(
    *,
    clock: Callable[[], float] | None = None,
    host: str = "127.0.0.1",
    most: int | None = None,
) -> AsyncIterator[EdgeWorld]:
    """An edge that is closed in the end, with the event loop given time to close the rest."""
    world = EdgeWorld(clock, host, most)
    try:
        yield world
    finally:
        world.close()
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def closing(*clients: WireConnection) -> AsyncIterator[None]:
    """Close wire clients in the end."""
    try:
        yield
    finally:
        for client in clients:
            client.close()
