"""One WebRTC peer: its ICE, its DTLS, its SRTP, and what it may send."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.edge.allowance import forgeries
from spaces_bridge.media.worker.edge.dtls import HandshakeStep, Identity
from spaces_bridge.media.worker.edge.fanout import Progress
from spaces_bridge.media.worker.edge.ice import Ice
from spaces_bridge.media.worker.edge.jumps import Jumps
from spaces_bridge.media.worker.edge.paths import Path
from spaces_bridge.media.worker.edge.peer_dtls import PeerDtls
from spaces_bridge.media.worker.edge.sdp_sections import Transport
from spaces_bridge.media.worker.edge.sources import Sources
from spaces_bridge.media.worker.edge.srtp import Inbound, Keys, Outbound
from spaces_bridge.media.worker.values import NEW, PeerState, RtpPacket, StreamDirection
from spaces_bridge.pacing.token_bucket import TokenBucket

JOIN_S = 15.0
"""A client that has not connected by then is forgotten."""

ENDED_S = 0.2
"""A stream that was not heard for so long may have ended: another SSRC is looked at then."""
SENDER_PACKETS_PER_S = 450.0
"""Packets: 400 with frames of 2.5 ms, the shortest of Opus, and some RTCP."""
SENDER_OCTETS_PER_S = 128_000.0
"""Bytes: Opus as fast as encoders make it (GStreamer: 650 kbit/s; FFmpeg, OBS, browsers less),
with RTP header, extension and tag on 400 packets; more is no sound that anybody needs."""
SENDER_BACKLOG_S = 5.0
"""Seconds of sound that may come at once: GStreamer keeps what it makes while it connects (3 to
4 s on a busy machine) and sends it then, and a network that stalled hands over what it held."""
CUT_IS_TOLD = 50
"""Packets beyond the allowance after which it is no hiccup any more: the sender is told."""

_SENDER_REPORT_S = 10.0
_RECEIVER_REPORT_S = 2.0


def _sound(per_s: float) -> TokenBucket:
    return TokenBucket(rate=per_s, burst=per_s * SENDER_BACKLOG_S)


@dataclass(slots=True)
class Link:
    """A link is the encrypted media of a connected peer."""

    keys: Keys
    out: Outbound
    into: Inbound
    reception: rtp.ReceptionStatistics = field(default_factory=rtp.ReceptionStatistics)
    jumps: Jumps = field(default_factory=Jumps)
    report_at: float = 0.0

    @classmethod
    def made(cls, keys: Keys, ssrc: int) -> "Link":
        """Make a link with fresh SRTP sessions."""
        out = Outbound(keys.profile, keys.tx, ssrc)
        return cls(keys, out, Inbound(keys.profile, keys.rx))


class Peer:
    """A peer is the state of one client. Methods return what happened; the edge acts on it."""

    def __init__(
        self, peer_id: str, direction: StreamDirection, ice: Ice, payload_type: int, now: float
    ) -> None:
        self.id = peer_id
        self.direction = direction
        self.takes_sound = direction is StreamDirection.SPEAK
        self.sources = Sources()
        self.ice = ice
        self.payload_type = payload_type
        self.state: PeerState = NEW
        self.since = self.heard_at = now
        self.joins_within_s = JOIN_S
        self.link: Link | None = None
        self.ssrc = 0
        self.name = "space"
        self.dtls = PeerDtls(carries_data=direction is StreamDirection.CALL)
        self._packets = _sound(SENDER_PACKETS_PER_S)
        self._octets = _sound(SENDER_OCTETS_PER_S)
        self._reports = TokenBucket(rate=25, burst=50)  # clients send one in 1 to 5 s
        self._records = TokenBucket(rate=25, burst=50)  # DTLS that comes after the handshake
        self._frames = TokenBucket(rate=1000, burst=2000)  # all that comes by TCP
        self._forged = forgeries()
        self._others = TokenBucket(rate=25, burst=25)  # packets of other streams looked at
        self._sound_at = now
        self._cut = 0

    def expect(self, identity: Identity, theirs: Transport, ssrc: int) -> None:
        """Prepare for the DTLS handshake with the client that has this transport."""
        self.ssrc = ssrc
        self.dtls.expect(identity, theirs.fingerprint, dials=not theirs.dials)

    # --- DTLS ----------------------------------------------------------------------------------

    def receive_dtls(self, datagram: bytes, path: Path, now: float) -> HandshakeStep | None:
        """Take in a DTLS datagram; return None if it is refused. Raises WrongCertificate."""
        if self.link is not None and not self._records.take(1, now):
            return None
        step = self.dtls.receive(datagram, path, is_selected=path is self.ice.selected)
        if not isinstance(step, Keys):
            return step
        self.link = Link.made(step, self.ssrc)
        self.ice.established(path)
        return HandshakeStep.ESTABLISHED

    def dial(self, path: Path) -> None:
        """Begin the DTLS handshake on a checked path, if it is ours to begin."""
        if self.link is None:
            self.dtls.dial(path)

    def retransmit(self) -> None:
        """Repeat our part of a handshake that is under way, if it is time to."""
        if self.link is None:
            self.dtls.retransmit(self.ice.selected)

    # --- media ---------------------------------------------------------------------------------
    #
    # First what a look at the header tells; then the signature; and only what holds is charged
    # to the peer: else anybody who can forge its address could silence it.

    def may_send_frame(self, now: float) -> bool:
        """Charge for a packet by TCP, which nobody can forge; return whether it is welcome."""
        return self._frames.take(1, now)

    def receive_rtp(self, datagram: bytes, path: Path, now: float) -> RtpPacket | str:
        """Return the Opus packet in a datagram, or the reason why it is refused."""
        link, fields = self.link, rtp.header(datagram)
        if fields is None:
            return "rtp_malformed"
        if not self.takes_sound or link is None:
            return "rtp_unwanted"
        kind, sequence, timestamp, ssrc = fields
        if not self.takes_kind(kind):
            return "rtp_unknown_stream"
        if not self.sources.knows_rtp(ssrc):
            return self._hear_other(link, datagram, path, now)
        jump = link.reception.ahead(sequence)
        if not link.jumps.allows(jump, now):
            return "rtp_jump"
        opened = self._open(link.into.open, datagram, now)
        if opened is None:
            return "srtp_rejected"
        self.sources.believe_rtp(ssrc)
        link.jumps.took(jump)
        # also of what is dropped for being too much: the session's index has moved with it
        self._heard_media(sequence, timestamp, path, now)
        return self._charged(opened, datagram, now)

    def _hear_other(self, link: Link, datagram: bytes, path: Path, now: float) -> RtpPacket | str:
        """Take a packet of another SSRC, if the stream before has ended and it is authentic.

        What is forged is counted apart, so that it costs the stream that goes on nothing.
        """
        ssrc = int.from_bytes(datagram[8:12])
        ended = now - self._sound_at >= ENDED_S and self.sources.may_follow(ssrc)
        opened = link.into.open(datagram) if ended and self._others.take(1, now) else None
        fields = None if opened is None else rtp.header(opened)
        if opened is None or fields is None:
            return "rtp_unknown_stream"
        self.sources.believe_rtp(ssrc)
        link.reception = rtp.ReceptionStatistics()
        self._heard_media(fields[1], fields[2], path, now)
        return self._charged(opened, datagram, now)

    def _charged(self, opened: bytes, datagram: bytes, now: float) -> RtpPacket | str:
        """Return an authentic packet, or why it is refused: it is charged to the peer."""
        if not self._packets.take(1, now) or not self._octets.take(len(datagram), now):
            return "rtp_too_much"
        return rtp.parse(opened) or "rtp_malformed"

    def takes_kind(self, kind: int) -> bool:
        """Return whether packets of this payload type are taken."""
        return kind == self.payload_type

    def cut(self) -> bool:
        """Note a packet beyond the allowance; return True once, when the sender is to be told."""
        self._cut += 1
        return self._cut == CUT_IS_TOLD

    def _open(
        self, open_with: Callable[[bytes], bytes | None], datagram: bytes, now: float
    ) -> bytes | None:
        """Return the packet in a protected datagram; None if its signature does not hold."""
        if not self._forged.has(1, now):
            return None
        opened = open_with(datagram)
        if opened is None:
            self._forged.take(1, now)
        return opened

    def _heard_media(self, sequence: int, timestamp: int, path: Path, now: float) -> None:
        assert self.link is not None
        reception = self.link.reception
        before = reception.newest
        reception.took(sequence, timestamp, now)
        self.heard_at = self._sound_at = now
        if reception.newest != before:  # an old packet may be a copy sent from elsewhere
            self.ice.heard(path, now)

    def receive_rtcp(self, datagram: bytes, path: Path, now: float) -> bool | str:
        """Return whether the client said BYE, or the reason why the datagram is refused."""
        link, ssrc = self.link, rtp.rtcp_sender(datagram)
        if link is None:
            return "rtcp_unwanted"
        if ssrc is None:
            return "rtcp_malformed"
        if not self.sources.knows_rtcp(ssrc):
            return "rtcp_unknown_stream"
        opened = self._open(link.into.open_rtcp, datagram, now)
        if opened is None:
            return "srtcp_rejected"
        self.sources.believe_rtcp(ssrc)
        if not self._reports.take(1, now):
            return "rtcp_too_much"
        news = rtp.read_rtcp(opened)
        if news is None:
            return "rtcp_malformed"
        self.heard_at = now
        self.ice.heard(path, now)
        if news.sender_ntp is not None:
            link.reception.heard_sender_report(news.sender_ntp, now)
        return news.left

    @property
    def can_wait(self) -> bool:
        """Whether nothing about this peer is pressing: it is connected, and only listens."""
        link = self.link
        is_listener = self.direction is StreamDirection.LISTEN
        return is_listener and link is not None and link.out.may_report()

    def report_due(self, now: float) -> bool:
        """Return whether it is time to send an RTCP report."""
        return self.link is not None and self.link.out.may_report() and now >= self.link.report_at

    def catch_up(self, most: int) -> int:
        """After a resume, pass over at most so many RTCP indexes of the worker that died.

        Return how many were passed over.
        """
        return self.link.out.catch_up(most) if self.link is not None else 0

    def send_report(self, sent: Progress | None, now: float) -> None:
        """Report a listener how far its stream (`sent`) is, or a speaker what was received."""
        link, path = self.link, self.ice.selected
        if link is None or path is None:
            return
        if sent is not None:
            link.report_at = now + _SENDER_REPORT_S
            report = rtp.sender_report(
                self.ssrc, self.name, time.time(), sent.timestamp, sent.packets, sent.octets
            )
        elif self.sources.rtp is not None:
            link.report_at = now + _RECEIVER_REPORT_S
            report = link.reception.report(self.ssrc, self.sources.rtp, self.name, now)
        else:
            return
        path.send(link.out.protect_rtcp(report))

    def say_goodbye(self) -> None:
        """Tell the client that this is over: RTCP BYE, then DTLS close_notify."""
        path = self.ice.selected
        if path is None:
            return
        if self.link is not None and self.link.out.may_report():
            path.send(self.link.out.protect_rtcp(rtp.goodbye(self.ssrc, self.name)))
        self.dtls.say_goodbye(path)
