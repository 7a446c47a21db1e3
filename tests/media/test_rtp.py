"""RTP and RTCP: our reading and writing against aiortc's."""

import pytest
from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpRrPacket, RtcpSdesPacket, RtcpSrPacket
from aiortc.rtp import RtpPacket as ForeignRtpPacket
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.edge import rtp

pytestmark = pytest.mark.unit


def test_a_packet_of_another_implementation_is_read() -> None:
    foreign = ForeignRtpPacket(
        payload_type=111, marker=1, sequence_number=65535, timestamp=4294967295, ssrc=7
    )
    foreign.csrc, foreign.payload, foreign.padding_size = [1, 2], b"opus", 4
    packet = rtp.parse(foreign.serialize())
    assert packet is not None
    assert (packet.sequence, packet.timestamp, packet.ssrc) == (65535, 4294967295, 7)
    assert (packet.marker, packet.payload_type, packet.payload) == (True, 111, b"opus")


def test_a_header_extension_is_left_out() -> None:
    head = rtp.HEADER.pack(0x90, 111, 1, 2, 3)
    packet = rtp.parse(head + b"\xbe\xde\0\x01" + b"\x10\xff\0\0" + b"opus")
    assert packet is not None
    assert packet.payload == b"opus"


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        bytes(12),
        rtp.HEADER.pack(0x8F, 111, 1, 2, 3),  # 15 CSRCs, none there
        rtp.HEADER.pack(0x90, 111, 1, 2, 3),  # an extension, not there
        rtp.HEADER.pack(0x90, 111, 1, 2, 3) + b"\xbe\xde\xff\xff",
        rtp.HEADER.pack(0xA0, 111, 1, 2, 3) + b"\0",  # no padding after all
        rtp.HEADER.pack(0xA0, 111, 1, 2, 3) + b"\xff",
        rtp.HEADER.pack(0x80, 111, 1, 2, 3) + bytes(7651),  # longer than any Opus
    ],
)
def test_a_packet_that_lies_about_itself_is_refused(packet: bytes) -> None:
    assert rtp.parse(packet) is None


@given(st.binary(max_size=100))
def test_no_bytes_make_the_readers_raise(packet: bytes) -> None:
    read = rtp.parse(packet)
    assert read is None or read.payload in packet
    news = rtp.read_rtcp(packet)
    assert news is None or len(packet) >= 4


@given(st.integers(0, 1 << 40), st.integers(-32767, 32767))
def test_the_index_of_a_packet_is_found_across_rollovers(newest: int, step: int) -> None:
    index = newest + step
    if index >= 0:
        assert rtp.nearest_index(newest, index & 0xFFFF) == index


def test_a_sender_report_is_understood_by_another_implementation() -> None:
    report = rtp.sender_report(5, "space", 1700000000.5, 1 << 33 | 99, 10, 1000)
    sender, description = RtcpPacket.parse(report)
    assert isinstance(sender, RtcpSrPacket)
    assert isinstance(description, RtcpSdesPacket)
    assert sender.ssrc == 5
    assert sender.sender_info.ntp_timestamp == int((1700000000.5 + 2208988800) * 2**32)
    assert sender.sender_info.rtp_timestamp == 99
    assert sender.sender_info.packet_count == 10
    assert description.chunks[0].items == [(1, b"space")]


def test_a_receiver_report_counts_what_was_lost() -> None:
    reception = rtp.ReceptionStatistics()
    for number, sequence in enumerate([65534, 65535, 0, 2, 3]):  # 1 is missing
        reception.took(sequence, number * 960, number * 0.02)
    reception.heard_sender_report(0x1122334455667788, 0.0)
    receiver, _ = RtcpPacket.parse(reception.report(5, 6, "space", 0.5))
    assert isinstance(receiver, RtcpRrPacket)
    block = receiver.reports[0]
    assert (receiver.ssrc, block.ssrc) == (5, 6)
    assert block.packets_lost == 1
    assert block.fraction_lost == 256 // 6
    assert block.highest_sequence == 65536 + 3
    assert (block.lsr, block.dlsr) == (0x33445566, 32768)


def test_a_receiver_report_tells_the_loss_since_the_one_before_and_the_jitter() -> None:
    """The timestamp wraps on the way; delays alternate by 10 ms (480 units of the clock)."""
    reception = rtp.ReceptionStatistics()

    def reported(numbers: range, lost: int) -> RtcpRrPacket:
        for number in numbers:
            if number % 10 >= lost:
                timestamp = (number * 960 - 100_000) % (1 << 32)
                reception.took(number, timestamp, number * 0.02 + 0.01 * (number % 2))
        receiver, _ = RtcpPacket.parse(reception.report(5, 6, "space", 1.0))
        assert isinstance(receiver, RtcpRrPacket)
        return receiver

    first = reported(range(2, 200), lost=2).reports[0]
    assert first.fraction_lost == pytest.approx(256 * 0.2, abs=3)
    assert first.jitter == pytest.approx(480, rel=0.1)
    second = reported(range(200, 401), lost=0).reports[0]
    assert second.fraction_lost == 0
    assert second.packets_lost == first.packets_lost
    assert (second.lsr, second.dlsr) == (0, 0)  # nothing was heard from the sender


def test_a_goodbye_is_understood_by_both() -> None:
    goodbye = rtp.goodbye(5, "space")
    assert any(isinstance(packet, RtcpByePacket) for packet in RtcpPacket.parse(goodbye))
    news = rtp.read_rtcp(goodbye)
    assert news is not None
    assert news.left


def test_a_compound_packet_of_ever_more_parts_is_not_read_to_its_end() -> None:
    part = rtp.goodbye(5, "space")[:8]
    assert rtp.read_rtcp(part * 32) is not None
    assert rtp.read_rtcp(part * 33) is None


def test_the_sender_of_a_report_is_read_from_what_is_in_the_clear() -> None:
    assert rtp.rtcp_sender(rtp.goodbye(0x01020304, "space")) == 0x01020304
    assert rtp.rtcp_sender(b"\x80\xc9\0\x01\0\0\0") is None
    assert rtp.rtcp_sender(b"\x40\xc9" + bytes(20)) is None
