"""ICE-TCP: framing, both directions, and what strangers get."""

import asyncio
import errno
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.edge import strangers, tcp
from spaces_bridge.media.worker.values import (
    ListenerPayload,
    StreamDirection,
)
from tests.support.edge import SILENCE, EdgeWorld, closing, edge_world

pytestmark = pytest.mark.peers


@given(st.lists(st.binary(min_size=12, max_size=1500), max_size=8), st.integers(1, 700))
def test_packets_come_out_whole_however_the_stream_was_cut(packets: list[bytes], cut: int) -> None:
    stream = b"".join(tcp.frame(packet) for packet in packets)
    deframer = tcp.Deframer()
    found = list[bytes]()
    for at in range(0, len(stream), cut):
        found += deframer.feed(stream[at : at + cut])
    assert found == packets


@pytest.mark.parametrize(
    "stream",
    [
        b"\0\0",
        b"\0\x05hello",
        b"\xff\xff",
        b"GET / HTTP/1.1\r\n",
        (1501).to_bytes(2) + b"\x16\xfe\xfd",  # too long for DTLS
        (1501).to_bytes(2) + b"\x00\x01",  # and for STUN
        (8193).to_bytes(2) + b"\x80",
    ],
)
def test_a_stream_of_something_else_is_refused(stream: bytes) -> None:
    with pytest.raises(tcp.BadFrame):
        tcp.Deframer().feed(stream)


async def test_a_listener_behind_a_firewall_hears_by_tcp() -> None:
    async with edge_world() as world:
        client = await world.wire("anna", tcp=True)
        async with closing(client):
            world.start_sound(["anna"])
            await client.until(lambda: client.peer.received >= 20)
            assert client.peer.rejected == 0
            assert {packet.payload for packet in client.peer.packets} == {SILENCE}


async def test_a_speaker_behind_a_firewall_is_heard_by_tcp() -> None:
    async with edge_world() as world:
        client = await world.wire("anna", StreamDirection.SPEAK, tcp=True)
        async with closing(client):
            for index in range(10):
                client.send(client.peer.rtp(index, index * 960, b"%d" % index))
            await world.until(lambda: len(world.packets.get("anna", [])) == 10)
            assert world.packets["anna"][9].payload == b"9"


@pytest.mark.parametrize("size", [1275, 1600, 3825, 7650])
async def test_sound_is_taken_by_tcp_as_large_as_opus_makes_it(size: int) -> None:
    """510 kbit/s in frames of 20 and 60 ms; GStreamer's 650 kbit/s; the longest there is."""
    async with edge_world() as world:
        client = await world.wire("anna", StreamDirection.SPEAK, tcp=True)
        async with closing(client):
            for index in range(3):
                client.send(client.peer.rtp(index, index * 960, bytes(size)))
            await world.until(lambda: len(world.packets.get("anna", [])) == 3)
            assert world.packets["anna"][2].payload == bytes(size)
            assert world.edge.stats().refused == {}


async def test_a_client_that_dials_again_goes_on_hearing() -> None:
    async with edge_world() as world:
        client = await world.wire("anna", tcp=True)
        async with closing(client):
            world.start_sound(["anna"])
            await client.until(lambda: client.peer.received >= 5)
            await client.dial(tcp=True)
            await client.more(20)
            assert world.is_connected("anna")


async def test_a_stranger_who_talks_nonsense_is_hung_up_on() -> None:
    async with edge_world() as world:
        assert await answer_to(world, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        assert world.refused("tcp_frame") == 1


async def test_a_stranger_whose_first_packet_is_no_signed_check_is_hung_up_on() -> None:
    async with edge_world() as world:
        assert await answer_to(world, tcp.frame(b"\x16\xfe\xfd" + bytes(60))) == b""
        assert await answer_to(world, tcp.frame(b"\x80\x6f" + bytes(60))) == b""
        assert world.refused("stranger") == 2


async def test_a_stranger_who_says_nothing_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp, "STRANGER_S", 0.2)
    async with edge_world() as world:
        assert await answer_to(world, b"") == b""
        assert world.refused("tcp_stranger") == 1


@pytest.mark.parametrize("addresses", [1, 20])
async def test_silent_strangers_keep_nobody_out(addresses: int) -> None:
    """More than there are places: from the newcomer's own address, and from many others."""
    async with edge_world() as world:
        silent = list[asyncio.StreamWriter]()
        for number in range(300):
            host = f"127.0.0.{1 + number % addresses}"
            _, writer = await asyncio.open_connection(*address(world), local_addr=(host, 0))
            silent.append(writer)
        client = await world.wire("anna", tcp=True)
        async with closing(client):
            world.start_sound(["anna"])
            await client.more(5)
        most = strangers.MOST_PER_NETWORK if addresses == 1 else strangers.MOST
        assert world.refused("tcp_stranger") >= 300 - most
        assert world.refused("tcp_full") == 0
        for writer in silent:
            writer.close()


async def test_who_is_known_makes_place_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "MOST_PER_NETWORK", 1)
    async with edge_world() as world:
        clients = [await world.wire(peer, tcp=True) for peer in ("anna", "berta")]
        async with closing(*clients):
            world.start_sound(["anna", "berta"])
            for _ in range(3):
                _, writer = await asyncio.open_connection(*address(world))
                for client in clients:
                    await client.more(5)
                writer.close()


async def test_no_more_connections_than_there_is_memory_for() -> None:
    async with edge_world(most=1) as world:
        client = await world.wire("anna", tcp=True)
        async with closing(client):
            assert await answer_to(world, b"") == b""
            assert world.refused("tcp_full") == 1


class Exhausted(socket.socket):
    """A listening socket in a process that has no file descriptor left at first."""

    attempts = 0

    def accept(self) -> tuple[socket.socket, Any]:
        self.attempts += 1
        if self.attempts == 1:
            raise OSError(errno.EMFILE, "too many open files")
        return super().accept()


async def test_running_out_of_descriptors_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "_PAUSE_S", 0.2)
    async with edge_world() as world:
        with Exhausted() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            listening.setblocking(False)
            seen, refused = list[bytes](), list[str]()
            listener = tcp.TcpListener(
                lambda _, packet: seen.append(packet), lambda _: None, refused.append, most=9
            )
            listener.open([listening], asyncio.get_running_loop())
            _, writer = await asyncio.open_connection(*listening.getsockname())
            writer.write(tcp.frame(b"x" * 20))
            await world.until(lambda: seen == [b"x" * 20])
            assert refused == ["tcp_exhausted"]
            assert listening.attempts <= 3
            listener.close()
            writer.close()


def address(world: EdgeWorld) -> tuple[str, int]:
    return "127.0.0.1", world.port


async def answer_to(world: EdgeWorld, stream: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*address(world))
    try:
        writer.write(stream)
        async with asyncio.timeout(60):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_a_client_that_does_not_read_costs_no_memory() -> None:
    async with edge_world() as world:
        client = await world.wire("anna", tcp=True)
        async with closing(client):
            asyncio.get_running_loop().remove_reader(client.fileno())
            for _ in range(20_000):
                world.edge.fan_out(960, [ListenerPayload(("anna",), bytes(1000))])
            assert world.edge.stats().send_dropped > 5000
