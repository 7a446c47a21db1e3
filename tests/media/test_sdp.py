"""SDP: which offers are taken, how they are answered, and that refusals are plain."""

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spaces_bridge.media.worker.edge import sdp, sdp_answer
from spaces_bridge.media.worker.values import SdpRefused, StreamDirection

pytestmark = pytest.mark.unit

FINGERPRINT = ":".join(["AB"] * 32)
HEAD = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
TRANSPORT = (
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
    f"a=fingerprint:sha-256 {FINGERPRINT}\r\na=setup:actpass\r\na=rtcp-mux\r\n"
)
AUDIO = (
    "m=audio 9 UDP/TLS/RTP/SAVPF 63 111 9\r\nc=IN IP4 0.0.0.0\r\n" + TRANSPORT + "a=mid:0\r\n"
    "a=recvonly\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:9 G722/8000\r\n"
)
VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n" + TRANSPORT + "a=mid:1\r\n"
DATA = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\n"
PLACE = sdp_answer.OurPlace(["203.0.113.7", "2001:db8::7"], 5349, tcp=True)
OURS = sdp_answer.Ours(
    sdp_answer.OurTransport("ours", "ourpassword", FINGERPRINT, PLACE), ssrc=77, name="space"
)


def refusal(offer: str, direction: StreamDirection = StreamDirection.LISTEN) -> SdpRefused:
    with pytest.raises(SdpRefused) as caught:
        sdp.read_offer(offer, direction)
    return caught.value


def test_a_browser_offer_is_read() -> None:
    offer = sdp.read_offer(HEAD + AUDIO, StreamDirection.LISTEN)
    assert (offer.transport.ufrag, offer.transport.pwd) == ("abcd", "abcdefghijklmnopqrstuv")
    assert offer.transport.fingerprint == ("sha-256", b"\xab" * 32)
    assert (offer.payload_type, offer.mid) == (111, "0")


def test_transport_lines_may_stand_before_the_media_sections() -> None:
    offer = HEAD + TRANSPORT + AUDIO.replace(TRANSPORT, "a=rtcp-mux\r\n")
    assert sdp.read_offer(offer, StreamDirection.LISTEN).transport.ufrag == "abcd"


def test_lines_may_end_without_carriage_return() -> None:
    assert sdp.read_offer((HEAD + AUDIO).replace("\r\n", "\n"), StreamDirection.LISTEN).mid == "0"


def test_the_answer_is_lite_passive_and_names_one_port() -> None:
    offer = sdp.read_offer(HEAD + AUDIO, StreamDirection.LISTEN)
    lines = sdp_answer.write_answer(offer, StreamDirection.LISTEN, OURS).split("\r\n")
    assert "a=ice-lite" in lines
    assert "a=setup:passive" in lines
    assert "a=rtcp-mux" in lines
    assert "a=group:BUNDLE 0" in lines
    assert "a=mid:0" in lines
    assert "m=audio 5349 UDP/TLS/RTP/SAVPF 111" in lines
    assert "a=fmtp:111 minptime=10;useinbandfec=1" in lines
    assert "a=sendonly" in lines
    assert [line.split()[2:8] for line in lines if line.startswith("a=candidate:")] == [
        ["udp", str((126 << 24) | (65535 << 8) | 255), "203.0.113.7", "5349", "typ", "host"],
        ["udp", str((126 << 24) | (65534 << 8) | 255), "2001:db8::7", "5349", "typ", "host"],
        ["tcp", str((90 << 24) | (65535 << 8) | 255), "203.0.113.7", "5349", "typ", "host"],
        ["tcp", str((90 << 24) | (65534 << 8) | 255), "2001:db8::7", "5349", "typ", "host"],
    ]


def test_a_speaker_is_answered_with_receiving_only() -> None:
    offer = sdp.read_offer((HEAD + AUDIO).replace("recvonly", "sendonly"), StreamDirection.SPEAK)
    answer = sdp_answer.write_answer(offer, StreamDirection.SPEAK, OURS)
    assert "a=recvonly\r\n" in answer
    assert "a=sendonly" not in answer
    assert "a=ssrc" not in answer


