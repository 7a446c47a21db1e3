"""Mixing: everybody for those who listen, everybody else for those who speak. Pure."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spaces_bridge.media.worker.mix.opus import FRAME, Pcm

KNEE: Final = 24_576
"""Up to this level (-2.5 dBFS) sound passes as it is; louder is bent, never cut off."""
PEAK: Final = 32_767

SILENCE: Final[Pcm] = np.zeros(FRAME, np.int16)
SILENCE.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Mix:
    """A mix is one frame of everybody, and for some users one without their own sound."""

    everybody: Pcm
    without: Mapping[str, Pcm]


def mix_minus(frames: Mapping[str, Pcm], minus: Collection[str]) -> Mix:
    """Return the sum of `frames` (one per speaker), and for each of `minus` that of the others."""
    if not frames:
        return Mix(SILENCE, dict.fromkeys(minus, SILENCE))
    total = np.zeros(FRAME, np.int32)
    for frame in frames.values():
        total += frame
    everybody = soft_clip(total)
    without = {
        user: soft_clip(total - frames[user]) if user in frames else everybody for user in minus
    }
    return Mix(everybody, without)


def soft_clip(total: NDArray[np.int32]) -> Pcm:
    """Fit a sum into 16 bits: above the knee it bends towards the peak, smoothly, monotonely."""
    loudest = max(int(total.max()), -int(total.min()))
    if loudest <= KNEE:
        return total.astype(np.int16)
    size = np.abs(total).astype(np.float32)
    room = PEAK - KNEE
    bent = KNEE + room * np.tanh((size - KNEE) / room)
    return np.copysign(np.where(size > KNEE, bent, size), total).astype(np.int16)


def loudness(frame: Pcm) -> int:
    """Return a frame's loudness, 0 (below -60 dBFS) to 100 (-6 dBFS and above), in steps of 5."""
    wide = frame.astype(np.float32)
    power = float(np.dot(wide, wide)) / len(wide)
    if power < 1.0:
        return 0
    decibels = 10 * math.log10(power / PEAK**2)
    return min(max(round((decibels + 60) / 54 * 20), 0), 20) * 5
