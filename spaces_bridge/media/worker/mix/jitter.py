"""The jitter buffer of one speaker: packets in as they come, out in order and in time. Pure.

Every packet has a moment when it is due: its RTP timestamp, plus the shortest way seen lately,
plus a target delay that follows how uneven the way is. Sound starts when its first packet is due
and goes on from there. When nothing is left (the speaker is silent and sends nothing, or packets
are late) it stops, and starts again when the next packet is due: so silence never makes the buffer
grow, and every pause brings the delay back to the target.
"""

from dataclasses import dataclass
from typing import Final

from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, UNIT, duration

MIN_TARGET_S: Final = 0.020
MAX_TARGET_S: Final = 0.200
FIRST_TARGET_S: Final = 0.040
LONGEST_S: Final = 0.400
"""More sound than this is never kept: the older part is thrown away."""

_MARGIN_S: Final = 0.010  # on top of the unevenness seen
_FORGET: Final = 0.998  # per packet: half of the unevenness is forgotten in 7 s
_WINDOW_S: Final = 5.0  # the shortest way is looked for in one to two of these
_SLACK_S: Final = 0.040  # a delay this much above the target is cut back
_SHRINK_S: Final = 0.005  # the target may shrink a little between a tick and the next
_LEAP_S: Final = 10.0  # a way that differs by more is another stream's: all starts anew
_CONCEALED_LOSS: Final = 5 * FRAME  # in a row; after that a hole is silence
_CONCEALED_DRY: Final = FRAME  # when nothing has come at all
_DTX: Final = 2  # bytes: a packet that says "silence from here" (RFC 6716, 2.1.9)


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap is `samples` without a packet; the decoder makes them up, or they are silent."""

    samples: int
    conceal: bool


@dataclass(frozen=True, slots=True)
class _Held:
    sequence: int
    timestamp: int
    samples: int
    payload: bytes

    @property
    def end(self) -> int:
        return self.timestamp + self.samples


class JitterBuffer:
    """A jitter buffer holds up to `LONGEST_S` of one RTP stream. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._held: dict[int, _Held] = {}  # by unwrapped sequence number
        self._highest: tuple[int, int] | None = None  # sequence and timestamp, unwrapped
        self._floor: int | None = None  # nothing that begins before this is played any more
        self._cursor: int | None = None  # the next sample; None: stopped
        self._last: _Held | None = None  # the packet played last
        self._concealed = 0  # samples made up since the packet played last
        self._way = _ShortestWay()
        self._uneven_s = FIRST_TARGET_S - _MARGIN_S
        self.late = 0
        """Packets that came too late or twice, or were thrown away."""
        self.lost = 0
        """Holes that were concealed."""

    @property
    def target_s(self) -> float:
        """The delay that is aimed at, in seconds."""
        return min(max(self._uneven_s + _MARGIN_S, MIN_TARGET_S), MAX_TARGET_S)

    @property
    def held_samples(self) -> int:
        """The samples that wait, holes not counted."""
        return sum(packet.samples for packet in self._held.values())

    def pass_by(self, sequence: int, timestamp: int) -> None:
        """Skip a packet that must not be heard: nothing up to it will ever be played."""
        _, at = self._unwrap(sequence, timestamp)
        self._raise_floor(at + 1)

    def flush(self) -> None:
        """Forget what is held, and never play anything from before the newest packet seen."""
        self._held.clear()
        self._stop()
        self._last = None
        if self._highest is not None:
            self._raise_floor(self._highest[1] + 1)

    def push(self, sequence: int, timestamp: int, payload: bytes, arrived: float) -> None:
        """Take in a packet that arrived at `arrived`."""
        samples = duration(payload)
        if samples == 0:
            self.late += 1
            return
        number, at = self._unwrap(sequence, timestamp)
        self._measure(at, arrived)
        too_late = (self._floor is not None and at < self._floor) or (
            self._cursor is not None and at < self._cursor
        )
        if too_late or number in self._held:
            self.late += 1
            return
        self._held[number] = _Held(number, at, samples, payload)
        self._shorten(int(LONGEST_S * SAMPLE_RATE))

    def take(self, now: float) -> bytes | Gap:
        """Return what comes next: a packet's payload, or a gap of at most one frame."""
        first = self._first()
        if self._cursor is None:
            return self._start(first, now)
        if first is None:
            return self._stand_still()
        hole = first.timestamp - self._cursor
        if hole < UNIT:
            return self._play(first, now)
        return self._cross(first, hole, now)

    # --- coming out ---

    def _start(self, first: _Held | None, now: float) -> bytes | Gap:
        if first is not None and now >= self._due_at(first.timestamp):
            self._cut_to(now)
            return self._play(self._held[min(self._held)], now)
        return self._stand_still()

    def _stand_still(self) -> Gap:
        """Return a gap as nothing is due: the speaker fell silent, or the next packet is late."""
        self._stop()
        speaking = self._last is not None and len(self._last.payload) > _DTX
        if speaking and self._concealed < _CONCEALED_DRY:
            return self._make_up(FRAME)
        return Gap(FRAME, conceal=False)

    def _cross(self, first: _Held, hole: int, now: float) -> bytes | Gap:
        """Cross a hole before the next packet: lost packets, or silence that was not sent."""
        sent_nothing = self._last is not None and first.sequence == self._last.sequence + 1
        if sent_nothing or self._concealed >= _CONCEALED_LOSS:
            self._stop()
            return self._start(first, now)
        if self._concealed == 0:
            self.lost += 1
        step = min(hole, FRAME) // UNIT * UNIT
        self._cursor = first.timestamp - hole + step
        return self._make_up(step)

    def _make_up(self, samples: int) -> Gap:
        self._concealed += samples
        return Gap(samples, conceal=True)

    def _play(self, packet: _Held, now: float) -> bytes:
        if len(self._held) > 1 and self._delay_s(packet.timestamp, now) > self.target_s + _SLACK_S:
            del self._held[packet.sequence]  # one packet is skipped: the delay had grown
            self.late += 1
            packet = self._held[min(self._held)]
        del self._held[packet.sequence]
        self._cursor = packet.end
        self._raise_floor(packet.end)
        self._last, self._concealed = packet, 0
        return packet.payload

    def _stop(self) -> None:
        self._cursor = None

    def _cut_to(self, now: float) -> None:
        """Drop, before a start, packets that were due long ago if there are newer ones."""
        while len(self._held) > 1:
            first = self._held[min(self._held)]
            longest_s = self.target_s + first.samples / SAMPLE_RATE + _SHRINK_S
            if self._delay_s(first.timestamp, now) <= longest_s:
                return
            del self._held[first.sequence]
            self.late += 1

    def _first(self) -> _Held | None:
        return self._held[min(self._held)] if self._held else None

    # --- time ---

    def _due_at(self, timestamp: int) -> float:
        return timestamp / SAMPLE_RATE + self._way.shortest + self.target_s

    def _delay_s(self, timestamp: int, now: float) -> float:
        return now - timestamp / SAMPLE_RATE - self._way.shortest

    def _measure(self, at: int, arrived: float) -> None:
        way = arrived - at / SAMPLE_RATE
        if self._way.is_known and abs(way - self._way.shortest) > _LEAP_S:
            self._begin_anew()
        self._way.note(way, arrived)
        extra = way - self._way.shortest
        self._uneven_s = min(max(extra, self._uneven_s * _FORGET), MAX_TARGET_S)

    # --- order ---

    def _unwrap(self, sequence: int, timestamp: int) -> tuple[int, int]:
        """Turn 16 and 32 bits into numbers that never wrap, near the newest packet's."""
        if self._highest is None:
            self._highest = (sequence, timestamp)
            return self._highest
        newest, newest_at = self._highest
        number = newest + _signed(sequence - newest, 16)
        at = newest_at + _signed(timestamp - newest_at, 32)
        if number > newest:
            self._highest = (number, at)
        return number, at

    def _raise_floor(self, timestamp: int) -> None:
        self._floor = timestamp if self._floor is None else max(self._floor, timestamp)

    def _begin_anew(self) -> None:
        self._held.clear()
        self._stop()
        self._last = self._floor = None
        self._way = _ShortestWay()

    def _shorten(self, most: int) -> None:
        while self.held_samples > most:
            gone = self._held.pop(min(self._held))
            self._cursor = None if self._cursor is None else max(self._cursor, gone.end)
            self._raise_floor(gone.end)
            self.late += 1


class _ShortestWay:
    """The shortest way: the least (arrival - timestamp) of the last five to ten seconds.

    So clock drift is followed.
    """

    def __init__(self) -> None:
        self._now = self._before = float("inf")
        self._since: float | None = None

    @property
    def is_known(self) -> bool:
        return self._since is not None

    @property
    def shortest(self) -> float:
        return min(self._now, self._before)

    def note(self, way: float, arrived: float) -> None:
        if self._since is None or arrived - self._since >= _WINDOW_S:
            self._before, self._now, self._since = self._now, way, arrived
        self._now = min(self._now, way)


def _signed(difference: int, bits: int) -> int:
    """Return the nearest to zero of all differences that look alike in so many bits."""
    half = 1 << (bits - 1)
    return (difference + half) % (1 << bits) - half
