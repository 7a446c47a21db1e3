"""An association and its other side, on a path that loses what a test says, by its own clock."""

import random
import tracemalloc
from collections.abc import Callable, Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spaces_bridge.media.worker.edge.sctp import dcep, packets
from spaces_bridge.media.worker.edge.sctp.association import STREAMS
from spaces_bridge.media.worker.edge.sctp.channels import DataChannels
from spaces_bridge.media.worker.edge.sctp.pacing import PACKET
from spaces_bridge.media.worker.edge.sctp.packets import FIRST, Kind
from spaces_bridge.media.worker.edge.sctp.sending import MOST_BYTES, MOST_TIMEOUTS
from spaces_bridge.media.worker.memory import PEER_BYTES
from tests.support.sctp_client import Drops, SctpClient, nothing

pytestmark = pytest.mark.unit

TICK_S = 0.1
DELAY_S = 0.02


class Path:
    """A path between channels of ours and a client; each packet takes 20 ms, or is lost."""

    def __init__(
        self, client: SctpClient | None = None, opens: int | None = None, drops: Drops = nothing
    ) -> None:
        self.channels = DataChannels(opens)
        self.client = client or SctpClient()
        self.drops = drops
        self.now = 1000.0
        self.sent: list[bytes] = []
        """What we have sent, lost or not."""
        self._number = 0

    def passes(self, packet: bytes) -> list[bytes]:
        """The packet, if the path does not lose it."""
        self._number += 1
        return [] if self.drops(self._number) else [packet]

    def to_client(self, packets_: Iterable[bytes]) -> None:
        """Packets of ours reach the client, and its answers us, until nobody says any more."""
        for packet in packets_:
            self.sent.append(packet)
            for arrived in self.passes(packet):
                self.now += DELAY_S
                for answer in self.client.take(arrived):
                    self.to_us(answer)

    def to_us(self, packet: bytes) -> None:
        """A packet of the client's reaches us."""
        for arrived in self.passes(packet):
            self.now += DELAY_S
            self.to_client(self.channels.receive(arrived, self.now) or ())

    def connect(self) -> None:
        """The client begins, and opens its channel; it repeats what is lost, as clients do."""
        for again in (self.client.init, self.client.opens):
            for _ in range(100):
                if self.client.is_open if again == self.client.init else self.channels.is_open:
                    break
                self.to_us(again())
        assert self.channels.is_open

    def say(self, *messages: bytes, fades: bool = False) -> None:
        """We send messages."""
        self.to_client(self.channels.send(messages, self.now, fades=fades))

    def until(self, holds: Callable[[], bool]) -> None:
        """Time goes on, a tick after the other."""
        for _ in range(10_000):
            if holds():
                return
            self.now += TICK_S
            self.to_client(self.channels.tick(self.now))
        raise AssertionError("it did not come about")


def loses(share: float) -> Drops:
    """Lose this share of the packets, the same ones in each run."""
    dice = random.Random(int(share * 100))
    return lambda _: dice.random() < share


@pytest.mark.parametrize("trusts_dtls", [True, False])
def test_a_client_opens_the_channel_and_is_sent_messages(trusts_dtls: bool) -> None:
    path = Path(SctpClient(trusts_dtls=trusts_dtls))
    path.say(b"too early")
    path.connect()
    assert path.client.messages[0].payload == dcep.ACK
    path.say(b"header", b"chunk", b"trailer")
    assert path.client.texts() == [b"header", b"chunk", b"trailer"]
    *_, last = path.sent
    assert len(packets.read_packet(last).chunks) == 3  # one packet for all of them
    assert (last[8:12] == bytes(4)) is trusts_dtls


def test_we_open_the_channel_where_we_offered_the_connection() -> None:
    path = Path(opens=1)
    path.connect()
    opening = path.client.messages[0]
    assert (opening.stream, opening.protocol) == (1, dcep.PROTOCOL)
    assert dcep.read_open(opening.payload) == dcep.ChannelOpen("_reliable", True)
    path.to_us(path.client.packet(path.client.data(1, dcep.PROTOCOL, dcep.ACK)))
    path.say(b"hello")
    assert [(each.stream, each.payload) for each in path.client.messages[1:]] == [(1, b"hello")]


def test_only_a_reliable_channel_of_that_name_is_used() -> None:
    path = Path()
    path.to_us(path.client.init())
    path.to_us(path.client.opens(2, "_lossy"))
    lossy = bytearray(dcep.write_open("_reliable"))
    lossy[1] = 0x81
    path.to_us(path.client.packet(path.client.data(4, dcep.PROTOCOL, bytes(lossy))))
    path.to_us(path.client.opens(STREAMS))  # beyond what was agreed on
    assert not path.channels.is_open
    path.to_us(path.client.opens(6))
    path.say(b"hello")
    assert path.client.messages[-1].stream == 6