def test_video_is_turned_down_in_its_place() -> None:
    offer = sdp.read_offer(HEAD + VIDEO + AUDIO, StreamDirection.LISTEN)
    answer = sdp_answer.write_answer(offer, StreamDirection.LISTEN, OURS)
    assert [line for line in answer.split("\r\n") if line.startswith(("m=", "a=mid"))] == [
        "m=video 0 UDP/TLS/RTP/SAVPF 96",
        "a=mid:1",
        "m=audio 5349 UDP/TLS/RTP/SAVPF 111",
        "a=mid:0",
    ]


SECOND = AUDIO.replace("mid:0", "mid:music")
UNWANTED = [
    VIDEO,
    DATA,
    SECOND,
    "m=audio 9 RTP/AVP 0\r\na=mid:3\r\n",
    AUDIO.replace("mid:0", "mid:4").replace("opus", "speex"),
    AUDIO.replace("mid:0", "mid:5").replace("recvonly", "inactive"),
    "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:6\r\na=inactive\r\n",
    "m=text 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:7\r\n",
    "m=image 9 udptl t38\r\na=mid:8\r\n",
    "m=application 9 TCP/DTLS/BFCP *\r\na=mid:9\r\n",
    "m=message 9/2 TCP/MSRP *\r\n",
]


@given(st.lists(st.sampled_from(UNWANTED), max_size=6), st.lists(st.sampled_from(UNWANTED)))
def test_one_section_is_answered_and_every_other_turned_down_in_its_place(
    before: list[str], after: list[str]
) -> None:
    sections = [*before, AUDIO, *after[:6]]
    mids = [mid for text in sections if (mid := line_of(text, "a=mid:"))]
    text = HEAD.replace("BUNDLE 0", "BUNDLE " + " ".join(mids)) + "".join(sections)
    answer = sdp_answer.write_answer(
        sdp.read_offer(text, StreamDirection.LISTEN), StreamDirection.LISTEN, OURS
    )
    place = next(i for i, section in enumerate(sections) if section in (AUDIO, SECOND))
    answered = ["m=" + part for part in answer.split("\r\nm=")[1:]]
    assert len(answered) == len(sections)
    for i, (offered, given_) in enumerate(zip(sections, answered, strict=True)):
        kind, _, protocol = line_of(offered, "m=").split()[:3]
        assert line_of(given_, "m=").split()[:3] == [kind, "5349" if i == place else "0", protocol]
        assert line_of(given_, "a=mid:") == line_of(offered, "a=mid:")
    assert line_of(answer, "a=group:") == "BUNDLE " + line_of(sections[place], "a=mid:")


def line_of(text: str, begin: str) -> str:
    found = [line for line in text.split("\r\n") if line.startswith(begin)]
    return found[0].removeprefix(begin) if found else ""


def test_an_offer_without_a_group_is_answered_without_one() -> None:
    text = HEAD.replace("a=group:BUNDLE 0\r\n", "") + AUDIO
    offer = sdp.read_offer(text, StreamDirection.LISTEN)
    assert "a=group" not in sdp_answer.write_answer(offer, StreamDirection.LISTEN, OURS)


def test_a_section_that_is_bundle_only_takes_the_transport_of_its_group() -> None:
    only = AUDIO.replace(TRANSPORT, "a=bundle-only\r\n").replace("m=audio 9", "m=audio 0")
    offer = sdp.read_offer(
        HEAD.replace("BUNDLE 0", "BUNDLE 1 0") + VIDEO + only, StreamDirection.LISTEN
    )
    assert (offer.transport.ufrag, offer.place, offer.transport.fingerprint[0]) == (
        "abcd",
        1,
        "sha-256",
    )


