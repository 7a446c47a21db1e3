"""The sink counts what comes for a listener, and what does not."""

import socket
import struct
from collections.abc import Iterator

import pytest

from benchmarks.peers.sink import Sink
from tests.support.stage import until

pytestmark = [pytest.mark.peers, pytest.mark.needs("gcc")]


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A server's socket and a listener's, connected."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener,
    ):
        server.bind(("127.0.0.1", 0))
        listener.bind(("127.0.0.1", 0))
        listener.connect(server.getsockname())
        server.connect(listener.getsockname())
        yield server, listener


def _rtp(sequence: int) -> bytes:
    head = struct.pack("!BBHII", 0x80, 111, sequence & 0xFFFF, sequence * 2880, 7)
    return head + bytes(40)


async def test_what_is_missing_is_known_by_the_sequence_numbers(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    server, listener = sockets
    sink = Sink(1)
    try:
        ear = sink.take(listener.fileno())
        for sequence in (65_534, 65_535, 0, 4, 3, 5):  # 1 and 2 never come, 3 comes late
            server.send(_rtp(sequence))
        server.send(b"\x01\x01" + bytes(20))
        server.send(b"\x80\xc8" + bytes(30))
        await until(lambda: ear.packets == 6 and ear.rtcp == 1)
        counted = sink.counted()
        assert (counted.packets, counted.missing, counted.stun, counted.rtcp) == (6, 2, 1, 1)
        assert counted.octets == 6 * 52
        assert (ear.newest, ear.ssrc) == (65_536 + 5, 7)
    finally:
        sink.close()


async def test_after_forgetting_it_counts_from_zero_and_goes_on_in_the_stream(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    server, listener = sockets
    sink = Sink(1)
    try:
        ear = sink.take(listener.fileno())
        server.send(_rtp(10))
        await until(lambda: ear.packets == 1)
        sink.forget()
        assert sink.counted().packets == 0
        server.send(_rtp(13))
        await until(lambda: ear.packets == 1)
        counted = sink.counted()
        assert (counted.packets, counted.missing, counted.samples) == (1, 2, (3 * 2880,))
    finally:
        sink.close()
