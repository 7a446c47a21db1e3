"""What one connected peer may cost, and that nobody else can use up what is its.

The peer is a real one without a network: its packets are protected with its own keys.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.edge.ice import Ice
from spaces_bridge.media.worker.edge.peer import ENDED_S, Link, Peer
from spaces_bridge.media.worker.edge.sources import MOST_LEARNT, Sources
from spaces_bridge.media.worker.edge.srtp import Keys, Outbound, Profile
from spaces_bridge.media.worker.values import RtpPacket, StreamDirection

pytestmark = pytest.mark.unit

KEYS = Keys.for_server(Profile.GCM, bytes(range(Keys.material_size(Profile.GCM))))
SSRC = 0x01020304
PAYLOAD_TYPE = 111


class Path:
    """Goes nowhere."""

    owner: str | None = "anna"
    address = ("192.0.2.1", 1)
    proven = False

    def send(self, datagram: bytes) -> bool:
        return True

    def claim(self, owner: str) -> None:
        raise AssertionError

    def forget(self) -> None:
        raise AssertionError


@dataclass
class Counted:
    """Counts what reaches the SRTP session."""

    opens: Callable[[bytes], bytes | None]
    calls: int = 0

    def __call__(self, packet: bytes) -> bytes | None:
        self.calls += 1
        return self.opens(packet)


class Client:
    """A connected client, and the peer that stands for it in the edge."""

    def __init__(self, direction: StreamDirection) -> None:
        self.peer = Peer("anna", direction, Ice("a", "b", "c", "d"), PAYLOAD_TYPE, 0.0)
        self.link = self.peer.link = Link.made(KEYS, 1)
        self.into_rtp = Counted(self.link.into.open)
        self.into_rtcp = Counted(self.link.into.open_rtcp)
        self.link.into.open = self.into_rtp  # type: ignore[method-assign]
        self.link.into.open_rtcp = self.into_rtcp  # type: ignore[method-assign]
        self._out: dict[int, Outbound] = {}
        self._path = Path()

    def _from(self, ssrc: int) -> Outbound:
        return self._out.setdefault(ssrc, Outbound(KEYS.profile, KEYS.rx, ssrc))

    def rtp(self, index: int, ssrc: int = SSRC, payload: bytes = b"opus") -> bytes:
        head = rtp.HEADER.pack(0x80, PAYLOAD_TYPE, index & 0xFFFF, index * 960, ssrc)
        return self._from(ssrc).protect(head + payload)

    def rtcp(self, ssrc: int = SSRC, body: bytes | None = None) -> bytes:
        return self._from(ssrc).protect_rtcp(body or rtp.sender_report(ssrc, "a", 0, 0, 0, 0))

    def hears(self, datagram: bytes, now: float = 0.0) -> RtpPacket | str:
        return self.peer.receive_rtp(datagram, self._path, now)

    def reads(self, datagram: bytes, now: float = 0.0) -> bool | str:
        return self.peer.receive_rtcp(datagram, self._path, now)


@pytest.fixture
def speaker() -> Client:
    return Client(StreamDirection.SPEAK)


@pytest.fixture
def listener() -> Client:
    return Client(StreamDirection.LISTEN)


def forged(datagram: bytes) -> bytes:
    """The same with its last byte changed: all that can be seen of it is right."""
    return datagram[:-1] + bytes([datagram[-1] ^ 1])


# --- only what is signed is charged -----------------------------------------------------------


def test_a_speaker_is_heard_through_forgeries_of_its_sound(speaker: Client) -> None:
    """5,000 a second, with its address, its SSRC and its sequence numbers, before each of its."""
    heard = []
    for index in range(150):
        packet = speaker.rtp(index)
        for _ in range(100):
            assert speaker.hears(forged(packet), index * 0.02) == "srtp_rejected"
        heard.append(speaker.hears(packet, index * 0.02))
    assert [packet.sequence for packet in heard if isinstance(packet, RtpPacket)] == [*range(150)]


def test_a_speaker_is_heard_through_forgeries_of_its_reports(speaker: Client) -> None:
    report = speaker.rtcp()
    for index in range(150):
        for _ in range(100):
            assert speaker.reads(forged(report), index * 0.02) == "srtcp_rejected"
        assert isinstance(speaker.hears(speaker.rtp(index), index * 0.02), RtpPacket)
    assert speaker.reads(report, 3.0) is False


def test_what_is_forged_is_looked_at_up_to_a_bound(speaker: Client) -> None:
    packet = speaker.rtp(1)
    for _ in range(21_000):
        assert speaker.hears(forged(packet)) == "srtp_rejected"
    assert speaker.into_rtp.calls == 20_000
    assert isinstance(speaker.hears(packet, now=1.0), RtpPacket)


def test_what_cannot_be_the_peers_is_not_even_looked_at(speaker: Client) -> None:
    assert isinstance(speaker.hears(speaker.rtp(1)), RtpPacket)
    for ssrc in range(1, 1001):
        assert speaker.hears(forged(speaker.rtp(2, ssrc))) == "rtp_unknown_stream"
    assert speaker.into_rtp.calls == 1


def test_a_stream_that_has_ended_is_followed_by_one_of_another_ssrc(speaker: Client) -> None:
    """A browser that publishes its microphone anew counts from somewhere else."""
    for index in range(60_000, 60_010):
        assert isinstance(speaker.hears(speaker.rtp(index), index * 0.02), RtpPacket)
    now = 60_010 * 0.02
    assert speaker.hears(speaker.rtp(3, ssrc=7), now) == "rtp_unknown_stream"  # the other lives
    now += ENDED_S
    packet = speaker.hears(speaker.rtp(4, ssrc=7), now)
    assert isinstance(packet, RtpPacket)
    assert (packet.ssrc, packet.sequence) == (7, 4)
    report = speaker.link.reception.report(1, 7, "a", now)
    assert report[12] == 0  # what the other stream's numbers were is no loss
    assert speaker.hears(speaker.rtp(60_011), now + 1) == "rtp_unknown_stream"  # it never returns
    assert isinstance(speaker.hears(speaker.rtp(5, ssrc=7), now + 1), RtpPacket)


def test_streams_one_after_the_other_are_bounded(speaker: Client) -> None:
    heard = [
        isinstance(speaker.hears(speaker.rtp(1, ssrc=ssrc), ssrc * 1.0), RtpPacket)
        for ssrc in range(1, 1001)
    ]
    assert heard == [True] * MOST_LEARNT + [False] * (1000 - MOST_LEARNT)
    assert speaker.into_rtp.calls == MOST_LEARNT


def test_a_forgery_of_another_stream_costs_the_speaker_nothing(speaker: Client) -> None:
    assert isinstance(speaker.hears(speaker.rtp(0)), RtpPacket)
    for ssrc in range(2, 1002):
        assert speaker.hears(forged(speaker.rtp(1, ssrc)), 5.0) == "rtp_unknown_stream"
    assert speaker.into_rtp.calls == 1 + 25
    assert isinstance(speaker.hears(speaker.rtp(1), 5.0), RtpPacket)
    assert speaker.peer.sources.rtp == SSRC


def test_a_forgery_does_not_decide_which_stream_is_the_peers(
    speaker: Client, listener: Client
) -> None:
    assert speaker.hears(forged(speaker.rtp(1, ssrc=7))) == "srtp_rejected"
    assert isinstance(speaker.hears(speaker.rtp(1)), RtpPacket)
    assert listener.reads(forged(listener.rtcp(ssrc=7))) == "srtcp_rejected"
    assert listener.reads(listener.rtcp()) is False


# --- every kind has its budget ----------------------------------------------------------------


def test_reports_beyond_their_budget_are_not_read(listener: Client) -> None:
    answers = [listener.reads(listener.rtcp()) for _ in range(2000)]
    assert answers == [False] * 50 + ["rtcp_too_much"] * 1950
    later = [listener.reads(listener.rtcp(), now=1.0) for _ in range(100)]
    assert later == [False] * 25 + ["rtcp_too_much"] * 75


def test_reports_do_not_use_up_what_is_for_sound(speaker: Client) -> None:
    for _ in range(2000):
        speaker.reads(speaker.rtcp())
    assert isinstance(speaker.hears(speaker.rtp(1)), RtpPacket)


def test_sound_does_not_use_up_what_is_for_reports(speaker: Client) -> None:
    answers = [speaker.hears(speaker.rtp(index)) for index in range(3000)]
    assert answers[-1] == "rtp_too_much"
    assert speaker.reads(speaker.rtcp()) is False


@pytest.mark.parametrize("frame_ms", [2.5, 10, 20, 60])
def test_what_a_program_made_while_it_connected_is_taken_and_all_that_follows(
    speaker: Client, frame_ms: float
) -> None:
    """GStreamer sends all of it at once, as 510 kbit/s at the most: here 4 s, then 20 s more."""
    payload, packets = bytes(int(510 * frame_ms / 8)), int(24_000 / frame_ms)
    for index in range(packets):
        now = max(0.0, index * frame_ms / 1000 - 4)
        heard = speaker.hears(speaker.rtp(index, payload=payload), now)
        assert isinstance(heard, RtpPacket)


# --- what a session keeps ---------------------------------------------------------------------


def test_reports_of_ever_new_senders_do_not_reach_the_session(listener: Client) -> None:
    """libsrtp keeps each SSRC it ever authenticated, and searches them all for each packet."""
    answers = [listener.reads(listener.rtcp(ssrc), ssrc * 0.1) for ssrc in range(1, 1001)]
    assert answers == [False] + ["rtcp_unknown_stream"] * 999
    assert listener.into_rtcp.calls == 1
    assert listener.reads(listener.rtcp(ssrc=1), now=200.0) is False


@pytest.mark.parametrize("reports_first", [True, False])
def test_a_speaker_has_one_stream_and_at_most_one_more_sender_of_reports(
    speaker: Client, *, reports_first: bool
) -> None:
    """A receiver's reports may come from an SSRC of its own (RFC 3550, 6.4.2)."""
    if reports_first:
        assert speaker.reads(speaker.rtcp(ssrc=7)) is False
        assert isinstance(speaker.hears(speaker.rtp(1)), RtpPacket)
    else:
        assert isinstance(speaker.hears(speaker.rtp(1)), RtpPacket)
        assert speaker.reads(speaker.rtcp(ssrc=7)) is False
    assert speaker.reads(speaker.rtcp(ssrc=SSRC)) is False
    assert speaker.reads(speaker.rtcp(ssrc=8)) == "rtcp_unknown_stream"
    assert speaker.hears(speaker.rtp(1, ssrc=7)) == "rtp_unknown_stream"