@pytest.mark.parametrize(
    "odd",
    [
        "a=ssrc:1 msid:caf\N{NO-BREAK SPACE}\N{SOFT HYPHEN} \N{GRINNING FACE}\r\n",
        "a=never-heard-of:this\r\n",
        "a=extmap:1/sendonly urn:x\r\na=extmap-allow-mixed\r\n",
        "a=rtpmap:junk\r\na=rtpmap:300 opus/48000/2\r\na=rtcp-fb:* nack\r\n",
        "a=fingerprint:md5 00:11\r\n",
        "b=AS:64\t \r\nk=clear:x\r\n",
    ],
)
def test_lines_that_are_not_understood_are_passed_over(odd: str) -> None:
    plain = sdp.read_offer(HEAD + AUDIO, StreamDirection.LISTEN)
    assert sdp.read_offer(HEAD + AUDIO + odd, StreamDirection.LISTEN) == plain


@pytest.mark.parametrize("codec", ["opus/48000/2", "OPUS/48000/2", "opus/48000", "opus/48000/1"])
@pytest.mark.parametrize(
    "protocol", ["UDP/TLS/RTP/SAVP", "TCP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF", "RTP/SAVPF"]
)
def test_senders_may_write_it_their_own_way(codec: str, protocol: str) -> None:
    text = AUDIO.replace("opus/48000/2", codec).replace("UDP/TLS/RTP/SAVPF", protocol)
    offer = sdp.read_offer(HEAD + text, StreamDirection.LISTEN)
    answer = sdp_answer.write_answer(offer, StreamDirection.LISTEN, OURS)
    assert line_of(answer, "m=") == f"audio 5349 {protocol} 111"
    assert line_of(answer, "a=rtpmap:") == "111 opus/48000/2"


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("actpass", "passive"), ("active", "passive"), ("passive", "active")],
)
@pytest.mark.parametrize("in_head", [True, False])
def test_the_dtls_role_is_the_one_the_offer_leaves(
    offered: str, answered: str, in_head: bool
) -> None:
    line = f"a=setup:{offered}\r\n"
    audio = AUDIO.replace("a=setup:actpass\r\n", "" if in_head else line)
    offer = sdp.read_offer(HEAD + (line if in_head else "") + audio, StreamDirection.LISTEN)
    assert (
        line_of(sdp_answer.write_answer(offer, StreamDirection.LISTEN, OURS), "a=setup:")
        == answered
    )


def test_a_speaker_is_asked_for_silence_to_be_silent_and_told_the_limits() -> None:
    offer = sdp.read_offer((HEAD + AUDIO).replace("recvonly", "sendrecv"), StreamDirection.SPEAK)
    answer = sdp_answer.write_answer(offer, StreamDirection.SPEAK, OURS)
    parameters = dict(
        parameter.split("=") for parameter in line_of(answer, "a=fmtp:111 ").split(";")
    )
    assert parameters["usedtx"] == "1"
    assert parameters["useinbandfec"] == "1"
    assert parameters["maxaveragebitrate"] == "64000"
    assert (line_of(answer, "a=ptime:"), line_of(answer, "a=maxptime:")) == ("20", "120")


@pytest.mark.parametrize("direction", [StreamDirection.LISTEN, StreamDirection.SPEAK])
def test_no_extension_is_answered_that_is_not_spoken_here(direction: StreamDirection) -> None:
    extensions = "".join(f"a=extmap:{n} urn:ietf:params:rtp-hdrext:sdes:mid\r\n" for n in (3, 4))
    text = (HEAD + AUDIO + extensions).replace("recvonly", "sendrecv")
    answer = sdp_answer.write_answer(sdp.read_offer(text, direction), direction, OURS)
    assert "extmap" not in answer


def test_candidates_do_not_matter_whatever_they_hold() -> None:
    candidates = "".join(f"a=candidate:{n} 1 udp 1 10.0.0.{n} 53 typ host\r\n" for n in range(100))
    plain, full = HEAD + AUDIO, HEAD + AUDIO + candidates + "a=candidate:junk\r\n"
    assert sdp.read_offer(full, StreamDirection.LISTEN) == sdp.read_offer(
        plain, StreamDirection.LISTEN
    )


