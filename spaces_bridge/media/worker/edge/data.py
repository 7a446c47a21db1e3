"""The data that an edge sends to call peers, and sends again while it has not arrived."""

from collections.abc import Collection, Sequence

from spaces_bridge.media.worker.edge.call_peer import CallPeer
from spaces_bridge.media.worker.edge.peers import Peers


class PeersData:
    """The data of an edge's peers. Only those to whom something is on its way cost time."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._watched = set[str]()

    def send(
        self, peers: Collection[str], messages: Sequence[bytes], now: float, *, fades: bool
    ) -> None:
        """Send each of these peers messages, if it has a channel for them."""
        for peer_id in peers:
            peer = self._peers.get(peer_id)
            if isinstance(peer, CallPeer):
                peer.send_data(messages, now, fades=fades)
                self.watch(peer)

    def watch(self, peer: CallPeer) -> None:
        """Look after a peer from now on if anything is on its way to it."""
        if peer.data is not None and peer.data.due is not None:
            self._watched.add(peer.id)
        else:
            self._watched.discard(peer.id)

    def look_after(self, now: float) -> None:
        """Send again what has not arrived in time."""
        for peer_id in list(self._watched):
            peer = self._peers.get(peer_id)
            if isinstance(peer, CallPeer):
                peer.send_data_again(now)
                self.watch(peer)
            else:
                self._watched.discard(peer_id)
