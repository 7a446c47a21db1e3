"""Forwarding: what a speaker sends reaches all who have the stream, encrypted, and no other."""

import resource
import socket
from pathlib import Path

import pytest

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.edge.call_sections import MOST_STREAMS
from spaces_bridge.media.worker.edge.forwarding import Forwarding, OutStream
from spaces_bridge.media.worker.edge.paths import UdpPath, UdpPort
from spaces_bridge.media.worker.edge.srtp import Inbound, Keys, Outbound, Profile
from spaces_bridge.media.worker.edge.timeline import LATEST
from spaces_bridge.media.worker.memory import PEER_BYTES
from spaces_bridge.media.worker.values import MAX_OPUS, RtpPacket
from tests.support.edge import Clock, udp_socket

pytestmark = pytest.mark.unit

KEYS = Keys.for_server(Profile.GCM, bytes(range(Keys.material_size(Profile.GCM))))
HOST, GUEST = "space @host", "space @guest"


class TcpPath:
    """Keeps what is sent along it."""

    owner: str | None = None
    address = ("192.0.2.1", 9)
    proven = True

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, datagram: bytes) -> bool:
        self.sent.append(datagram)
        return True

    def claim(self, owner: str) -> None:
        raise AssertionError

    def forget(self) -> None:
        raise AssertionError


class Client:
    """A receiver with a session of its own, on a path that keeps what comes."""

    def __init__(self, forwarding: Forwarding, name: str) -> None:
        self.path, self.name, self.out = TcpPath(), name, Outbound(KEYS.profile, KEYS.tx, 1)
        self._into = Inbound(KEYS.profile, KEYS.tx)
        self._forwarding = forwarding

    def has(self, *lanes: OutStream) -> "Client":
        """Give it these streams."""
        self._forwarding.carry(self.name, self.out, self.path, lanes)
        return self

    def got(self) -> list[RtpPacket]:
        """What came since the last look, decrypted."""
        datagrams, self.path.sent = self.path.sent, []
        opened = [self._into.open(datagram) for datagram in datagrams]
        packets = [rtp.parse(packet) for packet in opened if packet is not None]
        assert len(packets) == len(datagrams)
        return [packet for packet in packets if packet is not None]


def packet(sequence: int, payload: bytes = b"opus", *, marker: bool = False) -> RtpPacket:
    return RtpPacket(sequence & 0xFFFF, sequence * 960 & 0xFFFFFFFF, marker, 96, 0xABCDEF, payload)


def test_a_packet_is_headed_anew_and_its_payload_stays() -> None:
    forwarding = Forwarding()
    anna = Client(forwarding, "anna").has(OutStream(HOST, 7, 111))
    ben = Client(forwarding, "ben").has(OutStream(HOST, 8, 109))
    forwarding.forward(HOST, packet(1, b"first", marker=True), 1.0)
    forwarding.forward(HOST, packet(2, b"second"), 1.02)
    for client, ssrc, kind in ((anna, 7, 111), (ben, 8, 109)):
        one, two = client.got()
        assert [(each.ssrc, each.payload_type) for each in (one, two)] == [(ssrc, kind)] * 2
        assert [each.payload for each in (one, two)] == [b"first", b"second"]
        assert (one.marker, two.marker) == (True, False)
        assert (two.sequence - one.sequence) & 0xFFFF == 1
        assert (two.timestamp - one.timestamp) & 0xFFFFFFFF == 960


def test_each_gets_the_streams_it_has_and_no_other() -> None:
    forwarding = Forwarding()
    anna = Client(forwarding, "anna").has(OutStream(HOST, 7, 111), OutStream(GUEST, 8, 111))
    ben = Client(forwarding, "ben").has(OutStream(GUEST, 9, 111))
    forwarding.forward(HOST, packet(1, b"host"), 1.0)
    forwarding.forward(GUEST, packet(1, b"guest"), 1.0)
    forwarding.forward("space @nobody", packet(1), 1.0)
    assert [(each.ssrc, each.payload) for each in anna.got()] == [(7, b"host"), (8, b"guest")]
    assert [(each.ssrc, each.payload) for each in ben.got()] == [(9, b"guest")]
    anna.has(OutStream(GUEST, 8, 111))
    forwarding.remove("ben")
    forwarding.forward(HOST, packet(2), 1.02)
    forwarding.forward(GUEST, packet(2, b"more"), 1.02)
    assert [each.payload for each in anna.got()] == [b"more"]
    assert ben.got() == []