def test_idle_channels_have_nothing_to_do() -> None:
    path = Path()
    path.connect()
    path.say(b"hello")
    assert path.channels.due is None


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.3])
def test_all_arrives_in_order_on_a_path_that_loses(share: float) -> None:
    path = Path(drops=loses(share))
    path.connect()
    path.until(lambda: path.channels.due is None)
    messages = [bytes([65 + number % 26]) * (number * 97 % 3000 + 1) for number in range(60)]
    for message in messages:
        path.until(lambda: not path.channels._association.is_behind)
        path.say(message)
    path.until(lambda: path.channels.due is None)
    assert path.client.texts() == messages


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sets(st.integers(1, 60)), st.lists(st.binary(min_size=1, max_size=4000), max_size=12))
def test_all_arrives_whatever_is_lost(lost: set[int], messages: list[bytes]) -> None:
    path = Path(drops=lambda number: number in lost)
    path.connect()
    for message in messages:
        path.say(message)
    path.until(lambda: path.channels.due is None)
    assert path.client.texts() == messages


def test_a_lost_packet_is_sent_again_before_its_time_runs_out_when_later_ones_arrive() -> None:
    path = Path()
    path.connect()
    before = path.now
    path.drops = lambda number, first=path._number + 1: number == first  # type: ignore[misc]
    for _ in range(4):
        path.say(b"x" * 100)
    assert len(path.client.texts()) == 4
    assert path.now - before < 0.4


def test_a_client_that_acknowledges_nothing_is_given_up_and_told() -> None:
    path = Path()
    path.connect()
    path.say(b"hello")
    path.client.take = lambda packet: []  # type: ignore[method-assign]
    path.say(b"is anybody there?")
    sent = len(path.sent)
    path.until(lambda: not path.channels.is_open)
    assert path.channels.due is None
    again = path.sent[sent:]
    assert len(again) == MOST_TIMEOUTS + 1
    assert [each.kind for each in packets.read_packet(again[-1]).chunks] == [Kind.ABORT]
    path.say(b"no more")
    assert len(path.sent) == sent + len(again)


