"""What strangers can send to the port, and that nobody else notices.

Each spray (tests/support/malformed.py) comes from a socket that belongs to no peer, at the worst
moment: while a client is in the middle of joining, or while it is listening.
"""

import logging
import socket
from collections.abc import Iterator

import pytest

from spaces_bridge.media.worker.values import (
    ListenerPayload,
    StreamDirection,
)
from spaces_bridge_demo.peer import ListenerPeer
from tests.support import malformed
from tests.support.edge import SILENCE, EdgeWorld, closing, edge_world

pytestmark = pytest.mark.peers


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    """A socket that belongs to no peer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        yield sock


def spray(stranger: socket.socket, world: EdgeWorld, datagrams: list[bytes]) -> None:
    for datagram in datagrams:
        stranger.sendto(datagram, ("127.0.0.1", world.port))


@pytest.mark.parametrize("kind", malformed.SPRAYS)
async def test_a_stranger_does_not_disturb_who_is_listening(
    kind: str, stranger: socket.socket
) -> None:
    datagrams = list(malformed.SPRAYS[kind](malformed.dice()))
    async with edge_world() as world:
        listener = ListenerPeer(world.listener("anna"))
        await listener.connect()
        world.start_sound(["anna"])
        await listener.wait_packets(5)
        spray(stranger, world, datagrams)
        await listener.wait_packets(25)
        assert listener.state == "connected"
        assert sum(world.edge.stats().refused.values()) == len(datagrams)
        await listener.close()


@pytest.mark.parametrize("kind", malformed.SPRAYS)
async def test_a_stranger_does_not_disturb_who_is_joining(
    kind: str, stranger: socket.socket
) -> None:
    datagrams = list(malformed.SPRAYS[kind](malformed.dice()))
    async with edge_world() as world:

        async def attacked(offer: str) -> str:
            answer = world.edge.accept("anna", StreamDirection.LISTEN, offer)
            spray(stranger, world, datagrams)
            return answer

        listener = ListenerPeer(attacked)
        await listener.connect()
        world.start_sound(["anna"])
        await listener.wait_packets(25)
        await listener.close()


async def test_strangers_fill_neither_memory_nor_the_log(
    stranger: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="spaces_bridge")
    dice = malformed.dice()
    async with edge_world() as world:
        client = await world.wire("anna")
        async with closing(client):
            for _ in range(40):
                each = [malformed.stun(dice), b"\xff" + dice.randbytes(1399)]
                spray(stranger, world, each * 25)
                await client.until(lambda: True)
                await world.until(lambda: True)
                world.edge.fan_out(960, [ListenerPayload(("anna",), SILENCE)])
            await world.until(lambda: sum(world.edge.stats().refused.values()) >= 1000)
            await client.until(lambda: client.peer.received == 40)
        assert world.edge.peers().keys() == {"anna"}
        assert len(world.udp_paths()) == 1
        assert len(caplog.records) <= 10


async def test_a_peer_of_its_own_cannot_break_another(stranger: socket.socket) -> None:
    """Everything a joined client can send on its own path stays its own affair."""
    dice = malformed.dice()
    async with edge_world() as world:
        evil, anna = await world.wire("evil", StreamDirection.SPEAK), await world.wire("anna")
        async with closing(evil, anna):
            for datagram in (one for make in malformed.SPRAYS.values() for one in make(dice)):
                if len(datagram) <= 1500:
                    evil.send(datagram)
            evil.send(evil.peer.rtp(1, 960, b""))
            evil.send(evil.peer.rtp(2, 960, bytes(1300)))
            world.start_sound(["anna"])
            await anna.until(lambda: anna.peer.received >= 20)
            assert anna.peer.rejected == 0
