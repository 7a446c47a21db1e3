"""The negotiations of an edge's duplex peers: one that raises SdpRefused changes nothing."""

from collections.abc import Callable

from spaces_bridge.media.worker.edge import duplex_sdp
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.edge.duplex_peer import DuplexPeer
from spaces_bridge.media.worker.edge.duplex_sdp import OUR_MID, DuplexDescription, OurDuplex
from spaces_bridge.media.worker.edge.ice import Ice, new_credentials
from spaces_bridge.media.worker.edge.peers import Peers
from spaces_bridge.media.worker.edge.sdp_answer import OurPlace, OurTransport
from spaces_bridge.media.worker.values import DuplexNegotiated, SdpRefused

_OVER = "This connection is over. Call anew."


class Duplexes:
    """The duplex peers among an edge's `peers`, as far as they are negotiated with."""

    def __init__(
        self,
        peers: Peers,
        identity: Identity,
        place: OurPlace,
        clock: Callable[[], float],
        changed: Callable[[DuplexPeer], None],
    ) -> None:
        """`changed` is called with a connected peer whose directions were negotiated anew."""
        self._peers, self._identity, self._place = peers, identity, place
        self._clock, self._changed = clock, changed

    def of(self, peer_id: str) -> DuplexPeer | None:
        """Return the duplex peer of this id."""
        peer = self._peers.get(peer_id)
        return peer if isinstance(peer, DuplexPeer) else None

    def answer(self, peer_id: str, offer: str) -> DuplexNegotiated:
        """Answer the first offer of a new client. Raises SdpRefused."""
        read = duplex_sdp.read_duplex(offer)
        peer = self._new_peer(peer_id)
        peer.meet(self._identity, read.audio.transport, self._clock())
        return self._answer(peer, read)

    def renegotiate(self, peer_id: str, offer: str) -> DuplexNegotiated:
        """Answer another offer of a known client, whose ICE may restart. Raises SdpRefused."""
        peer = self.of(peer_id)
        if peer is None or peer.theirs is None:
            raise SdpRefused("unknown_session", _OVER)
        read = duplex_sdp.read_duplex(offer)
        peer.refuse(read)
        theirs, ice = read.audio.transport, peer.ice
        if (ice.remote_ufrag, ice.remote_pwd) != (theirs.ufrag, theirs.pwd):
            before = ice.local_ufrag
            ice.restart(*new_credentials(), theirs.ufrag, theirs.pwd)
            self._peers.rename(peer, before)
        return self._answer(peer, read)

    def offer(self, peer_id: str) -> DuplexNegotiated:
        """Make an offer of ours to a new client. Raises SdpRefused.

        Nothing is answered to anybody before `accept` has told who takes it.
        """
        peer = self._new_peer(peer_id)
        peer.fingerprint = self._identity.fingerprint
        # until the client has chosen, both roles in DTLS are open (RFC 8842, 5.2)
        return DuplexNegotiated(duplex_sdp.write_offer(self._ours(peer, "actpass")), False)

    def accept(self, peer_id: str, answer: str) -> DuplexNegotiated:
        """Take the first client's answer to our offer. Raises SdpRefused.

        Others may have answered, too, and reach the same user name of ours: they are told from it
        by their own user names, which each check names as well, and by their certificates.
        """
        peer = self.of(peer_id)
        if peer is None:
            raise SdpRefused("unknown_session", _OVER)
        if peer.theirs is not None:
            text = "Another device has answered already. Call anew."
            raise SdpRefused("answered", text)
        read = duplex_sdp.read_duplex(answer)
        if [each.mid for each in read.audio.sections] != [OUR_MID]:
            raise SdpRefused("stale", "The answer is not to this offer. Answer that one.")
        peer.meet(self._identity, read.audio.transport, self._clock())
        peer.take(read)
        return DuplexNegotiated("", peer.is_held)

    def _new_peer(self, peer_id: str) -> DuplexPeer:
        self._peers.refuse_a_crowd()
        callers = sum(isinstance(peer, DuplexPeer) for peer in self._peers.values())
        if callers >= self._peers.most_callers:
            text = "Too many people are in calls here: use the page, or call again later."
            raise SdpRefused("callers_full", text)
        peer = DuplexPeer(peer_id, Ice(*new_credentials(), "", ""), self._clock())
        self._peers.adopt(peer)
        return peer

    def _answer(self, peer: DuplexPeer, read: DuplexDescription) -> DuplexNegotiated:
        peer.take(read)
        if peer.link is not None:
            self._changed(peer)
        sdp = duplex_sdp.write_answer(read, self._ours(peer, peer.setup))
        return DuplexNegotiated(sdp, peer.is_held)

    def _ours(self, peer: DuplexPeer, setup: str) -> OurDuplex:
        transport = OurTransport(
            peer.ice.local_ufrag, peer.ice.local_pwd, peer.fingerprint, self._place
        )
        return OurDuplex(transport, setup, peer.next_version(), peer.ssrc, peer.name)
