"""Keys of a telephone's keypad, as clients send them in RTP: telephone events (RFC 4733). Pure.

A key is many packets of one timestamp, the last of which says that the key was let go, and comes
three times. Any of them may be lost: so a key is told at the first packet of it that arrives.
"""

from collections.abc import Mapping
from typing import Final

from spaces_bridge.media.worker.values import RtpPacket
from spaces_bridge.pacing.token_bucket import TokenBucket

KEYS: Final = "0123456789*#"
"""The keys by the number of their event (RFC 4733, 3.2); others are not told."""
KEYS_PER_S: Final = 10.0
"""Keys a second, more than fingers press; those beyond it are not told."""
MOST_KEYS: Final = 20
"""Keys at once: a number that a program dials."""

_SIZE: Final = 4  # event; end bit, reserved bit and volume; duration (RFC 4733, 2.3)
_END: Final = 0x80
_LONGEST: Final = 0xFFFF  # duration of a segment; a longer key goes on in another (2.5.1.3)
_SLACK_S: Final = 0.2  # packets of a key come in 20 to 50 ms, and a few of them may be lost
_LATE_S: Final = 5.0  # a packet that is older than the newest key is late; much older, another's


class Keypad:
    """A keypad turns one client's telephone events into keys.

    `rates` are the clock rates of its payload types. Times are monotonic seconds.
    """

    def __init__(self, rates: Mapping[int, int]) -> None:
        self.rates = rates
        self._stream: tuple[int, int] | None = None  # SSRC and payload type
        self._event = self._began = self._lasted = 0
        self._is_over = True
        self._bucket = TokenBucket(rate=KEYS_PER_S, burst=MOST_KEYS)

    def press(self, packet: RtpPacket, now: float) -> str | None:
        """Return the key that a packet tells of for the first time; "" if of none.

        None if it is malformed.
        """
        if len(packet.payload) != _SIZE:
            return None
        event, is_over = packet.payload[0], bool(packet.payload[1] & _END)
        lasted, step = int.from_bytes(packet.payload[2:]), self._step(packet)
        if self._is_new(packet, step) and not self._goes_on(packet, event, step):
            self._stream = (packet.ssrc, packet.payload_type)
            self._event, self._began = event, packet.timestamp
            self._lasted, self._is_over = lasted, is_over
            is_key = event < len(KEYS) and self._bucket.take(1, now)
            return KEYS[event] if is_key else ""
        if step > 0:
            self._began, self._lasted = packet.timestamp, 0
        if step >= 0:
            self._lasted, self._is_over = max(lasted, self._lasted), self._is_over or is_over
        return ""

    def _is_new(self, packet: RtpPacket, step: int) -> bool:
        """Return whether a packet is of another key than the newest, or of its next segment."""
        if self._stream != (packet.ssrc, packet.payload_type):
            return True
        return step > 0 or step < -_LATE_S * self.rates[packet.payload_type]

    def _goes_on(self, packet: RtpPacket, event: int, step: int) -> bool:
        """Return whether it is of the newest key, held for longer than one segment can say."""
        slack = _SLACK_S * self.rates[packet.payload_type]
        return (
            self._stream == (packet.ssrc, packet.payload_type)
            and event == self._event
            and not self._is_over
            and self._lasted >= _LONGEST - slack
            and 0 < step <= _LONGEST + slack
        )

    def _step(self, packet: RtpPacket) -> int:
        """Return how much later than the newest key this one began, in its clock's ticks."""
        return ((packet.timestamp - self._began + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
