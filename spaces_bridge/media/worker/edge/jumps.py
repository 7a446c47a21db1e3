"""A limit on how fast a speaker's sequence numbers move on: its choice, our work after a crash.

A session is resumed by following the stream once around for every rollover, so a peer that jumps
with every packet would make that as dear as it likes. A few jumps of any length are allowed.
"""

from typing import Final

PER_S: Final = 500.0
"""Packets a second: of the shortest Opus frames (2.5 ms) there are 400."""
BURST: Final = float(1 << 18)
"""Packets at once: eight of the largest jumps there are, 2^15 (RFC 3711, 3.3.1)."""


class Jumps:
    """The jumps of one stream: a token bucket of packet indexes. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._left = BURST
        self._at: float | None = None

    def allows(self, steps: int, now: float) -> bool:
        """Return whether a packet so far ahead may be taken; if not, a later one may be."""
        earned = 0.0 if self._at is None else (now - self._at) * PER_S
        self._left, self._at = min(BURST, self._left + earned), now
        return steps <= self._left

    def took(self, steps: int) -> None:
        """Charge for a packet so far ahead, which was authentic and is taken."""
        self._left -= steps
