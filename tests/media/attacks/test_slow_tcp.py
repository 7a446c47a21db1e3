"""ICE-TCP clients that read nothing, or write a byte now and then: what they cost, and whom."""

import asyncio
import contextlib
import fcntl
import functools
import socket
import struct
import termios

import pytest

from spaces_bridge.media.worker.edge import stun, tcp
from spaces_bridge.media.worker.values import MAX_MEDIA_DATAGRAM, StreamDirection
from spaces_bridge_demo.wire import WirePeer, read_answer
from tests.support.edge import EdgeWorld, closing, edge_world

pytestmark = pytest.mark.peers

MOST_KEPT = 192 * 1024
"""Bytes that may wait for one client, in our memory and the kernel's."""


def connections(world: EdgeWorld) -> list[tcp.TcpConnection]:
    return list(world.edge._tcp._connections)


def kept(connection: tcp.TcpConnection) -> int:
    """The bytes that wait for a client, ours and the kernel's."""
    transport = connection._transport
    assert transport is not None
    sock: socket.socket = transport.get_extra_info("socket")
    (queued,) = struct.unpack("I", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))
    return int(queued) + transport.get_write_buffer_size()


def has_come(world: EdgeWorld, size: int) -> bool:
    """Whether so many bytes of a frame wait for its rest."""
    return [len(each._deframer._rest) for each in connections(world)] == [size]


async def test_clients_that_read_nothing_cost_little_memory_and_nobody_elses_sound() -> None:
    loop = asyncio.get_running_loop()
    async with edge_world() as world, contextlib.AsyncExitStack() as stack:
        slow = [f"slow-{number}" for number in range(5)]
        for peer in slow:
            client = await world.wire(peer, tcp=True)
            await stack.enter_async_context(closing(client))
            loop.remove_reader(client.fileno())
        anna = await world.wire("anna")
        await stack.enter_async_context(closing(anna))
        world.payload = lambda: bytes(1200)
        world.start_sound(["anna", *slow], tick_s=0.0005)
        await world.until(lambda: world.edge.stats().send_dropped > 2000)
        await anna.more(20)
        assert all(world.is_connected(peer) for peer in slow)
        waiting = [kept(connection) for connection in connections(world)]
        assert len(waiting) == len(slow)
        assert 0 < max(waiting) <= MOST_KEPT


async def test_a_client_that_stalls_within_a_frame_keeps_no_more_than_that_frame() -> None:
    async with edge_world() as world:
        slow, anna = await world.wire("slow", tcp=True), await world.wire("anna")
        async with closing(slow, anna):
            world.start_sound(["slow", "anna"])
            with socket.socket(fileno=socket.dup(slow.fileno())) as raw:
                raw.send(MAX_MEDIA_DATAGRAM.to_bytes(2) + b"\x80" + bytes(MAX_MEDIA_DATAGRAM - 2))
            await anna.more(20)
            await slow.more(20)
            (connection,) = connections(world)
            assert 0 < len(connection._deframer._rest) <= 2 + MAX_MEDIA_DATAGRAM
            assert world.edge.stats().refused == {}


async def test_strangers_who_send_a_byte_at_a_time_are_shown_out_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tcp, "STRANGER_S", 0.3)
    async with edge_world() as world:
        anna = await world.wire("anna")
        async with closing(anna):
            world.start_sound(["anna"])
            writers = list[asyncio.StreamWriter]()
            for _ in range(40):
                _, writer = await asyncio.open_connection("127.0.0.1", world.port)
                writers.append(writer)
                writer.write(b"\0")
            await anna.more(5)
            await world.until(lambda: not connections(world))
            assert world.refused("tcp_stranger") == 40
            for writer in writers:
                writer.close()


async def test_a_client_whose_first_check_comes_in_pieces_is_let_in() -> None:
    """TCP cuts a stream wherever it likes, and so may what stands between."""
    async with edge_world() as world:
        peer = WirePeer(StreamDirection.LISTEN)
        peer.server = read_answer(await world.listener("anna")(peer.offer()))
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        check = tcp.frame(peer.check())
        for end in range(20, len(check), 20):
            writer.write(check[end - 20 : end])
            await world.until(functools.partial(has_come, world, end))
        writer.write(check[end:])
        size = int.from_bytes(await reader.readexactly(2))
        answer = stun.parse(await reader.readexactly(size))
        assert answer is not None
        assert answer.signed_with(peer.server.pwd)
        writer.close()
