"""How much may be on its way, and when it is sent again (RFC 9260, 6.3 and 7). Pure."""

from typing import Final

PACKET: Final = 1120
"""Bytes of our longest packet: with DTLS and UDP around it, it fits every path."""
MOST_FLIGHT: Final = 16 * PACKET
"""Bytes that are on their way at most: captions never need more."""
_FIRST_FLIGHT: Final = 4 * PACKET

RTO_FIRST_S: Final = 1.0
RTO_LEAST_S: Final = 0.4
"""Seconds; acknowledgements may be 0.2 s late on purpose (RFC 9260, 6.2)."""
RTO_MOST_S: Final = 8.0


class Pacing:
    """The congestion window, in bytes, and the retransmission timeout of one association."""

    def __init__(self) -> None:
        self.window = _FIRST_FLIGHT
        self.rto_s = RTO_FIRST_S
        self._threshold = MOST_FLIGHT
        self._smooth_s: float | None = None
        self._variation_s = 0.0

    def measured(self, took_s: float) -> None:
        """Take a round trip of what was sent only once (RFC 9260, 6.3.1)."""
        if self._smooth_s is None:
            self._smooth_s, self._variation_s = took_s, took_s / 2
        else:
            off = abs(self._smooth_s - took_s)
            self._variation_s += (off - self._variation_s) / 4
            self._smooth_s += (took_s - self._smooth_s) / 8
        wanted = self._smooth_s + 4 * self._variation_s
        self.rto_s = min(max(wanted, RTO_LEAST_S), RTO_MOST_S)

    def arrived(self, octets: int) -> None:
        """Widen the window: so many bytes have arrived, and it was full."""
        if self.window >= self._threshold:
            octets = min(octets, PACKET * octets // self.window + 1)
        self.window = min(self.window + min(octets, PACKET), MOST_FLIGHT)

    def lost(self) -> None:
        """Halve the window: later packets have arrived, and one has not (RFC 9260, 7.2.3)."""
        self._threshold = max(self.window // 2, _FIRST_FLIGHT)
        self.window = self._threshold

    def timed_out(self) -> None:
        """Begin anew with one packet, and wait twice as long (RFC 9260, 6.3.3 and 7.2.3)."""
        self._threshold = max(self.window // 2, _FIRST_FLIGHT)
        self.window = PACKET
        self.rto_s = min(self.rto_s * 2, RTO_MOST_S)
