"""One talker's way from the microphone's sound to the mix: gain, and no click at either end. Pure.

Raw sound goes in, and captions and the levels that are shown stay with the raw sound.
"""

import math
from typing import Final

import numpy as np

from spaces_bridge.media.worker.mix.limiter import Limiter
from spaces_bridge.media.worker.mix.loudness import AutomaticGain
from spaces_bridge.media.worker.mix.opus import FRAME, Pcm

FADE: Final = 240
"""Samples (5 ms) in which sound comes in and goes out."""

_UP: Final = (0.5 - 0.5 * np.cos(np.pi * (np.arange(FADE) + 0.5) / FADE)).astype(np.float32)
_DOWN: Final = _UP[::-1].copy()
_RAMP: Final = np.arange(1, FRAME + 1, dtype=np.float32) / FRAME


class Voice:
    """A voice stays with its user while they come and go: so they begin as loud as they ended."""

    def __init__(self) -> None:
        self.percent: int | None = None
        """The host's choice, of the sound as it is sent; None: automatic."""
        self._automatic = AutomaticGain()
        self._gain = 1.0
        self._limiter = Limiter()
        self._end: Pcm | None = None

    def hear(self, frame: Pcm) -> Pcm:
        """Return the next frame of the microphone as it goes into the mix."""
        decibels = self._automatic.hear(frame)
        before, self._gain = self._gain, self._wanted(decibels)
        begins = self._end is None
        if begins:
            before = self._gain
        if before == self._gain:
            sound = frame * np.float32(before)
        else:
            sound = frame * (np.float32(self._gain - before) * _RAMP + np.float32(before))
        if begins:
            sound[:FADE] *= _UP
        louder = np.rint(sound, out=sound).astype(np.int32)
        heard = self._limiter.limit(louder)
        self._end = heard[-FADE:]
        return heard

    def stop(self) -> Pcm | None:
        """Return the fade after the last frame; None if it was silence.

        No more sound is to be heard, so the end of the last frame goes out backwards: it begins
        where that ended, and nothing is in it that was not heard before.
        """
        end, self._end = self._end, None
        if end is None:
            return None
        faded = np.zeros(FRAME, np.int16)
        faded[:FADE] = np.rint(end[::-1] * _DOWN)
        return faded

    def _wanted(self, decibels: float) -> float:
        if self.percent is not None:
            return self.percent / 100
        return math.pow(10, decibels / 20)