def test_streams_go_on_through_rollovers_and_whoever_joins_between() -> None:
    forwarding = Forwarding()
    anna, ben = Client(forwarding, "anna").has(OutStream(HOST, 7, 111)), Client(forwarding, "ben")
    for number in range(0, 200_000, 500):
        if number == 100_000:
            ben.has(OutStream(HOST, 7, 111))
        forwarding.forward(HOST, packet(number), number * 0.02)
    assert len(anna.got()) == 400
    assert len(ben.got()) == 200


def test_a_crowd_gets_a_larger_sheet_and_every_stream_stays_right() -> None:
    forwarding = Forwarding()
    first = Client(forwarding, "first").has(OutStream(GUEST, 5, 111))
    forwarding.forward(GUEST, packet(1), 1.0)
    crowd = [Client(forwarding, str(at)).has(OutStream(HOST, 7 + at, 111)) for at in range(200)]
    for number in range(3):
        forwarding.forward(HOST, packet(number, b"host"), 1.0)
        forwarding.forward(GUEST, packet(2 + number, b"guest"), 1.0)
    assert [len(each.got()) for each in crowd] == [3] * 200
    assert len(first.got()) == 4
    assert forwarding.traffic.packets == 604
    assert forwarding.traffic.dropped == 0


def test_the_longest_packet_passes() -> None:
    forwarding = Forwarding()
    anna = Client(forwarding, "anna").has(OutStream(HOST, 7, 111))
    forwarding.forward(HOST, packet(1, bytes(MAX_OPUS)), 1.0)
    forwarding.forward(HOST, packet(2, b"short"), 1.0)
    assert [len(each.payload) for each in anna.got()] == [MAX_OPUS, 5]


def test_who_has_no_path_for_a_while_goes_on_and_no_number_is_used_twice() -> None:
    forwarding = Forwarding()
    anna = Client(forwarding, "anna").has(OutStream(HOST, 7, 111))
    ben = Client(forwarding, "ben").has(OutStream(HOST, 7, 111))
    for number in (1, 2, 3):
        forwarding.forward(HOST, packet(number), 1.0)
    [*_, last] = anna.got()
    forwarding.move("anna", None)
    for number in range(0, 100_000, 400):  # longer than a rollover
        forwarding.forward(HOST, packet(4 + number), 2.0 + number / 4000)
    assert anna.got() == []
    forwarding.move("anna", anna.path)
    forwarding.forward(HOST, packet(99_602), 30.0)  # late: one that went to ben alone
    forwarding.forward(HOST, packet(99_605), 30.0)
    late, after = anna.got()
    assert (late.sequence - last.sequence) & 0xFFFF == LATEST - 2
    assert (after.sequence - late.sequence) & 0xFFFF == 3
    assert len(ben.got()) == 3 + 250 + 2


def test_what_libsrtp_refuses_is_not_let_out_and_costs_nobody_else_theirs() -> None:
    forwarding = Forwarding()
    anna = Client(forwarding, "anna").has(OutStream(HOST, 7, 111))
    ben = Client(forwarding, "ben").has(OutStream(HOST, 7, 111))
    forwarding.forward(HOST, packet(1), 1.0)
    [first] = anna.got()
    taken = rtp.HEADER.pack(0x80, 111, (first.sequence + 1) & 0xFFFF, 0, 7)
    anna.out.protect(taken + b"x")  # its next number is used
    ben.got()
    forwarding.forward(HOST, packet(2), 1.0)
    assert anna.path.sent == []
    assert len(ben.got()) == 1
    assert forwarding.traffic.dropped == 1


def test_progress_is_what_a_receiver_was_sent_and_where_its_time_is() -> None:
    forwarding = Forwarding()
    forwarding.forward(HOST, packet(1), 1.0)
    anna = Client(forwarding, "anna").has(OutStream(HOST, 7, 111), OutStream(GUEST, 8, 111))
    assert forwarding.progress("anna", 1.0) == []
    forwarding.forward(HOST, packet(2, b"12345"), 2.0)
    forwarding.forward(HOST, packet(3, b"12345"), 2.0)
    [progress] = forwarding.progress("anna", 3.0)
    assert (progress.ssrc, progress.packets, progress.octets) == (7, 2, 10)
    [*_, last] = anna.got()
    assert (progress.timestamp - last.timestamp) & 0xFFFFFFFF == 48_000
    assert forwarding.progress("nobody", 1.0) == []


