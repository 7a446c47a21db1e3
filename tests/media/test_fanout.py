"""Fan-out: who gets which payload, with what sequence number and timestamp."""

import socket

import pytest

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.edge.fanout import FanOut
from spaces_bridge.media.worker.edge.paths import UdpPath, UdpPort
from spaces_bridge.media.worker.edge.srtp import Inbound, Outbound, Profile
from spaces_bridge.media.worker.values import ListenerPayload, RtpPacket
from tests.support.edge import udp_socket

pytestmark = pytest.mark.peers

KEY = bytes(range(28))


class Listener:
    """A socket that opens what it gets."""

    def __init__(self, fan: FanOut, port: UdpPort, name: str, ssrc: int) -> None:
        self.name = name
        self.socket = udp_socket(port.socket.family)
        self.into = Inbound(Profile.GCM, KEY)
        self.path = UdpPath(port, self.socket.getsockname())
        fan.add(name, Outbound(Profile.GCM, KEY, ssrc), 111, (65_534, 0xFFFFFFFF))
        fan.move(name, self.path)

    def hear(self) -> list[RtpPacket]:
        """Everything that has arrived."""
        found = list[RtpPacket]()
        while True:
            try:
                opened = self.into.open(self.socket.recv(2000))
            except BlockingIOError:
                return found
            packet = rtp.parse(opened) if opened is not None else None
            assert packet is not None
            found.append(packet)


class Stage:
    """A fan-out with some listeners."""

    def __init__(self, count: int, family: int = socket.AF_INET) -> None:
        self.fan = FanOut()
        self.port = UdpPort(udp_socket(family), lambda *_: None, 0)
        self.listeners = [self.join(f"listener-{number}") for number in range(count)]
        self.names = tuple(listener.name for listener in self.listeners)

    def join(self, name: str) -> Listener:
        return Listener(self.fan, self.port, name, 1000 + hash(name) % 1_000_000)

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        self.port.socket.close()
        for listener in self.listeners:
            listener.socket.close()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_everybody_gets_the_payload_across_a_rollover(family: int) -> None:
    with Stage(3, family) as stage:
        for number in range(4):
            assert stage.fan.tick(960, [ListenerPayload(stage.names, b"%d" % number)]).packets == 3
        for listener in stage.listeners:
            heard = listener.hear()
            assert [packet.payload for packet in heard] == [b"0", b"1", b"2", b"3"]
            assert [packet.sequence for packet in heard] == [65534, 65535, 0, 1]
            assert [packet.timestamp for packet in heard] == [959, 1919, 2879, 3839]


def test_groups_get_their_own_payloads_of_any_length() -> None:
    with Stage(3) as stage:
        one, two, three = stage.listeners
        stage.fan.tick(
            960,
            [
                ListenerPayload((one.name,), b"x"),
                ListenerPayload((two.name, three.name), b"y" * 1275),
            ],
        )
        assert [packet.payload for packet in one.hear()] == [b"x"]
        assert [packet.payload for packet in two.hear()] == [b"y" * 1275]
        assert [packet.payload for packet in three.hear()] == [b"y" * 1275]


def test_who_moves_to_another_group_keeps_the_stream() -> None:
    with Stage(2) as stage:
        one, two = stage.listeners
        stage.fan.tick(
            960, [ListenerPayload((one.name, two.name), b"a"), ListenerPayload((), b"b")]
        )
        stage.fan.tick(
            960, [ListenerPayload((one.name,), b"a"), ListenerPayload((two.name,), b"b")]
        )
        heard = two.hear()
        assert [packet.payload for packet in heard] == [b"a", b"b"]
        assert [packet.sequence for packet in heard] == [65534, 65535]


def test_who_gets_nothing_in_a_tick_keeps_the_clock() -> None:
    with Stage(2) as stage:
        one, two = stage.listeners
        stage.fan.tick(960, [ListenerPayload((one.name,), b"a")])
        stage.fan.tick(960, [ListenerPayload((one.name, two.name), b"a")])
        assert [packet.timestamp for packet in two.hear()] == [1919]
        assert [packet.sequence for packet in one.hear()] == [65534, 65535]


def test_listeners_come_go_and_move_between_ticks() -> None:
    with Stage(2) as stage:
        one, two = stage.listeners
        stage.fan.tick(960, [ListenerPayload(stage.names, b"a")])
        stage.fan.remove(one.name)
        three = stage.join("three")
        stage.listeners.append(three)
        names = (*stage.names, "three", "nobody")
        assert stage.fan.tick(960, [ListenerPayload(names, b"b")]).packets == 2
        stage.fan.move(two.name, None)
        assert stage.fan.tick(960, [ListenerPayload(names, b"c")]).packets == 1
        assert [packet.payload for packet in one.hear()] == [b"a"]
        assert [packet.payload for packet in two.hear()] == [b"a", b"b"]
        assert [packet.payload for packet in three.hear()] == [b"b", b"c"]
        assert stage.fan.progress(one.name) is None


