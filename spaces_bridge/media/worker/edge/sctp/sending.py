"""Messages on their way to the other side: bounded, and sent again until they have arrived."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from spaces_bridge.media.worker.edge.sctp import packets
from spaces_bridge.media.worker.edge.sctp.pacing import PACKET, Pacing
from spaces_bridge.media.worker.edge.sctp.packets import FIRST, LAST, Data, Sack

MOST_BYTES: Final = 32 * 1024
"""Bytes that wait or are on their way; of more messages, those that come last are dropped.

With what `arrivals` remembers they fit what a peer may cost (see `memory`)."""
MOST_FRAGMENTS: Final = 64
"""DATA chunks that are on their way at most: each acknowledgement is compared with all of them."""
MOST_TIMEOUTS: Final = 8
"""Timeouts in a row after which the other side does not take data any more."""
_MISSED: Final = 3
"""SACKs that tell of later ones only, after which a fragment counts as lost."""

_PIECE: Final = PACKET - 12 - 16
"""Bytes of a message in one DATA chunk that is alone in its packet."""
_OVERHEAD: Final = 64
"""Bytes that each chunk counts for besides its own, so that many small ones are bounded, too."""


@dataclass(slots=True)
class _Fragment:
    """A DATA chunk that waits, or is on its way since `sent_at`."""

    tsn: int
    parts: Sequence[bytes]
    octets: int
    """Bytes of the chunk."""
    size: int
    """Bytes that it counts for in the queue."""
    sent_at: float = 0.0
    is_again: bool = False
    is_lost: bool = False
    has_arrived: bool = False
    missed: int = 0


class SendQueue:
    """The messages to one association's other side. Times are monotonic seconds."""

    def __init__(self, tsn: int, window: int) -> None:
        """`tsn`: our first; `window`: bytes that the other side takes."""
        self._pacing = Pacing()
        self._next_tsn = tsn
        self._window = window
        self._waiting: deque[_Fragment] = deque()
        self._flight: deque[_Fragment] = deque()
        self._bytes = 0
        self._sequences: dict[int, int] = {}
        self._timeouts = 0
        self.due: float | None = None
        """When `tick` has something to do; None: never, as nothing is on its way."""

    @property
    def is_behind(self) -> bool:
        """Whether messages wait for earlier ones to arrive."""
        return bool(self._waiting)

    @property
    def has_failed(self) -> bool:
        """Whether the other side acknowledges nothing any more."""
        return self._timeouts > MOST_TIMEOUTS

    def put(self, stream: int, protocol: int, messages: Sequence[bytes]) -> bool:
        """Queue messages for a stream, in order: all of them, or none (False) if full."""
        fragments = list[tuple[int, int, bytes]]()
        for place, message in enumerate(messages):
            for at in range(0, len(message), _PIECE):
                flags = (FIRST if at == 0 else 0) | (LAST if at + _PIECE >= len(message) else 0)
                fragments.append((place, flags, message[at : at + _PIECE]))
        size = sum(len(piece) + _OVERHEAD for _, _, piece in fragments)
        if self._bytes + size > MOST_BYTES:
            return False
        self._bytes += size
        sequence = self._sequences.get(stream, 0)
        self._sequences[stream] = (sequence + len(messages)) & 0xFFFF
        for place, flags, piece in fragments:
            number = (sequence + place) & 0xFFFF
            parts = packets.data(Data(flags, self._next_tsn, stream, number, protocol, piece))
            octets = sum(map(len, parts))
            self._waiting.append(_Fragment(self._next_tsn, parts, octets, len(piece) + _OVERHEAD))
            self._next_tsn = (self._next_tsn + 1) & 0xFFFFFFFF
        return True

    # --- acknowledgements ---

    def acknowledge(self, sack: Sack, now: float) -> None:
        """Take note of what has arrived; what the other side cannot know of is ignored."""
        if not self._flight:
            return
        behind = (sack.cumulative + 1 - self._flight[0].tsn) & 0xFFFFFFFF
        if behind > len(self._flight):  # older than the last one, or of what was never sent
            return
        self._window = sack.window
        was_full = self._on_their_way() + PACKET > self._pacing.window
        octets = sum(self._take_off(self._flight.popleft(), now) for _ in range(behind))
        if behind:
            self._timeouts = 0
            self.due = now + self._pacing.rto_s if self._flight else None
            if was_full:
                self._pacing.arrived(octets)
        if sack.blocks:
            self._note_gaps(sack, now)

    def _take_off(self, fragment: _Fragment, now: float) -> int:
        if not fragment.has_arrived:
            self._measure(fragment, now)
        self._bytes -= fragment.size
        return fragment.octets

    def _measure(self, fragment: _Fragment, now: float) -> None:
        if not fragment.is_again:  # of one that was sent twice nobody knows which has arrived
            self._pacing.measured(now - fragment.sent_at)

    def _note_gaps(self, sack: Sack, now: float) -> None:
        """Note what has arrived beyond the first one missing; three such SACKs mean a loss."""
        newest = 0
        for fragment in self._flight:
            offset = (fragment.tsn - sack.cumulative) & 0xFFFFFFFF
            if fragment.has_arrived or not any(a <= offset <= b for a, b in sack.blocks):
                continue
            newest = offset
            self._measure(fragment, now)
            fragment.has_arrived, fragment.is_lost = True, False
        has_lost = False
        for fragment in self._flight:
            if (fragment.tsn - sack.cumulative) & 0xFFFFFFFF >= newest:
                break
            if not fragment.has_arrived and not fragment.is_again:
                fragment.missed += 1
                if fragment.missed == _MISSED:
                    fragment.is_lost = has_lost = True
        if has_lost:
            self._pacing.lost()

    def tick(self, now: float) -> None:
        """Have all sent again that has not arrived in time; call `packets` afterwards."""
        if self.due is None or now < self.due:
            return
        self._timeouts += 1
        self._pacing.timed_out()
        self.due = now + self._pacing.rto_s
        for fragment in self._flight:
            if fragment.has_arrived:  # and may have been dropped since (RFC 9260, 6.2.1)
                fragment.has_arrived, fragment.is_again = False, True
            fragment.is_lost = True

    # --- what goes out ---

    def packets(self, now: float) -> Iterator[Sequence[bytes]]:
        """Yield the parts of the DATA chunks of each packet that may be sent now."""
        together, octets = list[bytes](), 0
        for fragment in self._due(now):
            if octets + fragment.octets > PACKET - 12:
                yield together
                together, octets = [], 0
            together += fragment.parts
            octets += fragment.octets
        if together:
            yield together

    def _due(self, now: float) -> Iterator[_Fragment]:
        """Yield what is to be sent again, and then what waits, as far as there is room.

        With nothing on its way one chunk goes out anyway, to learn whether there is room again.
        """
        used = self._on_their_way()
        room = min(self._pacing.window, self._window)
        for fragment in chain(self._lost(), list(self._waiting)):
            if used and used + fragment.octets > room:
                return
            if fragment.is_lost:
                fragment.is_lost, fragment.is_again = False, True
            elif len(self._flight) >= MOST_FRAGMENTS:
                return
            else:
                self._flight.append(self._waiting.popleft())
            fragment.sent_at = now
            used += fragment.octets
            if self.due is None:
                self.due = now + self._pacing.rto_s
            yield fragment

    def _lost(self) -> Sequence[_Fragment]:
        return [fragment for fragment in self._flight if fragment.is_lost]

    def _on_their_way(self) -> int:
        return sum(each.octets for each in self._flight if not (each.is_lost or each.has_arrived))
