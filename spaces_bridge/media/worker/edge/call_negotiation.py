"""The call peers of an edge: what they negotiate. `forwarding` carries their streams."""

from collections.abc import Callable, Sequence
from typing import Final

from spaces_bridge.media.worker.edge import call_sdp, data_sections
from spaces_bridge.media.worker.edge.call_peer import OUR_KIND, CallPeer
from spaces_bridge.media.worker.edge.call_sdp import (
    CallDescription,
    CallSection,
    OurSection,
    SentStream,
)
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.edge.forwarding import Forwarding
from spaces_bridge.media.worker.edge.ice import Ice, new_credentials
from spaces_bridge.media.worker.edge.sdp_answer import OurPlace, OurTransport
from spaces_bridge.media.worker.edge.srtp import new_ssrc
from spaces_bridge.media.worker.values import Negotiated, SdpRefused, WantedStream

_DATA_PLACE: Final = 1
"""The place of data in our offers, which never changes: after the first section of audio."""


class CallNegotiations:
    """The negotiations of an edge's call peers: one that raises SdpRefused changes nothing."""

    def __init__(self, identity: Identity, place: OurPlace, refuse: Callable[[str], None]) -> None:
        """`refuse` is called with the reason for each packet that is not forwarded."""
        self.forwarding = Forwarding(refuse)
        self._identity, self._place = identity, place

    def new_peer(self, peer_id: str, now: float) -> CallPeer:
        """Make a peer that has negotiated nothing yet."""
        ufrag, pwd = new_credentials()
        return CallPeer(peer_id, Ice(ufrag, pwd, "", ""), self.forwarding, now)

    def answer(
        self, peer: CallPeer, read: CallDescription, wanted: Sequence[WantedStream]
    ) -> Negotiated:
        """Answer a client's offer."""
        peer.refuse_another_client(read.transport)
        microphone = next((each for each in read.sections if each.sends), None)
        peer.hear_from(microphone)
        self._meet(peer, read)
        peer.negotiate_data(is_open=read.has_data)
        missing = peer.sections.assign(read.sections, wanted)
        ours = [self._ours(peer, each, microphone) for each in read.sections]
        sdp = call_sdp.write_call(
            ours,
            self._transport(peer),
            setup=peer.setup,
            version=peer.next_version(),
            is_bundled=read.is_bundled,
        )
        peer.carry()
        return self._negotiated(peer, sdp, missing)

    def offer(self, peer: CallPeer, wanted: Sequence[WantedStream]) -> Negotiated:
        """Offer a client these streams; what it has already goes on, what it loses ends now."""
        before = list(peer.sections.carried)
        peer.mids = peer.sections.lay_out(peer.mids, OUR_KIND, wanted)
        ours = [call_sdp.offered(mid, OUR_KIND, self._sent(peer, mid)) for mid in peer.mids]
        ours.insert(_DATA_PLACE, call_sdp.offered_data())
        # until the client has chosen, both roles in DTLS are open (RFC 8842, 5.2)
        setup = "actpass" if peer.theirs is None else peer.setup
        version = peer.next_version()
        sdp = call_sdp.write_call(ours, self._transport(peer), setup=setup, version=version)
        peer.carry(before)
        missing = len({each.track for each in wanted}) - len(peer.sections.carried)
        return self._negotiated(peer, sdp, missing)

    def accept(self, peer: CallPeer, read: CallDescription) -> Negotiated:
        """Take a client's answer to our offer."""
        peer.refuse_another_client(read.transport)
        mids = list(peer.mids)
        mids.insert(_DATA_PLACE, data_sections.OURS.mid)
        if [each.asked.mid for each in read.sections] != mids:
            raise SdpRefused("stale", "The answer is not to the last offer. Answer that one.")
        self._meet(peer, read)
        peer.negotiate_data(is_open=read.has_data, is_ours=True)
        peer.sections.keep([each.asked.mid for each in read.sections if each.receives])
        peer.carry()
        return self._negotiated(peer, "", 0)

    def _meet(self, peer: CallPeer, read: CallDescription) -> None:
        """Expect the client that has this transport, whose ICE may have been restarted."""
        theirs, ice = read.transport, peer.ice
        if peer.theirs is None:
            peer.expect(self._identity, theirs, new_ssrc())
            ice.remote_ufrag, ice.remote_pwd = theirs.ufrag, theirs.pwd
        elif (ice.remote_ufrag, ice.remote_pwd) != (theirs.ufrag, theirs.pwd):
            ice.restart(*new_credentials(), theirs.ufrag, theirs.pwd)
        peer.theirs = theirs

    def _ours(
        self, peer: CallPeer, section: CallSection, microphone: CallSection | None
    ) -> OurSection:
        return OurSection(
            section.asked,
            section.payload_type,
            receives=section is microphone,
            sends=self._sent(peer, section.asked.mid),
            idle=section.idle,
            has_data=section.has_data,
        )

    def _sent(self, peer: CallPeer, mid: str) -> SentStream | None:
        carried = peer.sections.carried.get(mid)
        if carried is None:
            return None
        return SentStream(carried.wanted.stream, carried.wanted.track, carried.ssrc)

    def _transport(self, peer: CallPeer) -> OurTransport:
        ice, fingerprint = peer.ice, self._identity.fingerprint
        return OurTransport(ice.local_ufrag, ice.local_pwd, fingerprint, self._place)

    def _negotiated(self, peer: CallPeer, sdp: str, missing: int) -> Negotiated:
        sections = {mid: each.wanted.track for mid, each in peer.sections.carried.items()}
        return Negotiated(sdp, sections, missing, peer.microphone)
