"""Loudness of speech (EBU R 128, ITU-R BS.1770-5) and the gain that brings it to the target. Pure.

BS.1770 weights sound by two filters (K) and takes its mean power over 400 ms. Both filters only
scale what there is at each frequency, so the power of a frame is summed over its spectrum, each
frequency by its weight: one transform, no filter state, no loop over samples.

All loudness is in LUFS, of one channel; all gain in decibels.
"""

import math
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, Pcm

TARGET_LUFS: Final = -20.0
"""A talker's loudness in the mix: usual for mono speech (stereo's -16 is one channel's -19), and
speech peaks 12 to 18 dB above its loudness, so that one talker hardly ever meets the limiter."""
LOWEST_GAIN_DB: Final = -18.0
HIGHEST_GAIN_DB: Final = 24.0
RISE_DB_S: Final = 6.0
"""How fast gain goes up: slowly, as nobody likes a room's noise to swell."""
FALL_DB_S: Final = 30.0
"""How fast gain goes down: a voice that is too loud hurts."""

SILENCE_LUFS: Final = -70.0
"""The absolute gate of BS.1770; nothing is told apart below it."""
FAINTEST_LUFS: Final = -54.0
"""What is fainter never counts as speech: the most gain brings -44 to the target."""
ABOVE_NOISE_DB: Final = 8.0
"""Speech stands so much above the least of the last seconds. Steady noise does not."""
RELATIVE_GATE_DB: Final = 10.0
"""Of the speech kept, what is so much below its mean does not count (BS.1770, annex 1)."""

_FRAMES: Final = 5
"""Frames of a step, 100 ms: blocks of 400 ms overlap by three quarters."""
_STEPS: Final = 4
_FLOOR_STEPS: Final = 30
"""The noise is the least of so many steps (3 s): nobody speaks so long without a breath."""
_FIRST_STEPS: Final = 10
"""Steps (1 s) before anything counts as speech: until then the noise is not known."""
_SPEECH_BLOCKS: Final = 50
"""Blocks of speech that are kept: 5 s of it, however long ago."""
_FRAME_S: Final = FRAME / SAMPLE_RATE
_OFFSET_DB: Final = -0.691  # BS.1770: a sine of 997 Hz at full scale has -3.01 LUFS

# The two filters, as analogue designs carried to any rate by the bilinear transform: frequency in
# hertz, quality, and the gain of the shelf in decibels. They give the tables of BS.1770 at 48 kHz.
_SHELF: Final = (1681.974450955533, 0.7071752369554196, 3.999843853973347)
_HIGH_PASS: Final = (38.13547087602444, 0.5003270373238773)


