"""The timeline of one forwarded speaker: what it sends, as one stream that never breaks.

A speaker's packets keep their distances, so that receivers see what was lost and put right what
came out of order. Where its own numbering breaks off (another SSRC, a gate that was shut, a leap)
the stream goes on with the next number, later by the time that passed.
"""

from typing import Final, NamedTuple

from spaces_bridge.media.worker.edge.rtp import CLOCK_RATE

LATEST: Final = 100
"""Packets; one that is further behind is not forwarded (libsrtp's replay window has 128)."""
LEAP: Final = 1000
"""Packets; who leaps further is taken for another stream: receivers could not follow."""
_LEAST_STEP: Final = 960  # samples between streams: a packet of 20 ms

_HALF: Final = 1 << 15
_ALL: Final = (1 << 32) - 1


class Place(NamedTuple):
    """A packet's place: its number, which counts from 0 and never wraps, and its timestamp."""

    number: int
    timestamp: int


class Timeline:
    """A timeline gives each packet of one speaker its place. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.newest = Place(-1, 0)
        self._at = 0.0  # when the newest came
        self._ssrc: int | None = None  # None: whatever comes next begins a stream
        self._sequence = 0  # of the newest, as the speaker numbers it
        self._floor = 0  # the number at which the speaker's present stream began
        self._shift = 0  # of its timestamps

    def cut(self) -> None:
        """Break off: what comes next follows at once, whatever was left out before it."""
        self._ssrc = None

    def place(self, ssrc: int, sequence: int, timestamp: int, now: float) -> Place | None:
        """Return the place of a packet; None if it comes too late. No place is given twice.

        That holds as long as no packet comes twice, of which SRTP takes care.
        """
        step = ((sequence - self._sequence + _HALF) & 0xFFFF) - _HALF
        if ssrc != self._ssrc or abs(step) > LEAP:
            return self._begin(ssrc, sequence, timestamp, now)
        place = Place(self.newest.number + step, (timestamp + self._shift) & _ALL)
        if place.number < self._floor or step <= -LATEST:
            return None
        if step > 0:
            self.newest, self._sequence, self._at = place, sequence, now
        return place

    def timestamp_at(self, now: float) -> int:
        """Return the timestamp that a packet of this moment would have."""
        passed = round((now - self._at) * CLOCK_RATE)
        return (self.newest.timestamp + passed) & _ALL

    def _begin(self, ssrc: int, sequence: int, timestamp: int, now: float) -> Place:
        step = max(_LEAST_STEP, round((now - self._at) * CLOCK_RATE)) if self._at else 0
        place = Place(self.newest.number + 1, (self.newest.timestamp + step) & _ALL)
        self._ssrc, self._sequence, self._at = ssrc, sequence, now
        self._shift, self._floor, self.newest = place.timestamp - timestamp, place.number, place
        return place
