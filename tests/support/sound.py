"""Tones, and how loud a tone is in what was heard."""

import numpy as np
from numpy.typing import NDArray

from spaces_bridge_demo import ears

RATE = 48_000
FRAME = 960

Pcm = NDArray[np.int16]

LOUD, QUIET = 0.02, 0.001
"""Shares of full scale, on average: somebody speaks, or nobody does."""


def tone(hertz: float, seconds: float, peak: int = 8000) -> Pcm:
    """A sine, 48 kHz mono; `peak` in steps of 16 bits."""
    return ears.tone(hertz, seconds, peak / 32767)


def frames_of(pcm: Pcm) -> list[Pcm]:
    """Whole frames of 20 ms."""
    return [pcm[at : at + FRAME] for at in range(0, len(pcm) - FRAME + 1, FRAME)]


def loudness(pcm: Pcm) -> float:
    """How loud it is on average (root mean square), as a share of full scale."""
    return float(np.sqrt(np.mean((pcm / 32768) ** 2))) if len(pcm) else 0.0


def decibels(pcm: Pcm, hertz: float, rate: int = RATE) -> float:
    """How loud this frequency is (dBFS of a sine's peak), by windowed Fourier transforms.

    The median over windows of 0.1 s: a leap in time (a lost packet, a busy machine) turns the
    phase of a tone, which would look like another loudness in one long window.
    """
    size = rate // 10
    windows = pcm[: len(pcm) // size * size].reshape(-1, size)
    shape = np.hanning(size)
    spectra = np.abs(np.fft.rfft(windows * shape, axis=1)) / (shape.sum() / 2)
    near = round(hertz * size / rate)
    peaks = spectra[:, near - 1 : near + 2].max(axis=1)
    return 20 * float(np.log10(max(float(np.median(peaks)), 1e-3) / 32768))
