"""The data that an edge sends to call peers, and sends again while it has not arrived."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from spaces_bridge.media.worker.edge.call_peer import CallPeer
from spaces_bridge.media.worker.edge.peers import Peers

TURN: Final = 32
"""Peers that are sent a message in one go (some 2 ms); then sound gets its turn."""
FADING_CROWDS: Final = 1
"""So many messages for each peer may wait before what fades does: the next draft says it all."""
MOST_CROWDS: Final = 8
"""So many before nothing more is taken: a worker that is so far behind has other troubles."""


class PeersData:
    """The data of an edge's peers. Only those to whom something is on its way cost time."""

    def __init__(
        self,
        peers: Peers,
        clock: Callable[[], float],
        later: Callable[[Callable[[], None]], object],
    ) -> None:
        """`later` has something done in the next turn of the event loop."""
        self._peers, self._clock, self._later = peers, clock, later
        self._watched = set[str]()
        self._waiting: deque[tuple[str, Sequence[bytes], bool]] = deque()

    def send(self, peers: Iterable[str], messages: Sequence[bytes], *, fades: bool) -> None:
        """Send each of these peers messages, if it has a channel; none if too much waits.

        `fades`: they give way to what waits already.
        """
        crowds = FADING_CROWDS if fades else MOST_CROWDS
        if len(self._waiting) > crowds * len(self._peers):
            return
        is_idle = not self._waiting
        self._waiting.extend((peer_id, messages, fades) for peer_id in peers)
        if is_idle:
            self._take_turn()

    def _take_turn(self) -> None:
        now = self._clock()
        try:
            for _ in range(min(TURN, len(self._waiting))):
                peer_id, messages, fades = self._waiting.popleft()
                peer = self._peers.get(peer_id)
                if isinstance(peer, CallPeer):
                    peer.send_data(messages, now, fades=fades)
                    self.watch(peer)
        finally:  # a failure costs one peer one message, and no other anything
            if self._waiting:
                self._later(self._take_turn)

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

    def stop(self) -> None:
        """Send nothing more."""
        self._waiting.clear()
