"""Sounds of a voice that says nothing: hums, laughter, melodies. 16 kHz, and loud."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spaces_bridge.captions.worker.speech_track import SpeechPcm

RATE: Final = 16_000
Wave: TypeAlias = NDArray[np.float64]
Vowel: TypeAlias = Sequence[tuple[float, float]]
"""Formants of the mouth: frequency and bandwidth, in Hz."""

OO: Final[Vowel] = ((300, 60), (870, 90), (2240, 150))
AH: Final[Vowel] = ((730, 80), (1090, 90), (2440, 150))
EH: Final[Vowel] = ((530, 70), (1840, 100), (2480, 150))
MM: Final[Vowel] = ((250, 60), (1000, 300), (2200, 300))
QUIET: Final = np.zeros(RATE // 2)


def wordless() -> Mapping[str, SpeechPcm]:
    """Each with half a second of silence before it, and a second behind."""
    sounds = {
        "hum": _sung(_steady(130, 4), OO),
        "closed-hum": _sung(_steady(120, 5), MM),
        "high-hum": _sung(_steady(220, 6), OO),
        "laughter": _laughter(220, 4, AH, 5),
        "titter": _laughter(260, 3, EH, 6),
        "chuckle": _laughter(140, 5, AH, 4),
        "melody": _sung(_melody([130, 147, 165, 175, 196, 175, 165, 147] * 2), MM),
    }
    return {name: _recorded(sound) for name, sound in sounds.items()}


def _time(seconds: float) -> Wave:
    return np.arange(round(seconds * RATE)) / RATE


def _steady(pitch: float, seconds: float) -> Wave:
    return pitch * (1 + 0.02 * np.sin(2 * np.pi * 5 * _time(seconds)))


def _melody(notes: Sequence[float]) -> Wave:
    steps = np.repeat(np.array(notes, float), RATE // 2)
    gliding: Wave = np.maximum(np.convolve(steps, np.ones(800) / 800, "same"), 80)
    trembling: Wave = gliding * (1 + 0.015 * np.sin(10 * np.pi * _time(len(steps) / RATE)))
    return trembling


def _sung(pitch: Wave, vowel: Vowel) -> Wave:
    """The vocal folds at this pitch (Hz), through the mouth."""
    phase = np.cumsum(pitch) / RATE % 1.0
    folds = np.where(phase < 0.6, np.sin(np.pi * phase / 0.6) ** 2, 0) - 0.3
    sound = np.diff(folds, prepend=0)
    for frequency, width in vowel:
        sound = _resonance(sound, frequency, width)
    return _faded(sound)


def _laughter(pitch: float, seconds: float, vowel: Vowel, rate: float) -> Wave:
    """Bursts of a voice that falls, with breath between them."""
    rng, beat = np.random.default_rng(4), np.sin(2 * np.pi * rate * _time(seconds))
    voice = _sung(pitch * (1 + 0.3 * np.exp(-_time(seconds))), vowel) * np.clip(beat, 0, 1) ** 0.5
    breath = rng.normal(0, 0.15, len(voice)) * np.clip(-beat, 0, 1)
    return _faded(voice * np.linspace(1, 0.4, len(voice)) + breath)


def _resonance(sound: Wave, frequency: float, width: float) -> Wave:
    """A second-order resonator."""
    radius = np.exp(-np.pi * width / RATE)
    near, far = 2 * radius * np.cos(2 * np.pi * frequency / RATE), -(radius**2)
    out, last, before = np.zeros_like(sound), 0.0, 0.0
    for at, sample in enumerate(sound):
        last, before = float(sample + near * last + far * before), last
        out[at] = last
    even: Wave = out / np.abs(out).max()
    return even


def _faded(sound: Wave) -> Wave:
    edge = np.linspace(0, 1, RATE // 20)
    ramp: Wave = np.ones(len(sound))
    ramp[: len(edge)], ramp[-len(edge) :] = edge, edge[::-1]
    return sound * ramp


def _recorded(sound: Wave) -> SpeechPcm:
    loud = 0.4 * sound / np.abs(sound).max()
    whole = np.concatenate([QUIET, loud, QUIET, QUIET])
    return (whole[: len(whole) // 1600 * 1600] * 32767).astype(np.int16)