def test_a_crowd_larger_than_the_first_buffers_is_served() -> None:
    with Stage(60) as stage:
        stage.fan.tick(960, [ListenerPayload(stage.names, b"a")])
        late = [stage.join(f"late-{number}") for number in range(100)]
        stage.listeners += late
        names = tuple(listener.name for listener in stage.listeners)
        assert stage.fan.tick(960, [ListenerPayload(names, b"b")]).packets == 160
        assert [packet.payload for packet in late[-1].hear()] == [b"b"]
        assert [packet.sequence for packet in stage.listeners[0].hear()] == [65534, 65535]


def test_a_listener_named_twice_gets_one_packet() -> None:
    with Stage(1) as stage:
        (one,) = stage.listeners
        assert (
            stage.fan.tick(
                960,
                [ListenerPayload((one.name, one.name), b"a"), ListenerPayload((one.name,), b"b")],
            ).packets
            == 1
        )
        assert [packet.payload for packet in one.hear()] == [b"a"]


def test_progress_counts_packets_and_bytes() -> None:
    with Stage(1) as stage:
        stage.fan.tick(960, [ListenerPayload(stage.names, b"abc")])
        stage.fan.tick(960, [ListenerPayload(stage.names, b"abcd")])
        progress = stage.fan.progress(stage.names[0])
        assert progress is not None
        assert (progress.index, progress.packets, progress.octets) == (65536, 2, 7)


def test_nothing_goes_out_unencrypted_when_libsrtp_refuses() -> None:
    with Stage(2) as stage:
        one, two = stage.listeners
        stage.fan.tick(960, [ListenerPayload(stage.names, b"a")])
        stage.fan._rows.index[0] -= 1  # the index of a packet that was sent already
        sent = stage.fan.tick(960, [ListenerPayload(stage.names, b"b")])
        assert sent.broken == (one.name,)
        assert sent.packets == 0
        stage.fan.remove(one.name)
        assert stage.fan.tick(960, [ListenerPayload(stage.names, b"c")]).packets == 1
        assert [packet.payload for packet in two.hear()] == [b"a", b"c"]
        assert len(one.hear()) == 1


def test_an_unreachable_address_does_not_cost_the_others_their_packets() -> None:
    with Stage(2) as stage:
        one, two = stage.listeners
        stage.fan.move(one.name, UdpPath(stage.port, ("127.0.0.1", 0)))  # EINVAL
        sent = stage.fan.tick(960, [ListenerPayload(stage.names, b"a")])
        assert (sent.packets, sent.dropped) == (1, 1)
        assert [packet.payload for packet in two.hear()] == [b"a"]


def test_a_payload_larger_than_any_opus_frame_is_a_mistake_of_ours() -> None:
    with Stage(1) as stage, pytest.raises(ValueError, match="1275"):
        stage.fan.tick(960, [ListenerPayload(stage.names, bytes(1276))])


def test_a_packet_of_a_crowd_begins_where_its_first_frame_does_and_marks_a_beginning() -> None:
    with Stage(2) as stage:
        one, two = stage.names
        begun = ListenerPayload((one,), b"aaa", age=2 * 960, begins=True)
        stage.fan.tick(960, [begun, ListenerPayload((two,), b"a")])
        stage.fan.tick(960, [ListenerPayload((two,), b"b", age=960)])
        stage.fan.tick(3 * 960, [ListenerPayload((one,), b"bbb", age=960)])
        first, second = (listener.hear() for listener in stage.listeners)
        start = 0xFFFFFFFF + 960
        assert [(each.timestamp, each.marker) for each in first] == [
            (start - 2 * 960 & 0xFFFFFFFF, True),
            (start + 3 * 960 & 0xFFFFFFFF, False),
        ]
        assert [(each.timestamp, each.marker) for each in second] == [
            (start & 0xFFFFFFFF, False),
            (start & 0xFFFFFFFF, False),
        ]
        assert [each.sequence for each in first] == [65_534, 65_535]


def test_listeners_who_take_turns_need_no_new_layout_each_time() -> None:
    with Stage(3) as stage:
        turns = [((name,),) for name in stage.names]
        for _ in range(2):
            for (names,) in turns:
                assert stage.fan.tick(960, [ListenerPayload(names, b"a")]).packets == 1
        laid_out = list(stage.fan._plans)
        stage.fan.tick(960, [ListenerPayload(turns[0][0], b"a")])
        assert stage.fan._plans == laid_out