def test_what_waits_is_bounded_and_dropped_message_by_message() -> None:
    path = Path(drops=nothing)
    path.connect()
    taken = len(path.client.texts())
    path.drops = lambda number: True
    whole = [b"h" * 10, b"x" * 2000, b"t" * 10]
    for _ in range(200):
        path.say(*whole)
    path.drops = nothing
    path.until(lambda: path.channels.due is None)
    came = path.client.texts()[taken:]
    assert came == whole * (len(came) // 3)  # none is half there
    assert 0 < sum(map(len, came)) <= MOST_BYTES


def test_what_fades_is_left_out_while_anything_waits() -> None:
    path = Path()
    path.connect()
    path.drops = lambda number: True
    for number in range(20):
        path.say(b"draft %d " % number + b"x" * 1000, fades=True)
    path.say(b"final")
    path.drops = nothing
    path.until(lambda: path.channels.due is None)
    came = [text.split(b"x")[0] for text in path.client.texts()]
    assert came[-1] == b"final"
    assert len(came) < 8


def test_no_more_is_on_its_way_than_the_client_takes() -> None:
    path = Path(SctpClient(window=3000))
    path.connect()
    path.drops = lambda number: True
    before = len(path.sent)
    for _ in range(20):
        path.say(b"x" * 900)
    assert sum(map(len, path.sent[before:])) <= 3000
    assert max(map(len, path.sent)) <= PACKET


# --- what clients may do to us ------------------------------------------------------------------


def test_a_beginning_that_comes_again_changes_nothing() -> None:
    path = Path()
    first = path.client.init()
    (one,) = path.channels.receive(first, 1.0) or ()
    (two,) = path.channels.receive(first, 2.0) or ()
    assert one == two
    path.connect()
    assert list(path.channels.receive(first, 3.0) or ()) == []
    path.say(b"hello")
    assert path.client.texts() == [b"hello"]
    cookie = path.client.theirs.cookie if path.client.theirs else b""
    path.to_us(path.client.packet(packets.chunk(Kind.COOKIE_ECHO, cookie)))
    path.say(b"again")
    assert path.client.texts() == [b"hello", b"again"]


def test_what_is_of_no_association_is_refused() -> None:
    path = Path()
    client = path.client
    assert path.channels.receive(client.init(tag=5), 1.0) is None
    assert path.channels.receive(client.init(window=100), 1.0) is None
    assert path.channels.receive(client.init(streams=0), 1.0) is None
    assert path.channels.receive(SctpClient(tag=0).init(), 1.0) is None
    assert path.channels.receive(b"short", 1.0) is None
    path.connect()
    assert path.channels.receive(client.packet(packets.chunk(Kind.ABORT), tag=1), 1.0) is None
    assert path.channels.is_open
    assert path.channels.receive(client.packet(packets.chunk(Kind.COOKIE_ECHO, b"x")), 1.0) is None


def test_a_client_may_end_it_and_begin_anew() -> None:
    path = Path()
    path.connect()
    path.to_us(path.client.packet(packets.chunk(Kind.ABORT)))
    assert not path.channels.is_open
    path.client = SctpClient()
    path.connect()
    path.say(b"hello")
    assert path.client.texts() == [b"hello"]
    path.to_us(path.client.packet(packets.chunk(Kind.SHUTDOWN, bytes(4))))
    assert path.client.seen[-1] is Kind.SHUTDOWN_ACK
    assert not path.channels.is_open


def test_a_sign_of_life_is_answered() -> None:
    path = Path()
    path.connect()
    path.to_us(path.client.packet(packets.chunk(Kind.HEARTBEAT, b"are you there?")))
    assert path.client.echoes == [b"are you there?"]


def test_what_a_client_sends_is_acknowledged_and_not_kept() -> None:
    path = Path()
    path.connect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(1000):
            flags = FIRST if number == 0 else 0  # one message that never ends
            path.client.tsn = (path.client.tsn + (number % 7 == 0)) & 0xFFFFFFFF  # and has gaps
            chunk = path.client.data(0, dcep.BINARY, b"x" * 1000, flags)
            path.channels.receive(path.client.packet(chunk), 1.0)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 100_000


def test_a_client_that_acknowledges_nothing_costs_a_bounded_number_of_bytes() -> None:
    path = Path()
    path.connect()
    tag = path.client.theirs.tag if path.client.theirs else 0
    path.drops = lambda number: True
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(100):
            path.channels.send([b"x" * 100 for _ in range(10)], path.now, fades=False)
        for _ in range(300):  # one in two of what it sends is missing
            path.client.tsn = (path.client.tsn + 1) & 0xFFFFFFFF
            chunk = path.client.data(0, dcep.BINARY, b"x")
            path.channels.receive(packets.packet(5000, tag, chunk, checked=False), path.now)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < PEER_BYTES // 2


def test_channels_that_are_opened_without_end_are_not_kept() -> None:
    path = Path()
    path.connect()
    client, sent = path.client, 0
    client.take = lambda packet: []  # type: ignore[method-assign]  # it acknowledges nothing
    for number in range(3000):
        answers = path.channels.receive(client.opens(number % STREAMS, f"x{number}"), 1.0) or ()
        sent += sum(map(len, answers))
    assert sent < 3000 * 40
    path.until(lambda: not path.channels.is_open)


CHUNKS = st.builds(
    lambda kind, flags, value: (
        bytes([kind, flags]) + (4 + len(value)).to_bytes(2) + value + bytes(-len(value) % 4)
    ),
    st.one_of(st.sampled_from(list(Kind)), st.integers(0, 255)),
    st.integers(0, 255),
    st.binary(max_size=60),
)


@settings(deadline=None)
@given(st.lists(st.lists(CHUNKS, max_size=6), max_size=20), st.booleans())
def test_whatever_a_client_sends_it_harms_itself_only(
    packets_: list[list[bytes]], is_open: bool
) -> None:
    path = Path()
    if is_open:
        path.connect()
    else:
        path.to_client(path.channels.receive(path.client.init(), path.now) or ())
    for chunks in packets_:
        tag = path.client.theirs.tag if path.client.theirs else 0
        junk = packets.packet(5000, tag, b"".join(chunks))
        for answer in path.channels.receive(junk, path.now) or ():
            assert len(answer) <= PACKET
        path.channels.send([b"hello"], path.now, fades=False)
        path.channels.tick(path.now)
        path.now += 0.05


@given(
    st.integers(0, 0xFFFFFFFF), st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)))
)
def test_acknowledgements_of_what_was_never_sent_change_nothing(
    cumulative: int, blocks: list[tuple[int, int]]
) -> None:
    path = Path()
    path.connect()
    path.drops = lambda number: True
    path.say(b"hello")
    path.drops = nothing
    ours = path.client.theirs
    assert ours is not None
    if (cumulative - ours.tsn) & 0xFFFFFFFF < 100:
        cumulative = (cumulative + 1000) & 0xFFFFFFFF
    sack = packets.sack(packets.Sack(cumulative, 1 << 16, blocks))
    path.channels.receive(path.client.packet(sack), path.now)
    path.until(lambda: path.channels.due is None)
    assert path.client.texts() == [b"hello"]
