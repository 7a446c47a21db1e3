"""Handshakes that never end, come in pieces, or are begun ever again: each has a bound."""

import asyncio
import contextlib

import pytest
from OpenSSL import SSL

from spaces_bridge.media.worker.edge import dtls_intake
from spaces_bridge.media.worker.edge.dtls import Handshake, HandshakeStep, Identity
from spaces_bridge.media.worker.edge.dtls_intake import MOST_AT_ONCE, MOST_PARTS, Intake
from spaces_bridge.media.worker.edge.paths import UdpPath
from spaces_bridge.media.worker.edge.peer import JOIN_S
from spaces_bridge.media.worker.values import SdpRefused, StreamDirection
from spaces_bridge_demo.wire import WireConnection, WirePeer
from tests.media.attacks.records import fragment, hello_in_pieces, record
from tests.support.edge import Clock, EdgeWorld, closing, edge_world

pytestmark = pytest.mark.peers

SMALLEST = 256
"""Bytes of a datagram in the smallest pieces that OpenSSL cuts; today's hellos are cut in two."""


class InPieces(WirePeer):
    """A client whose every message comes in several datagrams."""

    def _begin(self) -> None:
        self._ssl = SSL.Connection(self.identity.context)
        self._ssl.set_ciphertext_mtu(SMALLEST)
        self._ssl.set_connect_state()
        self._handshake()


class HalfOpen(WirePeer):
    """A client that is let in, and then shakes hands as the test does."""

    def _handshake(self) -> None:
        pass


async def let_in(half_open: WireConnection, joining: "asyncio.Task[None]") -> None:
    """Until a client's check was answered: what it sends now is its."""
    await half_open.until(lambda: half_open.peer.checks_answered > 0 or joining.done())
    assert not joining.done()


def dtls_refused(world: EdgeWorld) -> int:
    """The DTLS datagrams that were refused, for whatever reason."""
    refused = world.edge.stats().refused
    return sum(count for reason, count in refused.items() if reason.startswith("dtls"))


async def test_a_handshake_in_the_smallest_pieces_is_taken() -> None:
    async with edge_world() as world:
        client = WireConnection(InPieces(StreamDirection.LISTEN))
        async with closing(client):
            await client.join(world.listener("anna"))
            world.start_sound(["anna"])
            await client.more(5)
            assert world.edge.stats().refused == {}


def test_a_hello_in_pieces_that_comes_again_and_again_is_taken_up_to_a_bound() -> None:
    intake, taken = Intake(), 0
    for number in range(5000):
        for piece in hello_in_pieces(number):
            taken += intake.admits(piece)
    assert 100 < taken <= MOST_PARTS


@pytest.mark.parametrize(
    "datagram",
    [
        record(b"".join(fragment(1, 900, offset=at) for at in range(MOST_AT_ONCE))),
        b"".join(record(b"", number=number) for number in range(MOST_AT_ONCE + 1)),
        b"".join(record(b"", epoch=1, kind=21) for _ in range(MOST_AT_ONCE + 1)),
    ],
    ids=["fragments", "empty records", "alerts ahead of their keys"],
)
def test_a_datagram_of_many_pieces_is_no_flight(datagram: bytes) -> None:
    intake = Intake()
    assert not intake.admits(datagram)
    assert intake.admits(record(fragment(0, dtls_intake.MOST_MESSAGES)))


def test_a_goodbye_is_read_however_much_came_in_the_clear() -> None:
    intake = Intake()
    while intake.admits(record(b"\1", kind=20)):
        pass
    assert intake.admits(record(b"goodbye", kind=21, epoch=1))


async def test_a_joining_client_makes_openssl_read_so_much_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = 0
    receive = Handshake.receive

    def counted(handshake: Handshake, datagram: bytes) -> HandshakeStep | None:
        nonlocal taken
        step = receive(handshake, datagram)
        taken += step is not None
        return step

    async with edge_world() as world:
        listener = await world.wire("listener")
        evil = WireConnection(HalfOpen(StreamDirection.LISTEN))
        async with closing(listener, evil):
            world.start_sound(["listener"])
            joining = asyncio.create_task(evil.join(world.listener("evil")))
            await let_in(evil, joining)
            monkeypatch.setattr(Handshake, "receive", counted)
            for burst in range(100):
                for at in range(50):
                    evil.send(record(fragment(1, 5000, offset=burst * 50 + at), number=at))
                await listener.more(1)
            await world.until(lambda: dtls_refused(world) >= 5000 - MOST_PARTS)
            assert 0 < taken <= MOST_PARTS
            joining.cancel()


async def test_half_open_handshakes_make_place_in_time() -> None:
    """As many as may come in at once, each with half a hello; the next is in when they are out."""
    clock = Clock()
    async with edge_world(clock=clock, most=8) as world, contextlib.AsyncExitStack() as stack:
        for number in range(4):
            half = WireConnection(HalfOpen(StreamDirection.LISTEN))
            await stack.enter_async_context(closing(half))
            joining = asyncio.create_task(half.join(world.listener(f"half-{number}")))
            stack.callback(joining.cancel)
            await let_in(half, joining)
            half.send(hello_in_pieces(0)[0])
        with pytest.raises(SdpRefused) as refused:
            await world.wire("anna")
        assert refused.value.code == "busy"
        clock.now += JOIN_S + 1
        await world.until(lambda: not world.edge.peers())
        anna = await world.wire("anna")
        async with closing(anna):
            world.start_sound(["anna"])
            await anna.more(5)
        assert {world.reason(f"half-{number}") for number in range(4)} == {
            "it did not connect in time"
        }


async def test_an_address_where_nobody_answers_gets_little_of_a_handshake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who is let in may name a stranger's address as its own: it gets answers, and few flights."""
    clock, sent = Clock(), list[bytes]()
    async with edge_world(clock=clock) as world:
        evil = WireConnection(HalfOpen(StreamDirection.LISTEN))
        async with closing(evil):
            joining = asyncio.create_task(evil.join(world.listener("evil")))
            await let_in(evil, joining)
            monkeypatch.setattr(UdpPath, "send", lambda _, datagram: sent.append(datagram))
            before = world.edge.stats().packets_in
            for number in range(100):
                for piece in hello_in_pieces(number, Identity()):
                    evil.send(piece)
            await world.until(lambda: world.edge.stats().packets_in >= before + 200)
            clock.now += JOIN_S + 1
            await world.until(lambda: world.reason("evil") != "")
            joining.cancel()
    assert 0 < sum(map(len, sent)) < 16 * 1024
