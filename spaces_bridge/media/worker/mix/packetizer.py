"""Longer packets for crowds: several 20 ms frames of a mix in one RTP payload (RFC 7587, 4.2).

The frames stay as they were encoded, one after the other in a packet of code 3 (RFC 6716, 3.2.5).
So what listeners hear is the same to the sample however many frames a packet has, and their
number may change at any time without a click and without negotiation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

PHASES: Final = 6
"""The groups of listeners whose packets leave in turns: a multiple of each number of frames."""
MOST_FRAMES: Final = 3
"""Frames in a packet of a crowd (60 ms): more delay is worse than what more frames save."""

MOST_BYTES: Final = 1150
"""Bytes of a packet of several frames: what fits a path of 1,280 bytes, the least of IPv6."""

_CODE: Final = 3  # of a TOC byte: how many frames follow (RFC 6716, 3.1)
_VARIABLE: Final = 0x80


@dataclass(frozen=True, slots=True)
class Packed:
    """A packet for the listeners of some phases; `phase` is None for those of all.

    `frames` is how many ticks its first frame begins before the end of this one; `begins`: it is
    the first after a silence.
    """

    phase: int | None
    packet: bytes
    frames: int
    begins: bool


@dataclass(frozen=True, slots=True)
class _Frame:
    tick: int
    packet: bytes
    begins: bool


@dataclass(slots=True)
class Packetizer:
    """A packetizer puts the frames of one stream together, for each phase at a tick of its own.

    `frames` is how many a packet has at most, 1 to `MOST_FRAMES`; it may be set at any time.
    """

    frames: int = 1
    _tick: int = 0
    _recent: list[_Frame] = field(default_factory=list)
    _sent: list[int] = field(default_factory=lambda: [0] * PHASES)  # ticks, by phase

    def push(
        self, packet: bytes | None, *, steps: int = 1, begins: bool = False
    ) -> Sequence[Packed]:
        """Take the frame of the next tick, None for silence; return what is due now.

        The tick stands for `steps` ticks of time, of which the frame is the last.
        """
        now = self._tick + steps - 1
        self._tick = now + 1
        if packet is not None and self.frames == 1 and not self._recent:
            self._sent = [self._tick] * PHASES
            return (Packed(None, packet, 1, begins),)
        if packet is not None:
            self._recent.append(_Frame(now, packet, begins))
        if not self._recent:
            return ()
        due = [phase for phase in range(PHASES) if self._is_due(phase, now)]
        packed = list(self._packed(due, now))
        oldest = min(self._sent)
        self._recent = [frame for frame in self._recent if frame.tick >= oldest]
        return packed

    def idle_phases(self) -> Sequence[int]:
        """Return the phases for which nothing waits; all of them if something does for each."""
        newest = self._recent[-1].tick if self._recent else -1
        return [phase for phase in range(PHASES) if self._sent[phase] > newest] or range(PHASES)

    def _is_due(self, phase: int, now: int) -> bool:
        frames, since = self.frames, self._sent[phase]
        oldest = next((frame.tick for frame in self._recent if frame.tick >= since), None)
        if oldest is None:
            return False
        is_turn = now % frames == phase % frames or now - oldest >= frames - 1
        return is_turn or not self._fits(since)

    def _fits(self, since: int) -> bool:
        """Return whether all frames that wait are neighbours, and of one configuration."""
        waiting = [frame for frame in self._recent if frame.tick >= since]
        return self._run(waiting) == waiting

    def _packed(self, due: Sequence[int], now: int) -> Iterator[Packed]:
        made: dict[int, tuple[list[_Frame], bytes]] = {}
        for phase in due:
            since = self._sent[phase]
            if since not in made:
                run = self._run([frame for frame in self._recent if frame.tick >= since])
                made[since] = run, merged([frame.packet for frame in run])
        is_common = len(due) == PHASES and len(made) == 1
        for phase in due[:1] if is_common else due:
            run, packet = made[self._sent[phase]]
            frames = now + 1 - run[0].tick
            yield Packed(None if is_common else phase, packet, frames, run[0].begins)
        for phase in due:
            run, _ = made[self._sent[phase]]
            self._sent[phase] = run[-1].tick + 1

    @staticmethod
    def _run(waiting: list[_Frame]) -> list[_Frame]:
        """Return those of the frames, from the first on, that can share a packet."""
        first = waiting[0]
        run, size = [first], len(first.packet) + 2
        for frame in waiting[1:]:
            follows = frame.tick == run[-1].tick + 1 and not frame.begins
            size += len(frame.packet) + 1
            if not follows or frame.packet[0] != first.packet[0] or size > MOST_BYTES:
                break
            run.append(frame)
        return run


def merged(packets: Sequence[bytes]) -> bytes:
    """Return one Opus packet with the frames of several, each of one frame and the same TOC."""
    if len(packets) == 1:
        return packets[0]
    frames = [packet[1:] for packet in packets]
    head = bytes((packets[0][0] | _CODE, _VARIABLE | len(frames)))
    return head + b"".join(_length(len(frame)) for frame in frames[:-1]) + b"".join(frames)


def _length(size: int) -> bytes:
    """Return the length of a frame as RFC 6716, 3.2.1 codes it."""
    if size < 252:
        return bytes((size,))
    return bytes((252 + (size & 3), (size - 252 - (size & 3)) >> 2))
