"""The peers of an edge: found by id or by ICE user name, and never more than fit."""

from spaces_bridge.media.worker.edge.peer import Peer
from spaces_bridge.media.worker.values import NEW, SdpRefused


class Peers(dict[str, Peer]):
    """The peers by id. Half as many as there may be may be joining."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._by_ufrag: dict[str, Peer] = {}
        self.most_callers = (most + 3) // 4
        """So many of them may be callers: others come in without a call."""

    def adopt(self, peer: Peer) -> None:
        """Keep a peer, and find it by its present ICE user name, too."""
        self[peer.id] = self._by_ufrag[peer.ice.local_ufrag] = peer

    def rename(self, peer: Peer, before: str) -> None:
        """Find a peer by its present ICE user name, no more by the one `before` a restart."""
        self._by_ufrag.pop(before, None)
        self.adopt(peer)

    def forget(self, peer: Peer) -> None:
        """Keep nothing of a peer."""
        self.pop(peer.id, None)
        self._by_ufrag.pop(peer.ice.local_ufrag, None)

    def named(self, ufrag: str) -> Peer | None:
        """Return the peer with this ICE user name fragment of ours."""
        return self._by_ufrag.get(ufrag)

    def refuse_a_crowd(self, *, wait: bool = False) -> None:
        """Raise SdpRefused if there is no room for one more; `wait`: not at this moment."""
        if wait:
            raise _busy()
        present, most_joining = len(self), (self._most + 1) // 2
        if present < most_joining:
            return  # neither limit can be reached
        if present >= self._most:
            text = "No more people can come in here: this server is full. Try again later."
            raise SdpRefused("full", text)
        if sum(peer.state == NEW for peer in self.values()) >= most_joining:
            raise _busy()


def _busy() -> SdpRefused:
    return SdpRefused("busy", "One moment: many people are joining right now.")
