"""The media plane's parsers of what strangers send, as a fuzzer calls them.

Each takes any bytes and returns what became of them: "taken", or the name of the refusal. Whatever
else is raised is a fault.
"""

import dataclasses
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from spaces_bridge.media.worker.edge import (
    call_sdp,
    dtls_intake,
    duplex_sdp,
    resume,
    rtp,
    sdp,
    stun,
    tcp,
)
from spaces_bridge.media.worker.edge.dtls import Handshake, HandshakeFailed, Identity
from spaces_bridge.media.worker.edge.fanout import FanOut
from spaces_bridge.media.worker.edge.keypad import Keypad
from spaces_bridge.media.worker.edge.paths import UdpPort
from spaces_bridge.media.worker.edge.sctp.channels import DataChannels
from spaces_bridge.media.worker.mix.jitter import LONGEST_S
from spaces_bridge.media.worker.mix.opus import FRAME, LONGEST, SAMPLE_RATE
from spaces_bridge.media.worker.mix.speaker import Speaker
from spaces_bridge.media.worker.process import _UNUSABLE
from spaces_bridge.media.worker.values import ResumeRecord, RtpPacket, SdpRefused, StreamDirection

CORPUS = Path(__file__).with_name("corpus")
NOW = 1000.0

Parser = Callable[[bytes], str]


def _stun(data: bytes) -> str:
    message = stun.parse(data)
    if message is None:
        return "refused"
    assert not message.signed_with("nobody's")
    answer = stun.success(message, ("2001:db8::1", 5), "ours")
    assert len(answer) <= stun.MAX_MESSAGE
    return "taken" if message.username or message.nominates else "of nobody"


def _rtp(data: bytes) -> str:
    packet = rtp.parse(data)
    if packet is None:
        return "refused"
    assert packet.payload in data
    pressed = Keypad({packet.payload_type: 8000}).press(packet, NOW)
    return "taken" if pressed is None else "a key"


def _opus(data: bytes) -> str:
    """A stream: each packet is one byte of its size, two of its step in time, and a payload."""
    speaker, at, heard = Speaker("peer"), 0, False
    for number in range(20):
        if not data:
            break
        size, step, data = data[0], int.from_bytes(data[1:3], signed=True), data[3:]
        payload, data = data[:size], data[size:]
        at += step * 120
        packet = RtpPacket(number, at & 0xFFFFFFFF, False, 111, 1, payload)
        speaker.receive(packet, NOW + number * 0.02)
        assert speaker.jitter.held_samples <= LONGEST_S * SAMPLE_RATE + LONGEST
        frame = speaker.frame(NOW + 0.2 + number * 0.02)
        assert frame is None or frame.shape == (FRAME,)
        heard = heard or frame is not None
    return "refused by libopus" if speaker.broken else "taken" if heard else "refused"


def _rtcp(data: bytes) -> str:
    rtp.rtcp_sender(data)
    news = rtp.read_rtcp(data)
    if news is None:
        return "refused"
    reception = rtp.ReceptionStatistics()
    reception.took(0xFFFF, 0, NOW)
    reception.heard_sender_report(news.sender_ntp or 0, NOW)
    assert len(reception.report(1, 2, "space", NOW + 1)) < 100
    return "left" if news.left else "taken"


def _sdp(data: bytes) -> str:
    text, outcomes = data.decode("utf-8", errors="surrogateescape"), set[str]()
    for read in (
        lambda: sdp.read_offer(text, StreamDirection.LISTEN),
        lambda: sdp.read_offer(text, StreamDirection.SPEAK),
        lambda: call_sdp.read_call(text),
        lambda: duplex_sdp.read_duplex(text),
    ):
        try:
            read()
            outcomes.add("taken")
        except SdpRefused as refusal:
            outcomes.add(refusal.code)
    return "taken" if "taken" in outcomes else min(outcomes)


_OURS = Identity()


def _dtls(data: bytes) -> str:
    """Datagrams of one handshake, each behind two bytes of its size."""
    handshake, outcome = Handshake(_OURS, ("sha-256", bytes(32))), "refused"
    while len(data) >= 2:
        size = int.from_bytes(data[:2])
        datagram, data = data[2 : 2 + size], data[2 + size :]
        assert dtls_intake.count(datagram) >= 1
        try:
            if handshake.receive(datagram) is not None:
                outcome = "taken"
        except HandshakeFailed:
            return "failed"
        assert sum(map(len, handshake.outgoing())) < 8192
    return outcome


def _tcp(data: bytes) -> str:
    deframer, found = tcp.Deframer(), 0
    for at in range(0, len(data), 7):
        try:
            found += len(deframer.feed(data[at : at + 7]))
        except tcp.BadFrame:
            return "refused"
    return "taken" if found else "not whole"


def _sctp(data: bytes) -> str:
    """Packets of one association, each behind two bytes of its size."""
    channels, outcome = DataChannels(), "refused"
    while len(data) >= 2:
        size = int.from_bytes(data[:2])
        packet, data = data[2 : 2 + size], data[2 + size :]
        answers = channels.receive(packet, NOW)
        if answers is not None:
            outcome = "taken"
            assert sum(map(len, answers)) <= 4096
    return outcome


def _resume(data: bytes) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        port, fan = UdpPort(sock, lambda *_: None, 0), FanOut()
        try:
            record = ResumeRecord.decode(data)
            peer = resume.revive("peer", dataclasses.replace(record), [port], fan, record.made_at)
        except _UNUSABLE:
            assert not port.paths
            assert fan.progress("peer") is None
            return "refused"
    peer.ice.forget_all()
    return "taken"


PARSERS: Mapping[str, Parser] = {
    "stun": _stun,
    "rtp": _rtp,
    "opus": _opus,
    "rtcp": _rtcp,
    "sdp": _sdp,
    "dtls": _dtls,
    "tcp": _tcp,
    "sctp": _sctp,
    "resume": _resume,
}


def corpus(name: str) -> list[bytes]:
    """The kept inputs of a parser: hexadecimal, one a line."""
    return [bytes.fromhex(line) for line in (CORPUS / f"{name}.txt").read_text().splitlines()]