def k_weights(samples: int, rate: int = SAMPLE_RATE) -> NDArray[np.float32]:
    """Return what the power at each frequency of a real transform of `samples` counts.

    Its product with the squared magnitudes is the mean power of K-weighted samples.
    """
    z1 = np.exp(-2j * np.pi * np.arange(samples // 2 + 1) / samples)
    response = _shelf(z1, rate) * _high_pass(z1, rate)
    weights = 2 * np.abs(response) ** 2 / samples**2
    weights[0] /= 2
    if samples % 2 == 0:
        weights[-1] /= 2
    return weights.astype(np.float32)


def _shelf(z1: NDArray[np.complex128], rate: int) -> NDArray[np.complex128]:
    hertz, quality, decibels = _SHELF
    k = math.tan(math.pi * hertz / rate)
    high = 10 ** (decibels / 20)
    band = high**0.4996667741545416
    below = 1 + k / quality + k * k
    top = (
        (high + band * k / quality + k * k)
        + 2 * (k * k - high) * z1
        + (high - band * k / quality + k * k) * z1**2
    )
    bottom = below + 2 * (k * k - 1) * z1 + (1 - k / quality + k * k) * z1**2
    shelf: NDArray[np.complex128] = top / bottom
    return shelf


def _high_pass(z1: NDArray[np.complex128], rate: int) -> NDArray[np.complex128]:
    hertz, quality = _HIGH_PASS
    k = math.tan(math.pi * hertz / rate)
    below = 1 + k / quality + k * k
    bottom = 1 + (2 * (k * k - 1) * z1 + (1 - k / quality + k * k) * z1**2) / below
    passed: NDArray[np.complex128] = (1 - z1) ** 2 / bottom
    return passed


_WEIGHTS: Final = k_weights(FRAME) / np.float32(32_768**2)


def power(frame: Pcm) -> float:
    """Return the mean power of a K-weighted frame of `FRAME` samples; 1 is full scale's square."""
    spectrum = np.fft.rfft(frame.astype(np.float32))
    parts = spectrum.view(np.float32)
    parts *= parts
    return float(_WEIGHTS @ parts[::2] + _WEIGHTS @ parts[1::2])


def lufs(mean_power: float) -> float:
    """Return the loudness of a K-weighted mean power; `SILENCE_LUFS` is the least."""
    if mean_power <= 0:
        return SILENCE_LUFS
    return max(_OFFSET_DB + 10 * math.log10(mean_power), SILENCE_LUFS)


def _power(loudness: float) -> float:
    """Return the mean power that has this loudness."""
    return float(10 ** ((loudness - _OFFSET_DB) / 10))


_SILENCE: Final = _power(SILENCE_LUFS)
_FAINTEST: Final = _power(FAINTEST_LUFS)
_ABOVE_NOISE: Final = 10 ** (ABOVE_NOISE_DB / 10)
_RELATIVE: Final = 10 ** (-RELATIVE_GATE_DB / 10)


class SpeechMeter:
    """A speech meter tells how loud one talker speaks, whatever is between the words."""

    def __init__(self) -> None:
        self.loudness: float | None = None
        """The loudness of the last seconds of speech; None: no speech was heard yet."""
        self._sum, self._frames = 0.0, 0
        self._block: deque[float] = deque(maxlen=_STEPS)
        self._floor: deque[float] = deque(maxlen=_FLOOR_STEPS)
        self._speech: deque[float] = deque(maxlen=_SPEECH_BLOCKS)

    def hear(self, frame: Pcm) -> None:
        """Measure a frame. What was not sent at all is not to be passed: it says nothing."""
        self._sum += power(frame)
        self._frames += 1
        if self._frames < _FRAMES:
            return
        step, self._sum, self._frames = self._sum / _FRAMES, 0.0, 0
        self._block.append(step)
        if step < _SILENCE:
            return  # a client that mutes itself between words: it says nothing of the noise
        self._floor.append(step)
        if len(self._block) == _STEPS and len(self._floor) >= _FIRST_STEPS:
            self._judge(step, sum(self._block) / _STEPS)

    def _judge(self, step: float, block: float) -> None:
        if min(step, block) < max(_FAINTEST, min(self._floor) * _ABOVE_NOISE):
            return
        self._speech.append(block)
        least = sum(self._speech) / len(self._speech) * _RELATIVE
        loud = [each for each in self._speech if each >= least]
        self.loudness = lufs(sum(loud) / len(loud))


class AutomaticGain:
    """An automatic gain brings one talker to the target; it stands still without speech."""

    def __init__(self) -> None:
        self.decibels = 0.0
        self._meter = SpeechMeter()

    @property
    def loudness(self) -> float | None:
        """The talker's loudness before the gain; None if no speech was heard yet."""
        return self._meter.loudness

    def hear(self, frame: Pcm) -> float:
        """Measure a frame and return the gain at its end."""
        self._meter.hear(frame)
        if self._meter.loudness is None:
            return self.decibels
        wanted = TARGET_LUFS - self._meter.loudness
        wanted = min(max(wanted, LOWEST_GAIN_DB), HIGHEST_GAIN_DB)
        least, most = self.decibels - FALL_DB_S * _FRAME_S, self.decibels + RISE_DB_S * _FRAME_S
        self.decibels = min(max(wanted, least), most)
        return self.decibels