def test_sound_in_frames_of_10_ms_or_longer_passes_even_after_a_stall() -> None:
    refused = list[str]()
    forwarding = Forwarding(refused.append)
    anna = Client(forwarding, "anna").has(OutStream(HOST, 7, 111), OutStream(GUEST, 8, 111))
    for number in range(3000):
        forwarding.forward(HOST, packet(number), number * 0.01)
        forwarding.forward(GUEST, packet(number), max(4.0, number * 0.02))  # 4 s at once
    assert len(anna.got()) == 6000
    assert refused == []


def test_a_flood_of_one_speaker_is_not_multiplied_and_takes_nothing_from_others() -> None:
    refused = list[str]()
    forwarding = Forwarding(refused.append)
    anna = Client(forwarding, "anna").has(OutStream(HOST, 7, 111), OutStream(GUEST, 8, 111))
    for number in range(4500):  # what a speaker may send: 450 a second
        now = number / 450
        forwarding.forward(HOST, packet(number), now)
        if number % 9 == 0:
            forwarding.forward(GUEST, packet(number // 9), now)
    got = anna.got()
    assert sum(each.ssrc == 8 for each in got) == 500
    assert sum(each.ssrc == 7 for each in got) < 2000
    assert refused == ["forward_too_much"] * (5000 - len(got))


def test_an_ended_streams_session_is_forgotten() -> None:
    forwarding = Forwarding()
    anna = Client(forwarding, "anna").has(OutStream(HOST, 7, 111))
    forwarding.forward(HOST, packet(1), 1.0)
    [first] = anna.got()
    anna.has()
    again = rtp.HEADER.pack(0x80, 111, first.sequence, 0, 7)
    assert anna.out.protect(again + b"x")  # libsrtp knows nothing of it any more


def test_udp_goes_out_by_one_call_to_each_address() -> None:
    ours, theirs = udp_socket(), [udp_socket() for _ in range(3)]
    try:
        forwarding = Forwarding()
        port = UdpPort(ours, lambda *_: None, 0)
        for at, sock in enumerate(theirs):
            path = port.path_to(sock.getsockname())
            out = Outbound(KEYS.profile, KEYS.tx, 1)
            forwarding.carry(str(at), out, path, [OutStream(HOST, 7, 111)])
        forwarding.forward(HOST, packet(1, b"everybody"), 1.0)
        for sock in theirs:
            opened = Inbound(KEYS.profile, KEYS.tx).open(sock.recv(2000))
            assert opened is not None
            assert opened.endswith(b"everybody")
            with pytest.raises(BlockingIOError):
                sock.recv(2000)
    finally:
        for sock in (ours, *theirs):
            sock.close()


def test_a_tick_that_is_due_waits_for_few_packets_that_are_dear_to_forward() -> None:
    ours, theirs, clock, read = udp_socket(), udp_socket(), Clock(), list[bytes]()

    def received(_path: UdpPath, datagram: bytes) -> None:
        read.append(datagram)
        clock.now += 0.002

    try:
        port = UdpPort(ours, received, 0, clock)
        for number in range(10):
            theirs.sendto(bytes([number]), ours.getsockname())
        port.read()
        assert read == [b"\0", b"\1", b"\2"]
        port.read()
        assert read[-1] == b"\5"
    finally:
        ours.close()
        theirs.close()


def test_a_path_that_cannot_be_reached_is_counted() -> None:
    ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ours.setblocking(False)
    try:
        forwarding = Forwarding()
        path = UdpPort(ours, lambda *_: None, 0).path_to(("255.255.255.255", 9))
        forwarding.carry(
            "anna", Outbound(KEYS.profile, KEYS.tx, 1), path, [OutStream(HOST, 7, 111)]
        )
        forwarding.forward(HOST, packet(1), 1.0)
        assert (forwarding.traffic.packets, forwarding.traffic.dropped) == (0, 1)
    finally:
        ours.close()


def test_all_streams_of_a_call_peer_cost_less_than_is_left_of_what_is_reserved_for_it() -> None:
    """A connected peer without streams takes 95 kB of its 160 KiB (ADR 22)."""
    forwarding, before = Forwarding(), address_space()
    lanes = [OutStream(str(at), 7 + at, 111) for at in range(MOST_STREAMS)]
    clients = [Client(forwarding, str(at)).has(*lanes) for at in range(200)]
    for lane in lanes:
        forwarding.forward(lane.source, packet(1), 1.0)
    assert (address_space() - before) / len(clients) <= PEER_BYTES - 95_000


def address_space() -> int:
    """Bytes of this process, as its limit counts them."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
