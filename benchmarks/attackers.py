"""Attackers of a media worker: one kind of attack in a process of its own, at the lowest priority.

    python -m benchmarks.attackers KIND PORT RATE SECONDS [FD …]

Offers go out on standard output, a JSON line each, and answers come in on standard input. `RATE`
is in datagrams a second (or connections, of ICE-TCP). `FD`s are sockets of peers that live: what
is sent by them has their addresses.
"""

import asyncio
import contextlib
import itertools
import json
import os
import random
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from spaces_bridge.media.worker.edge import stun, tcp
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.wire import WireConnection, WirePeer
from tests.media.attacks.records import fragment, hello_in_pieces, record
from tests.support import malformed, misbehaving
from tests.support.misbehaving import Evil, Misbehaviour

SEED: Final = 13
SOURCES: Final = 200
"""Addresses of a flood from many."""
HALF_OPEN_PER_S: Final = 10
SLOW: Final = 20
_STEP_S: Final = 0.01
_LOWEST: Final = 19

Send = Callable[[], object]


@dataclass
class Attackers:
    """The attackers: who they are let in as, and what they hold open. See `ATTACKS`."""

    port: int
    rate: float
    sockets: Sequence[socket.socket]
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))
    held: list[WireConnection] = field(default_factory=list)
    sent: int = 0

    async def signal(self, offer: str, direction: StreamDirection) -> str:
        """Ask for the answer to an offer. Raises ConnectionRefusedError."""
        print(json.dumps({"offer": offer, "direction": direction}), flush=True)
        told = json.loads(await asyncio.to_thread(sys.stdin.readline))
        if "answer" not in told:
            raise ConnectionRefusedError(told["refused"])
        return str(told["answer"])

    async def joined(
        self, direction: StreamDirection, peer: WirePeer | None = None, *, by_tcp: bool = False
    ) -> WireConnection:
        """Return a connected client."""
        client = WireConnection(peer or WirePeer(direction, keep=False))
        await client.join(lambda offer: self.signal(offer, direction), tcp=by_tcp)
        self.held.append(client)
        return client

    async def let_in(self) -> WireConnection:
        """Return a client whose check was answered, and that does not begin to shake hands."""
        client = WireConnection(_HalfOpen(StreamDirection.LISTEN))
        joining = asyncio.ensure_future(
            client.join(lambda offer: self.signal(offer, StreamDirection.LISTEN))
        )
        await client.until(lambda: client.peer.checks_answered > 0)
        joining.cancel()
        self.held.append(client)
        return client

    async def pour(self, sends: Iterator[Send], until: float) -> None:
        """Make one send after the other, at the rate."""
        began, count = time.monotonic(), 0
        while (now := time.monotonic()) < until:
            due = int((now - began) * self.rate) - count
            for send in itertools.islice(sends, min(due, int(self.rate * 5 * _STEP_S) + 1)):
                with contextlib.suppress(OSError):
                    send()
                    self.sent += 1
            count += due
            await asyncio.sleep(_STEP_S)

    def pool(self, *make: malformed.Make, size: int = 400) -> Iterator[bytes]:
        """Return datagrams made beforehand, again and again."""
        return itertools.cycle([each(self.dice) for _ in range(size) for each in make])

    def addresses(self, count: int) -> Iterator[socket.socket]:
        """Return sockets of so many addresses of nobody, again and again."""
        strangers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        for number, sock in enumerate(strangers):
            sock.bind((f"127.0.{1 + number // 200}.{1 + number % 200}", 0))
            sock.setblocking(False)
            sock.connect(("127.0.0.1", self.port))
        return itertools.cycle(strangers)


class _HalfOpen(WirePeer):
    def _handshake(self) -> None:
        pass


def _sends(sockets: Iterator[socket.socket], datagrams: Iterator[bytes]) -> Iterator[Send]:
    for sock, datagram in zip(sockets, datagrams, strict=False):
        yield partial(sock.send, datagram)


async def _one_source(attackers: Attackers, until: float) -> None:
    junk = attackers.pool(malformed.anything, malformed.sound, malformed.dtls)
    await attackers.pour(_sends(attackers.addresses(1), junk), until)


async def _many_sources(attackers: Attackers, until: float) -> None:
    junk = attackers.pool(malformed.anything, malformed.sound, malformed.dtls)
    await attackers.pour(_sends(attackers.addresses(SOURCES), junk), until)


async def _stun(attackers: Attackers, until: float) -> None:
    def unsigned(_: random.Random) -> bytes:
        return stun.request("nobody:here", "x" * 24, stun.new_transaction(), nominate=True)

    junk = attackers.pool(malformed.stun, unsigned)
    await attackers.pour(_sends(attackers.addresses(SOURCES), junk), until)


async def _spoofed(attackers: Attackers, until: float) -> None:
    junk = attackers.pool(malformed.anything, malformed.sound, malformed.dtls, malformed.stun)
    await attackers.pour(_sends(itertools.cycle(attackers.sockets), junk), until)


