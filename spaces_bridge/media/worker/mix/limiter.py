"""A limiter: what is too loud for 16 bits is made softer, not bent, and nothing ever wraps. Pure.

It looks at the whole frame that it is given, which is there anyway: so it adds no delay.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from spaces_bridge.media.worker.mix.opus import FRAME, Pcm

KNEE: Final = 24_576
"""Up to this level (-2.5 dBFS) sound passes as it is; louder sound is brought down to it."""
PEAK: Final = 32_767
PARTS: Final = 8
"""The parts of a frame (2.5 ms each): gain goes straight from one edge between two to the next."""
RELEASE: Final = 0.02
"""Gain comes back by so much per part: from half to all of it in 60 ms."""

_PART: Final = FRAME // PARTS
_ALONG: Final = (np.arange(1, _PART + 1, dtype=np.float32) / _PART)[None, :]


class Limiter:
    """A limiter follows one stream of frames: its gain has no leap, between frames neither."""

    def __init__(self) -> None:
        self.gain = 1.0
        """The gain at the end of the last frame."""

    def limit(self, total: NDArray[np.int32]) -> Pcm:
        """Return a frame of `FRAME` samples that fits into 16 bits."""
        if self.gain >= 1.0 and _peak(total) <= KNEE:
            return total.astype(np.int16)
        parts = total.astype(np.float32).reshape(PARTS, _PART)
        peaks = np.maximum(parts.max(axis=1), -parts.min(axis=1)).tolist()
        edges = self._edges(peaks)
        before = edges[:-1, None]
        parts *= before + (edges[1:, None] - before) * _ALONG
        heard = np.rint(parts, out=parts).reshape(-1)
        if edges[0] * peaks[0] <= KNEE:
            return heard.astype(np.int16)
        # what is loud from the frame's first sample on was not seen coming: its beginning is bent
        return soft_clip(heard.astype(np.int32))

    def _edges(self, peaks: list[float]) -> NDArray[np.float32]:
        """Return the gain at each edge: as much as the parts on both sides of it bear."""
        bearable = [KNEE / peak if peak > KNEE else 1.0 for peak in peaks]
        edges = [self.gain]
        for before, after in zip(bearable, [*bearable[1:], bearable[-1]], strict=True):
            edges.append(min(before, after, edges[-1] + RELEASE))
        self.gain = edges[-1]
        return np.array(edges, np.float32)


def soft_clip(total: NDArray[np.int32]) -> Pcm:
    """Fit a sum into 16 bits: above the knee it bends towards the peak, smoothly, monotonely."""
    if _peak(total) <= KNEE:
        return total.astype(np.int16)
    size = np.abs(total).astype(np.float32)
    room = PEAK - KNEE
    bent = KNEE + room * np.tanh((size - KNEE) / room)
    return np.copysign(np.where(size > KNEE, bent, size), total).astype(np.int16)


def _peak(total: NDArray[np.int32]) -> int:
    return max(int(total.max()), -int(total.min()))
