"""Mixing: everybody for those who listen, everybody else for those who speak. Pure."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from spaces_bridge.media.worker.mix.limiter import PEAK, Limiter
from spaces_bridge.media.worker.mix.opus import FRAME, Pcm

SILENCE: Final[Pcm] = np.zeros(FRAME, np.int16)
SILENCE.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Mix:
    """A mix is one frame of everybody, and for some users one without their own sound."""

    everybody: Pcm
    without: Mapping[str, Pcm]


class Mixer:
    """A mixer has a limiter for everybody's mix, and one for each that lacks somebody.

    The sums are exact, so each mix is what its limiter makes of the sum of the others.
    """

    def __init__(self) -> None:
        self._everybody = Limiter()
        self._without: dict[str, Limiter] = {}

    def mix(self, frames: Mapping[str, Pcm], minus: Collection[str]) -> Mix:
        """Return the sum of `frames` (one per speaker), and for each of `minus` the others'."""
        for user in self._without.keys() - minus:
            del self._without[user]
        total = np.zeros(FRAME, np.int32)
        for frame in frames.values():
            total += frame
        everybody = self._everybody.limit(total)
        without = {}
        for user in minus:
            limiter = self._without.get(user)
            if limiter is None:
                limiter = self._without[user] = Limiter()
            own = frames.get(user)
            without[user] = limiter.limit(total if own is None else total - own)
        return Mix(everybody, without)


def loudness(frame: Pcm) -> int:
    """Return a frame's loudness, 0 (below -60 dBFS) to 100 (-6 dBFS and above), in steps of 5."""
    wide = frame.astype(np.float32)
    power = float(np.dot(wide, wide)) / len(wide)
    if power < 1.0:
        return 0
    decibels = 10 * math.log10(power / PEAK**2)
    return min(max(round((decibels + 60) / 54 * 20), 0), 20) * 5
