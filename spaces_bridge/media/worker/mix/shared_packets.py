"""The packets of the shared mix for those who only listen: how long, and to whom in which tick.

While a live space is small everybody gets each frame at once; a crowd gets several in a packet, a
part of it in each tick. While nobody makes a sound, only comfort packets are sent.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from spaces_bridge.media.worker.mix.opus import FRAME
from spaces_bridge.media.worker.mix.packetizer import MOST_FRAMES, PHASES, Packetizer
from spaces_bridge.media.worker.values import ListenerPayload

QUIET_AFTER: Final = 10
"""Ticks of silence that are sent, so that decoders fade; after them only comfort packets are."""
COMFORT_EVERY: Final = 20
"""Ticks between comfort packets: clients tell silence from a lost connection by them."""
BURST: Final = 1000
"""Listeners who are sent to in one tick, while they are so few: together they cost less each, as
less of what sending needs was put out of the processor's caches meanwhile."""
CROWD_OVER: Final = 0.8
"""The share of a crowd's least number of listeners below which it is none any more."""


@dataclass(frozen=True, slots=True)
class CrowdPackets:
    """The packets of a crowd, of `least` listeners or more, have `frames` frames each."""

    frames: int = MOST_FRAMES
    least: int = 200


class SharedPackets:
    """The shared packets of a space: `lay_out` when its listeners change, `push` each tick."""

    def __init__(self, crowd: CrowdPackets) -> None:
        self._crowd, self._least_frames = crowd, 1
        self._packetizer = Packetizer()
        self._all: tuple[str, ...] = ()
        self._phase_of: dict[str, int] = {}
        self._phases: tuple[tuple[str, ...], ...] = ((),) * PHASES
        self._quiet = 0  # ticks

    @property
    def frames_per_packet(self) -> int:
        """The frames of 20 ms in a packet."""
        return self._packetizer.frames

    def lengthen(self, frames: int) -> None:
        """Put at least so many frames into a packet; 1: as configured.

        Fewer packets cost less; each frame more is 20 ms of delay.
        """
        self._least_frames = min(max(1, frames), MOST_FRAMES)
        self._choose_frames()

    def lay_out(self, listeners: Sequence[str], returning: Collection[str] = ()) -> None:
        """Serve these peers; those who were served before keep their phase.

        Who is `returning` from another mix gets no frame of the time before.
        """
        self._all = tuple(listeners)
        self._choose_frames()
        before = self._phase_of
        self._phase_of = {peer: before[peer] for peer in listeners if peer in before}
        sizes, idle = Counter(self._phase_of.values()), self._packetizer.idle_phases()
        turns = self._turns()
        for peer in listeners:
            if peer not in self._phase_of:
                among = idle if peer in returning else turns
                phase = min(among, key=lambda each: sizes[each])
                self._phase_of[peer] = phase
                sizes[phase] += 1
        phases: list[list[str]] = [[] for _ in range(PHASES)]
        for peer, phase in self._phase_of.items():
            phases[phase].append(peer)
        self._phases = tuple(tuple(phase) for phase in phases)

    def push(
        self, frame: bytes | None, *, steps: int = 1, is_silent: bool
    ) -> list[ListenerPayload]:
        """Take the mix of this tick, which stands for `steps`; return the packets that are due.

        `frame` is None if there is no mix now.
        """
        was_quiet = self._quiet > QUIET_AFTER
        self._quiet = self._quiet + 1 if is_silent else 0
        rests = self._quiet > QUIET_AFTER and self._quiet % COMFORT_EVERY != 0
        due = self._packetizer.push(
            frame if self._all and not rests else None,
            steps=steps,
            begins=was_quiet and not is_silent,
        )
        return [
            ListenerPayload(peers, each.packet, (each.frames - 1) * FRAME, each.begins)
            for each in due
            if (peers := self._all if each.phase is None else self._phases[each.phase])
        ]

    def _turns(self) -> Sequence[int]:
        """Return the phases for new listeners: no more than so many need."""
        frames = max(self._packetizer.frames, self._crowd.frames)
        turns = min(frames, -(-len(self._all) // BURST))
        return [phase for phase in range(PHASES) if phase % frames < turns] or range(PHASES)

    def _choose_frames(self) -> None:
        is_crowd = self._packetizer.frames > self._least_frames
        least = self._crowd.least * (CROWD_OVER if is_crowd else 1)
        frames = self._crowd.frames if len(self._all) >= least else 1
        self._packetizer.frames = max(self._least_frames, frames)