# --- generated reports ------------------------------------------------------------------------


def test_generated_reports_signed_by_the_peer_end_in_an_answer(listener: Client) -> None:
    """Lengths that lie, types nobody knows, compound packets cut short: under a good signature."""
    dice = random.Random(20)
    answers = set[bool | str]()
    for turn in range(3000):
        kind = dice.choice([192, 199, 200, 201, 202, 203, 204, 205, 206, 207, 211, 223])
        head = bytes([dice.choice([0x80, 0x81, 0xA0, 0x9F]), kind])
        size = dice.choice([0, 1, 6, dice.randrange(0x10000)])
        body = head + size.to_bytes(2) + SSRC.to_bytes(4) + dice.randbytes(dice.randrange(300))
        answers.add(listener.reads(listener.rtcp(body=body), turn * 0.1))
        answers.add(listener.reads(head + dice.randbytes(dice.randrange(1400)), turn * 0.1))
    assert {False, True, "rtcp_malformed", "srtcp_rejected", "rtcp_unknown_stream"} >= answers
    assert {False, "rtcp_malformed", "rtcp_unknown_stream"} <= answers
    assert listener.reads(listener.rtcp(), now=1000.0) is False


def test_a_goodbye_of_a_stream_that_has_ended_is_none_of_the_one_after_it() -> None:
    sources = Sources()
    sources.believe_rtp(1)
    assert sources.knows_rtcp(1)
    sources.believe_rtp(2)
    assert not sources.knows_rtcp(1)
    assert sources.knows_rtcp(2)
