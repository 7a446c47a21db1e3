"""Handshakes take turns, so that many people who come at once hold up no sound.

A flight of a handshake costs a third of a millisecond to a whole one, a packet of sound a
thirtieth. So datagrams of handshakes are put aside as they come, and are worked off in short turns
with a rest as long after each: who speaks and who listens already gets the other half.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from spaces_bridge.media.worker.edge.paths import Path
from spaces_bridge.media.worker.edge.peer import Peer

TURN_S: Final = 0.002
"""Seconds of a turn, and then of the rest of a flight: no tick is later than that for it."""
MOST_WAITING: Final = 1024
"""Peers that may wait, some 2 s of work; who wants to come in then is asked for a moment."""
MOST_OF_ONE: Final = 8
"""Datagrams of one peer that may wait: a flight has 2 to 4, and is repeated while it waits."""
NEW_EACH: Final = 4
"""One in so many who are served is new, whatever those do who have begun."""

_Waiting = OrderedDict[Peer, list[tuple[Path, bytes]]]


class HandshakeQueue:
    """The datagrams of handshakes that wait; of one peer they are taken in together, in order.

    Who is half through goes first, then who came first: so few handshakes are open at a time. But
    one in `NEW_EACH` is new.
    """

    def __init__(
        self,
        take_in: Callable[[Peer, Path, bytes], None],
        clock: Callable[[], float],
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        """`later` has something done after so many seconds; with 0, in the loop's next turn."""
        self._take_in, self._clock, self._later = take_in, clock, later
        self._begun: _Waiting = OrderedDict()
        self._new: _Waiting = OrderedDict()
        self._is_due = False
        self._rests_until = 0.0
        self._served = 0

    @property
    def is_full(self) -> bool:
        """Return whether so many wait that who comes now would wait too long."""
        return len(self._begun) + len(self._new) >= MOST_WAITING

    def add(self, peer: Peer, path: Path, datagram: bytes) -> bool:
        """Put a datagram of a handshake aside; return False if there is no room for it."""
        queue = self._begun if peer.dtls.handshake is not None else self._new
        waiting = self._new.get(peer) or queue.get(peer)
        if waiting is None:
            if self.is_full:
                return False
            waiting = queue[peer] = []
        if len(waiting) >= MOST_OF_ONE:
            return False
        waiting.append((path, datagram))
        self._plan()
        return True

    def forget(self, peer: Peer) -> None:
        """Forget a peer that is gone."""
        self._begun.pop(peer, None)
        self._new.pop(peer, None)

    def stop(self) -> None:
        """Forget all that wait."""
        self._begun.clear()
        self._new.clear()

    def _plan(self) -> None:
        if not self._is_due and (self._begun or self._new):
            self._is_due = True
            self._later(max(0.0, self._rests_until - self._clock()), self._take_turn)

    def _next_queue(self) -> _Waiting:
        """Return who is served next: who has begun, but for one in `NEW_EACH` who is new."""
        self._served += 1
        if self._served % NEW_EACH == 0:
            return self._new or self._begun
        return self._begun or self._new

    def _take_turn(self) -> None:
        began = now = self._clock()
        self._is_due = False
        try:
            while (queue := self._next_queue()) and now - began < TURN_S:
                peer, waiting = queue.popitem(last=False)
                for path, datagram in waiting:
                    self._take_in(peer, path, datagram)
                now = self._clock()
        finally:  # a failure costs one peer a flight, which it says again, and no other anything
            self._rests_until = 2 * self._clock() - began
            self._plan()