async def _half_open(attackers: Attackers, until: float) -> None:
    """Come in ever again; begin with a hello in two datagrams, and go no further."""
    while time.monotonic() < until:
        with contextlib.suppress(ConnectionRefusedError, TimeoutError):
            client = await attackers.let_in()
            for piece in hello_in_pieces(0, client.peer.identity):
                client.send(piece)
            attackers.sent += 2
        for old in attackers.held[: -HALF_OPEN_PER_S * 20]:
            old.close()
        del attackers.held[: -HALF_OPEN_PER_S * 20]
        await asyncio.sleep(1 / HALF_OPEN_PER_S)


async def _handshake_pieces(attackers: Attackers, until: float) -> None:
    """Some clients that join send tiny pieces of a handshake; others take their place in time."""
    while time.monotonic() < until:
        with contextlib.suppress(ConnectionRefusedError, TimeoutError):
            clients = [await attackers.let_in() for _ in range(5)]
            pieces = itertools.cycle(_pieces())
            sends = (
                partial(to.send, piece)
                for to, piece in zip(itertools.cycle(clients), pieces, strict=False)
            )
            await attackers.pour(sends, min(until, time.monotonic() + 10))
            for client in clients:
                client.close()


def _pieces() -> list[bytes]:
    hello = hello_in_pieces(0, Identity())
    tiny = [
        record(b"".join(fragment(1, 9000, offset=at + part) for part in range(10)), number=at)
        for at in range(2, 400)
    ]
    return hello + tiny


def _signed(*kinds: Misbehaviour) -> Callable[[Attackers, float], Awaitable[None]]:
    async def attack(attackers: Attackers, until: float) -> None:
        client = await attackers.joined(StreamDirection.SPEAK)
        evil = Evil(client.peer, attackers.dice)
        made = (each for kind in itertools.cycle(kinds) for each in kind(evil) if each)
        sends = (partial(client.send, datagram) for datagram in made)
        await attackers.pour(sends, until)

    return attack


async def _checks(attackers: Attackers, until: float) -> None:
    """Checks of a client that was let in, every other one with a wrong signature."""
    client = await attackers.joined(StreamDirection.LISTEN)
    server = client.peer.server
    assert server is not None
    name = f"{server.ufrag}:{client.peer.ufrag}"
    bad = [stun.request(name, "x" * 24, stun.new_transaction()) for _ in range(200)]
    good = [client.peer.check() for _ in range(200)]
    both = itertools.cycle([each for pair in zip(bad, good, strict=True) for each in pair])
    await attackers.pour((partial(client.send, each) for each in both), until)


async def _tcp_storm(attackers: Attackers, until: float) -> None:
    """Connections that say nothing, half of a frame, or something else."""
    stuff = itertools.cycle([b"", b"\x00", tcp.frame(bytes(60))[:20], b"GET / HTTP/1.1\r\n\r\n"])
    held = list[socket.socket]()

    def dial() -> None:
        sock = socket.socket()
        sock.setblocking(False)
        held.append(sock)
        with contextlib.suppress(BlockingIOError):
            sock.connect(("127.0.0.1", attackers.port))
        if len(held) > SOURCES:
            held[0].close()
            del held[0]
        with contextlib.suppress(OSError):
            sock.send(next(stuff))

    attackers.rate /= 20  # each is a dozen packets
    await attackers.pour(itertools.repeat(dial), until)
    for sock in held:
        sock.close()


async def _slow_tcp(attackers: Attackers, until: float) -> None:
    """Listeners by TCP that read nothing, and write a byte of a frame now and then."""
    loop = asyncio.get_running_loop()
    clients = list[socket.socket]()
    for _ in range(SLOW):
        client = await attackers.joined(StreamDirection.LISTEN, by_tcp=True)
        loop.remove_reader(client.fileno())
        raw = socket.socket(fileno=os.dup(client.fileno()))
        raw.send((8000).to_bytes(2))
        clients.append(raw)
        client.close()  # its checks, which would be whole frames
    attackers.rate = 100.0
    sends = (partial(sock.send, b"\x80") for sock in itertools.cycle(clients))
    await attackers.pour(sends, until)


ATTACKS: Final[Mapping[str, Callable[[Attackers, float], Awaitable[None]]]] = {
    "one source": _one_source,
    "many sources": _many_sources,
    "STUN": _stun,
    "spoofed": _spoofed,
    "half-open": _half_open,
    "pieces of handshakes": _handshake_pieces,
    "Opus and headers": _signed(misbehaving.every_toc, misbehaving.odd_headers),
    "RTCP": _signed(misbehaving.reports),
    "streams and leaps": _signed(misbehaving.streams, misbehaving.jumps, misbehaving.other_kinds),
    "checks": _checks,
    "TCP storm": _tcp_storm,
    "slow TCP": _slow_tcp,
}


async def _attack(kind: str, port: int, rate: float, seconds: float, fds: Sequence[int]) -> None:
    sockets = [socket.socket(fileno=fd) for fd in fds]
    attackers = Attackers(port, rate, sockets)
    await ATTACKS[kind](attackers, time.monotonic() + seconds)
    for client in attackers.held:
        client.close()
    print(json.dumps({"sent": attackers.sent}), flush=True)


def main() -> None:
    """Attack, and say how much was sent."""
    kind, port, rate, seconds, *fds = sys.argv[1:]
    os.nice(_LOWEST)
    asyncio.run(_attack(kind, int(port), float(rate), float(seconds), [int(fd) for fd in fds]))


if __name__ == "__main__":
    main()
