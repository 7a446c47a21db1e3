"""SDP of plain calls: one section both ways, a keypad, everything else turned down."""

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spaces_bridge.media.worker.edge import duplex_sdp
from spaces_bridge.media.worker.edge.duplex_sdp import OurDuplex
from spaces_bridge.media.worker.edge.sdp_answer import OurPlace, OurTransport
from spaces_bridge.media.worker.values import SdpRefused
from tests.support.plain_client import EVENTS, WIDE_EVENTS, PlainWire

pytestmark = pytest.mark.unit

PLACE = OurPlace(["203.0.113.7"], 5349, tcp=True)
TRANSPORT = OurTransport("ours", "ourpasswordofthatlength", ":".join(["AB"] * 32), PLACE)
OURS = OurDuplex(TRANSPORT, "passive", 3, 77, "space")


def answered(offer: str) -> list[str]:
    return duplex_sdp.write_answer(duplex_sdp.read_duplex(offer), OURS).split("\r\n")


def test_a_call_is_answered_both_ways_with_silence_left_out_and_the_offers_keypad() -> None:
    lines = answered(PlainWire().offer())
    assert "m=audio 5349 UDP/TLS/RTP/SAVPF 111 110 126" in lines  # no RED, which is never first
    assert "a=sendrecv" in lines
    [fmtp] = [line for line in lines if line.startswith("a=fmtp:111 ")]
    assert "usedtx=1" in fmtp.partition(" ")[2].split(";")
    assert {"a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 telephone-event/8000"} <= {*lines}
    assert not any(line.startswith("a=extmap") for line in lines)
    assert "o=- 1 3 IN IP4 0.0.0.0" in lines


def test_a_client_with_other_numbers_gets_its_own() -> None:
    offer = PlainWire().offer().replace("126", "101").replace("111", "96")
    lines = answered(offer)
    assert "m=audio 5349 UDP/TLS/RTP/SAVPF 96 110 101" in lines
    assert "a=rtpmap:101 telephone-event/8000" in lines


def test_video_is_turned_down_and_sound_is_not() -> None:
    lines = answered(PlainWire(video=True).offer())
    assert "m=video 0 UDP/TLS/RTP/SAVPF 96" in lines
    assert "a=group:BUNDLE 0" in lines


@pytest.mark.parametrize(
    ("theirs", "ours", "is_held", "sends"),
    [
        ("sendrecv", "sendrecv", False, True),
        ("sendonly", "recvonly", True, True),
        ("recvonly", "sendonly", False, False),
        ("inactive", "inactive", True, False),
    ],
)
def test_each_direction_has_its_answer(theirs: str, ours: str, is_held: bool, sends: bool) -> None:
    wire = PlainWire()
    wire.way = theirs
    read = duplex_sdp.read_duplex(wire.offer())
    assert (read.is_held, read.sends) == (is_held, sends)
    lines = duplex_sdp.write_answer(read, OURS).split("\r\n")
    assert f"a={ours}" in lines
    assert any(line.startswith("a=msid:space") for line in lines) is (ours.startswith("send"))


def test_the_sections_direction_counts_and_not_the_one_before_all() -> None:
    wire = PlainWire()
    wire.way = "sendonly"  # Firefox says a=sendrecv for the whole session
    offer = wire.offer().replace("t=0 0\r\n", "t=0 0\r\na=sendrecv\r\n")
    assert duplex_sdp.read_duplex(offer).is_held


def test_of_a_keypad_one_type_of_each_rate_is_taken_and_none_that_looks_like_rtcp() -> None:
    offer = PlainWire().offer()
    more = "a=rtpmap:126 telephone-event/8000\r\na=rtpmap:9 telephone-event/8000\r\n"
    crowd = offer.replace("a=rtpmap:126 telephone-event/8000\r\n", more)
    assert duplex_sdp.read_duplex(crowd).keypad == {WIDE_EVENTS: 48_000, EVENTS: 8_000}
    rtcp = offer.replace(" 126", " 72").replace(":126 ", ":72 ")
    assert duplex_sdp.read_duplex(rtcp).keypad == {WIDE_EVENTS: 48_000}
    not_offered = offer.replace(" 110 126", "")
    assert duplex_sdp.read_duplex(not_offered).keypad == {}
    opus = offer.replace("a=rtpmap:110 ", "a=rtpmap:111 ")
    assert duplex_sdp.read_duplex(opus).keypad == {EVENTS: 8_000}


def test_our_offer_is_read_by_ourselves() -> None:
    read = duplex_sdp.read_duplex(duplex_sdp.write_offer(OURS))
    assert read.direction == "sendrecv"
    assert read.audio.payload_type == duplex_sdp.OUR_KIND
    assert read.keypad == duplex_sdp.OUR_KEYPAD


LINES = PlainWire(video=True).offer().split("\r\n")


@settings(max_examples=300)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(LINES),
            st.text(max_size=40),
            st.from_regex(r"a=rtpmap:\d{0,4} telephone-event/\d{1,6}", fullmatch=True),
            st.from_regex(r"a=(ssrc|fmtp|setup|ice-ufrag):\S{0,30}", fullmatch=True),
        ),
        max_size=40,
    ).map("\r\n".join)
)
@example("")
@example("v=0\r\n" + "a=rtpmap:126 telephone-event/8000\r\n" * 2000)
def test_generated_descriptions_are_read_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(SdpRefused):
        read = duplex_sdp.read_duplex("v=0\r\n" + text)
        assert len(read.keypad) <= 2
        duplex_sdp.write_answer(read, OURS)
