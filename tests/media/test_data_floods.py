"""Floods of DTLS records at a call peer: what OpenSSL is given of them is bounded."""

import pytest

from spaces_bridge.media.worker.edge import allowance, dtls_intake
from spaces_bridge.media.worker.edge.dtls import HandshakeStep
from spaces_bridge.media.worker.edge.sctp import packets
from spaces_bridge.media.worker.edge.sctp.packets import Kind
from tests.media.test_data_channels import peer_of, with_channel
from tests.support.edge import Clock, EdgeWorld, edge_world

pytestmark = pytest.mark.peers


def given(world: EdgeWorld, name: str) -> list[int]:
    """The number of records of each datagram that this peer's OpenSSL is given from now on."""
    handshake = peer_of(world, name).dtls.handshake
    assert handshake is not None
    counts, receive = list[int](), handshake.receive_data

    def noted(datagram: bytes, into: list[bytes]) -> HandshakeStep | None:
        counts.append(dtls_intake.count(datagram))
        return receive(datagram, into)

    handshake.receive_data = noted  # type: ignore[method-assign]
    return counts


async def test_data_beyond_the_allowance_is_not_decrypted() -> None:
    async with edge_world(clock=Clock()) as world, with_channel(world, "anna") as anna:
        beat = anna.sctp.packet(packets.chunk(Kind.HEARTBEAT, b"x"))
        counts = given(world, "anna")
        for number in range(1, 501):
            anna.send_data(beat)
            await _dealt_with(world, counts, number)
        assert 200 <= len(counts) <= allowance.data_packets().burst
        assert world.is_connected("anna")


async def test_forged_records_are_charged_one_by_one() -> None:
    async with edge_world(clock=Clock()) as world, with_channel(world, "anna") as anna:
        one = b"\x17\xfe\xfd\x00\x01" + bytes(5) + b"\xff\x00\x11" + bytes(17)
        counts = given(world, "anna")
        for number in range(1, 101):
            anna.transmit(one * 39)
            await _dealt_with(world, counts, number)
        most = allowance.forged_records().burst
        assert most <= sum(counts) < most + 39


async def _dealt_with(world: EdgeWorld, counts: list[int], datagrams: int) -> None:
    await world.until(lambda: len(counts) + world.refused("dtls") >= datagrams)


async def test_a_goodbye_counts_whatever_comes_with_it() -> None:
    async with edge_world() as world, with_channel(world, "anna") as anna:
        assert anna._ssl is not None
        anna._ssl.send(b"no SCTP")
        anna._ssl.shutdown()
        anna.transmit(anna._ssl.bio_read(4000))
        await world.until(lambda: world.reason("anna") == "the client left")


async def test_nothing_is_sent_on_a_connection_that_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with edge_world() as world, with_channel(world, "anna"):
        peer, sent = peer_of(world, "anna"), list[bytes]()
        assert peer.dtls.handshake is not None
        peer.dtls.handshake.say_goodbye()
        monkeypatch.setattr(type(peer.ice.selected), "send", lambda _, data: sent.append(data))
        peer.send_data([b"late"], 1000.0, fades=False)
        assert sent == []
