"""What strangers can send to the port, and that nobody else notices.

Each attack comes from a socket that belongs to no peer, at the worst moment: while a client is
in the middle of joining, or while it is listening.
"""

import logging
import os
import socket
import struct
from collections.abc import Iterator

import pytest

from spaces_bridge.media.worker.edge import Direction
from spaces_bridge_demo.peer import ListenerPeer
from tests.support.edge import SILENCE, EdgeWorld, closing, edge_world

pytestmark = pytest.mark.peers

EMPTY = b""
BAD_CLIENT_HELLO = (
    bytes.fromhex("16fefd") + bytes(8) + struct.pack("!H", 60)
    + bytes.fromhex("01000030") + bytes(2) + bytes(3) + bytes.fromhex("000030") + os.urandom(48)
)  # fmt: skip
FATAL_ALERT = bytes.fromhex("15fefd0000000000000001000202") + b"\x28"
SHORT_PRIORITY = bytes.fromhex("000100082112a442") + bytes(12) + bytes.fromhex("0024000200010000")

SPRAYS = {
    "one empty datagram": [EMPTY],
    "one bad ClientHello": [BAD_CLIENT_HELLO],
    "thirty bad ClientHellos": [BAD_CLIENT_HELLO] * 30,
    "thirty plaintext alerts": [FATAL_ALERT] * 30,
    "random bytes": [os.urandom(200) for _ in range(30)],
    "RTP and RTCP of nobody": [b"\x80\x6f" + os.urandom(80), b"\x80\xc8" + os.urandom(80)] * 15,
    "unsigned STUN": [SHORT_PRIORITY] * 30,
    "single bytes": [bytes([first]) for first in range(256)],
    "too long": [bytes([first]) + bytes(9000) for first in (0, 22, 128, 255)],
}


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    """A socket that belongs to no peer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        yield sock


def spray(stranger: socket.socket, world: EdgeWorld, datagrams: list[bytes]) -> None:
    for datagram in datagrams:
        stranger.sendto(datagram, ("127.0.0.1", world.port))


@pytest.mark.parametrize("attack", SPRAYS)
async def test_a_stranger_does_not_disturb_who_is_listening(
    attack: str, stranger: socket.socket
) -> None:
    async with edge_world() as world:
        listener = ListenerPeer(world.listener("anna"))
        await listener.connect()
        world.start_sound(["anna"])
        await listener.wait_packets(5)
        spray(stranger, world, SPRAYS[attack])
        await listener.wait_packets(25)
        assert listener.state == "connected"
        assert sum(world.edge.stats().refused.values()) == len(SPRAYS[attack])
        await listener.close()


@pytest.mark.parametrize("attack", SPRAYS)
async def test_a_stranger_does_not_disturb_who_is_joining(
    attack: str, stranger: socket.socket
) -> None:
    async with edge_world() as world:

        async def attacked(offer: str) -> str:
            answer = world.edge.accept("anna", Direction.LISTEN, offer)
            spray(stranger, world, SPRAYS[attack])
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
    async with edge_world() as world:
        client = await world.wire("anna")
        async with closing(client):
            for _ in range(40):
                spray(stranger, world, [SHORT_PRIORITY, b"\xff" * 1400] * 25)
                await client.until(lambda: True)
                await world.until(lambda: True)
                world.edge.fan_out(960, [(("anna",), SILENCE)])
            await world.until(lambda: sum(world.edge.stats().refused.values()) >= 1000)
            await client.until(lambda: client.peer.received == 40)
        assert world.edge.peers().keys() == {"anna"}
        assert len(world.udp_paths()) == 1
        assert len(caplog.records) <= 10


async def test_a_peer_of_its_own_cannot_break_another(stranger: socket.socket) -> None:
    """Everything a joined client can send on its own path stays its own affair."""
    async with edge_world() as world:
        evil, anna = await world.wire("evil", Direction.SPEAK), await world.wire("anna")
        async with closing(evil, anna):
            for datagram in [one for many in SPRAYS.values() for one in many if len(one) <= 1500]:
                evil.send(datagram)
            evil.send(evil.peer.rtp(1, 960, b""))
            evil.send(evil.peer.rtp(2, 960, bytes(1300)))
            world.start_sound(["anna"])
            await anna.until(lambda: anna.peer.received >= 20)
            assert anna.peer.rejected == 0
