"""SCTP as bytes: what is written is read again, and what is malformed raises one error only."""

import pytest
from aiortc.rtcsctptransport import InitAckChunk, SackChunk, parse_packet
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.media.worker.edge.sctp import dcep, packets
from spaces_bridge.media.worker.edge.sctp.arrivals import MOST_AHEAD, Arrivals
from spaces_bridge.media.worker.edge.sctp.checksum import crc32c
from spaces_bridge.media.worker.edge.sctp.packets import BadPacket, Data, Init, Kind, Sack

pytestmark = pytest.mark.unit

NUMBERS = st.integers(0, 0xFFFFFFFF)
SHORTS = st.integers(0, 0xFFFF)
DATA = st.builds(Data, st.integers(0, 7), NUMBERS, SHORTS, SHORTS, NUMBERS, st.binary(min_size=1))
INITS = st.builds(
    Init, NUMBERS, NUMBERS, SHORTS, SHORTS, NUMBERS, st.booleans(), st.booleans(), st.binary()
)
BLOCKS = st.lists(st.tuples(SHORTS, SHORTS), max_size=packets.MOST_BLOCKS)


def test_the_checksum_is_crc32c() -> None:
    assert crc32c([b"123456789"]) == 0xE3069283  # the check value of the catalogue of CRCs
    assert crc32c([]) == 0


@given(st.lists(st.binary(max_size=100) | st.binary(min_size=900, max_size=2047), max_size=5))
def test_the_checksum_of_parts_is_that_of_the_whole(parts: list[bytes]) -> None:
    assert crc32c(parts) == crc32c([bytes([byte]) for byte in b"".join(parts)])


@given(st.lists(DATA, min_size=1, max_size=5), INITS, NUMBERS, NUMBERS, BLOCKS)
def test_what_is_written_is_read_again(
    sent: list[Data], init: Init, tag: int, window: int, blocks: list[tuple[int, int]]
) -> None:
    sack = Sack(tag, window, blocks)
    chunks = b"".join(part for each in sent for part in packets.data(each)) + packets.sack(sack)
    chunks += packets.init(Kind.INIT_ACK, init)
    read = packets.read_packet(packets.packet(5000, tag, chunks))
    assert (read.port, read.tag) == (packets.PORT, tag)
    assert [packets.read_data(chunk) for chunk in read.chunks[: len(sent)]] == sent
    assert packets.read_sack(read.chunks[-2].value) == sack
    assert packets.read_init(read.chunks[-1].value) == init


def test_another_implementation_reads_what_is_written() -> None:
    init = Init(7, 1500, 3, 4, 9, forwards=True, trusts_dtls=True, cookie=b"a cookie")
    whole = packets.packet(5000, 77, packets.init(Kind.INIT_ACK, init))
    port, to, tag, (read,) = parse_packet(whole)  # it checks the checksum
    assert (port, to, tag) == (5000, 5000, 77)
    assert isinstance(read, InitAckChunk)
    assert (read.initiate_tag, read.initial_tsn, read.advertised_rwnd) == (7, 9, 1500)
    assert (7, b"a cookie") in read.params
    whole = packets.packet(5000, 77, packets.sack(Sack(5, 1500, [(2, 3), (5, 5)])))
    _, _, _, (read,) = parse_packet(whole)
    assert isinstance(read, SackChunk)
    assert (read.cumulative_tsn, read.gaps) == (5, [(2, 3), (5, 5)])


@given(st.binary(max_size=200), st.sampled_from(list(Kind)), st.integers(0, 0xFFFF))
def test_malformed_bytes_raise_one_error_only(junk: bytes, kind: Kind, size: int) -> None:
    framed = packets.packet(5000, 1, bytes([kind, 3]) + size.to_bytes(2) + junk, checked=False)
    for data in (junk, framed, packets.packet(5000, 1, packets.chunk(kind, junk))):
        try:
            read = packets.read_packet(data)
            for chunk in read.chunks:
                packets.read_init(chunk.value)
                packets.read_data(chunk)
                packets.read_sack(chunk.value)
                packets.read_forward_tsn(chunk.value)
        except BadPacket:
            pass


def test_a_packet_has_so_many_chunks() -> None:
    acks = packets.chunk(Kind.COOKIE_ACK)
    most = packets.read_packet(packets.packet(5000, 1, acks * packets.MOST_CHUNKS))
    assert len(most.chunks) == packets.MOST_CHUNKS
    with pytest.raises(BadPacket):
        packets.read_packet(packets.packet(5000, 1, acks * (packets.MOST_CHUNKS + 1)))


@given(st.binary(max_size=120))
def test_whatever_opens_a_channel_is_read_or_not(junk: bytes) -> None:
    for message in (junk, b"\x03\x00" + junk, dcep.write_open("_reliable") + junk):
        opened = dcep.read_open(message)
        assert opened is None or len(opened.label) <= dcep.MOST_LABEL
    assert dcep.read_open(dcep.write_open("_reliable")) == dcep.ChannelOpen("_reliable", True)
    assert dcep.read_open(dcep.write_open("x" * (dcep.MOST_LABEL + 1))) is None


@given(st.data(), NUMBERS)
def test_what_has_arrived_is_told_whatever_the_order(data: st.DataObject, first: int) -> None:
    arrivals, expected = Arrivals(first), set[int]()
    offsets = data.draw(st.lists(st.integers(-5, 30), max_size=40))
    for offset in offsets:
        is_new = arrivals.note((first + offset) & 0xFFFFFFFF)
        assert is_new is (offset >= 0 and offset not in expected)
        if offset >= 0:
            expected.add(offset)
    whole = next(at for at in range(40) if at not in expected)
    sack = arrivals.sack()
    assert sack.cumulative == (first + whole - 1) & 0xFFFFFFFF
    told = {whole - 1 + at for begin, end in sack.blocks for at in range(begin, end + 1)}
    assert told == {offset for offset in expected if offset > whole}


def test_what_is_far_ahead_is_not_remembered() -> None:
    arrivals = Arrivals(1)
    assert arrivals.note(MOST_AHEAD)
    assert not arrivals.note(MOST_AHEAD + 1)
    assert not arrivals.note(1 << 31)
    arrivals.forward(1 << 30)
    assert arrivals.sack() == Sack(1 << 30, arrivals.sack().window, [])
    arrivals.forward(5)  # older: nothing
    assert arrivals.note((1 << 30) + 2)
    arrivals.forward((1 << 30) + 1)
    assert arrivals.sack().cumulative == (1 << 30) + 2
