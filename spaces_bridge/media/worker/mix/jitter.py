"""The jitter buffer of one speaker: packets in as they come, out in order and in time. Pure.

Every packet has a moment when it is due: its RTP timestamp, plus the shortest way seen lately,
plus a target delay that follows how uneven the way is. Sound starts when its first packet is due
and goes on from there. When nothing is left (the speaker is silent and sends nothing, or packets
are late) it stops, and starts again when the next packet is due: so silence never makes the buffer
grow, and every pause brings the delay back to the target. While sound goes on, `slack_s` says how
far the delay is from the target, and `pace.py` brings it there.
"""

from dataclasses import dataclass
from typing import Final

from spaces_bridge.media.worker.mix.opus import (
    FRAME,
    SAMPLE_RATE,
    UNIT,
    duration,
    frame_duration,
    has_fec,
)
from spaces_bridge.media.worker.mix.way import ShortestWay

MIN_TARGET_S: Final = 0.010
MAX_TARGET_S: Final = 0.200
FIRST_TARGET_S: Final = 0.020
LONGEST_S: Final = 0.400
"""More sound than this is never kept: the older part is thrown away."""

_MARGIN_S: Final = 0.010  # on top of the unevenness seen
_FORGET: Final = 0.998  # per packet: half of the unevenness is forgotten in 7 s
_SLACK_S: Final = 0.080  # a delay this much above the target is cut back at once
_SHRINK_S: Final = 0.005  # the target may shrink a little between a tick and the next
_LEAP_S: Final = 10.0  # a way that differs by more is another stream's: all starts anew
_CONCEALED_LOSS: Final = 5 * FRAME  # in a row; after that a hole is silence
_CONCEALED_DRY: Final = 3 * FRAME  # when nothing has come at all
_LOSSY_S: Final = 5.0  # so long after a loss, the packet after a lost one is waited for
_DTX: Final = 2  # bytes: a packet that says "silence from here" (RFC 6716, 2.1.9)


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap is `samples` without a packet; the decoder makes them up, or they are silent."""

    samples: int
    conceal: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """`samples` that were lost, and the packet after them, which says what they were."""

    samples: int
    following: bytes


@dataclass(slots=True)
class Totals:
    """What became of a stream, in samples: played, restored by FEC, or missing."""

    played: int = 0
    restored: int = 0
    missing: int = 0


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
        self._restored = 0  # samples restored since then
        self._way = ShortestWay()
        self._uneven_s = FIRST_TARGET_S - _MARGIN_S
        self._lost_at = self._fec_at = -_LOSSY_S  # the last loss, the last packet with FEC
        self._fec_s = 0.0  # how much longer a packet with FEC is waited for
        self.totals = Totals()
        self.late = 0
        """Packets that came too late or twice, or were thrown away."""
        self.lost = 0
        """Holes that were concealed or restored."""

    @property
    def target_s(self) -> float:
        """The delay that is aimed at, in seconds."""
        wanted_s = self._uneven_s + _MARGIN_S + self._fec_s
        return min(max(wanted_s, MIN_TARGET_S), MAX_TARGET_S)

    def slack_s(self, now: float) -> float | None:
        """Return how much more than the target the next sample is delayed; None if stopped."""
        if self._cursor is None:
            return None
        return self._delay_s(self._cursor, now) - self.target_s

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
        self._expect_fec(payload, arrived)
        too_late = (self._floor is not None and at < self._floor) or (
            self._cursor is not None and at < self._cursor
        )
        if too_late or number in self._held:
            self.late += 1
            return
        self._held[number] = _Held(number, at, samples, payload)
        self._shorten(int(LONGEST_S * SAMPLE_RATE))

    def take(self, now: float) -> bytes | Gap | Restored:
        """Return what comes next: a packet's payload, or a gap of at most one frame.

        A packet's sound that another one tells again comes as `Restored`.
        """
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

    def _start(self, first: _Held | None, now: float) -> bytes | Gap | Restored:
        if first is None:
            return self._stand_still()
        told = self._told_by(first)
        if told and now >= self._due_at(first.timestamp - told):
            return self._restore(first, told)
        if now >= self._due_at(first.timestamp):
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

    def _cross(self, first: _Held, hole: int, now: float) -> bytes | Gap | Restored:
        """Cross a hole before the next packet: lost packets, or silence that was not sent."""
        sent_nothing = self._last is not None and first.sequence == self._last.sequence + 1
        if sent_nothing or self._concealed >= _CONCEALED_LOSS:
            self._stop()
            return self._start(first, now)
        if self._concealed == 0:
            self.lost += 1
            self._lost_at = now
        told = self._told_by(first)
        if told and hole < told + UNIT:
            return self._restore(first, told)
        step = min(hole - told, FRAME) // UNIT * UNIT
        self._cursor = first.timestamp - hole + step
        return self._make_up(step)

    def _told_by(self, first: _Held) -> int:
        """Return how many samples before it a packet tells again that are lost, or 0."""
        if self._last is None or first.sequence <= self._last.sequence + 1:
            return 0
        told = frame_duration(first.payload) if has_fec(first.payload) else 0
        missing = first.timestamp - self._last.end - self._concealed - self._restored
        return told if missing >= told else 0

    def _restore(self, first: _Held, told: int) -> Restored:
        self._cursor = first.timestamp
        self._restored += told
        self.totals.restored += told
        return Restored(told, first.payload)

    def _make_up(self, samples: int) -> Gap:
        self._concealed += samples
        self.totals.missing += samples
        return Gap(samples, conceal=True)

    def _play(self, packet: _Held, now: float) -> bytes:
        if len(self._held) > 1 and self._delay_s(packet.timestamp, now) > self.target_s + _SLACK_S:
            del self._held[packet.sequence]  # one packet is skipped: the delay had grown
            self.late += 1
            packet = self._held[min(self._held)]
        del self._held[packet.sequence]
        self._cursor = packet.end
        self._raise_floor(packet.end)
        self._count(packet)
        self._last, self._concealed, self._restored = packet, 0, 0
        return packet.payload

    def _count(self, packet: _Held) -> None:
        """Note a packet played, and what was missing before it and was not made up."""
        self.totals.played += packet.samples
        if self._last is None:
            return
        lost = packet.sequence - self._last.sequence - 1
        silent = packet.timestamp - self._last.end - self._concealed - self._restored
        if lost:
            self.totals.missing += max(0, min(silent, lost * packet.samples))
        elif silent > 0:  # it had fallen silent, and what was made up was not missed
            self.totals.missing -= self._concealed

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

    def _expect_fec(self, payload: bytes, arrived: float) -> None:
        """Wait a packet longer while packets get lost that the next one would tell again."""
        if has_fec(payload):
            self._fec_at = arrived
        lossy = arrived - self._lost_at < _LOSSY_S
        useful = lossy and arrived - self._fec_at < _LOSSY_S
        self._fec_s = duration(payload) / SAMPLE_RATE if useful else 0.0

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
        self._way = ShortestWay()

    def _shorten(self, most: int) -> None:
        while self.held_samples > most:
            gone = self._held.pop(min(self._held))
            self._cursor = None if self._cursor is None else max(self._cursor, gone.end)
            self._raise_floor(gone.end)
            self.late += 1


def _signed(difference: int, bits: int) -> int:
    """Return the nearest to zero of all differences that look alike in so many bits."""
    half = 1 << (bits - 1)
    return (difference + half) % (1 << bits) - half