@pytest.mark.parametrize(
    ("offer", "code"),
    [
        (HEAD + DATA, "not_one_audio"),
        (HEAD + AUDIO + "a=x:" + "y" * 20_000, "too_big"),
        (HEAD + AUDIO + "a=x:" + "\N{GRINNING FACE}" * 4000, "too_big"),
        ("", "malformed"),
        ("hello", "malformed"),
        ("v=0\r\nm=audio", "malformed"),
        (HEAD + AUDIO + "a", "malformed"),
        (HEAD + AUDIO + "a=mid\x00:1", "malformed"),
        (HEAD + AUDIO.replace("a=mid:0", "a=mid:0 \N{GRINNING FACE}"), "malformed"),
        (HEAD + AUDIO + "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n" * 64, "malformed"),
        (HEAD, "not_one_audio"),
        (HEAD + VIDEO, "not_one_audio"),
        (HEAD + AUDIO.replace("m=audio 9", "m=audio 0"), "not_one_audio"),
        (HEAD + AUDIO.replace("recvonly", "inactive") * 2, "direction"),
        (HEAD + AUDIO.replace("opus", "speex"), "no_opus"),
        (HEAD + AUDIO.replace("rtpmap:111", "rtpmap:112"), "no_opus"),
        (HEAD + AUDIO.replace("111", "72"), "no_opus"),
        (HEAD + AUDIO.replace("111", "1" * 4000), "malformed"),
        (HEAD + AUDIO.replace("a=ice-ufrag:abcd\r\n", ""), "no_ice"),
        (HEAD + AUDIO.replace("abcdefghijklmnopqrstuv", "short"), "no_ice"),
        (HEAD + AUDIO.replace("abcd\r", "ab:d\r"), "no_ice"),
        (HEAD + AUDIO.replace("sha-256", "sha-1"), "no_fingerprint"),
        (HEAD + AUDIO.replace(FINGERPRINT, "AB:CD"), "no_fingerprint"),
        (HEAD + AUDIO.replace("actpass", "holdconn"), "setup"),
        (HEAD + AUDIO.replace("a=rtcp-mux\r\n", ""), "no_rtcp_mux"),
        (HEAD + AUDIO.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "not_encrypted"),
        (HEAD + AUDIO.replace("recvonly", "inactive"), "direction"),
        (HEAD + AUDIO.replace("recvonly", "sendonly"), "direction"),
    ],
)
def test_a_refusal_says_what_to_do(offer: str, code: str) -> None:
    refused = refusal(offer)
    assert refused.code == code
    assert refused.text.endswith(".")
    assert len(refused.text) > 30


def test_a_microphone_that_only_receives_is_refused() -> None:
    assert refusal(HEAD + AUDIO, StreamDirection.SPEAK).code == "direction"


@settings(max_examples=400)
@given(
    st.lists(
        st.tuples(st.integers(0, len(HEAD + AUDIO + VIDEO)), st.integers(0, 30), st.text())
        | st.tuples(
            st.integers(0, len(HEAD + AUDIO + VIDEO)),
            st.integers(0, 30),
            st.sampled_from(["m=", "a=rtpmap:", "\r\n", "a=fingerprint:", " ", "a=setup:", ":"]),
        ),
        max_size=6,
    )
)
@example([(50, 0, "m="), (50, 11, "")])  # a group of nothing, not even a kind
def test_no_damaged_offer_does_more_than_being_refused(
    damages: list[tuple[int, int, str]],
) -> None:
    offer = HEAD + AUDIO + VIDEO
    for at, size, junk in damages:
        offer = offer[:at] + junk + offer[at + size :]
    read = None
    with contextlib.suppress(SdpRefused):
        read = sdp.read_offer(offer, StreamDirection.LISTEN)
    if read is not None:
        answer = sdp_answer.write_answer(read, StreamDirection.LISTEN, OURS)
        assert answer.count("\r\nm=audio 5349 ") == 1


@given(st.text(max_size=300))
def test_no_text_at_all_is_more_than_refused(offer: str) -> None:
    assert refusal(offer).code in {"malformed", "not_one_audio"}  # "v=0" is SDP
