"""Data channels of call peers on an edge: by DTLS, with clients that are real."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from spaces_bridge.media.worker.edge import allowance
from spaces_bridge.media.worker.edge.call_peer import CallPeer
from spaces_bridge.media.worker.edge.data import TURN, PeersData
from spaces_bridge.media.worker.edge.forwarding import Forwarding
from spaces_bridge.media.worker.edge.ice import Ice
from spaces_bridge.media.worker.edge.peers import Peers
from spaces_bridge.media.worker.edge.sctp import packets
from spaces_bridge.media.worker.edge.sctp.packets import Kind
from spaces_bridge_demo.wire import WireConnection
from tests.support.call_client import CallWire
from tests.support.edge import Clock, EdgeWorld, closing, edge_world

pytestmark = pytest.mark.peers

PACKETS = [b"header", b"chunk " * 500, b"trailer"]


def peer_of(world: EdgeWorld, name: str) -> CallPeer:
    peer = world.edge._peers[name]
    assert isinstance(peer, CallPeer)
    return peer


async def joined(world: EdgeWorld, name: str, wire: CallWire) -> WireConnection:
    """A call's client that has connected, its SCTP association not begun."""
    connection = WireConnection(wire)

    async def signal(offer: str) -> str:
        return world.edge.answer_call(name, offer, []).sdp

    await connection.join(signal)
    await world.until(lambda: world.is_connected(name))
    return connection


@contextlib.asynccontextmanager
async def with_channel(world: EdgeWorld, name: str) -> AsyncIterator[CallWire]:
    """A call's client whose reliable channel is open."""
    wire = CallWire()
    connection = await joined(world, name, wire)
    async with closing(connection):
        wire.open_data()
        await connection.until(lambda: wire.sctp.is_open)
        wire.send_data(wire.sctp.opens())
        await connection.until(lambda: len(wire.sctp.messages) == 1)
        yield wire


async def test_a_client_of_another_implementation_gets_what_is_sent() -> None:
    async with edge_world() as world:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTransceiver("audio", direction="recvonly")
        channel = connection.createDataChannel("_reliable")
        lossy = connection.createDataChannel("_lossy", ordered=False, maxRetransmits=0)
        came = list[object]()
        channel.on("message", came.append)
        await connection.setLocalDescription(await connection.createOffer())
        answer = world.edge.answer_call("anna", connection.localDescription.sdp, [])
        await connection.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        await world.until(lambda: channel.readyState == lossy.readyState == "open")
        channel.send("what a client says is nobody's business " * 200)
        world.edge.send_data(["anna", "nobody"], PACKETS, fades=False)
        await world.until(lambda: len(came) == 3)
        assert came == PACKETS
        await connection.close()
        await world.until(lambda: world.reason("anna") == "the client left")


async def test_who_has_no_channel_is_passed_over() -> None:
    async with edge_world() as world:
        bare = CallWire(more=False)
        async with closing(await joined(world, "ben", bare)), with_channel(world, "anna") as anna:
            assert peer_of(world, "ben").data is None
            world.edge.send_data(["ben", "anna"], PACKETS, fades=True)
            await world.until(lambda: anna.sctp.texts() == PACKETS)
            assert bare.sctp.seen == []
            bare.send_data(anna.sctp.init())  # nor does it get one without asking for it
            await world.until(lambda: world.refused("dtls") == 1)


async def test_what_has_not_arrived_is_looked_after_and_nobody_else() -> None:
    clock = Clock()
    async with edge_world(clock=clock) as world, with_channel(world, "anna") as anna:
        watched = world.edge._data._watched
        await world.until(lambda: watched == set())
        take, lost = anna.receive_data, list[bytes]()
        anna.receive_data = lost.append  # type: ignore[method-assign, assignment]
        world.edge.send_data(["anna"], PACKETS, fades=False)
        assert watched == {"anna"}
        await world.until(lambda: len(lost) >= 3)
        anna.receive_data = take  # type: ignore[method-assign]
        clock.now += 1.1
        await world.until(lambda: anna.sctp.texts() == PACKETS)
        await world.until(lambda: watched == set())


async def test_a_crowd_is_sent_a_message_in_turns() -> None:
    sent, turns = list[str](), list[Callable[[], None]]()

    class Noting(CallPeer):
        def send_data(self, messages: Sequence[bytes], now: float, *, fades: bool) -> None:
            sent.append(self.id)

    peers = Peers(1000)
    for number in range(TURN * 2 + 1):
        ice = Ice(f"ufrag{number}", "pwd", "", "")
        peers.adopt(Noting(str(number), ice, Forwarding(lambda _: None), 0.0))
    data = PeersData(peers, lambda: 0.0, turns.append)
    data.send(list(peers), PACKETS, fades=False)
    data.send(["0"], PACKETS, fades=False)
    assert len(sent) == TURN
    assert len(turns) == 1
    turns.pop()()
    assert len(sent) == 2 * TURN
    turns.pop()()
    assert sent == [*peers, "0"]
    assert turns == []


async def test_a_flood_of_data_costs_its_sender_alone() -> None:
    clock = Clock()
    async with (
        edge_world(clock=clock) as world,
        with_channel(world, "anna") as anna,
        with_channel(world, "ben") as ben,
    ):
        beat = anna.sctp.packet(packets.chunk(Kind.HEARTBEAT, b"x"))
        for number in range(1000):
            anna.send_data(beat)
            if number % 50 == 0:
                await asyncio.sleep(0)
        await world.until(lambda: world.refused("dtls") >= 600)
        assert len(anna.sctp.echoes) <= allowance.data_packets().burst
        world.edge.send_data(["ben"], PACKETS, fades=True)
        await world.until(lambda: ben.sctp.texts() == PACKETS)
        assert world.is_connected("anna")
        clock.now += 1
        before = len(anna.sctp.echoes)
        anna.send_data(beat)
        await world.until(lambda: len(anna.sctp.echoes) == before + 1)


async def test_forged_records_silence_nobody() -> None:
    async with edge_world() as world, with_channel(world, "anna") as anna:
        forged = b"\x17\xfe\xfd\x00\x01" + bytes(5) + b"\xff\x00\x40" + bytes(64)
        for number in range(1000):
            anna.transmit(forged)
            if number % 50 == 0:
                await asyncio.sleep(0)
        world.edge.send_data(["anna"], PACKETS, fades=True)
        await world.until(lambda: anna.sctp.texts() == PACKETS)


async def test_we_open_the_channel_of_a_connection_that_we_offer() -> None:
    async with edge_world() as world:
        wire = CallWire()
        offer = world.edge.offer_call("anna", [])
        world.edge.accept_call_answer("anna", wire.answer(2))
        connection = WireConnection(wire)

        async def signal(_offer: str) -> str:
            return offer.sdp

        await connection.join(signal)
        async with closing(connection):
            await world.until(lambda: world.is_connected("anna"))
            wire.open_data()
            await connection.until(lambda: len(wire.sctp.messages) == 1)
            assert wire.sctp.messages[0].stream == 1
            world.edge.send_data(["anna"], PACKETS, fades=False)
            await world.until(lambda: wire.sctp.texts() == PACKETS)
