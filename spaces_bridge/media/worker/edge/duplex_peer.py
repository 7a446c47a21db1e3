"""A duplex peer: one client with one stream each way, the mix out and a microphone in.

It negotiates as often as it likes on one transport (hold, unhold, ICE restarts): DTLS and SRTP
stay (RFC 8829, 5), in another worker, too.
"""

from typing import Final

from spaces_bridge.media.worker.edge import rtp
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.edge.duplex_sdp import DuplexDescription
from spaces_bridge.media.worker.edge.fanout import Progress
from spaces_bridge.media.worker.edge.ice import Ice
from spaces_bridge.media.worker.edge.keypad import Keypad
from spaces_bridge.media.worker.edge.paths import Path
from spaces_bridge.media.worker.edge.peer import JOIN_S, Peer
from spaces_bridge.media.worker.edge.sdp_sections import Transport
from spaces_bridge.media.worker.edge.sources import CallSources
from spaces_bridge.media.worker.edge.srtp import new_ssrc
from spaces_bridge.media.worker.values import DuplexRecord, RtpPacket, SdpRefused, StreamDirection

RING_S: Final = 90.0
"""An offer of ours that was not answered by then is forgotten: an invitation lasts a minute."""


class DuplexPeer(Peer):
    """A duplex peer is a peer whose directions are negotiated anew."""

    sources: CallSources

    def __init__(self, peer_id: str, ice: Ice, now: float) -> None:
        super().__init__(peer_id, StreamDirection.DUPLEX, ice, 0, now)
        self.sources = CallSources()
        self.ssrc = new_ssrc()
        self.is_held = False
        """Whether the client takes no sound now."""
        self.keypad = Keypad({})
        self.version = 0
        self.fingerprint = ""
        """Ours, of the DTLS connection."""
        self.theirs: tuple[str, bytes] | None = None
        """The client's fingerprint; None: it has not said who it is."""
        self.joins_within_s = RING_S

    @property
    def setup(self) -> str:
        """Our role in DTLS, which stays what it was at first (RFC 8842, 5.5)."""
        return "active" if self.dtls.dials else "passive"

    @property
    def microphone(self) -> str:
        """What stands for its microphone; "" if the client sends nothing."""
        return "audio" if self.takes_sound else ""

    def next_version(self) -> int:
        """Return the version of our next description (RFC 8866, 5.2)."""
        self.version += 1
        return self.version

    # --- negotiations ---

    def meet(self, identity: Identity, theirs: Transport, now: float) -> None:
        """Expect the client that has this transport, which has to connect soon."""
        self.expect(identity, theirs, self.ssrc)
        self.fingerprint, self.theirs = identity.fingerprint, theirs.fingerprint
        self.ice.remote_ufrag, self.ice.remote_pwd = theirs.ufrag, theirs.pwd
        self.since, self.joins_within_s = now, JOIN_S

    def refuse(self, read: DuplexDescription) -> None:
        """Raise SdpRefused if this cannot be negotiated on our connection."""
        if self.theirs is not None and self.theirs != read.audio.transport.fingerprint:
            text = "The offer is of another connection than the one before. Call anew."
            raise SdpRefused("other_client", text)
        if read.sends and self.sources.is_full and not read.ssrcs <= self.sources.learnt:
            raise SdpRefused(
                "too_many_sources", "The microphone was changed too often. Call anew."
            )

    def take(self, read: DuplexDescription) -> None:
        """Take directions, payload types and SSRCs as the client has them now."""
        self.is_held, self.takes_sound = read.is_held, read.sends
        self.payload_type = read.audio.payload_type
        if self.keypad.rates != read.keypad:
            self.keypad.rates = read.keypad
        if read.sends and self.sources.negotiate(read.ssrcs) and self.link is not None:
            self.link.reception = rtp.ReceptionStatistics()

    # --- media ---

    def takes_kind(self, kind: int) -> bool:
        """Return whether packets of this payload type are taken: sound, and keys."""
        return kind == self.payload_type or kind in self.keypad.rates

    def is_of_keypad(self, packet: RtpPacket) -> bool:
        """Return whether a packet tells of a key, and is no sound."""
        return packet.payload_type in self.keypad.rates

    def receive_rtcp(self, datagram: bytes, path: Path, now: float) -> bool | str:
        """Return False, or the reason why the datagram is refused.

        A BYE is no goodbye here: browsers send one for a microphone that stops.
        """
        left = super().receive_rtcp(datagram, path, now)
        return left if isinstance(left, str) else False

    def send_report(self, sent: Progress | None, now: float) -> None:
        """Report how far the stream is (`sent`), and what was received of the microphone."""
        super().send_report(sent, now)
        link, path = self.link, self.ice.selected
        if sent is None or link is None or path is None or self.sources.rtp is None:
            return
        report = link.reception.report(self.ssrc, self.sources.rtp, self.name, now)
        path.send(link.out.protect_rtcp(report))

    # --- another worker ---

    def record(self) -> DuplexRecord:
        """Return what another worker needs to go on negotiating; only once it has connected."""
        assert self.theirs is not None
        return DuplexRecord(
            our_fingerprint=self.fingerprint,
            their_hash=self.theirs[0],
            their_digest=self.theirs[1].hex(),
            dials=self.dtls.dials,
            sends=self.takes_sound,
            is_held=self.is_held,
            version=self.version,
            keypad=tuple(self.keypad.rates.items()),
            announced=tuple(sorted(self.sources.announced)),
            learnt=tuple(sorted(self.sources.learnt)),
        )

    def resume(self, record: DuplexRecord) -> None:
        """Go on as the record says."""
        self.fingerprint = record.our_fingerprint
        self.theirs = (record.their_hash, bytes.fromhex(record.their_digest))
        self.dtls.dials = record.dials
        self.takes_sound, self.is_held = record.sends, record.is_held
        self.version = record.version
        self.keypad = Keypad(dict(record.keypad))
        self.sources.announced = frozenset(record.announced)
        self.sources.learnt = set(record.learnt)
