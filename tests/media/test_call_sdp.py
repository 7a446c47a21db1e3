"""SDP of call peers: real clients' offers are read, ours is written, and nothing else gets in."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces_bridge.media.worker.edge import call_sdp, sdp_sections
from spaces_bridge.media.worker.edge.call_sdp import OurSection, SentStream
from spaces_bridge.media.worker.edge.sdp_answer import OurPlace, OurTransport
from spaces_bridge.media.worker.edge.sdp_sections import MAX_LINES, MAX_SECTIONS
from spaces_bridge.media.worker.values import SdpRefused
from tests.support.call_client import CallWire, sections_of

pytestmark = pytest.mark.unit

OFFERS = Path(__file__).parent / "offers"
OURS = OurTransport("ours", "ourpassword", "AB:CD", OurPlace(["203.0.113.7"], 5349, tcp=True))


def offer(name: str) -> str:
    return (OFFERS / f"{name}.sdp").read_bytes().decode()


def refusal(text: str) -> SdpRefused:
    with pytest.raises(SdpRefused) as caught:
        call_sdp.read_call(text)
    return caught.value


def answer_to(read: call_sdp.CallDescription) -> str:
    sections = [
        OurSection(each.asked, each.payload_type, idle=each.idle, has_data=each.has_data)
        for each in read.sections
    ]
    return call_sdp.write_call(
        sections, OURS, setup="passive", version=1, is_bundled=read.is_bundled
    )


@pytest.mark.parametrize(
    ("name", "kind"), [("chromium-first", 111), ("firefox-first", 109), ("livekit-python", 111)]
)
def test_the_first_offers_of_real_clients_are_read(name: str, kind: int) -> None:
    read = call_sdp.read_call(offer(name))
    taken = [each for each in read.sections if each.payload_type is not None]
    assert {each.asked.mid for each in taken} == {"0", "1", "2"}
    assert {each.payload_type for each in taken} == {kind}
    assert all(each.receives and not each.sends for each in taken)
    assert read.is_bundled
    assert len(read.sections) == 7
    assert read.transport.dials


@pytest.mark.parametrize(
    ("name", "mid"), [("chromium-microphone", "13"), ("firefox-microphone", "7")]
)
def test_a_real_client_that_publishes_says_on_which_section_and_from_which_ssrc(
    name: str, mid: str
) -> None:
    read = call_sdp.read_call(offer(name))
    [microphone] = [each for each in read.sections if each.sends]
    assert microphone.asked.mid == mid
    assert not microphone.receives
    assert len(microphone.ssrcs) == 1
    assert f"a=ssrc:{next(iter(microphone.ssrcs))} cname:" in offer(name)


@pytest.mark.parametrize("name", ["chromium-microphone", "firefox-microphone", "livekit-python"])
def test_each_section_of_a_real_offer_is_answered_in_its_place(name: str) -> None:
    text = offer(name)
    answer = answer_to(call_sdp.read_call(text))
    offered = [line.split() for line in text.split("\r\n") if line.startswith("m=")]
    assert [line.split()[0] for line in answer.split("\r\n") if line.startswith("m=")] == [
        kind for kind, *_ in offered
    ]
    # Firefox offers port 0 for audio that is bundled, and for what was turned down before
    was_open = [kind == "m=audio" or port != "0" for kind, port, *_ in offered]
    assert [each.port for each in sections_of(answer)] == [5349 if it else 0 for it in was_open]
    assert answer.count("a=candidate:") == 2  # once: all share one transport
    group = answer.split("a=group:BUNDLE ")[1].split("\r\n")[0]
    assert len(group.split()) == was_open.count(True)


def test_a_section_says_what_is_sent_and_what_is_taken_on_it() -> None:
    wire = CallWire(2, more=False)
    wire.publish()
    read = call_sdp.read_call(wire.offer())
    one, two, microphone = [each.asked for each in read.sections]
    text = call_sdp.write_call(
        [
            OurSection(one, 111, sends=SentStream("PA_a|TR_a", "TR_a", 77)),
            OurSection(two, 111),
            OurSection(microphone, 111, receives=True),
        ],
        OURS,
        setup="passive",
        version=4,
    )
    first, second, third = sections_of(text)
    assert (first.direction, first.msid, first.ssrc) == ("sendonly", "PA_a|TR_a TR_a", 77)
    assert (second.direction, second.ssrc) == ("inactive", None)
    assert third.direction == "recvonly"
    assert text.startswith("v=0\r\no=- 1 4 IN IP4 0.0.0.0\r\n")
    assert text.count("usedtx=1") == 1
    assert "extmap" not in text


def test_what_we_write_can_be_read_as_a_clients() -> None:
    sent = SentStream("PA_a|TR_a", "TR_a", 77)
    ours = OurTransport("a" * 12, "b" * 24, ":".join(["AB"] * 32), OURS.place)
    text = call_sdp.write_call(
        [call_sdp.offered("0", 111, sent), call_sdp.offered("1", 111, None)],
        ours,
        setup="actpass",
        version=1,
    )
    read = call_sdp.read_call(text)
    assert [(each.sends, each.receives) for each in read.sections] == [
        (True, False),
        (False, False),
    ]
    assert read.sections[0].ssrcs == {77}


def test_only_sections_of_the_one_transport_are_taken() -> None:
    wire = CallWire(3, more=False)
    text = wire.offer().replace("BUNDLE 0 1 2", "BUNDLE 0 2")
    kinds = [each.payload_type for each in call_sdp.read_call(text).sections]
    assert kinds == [111, None, 111]
    alone = wire.offer().replace("a=group:BUNDLE 0 1 2\r\n", "")
    assert [each.payload_type for each in call_sdp.read_call(alone).sections] == [111, None, None]


def test_of_a_group_no_more_is_looked_at_than_there_may_be_sections() -> None:
    text = CallWire(2, more=False).offer()
    crowd = text.replace("BUNDLE 0 1", "BUNDLE 0" + " x" * (MAX_SECTIONS - 1) + " 1")
    kinds = [each.payload_type for each in call_sdp.read_call(crowd).sections]
    assert kinds == [111, None]


VIDEO = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=rtcp-mux\r\na=recvonly\r\n"
    "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=fmtp:97 apt=96\r\n"
)


def test_a_section_of_video_stays_open_with_its_first_codec_and_carries_nothing() -> None:
    head = CallWire(1, more=False).offer().replace("BUNDLE 0", "BUNDLE 0 1")
    answer = answer_to(call_sdp.read_call(head + VIDEO))
    [audio, video] = answer.split("\r\nm=")[1:]
    assert video.startswith("video 5349 UDP/TLS/RTP/SAVPF 96\r\n")
    assert "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=inactive" in video
    assert "apt=96" not in video
    assert "a=candidate" in audio
    assert "a=candidate" not in video
    assert "a=group:BUNDLE 0 1\r\n" in answer


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("a=rtpmap:96 H264/90000", "a=rtpmap:"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap:96 \N{GRINNING FACE}/90000"),
        ("a=rtpmap:96 H264/90000", "a=rtpmap:98 H264/90000"),
        ("UDP/TLS/RTP/SAVPF 96 97", "UDP/TLS/RTP/SAVPF !"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        ("a=mid:1", "a=mid:2"),
        ("video 9", "video 0"),
        ("video 9", "text 9"),
    ],
)
def test_a_section_of_video_that_nothing_is_known_of_is_turned_down(
    line: str, instead: str
) -> None:
    head = CallWire(1, more=False).offer().replace("BUNDLE 0", "BUNDLE 0 1")
    answer = answer_to(call_sdp.read_call(head + VIDEO.replace(line, instead)))
    assert [each.port for each in sections_of(answer)] == [5349, 0]
    assert "a=group:BUNDLE 0\r\n" in answer


DATA = (
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\na=sctp-port:5000\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\n"
)


def test_a_section_of_data_is_answered_as_such() -> None:
    head = CallWire(1, more=False).offer().replace("BUNDLE 0", "BUNDLE 0 1")
    read = call_sdp.read_call(head + DATA)
    assert read.has_data
    data = answer_to(read).split("\r\nm=")[2]
    assert data.startswith("application 5349 UDP/DTLS/SCTP webrtc-datachannel\r\n")
    assert "a=sctp-port:5000\r\na=max-message-size:65536" in data
    assert not any(line in data for line in ("rtcp-mux", "a=candidate", "a=inactive"))


def test_data_may_come_alone() -> None:
    head = CallWire(0, more=False).offer().replace("BUNDLE ", "BUNDLE 1")
    read = call_sdp.read_call(head + DATA)
    assert read.has_data
    assert read.transport.ufrag == "abcd"
    assert "a=group:BUNDLE 1\r\n" in answer_to(read)


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("application 9", "application 0"),
        ("application 9", "text 9"),
        ("UDP/DTLS/SCTP", "DTLS/SCTP"),
        ("webrtc-datachannel", "5000"),
        ("a=mid:1", "a=mid:2"),
    ],
)
def test_another_section_of_data_is_turned_down(line: str, instead: str) -> None:
    head = CallWire(1, more=False).offer().replace("BUNDLE 0", "BUNDLE 0 1")
    read = call_sdp.read_call(head + DATA.replace(line, instead))
    assert not read.has_data
    assert [each.port for each in sections_of(answer_to(read))] == [5349, 0]


def test_data_is_taken_once_and_only_where_the_sound_is() -> None:
    wire = CallWire(1, more=False).offer()
    twice = wire.replace("BUNDLE 0", "BUNDLE 0 1 2") + DATA + DATA.replace("mid:1", "mid:2")
    assert [each.has_data for each in call_sdp.read_call(twice).sections] == [False, True, False]
    apart = wire.replace("BUNDLE 0", "BUNDLE 1") + DATA
    assert not call_sdp.read_call(apart).has_data


def test_what_a_section_lacks_costs_only_that_section() -> None:
    text = CallWire(3).offer().replace("opus", "speex", 1).replace("RTP/SAVPF 63", "RTP/AVP 63", 1)
    kinds = [each.payload_type for each in call_sdp.read_call(text).sections]
    assert kinds == [None, 111, 111, None, None]


def test_a_section_without_announced_ssrcs_or_with_a_crowd_of_them_is_read() -> None:
    wire = CallWire(1, more=False)
    crowd = "".join(f"a=ssrc:{ssrc} cname:x\r\n" for ssrc in range(1, 5000))
    odd = "a=ssrc:\r\na=ssrc:x y\r\na=ssrc:99999999999 cname:x\r\n"
    [plain] = call_sdp.read_call(wire.offer()).sections
    [many] = call_sdp.read_call(wire.offer() + odd + crowd[:40_000]).sections
    assert plain.ssrcs == frozenset()
    assert len(many.ssrcs) == sdp_sections.MAX_SSRCS


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "malformed"),
        (CallWire(0, more=False).offer(), "not_one_audio"),
        (CallWire(0).offer().replace("DTLS/SCTP", "SCTP"), "not_one_audio"),
        (CallWire(65, more=False).offer(), "malformed"),
        (CallWire(2).offer().replace("a=mid:1", "a=mid:0"), "malformed"),
        (CallWire(1).offer().replace("opus", "speex"), "no_opus"),
        (CallWire(1).offer().replace("a=ice-pwd", "a=x"), "no_ice"),
        (CallWire(1).offer().replace("sha-256", "sha-1"), "no_fingerprint"),
        (CallWire(1).offer().replace("actpass", "holdconn"), "setup"),
        (CallWire(1).offer() + "a=x:" + "y" * (64 << 10), "too_big"),
        (CallWire(1).offer() + "a=a\n" * MAX_LINES, "too_big"),
        (CallWire(1).offer().replace("SAVPF 63", "SAVPF" + 9 * " " + "63"), "malformed"),
    ],
)
def test_a_refusal_says_what_to_do(text: str, code: str) -> None:
    refused = refusal(text)
    assert refused.code == code
    assert refused.text.endswith(".")


REAL = [offer(path.stem) for path in sorted(OFFERS.glob("*.sdp"))]
JUNK = st.text(max_size=20) | st.sampled_from(
    [
        "m=",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:0",
        "\r\n",
        "a=ssrc:",
        "a=group:BUNDLE",
        " ",
        ":",
    ]
)


@settings(max_examples=300)
@given(
    st.sampled_from(REAL),
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 400), JUNK), max_size=6),
)
def test_no_damaged_offer_does_more_than_being_refused(
    text: str, damages: list[tuple[int, int, str]]
) -> None:
    for at, size, junk in damages:
        text = text[:at] + junk + text[at + size :]
    read = None
    with contextlib.suppress(SdpRefused):
        read = call_sdp.read_call(text)
    if read is not None:
        answer = answer_to(read)
        assert len(sections_of(answer)) == len(read.sections)
        assert answer.count("a=candidate:") == 2


@given(st.text(max_size=300))
def test_no_text_at_all_is_more_than_refused(text: str) -> None:
    assert refusal(text).code in {"malformed", "not_one_audio"}
