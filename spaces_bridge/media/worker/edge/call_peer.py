"""A call peer: one client of a call, its microphone in and a stream for each speaker out.

It negotiates as often as it likes on one transport: ICE, DTLS and SRTP stay (RFC 8829, 5).
"""

import random
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from spaces_bridge.media.worker.edge import dtls_intake, rtp
from spaces_bridge.media.worker.edge.allowance import data_packets, forged_records
from spaces_bridge.media.worker.edge.call_sdp import CallSection
from spaces_bridge.media.worker.edge.call_sections import CallSections
from spaces_bridge.media.worker.edge.dtls import HandshakeStep
from spaces_bridge.media.worker.edge.fanout import Progress
from spaces_bridge.media.worker.edge.forwarding import Forwarding, OutStream
from spaces_bridge.media.worker.edge.ice import Ice
from spaces_bridge.media.worker.edge.paths import Path
from spaces_bridge.media.worker.edge.peer import Peer
from spaces_bridge.media.worker.edge.sctp.channels import DataChannels
from spaces_bridge.media.worker.edge.sdp_sections import Transport
from spaces_bridge.media.worker.edge.sources import CallSources
from spaces_bridge.media.worker.edge.srtp import new_ssrc
from spaces_bridge.media.worker.values import SdpRefused, StreamDirection

OUR_KIND: Final = 111
"""The payload type of Opus in our own offers."""

_REPORT_S: Final = 3.0
"""Seconds between reports, of which a half more or less is chance, lest all come at once
(RFC 3550, 6.2)."""


class CallPeer(Peer):
    """A call peer is a peer whose sections, microphone and streams are negotiated anew."""

    sources: CallSources

    def __init__(self, peer_id: str, ice: Ice, forwarding: Forwarding, now: float) -> None:
        super().__init__(peer_id, StreamDirection.CALL, ice, 0, now)
        self.sources = CallSources()
        self.sections = CallSections(new_ssrc())
        self.microphone = ""
        """The mid of the section on which the client sends; "" if it sends nothing."""
        self.version = 0
        self.mids: list[str] = []
        """The sections of our own offers."""
        self.theirs: Transport | None = None
        self.data: DataChannels | None = None
        """None: no data channels are negotiated, and nothing is kept for any."""
        self._forwarding = forwarding
        self._forged_records, self._data_packets = forged_records(), data_packets()

    @property
    def setup(self) -> str:
        """Our role in DTLS, which stays what it was at first."""
        return "active" if self.dtls.dials else "passive"

    def next_version(self) -> int:
        """Return the version of our next description (RFC 8866, 5.2)."""
        self.version += 1
        return self.version

    def refuse_another_client(self, theirs: Transport) -> None:
        """Raise SdpRefused if this is not the client that we have a connection with."""
        if self.theirs is not None and self.theirs.fingerprint != theirs.fingerprint:
            raise SdpRefused(
                "other_client",
                "The offer is of another connection than the one before. Join anew.",
            )

    def hear_from(self, section: CallSection | None) -> None:
        """Take the client's microphone from this section from now on; from none if None."""
        if section is None or section.payload_type is None:
            self.takes_sound, self.microphone = False, ""
            return
        if self.sources.is_full and not section.ssrcs <= self.sources.learnt:
            raise SdpRefused(
                "too_many_sources", "The microphone was published anew too often. Join anew."
            )
        self.takes_sound, self.microphone = True, section.asked.mid
        self.payload_type = section.payload_type
        if self.sources.negotiate(section.ssrcs) and self.link is not None:
            self.link.reception = rtp.ReceptionStatistics()

    def carry(self, mids: Collection[str] | None = None) -> None:
        """Send the streams in these sections from now on (None: all), if it is connected."""
        if self.link is None:
            return
        lanes = [
            OutStream(each.wanted.source, each.ssrc, each.payload_type)
            for mid, each in self.sections.carried.items()
            if mids is None or mid in mids
        ]
        self._forwarding.carry(self.id, self.link.out, self.ice.selected, lanes)

    # --- data ----------------------------------------------------------------------------------

    def negotiate_data(self, *, is_open: bool, is_ours: bool = False) -> None:
        """Have data channels, or none any more; `is_ours`: the reliable one is ours to open."""
        if not is_open:
            self.data = None
        elif self.data is None:
            stream = 0 if self.dtls.dials else 1  # RFC 8832, 6
            self.data = DataChannels(opens=stream if is_ours else None)

    def receive_dtls(self, datagram: bytes, path: Path, now: float) -> HandshakeStep | None:
        """Take in a DTLS datagram; return None if it is refused. Raises WrongCertificate.

        What is charged to it is what holds: else anybody who can forge its address could silence
        it. Nothing is decrypted beyond that, nor beyond what may be forged.
        """
        handshake, data = self.dtls.handshake, self.data
        if self.link is None or data is None or handshake is None:
            return super().receive_dtls(datagram, path, now)
        if not self._forged_records.has(1, now) or not self._data_packets.has(1, now):
            return None
        records = list[bytes]()
        step = handshake.receive_data(datagram, records)
        self._forged_records.spend(dtls_intake.count(datagram) - len(records), now)
        self.dtls.flush(self.ice.selected)
        for record in records:
            answers = data.receive(record, now) if self._data_packets.take(1, now) else None
            if answers is None:  # a goodbye counts, whatever came with it
                return step if step is HandshakeStep.LEFT else None
            self._send_sealed(answers)
        return step

    def send_data(self, messages: Sequence[bytes], now: float, *, fades: bool) -> None:
        """Send messages on the reliable channel, if it is open; see `DataChannels.send`."""
        if self.data is not None:
            self._send_sealed(self.data.send(messages, now, fades=fades))

    def send_data_again(self, now: float) -> None:
        """Send again what has not arrived in time."""
        if self.data is not None:
            self._send_sealed(self.data.tick(now))

    def _send_sealed(self, packets: Iterable[bytes]) -> None:
        path = self.ice.selected
        if self.dtls.handshake is None or path is None:
            return
        for packet in packets:
            if sealed := self.dtls.handshake.seal(packet):
                path.send(sealed)

    # --- reports -------------------------------------------------------------------------------

    def receive_rtcp(self, datagram: bytes, path: Path, now: float) -> bool | str:
        """Return False, or the reason why the datagram is refused.

        A BYE is no goodbye here: browsers send one for a microphone that is published no more.
        """
        left = super().receive_rtcp(datagram, path, now)
        return left if isinstance(left, str) else False

    def send_report(self, sent: Progress | None, now: float) -> None:
        """Report what was received of the microphone, and how far each stream is."""
        link, path = self.link, self.ice.selected
        if link is None or path is None:
            return
        link.report_at = now + random.uniform(0.5, 1.5) * _REPORT_S
        if self.takes_sound and self.sources.rtp is not None:
            report = link.reception.report(self.ssrc, self.sources.rtp, self.name, now)
            path.send(link.out.protect_rtcp(report))
        for lane in self._forwarding.progress(self.id, now):
            report = rtp.sender_report(
                lane.ssrc, self.name, time.time(), lane.timestamp, lane.packets, lane.octets
            )
            path.send(link.out.protect_rtcp(report))
