"""Measures sound that was heard: words by a speech model, tones by their place in the spectrum."""

import asyncio
import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soxr

from spaces_bridge.captions.models import model_directory
from spaces_bridge_demo.peer import RATE, Pcm

MODEL = "base"
MODEL_RATE = 16_000
FLOOR_DB = -120.0


class Words(NamedTuple):
    """Recognised words, and their language (ISO 639-1)."""

    text: str
    language: str


async def words_in(pcm: Pcm, models: Path, language: str | None = "en") -> Words:
    """Return the words in 48 kHz sound, by the captions' model but with a decoder of its own.

    `models` is the folder where the model is put together. With `language` None, the model
    detects the language.
    """
    return await asyncio.to_thread(_transcribe, pcm, models, language)


def _transcribe(pcm: Pcm, models: Path, language: str | None) -> Words:
    from faster_whisper import WhisperModel

    sound = soxr.resample(pcm.astype(np.float32) / 32768, RATE, MODEL_RATE)
    directory = _directory(models)
    model = WhisperModel(
        str(directory), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
    )
    segments, about = model.transcribe(
        sound, language=language, beam_size=5, vad_filter=True, condition_on_previous_text=False
    )
    return Words(" ".join(segment.text.strip() for segment in segments), str(about.language))


@cache
def _directory(models: Path) -> Path:
    return model_directory(MODEL, models)


def tone(hertz: float, seconds: float, level: float = 0.25) -> Pcm:
    """Return a sine; `level` 1 is full scale."""
    wanted = round(seconds * RATE)
    # at whole hertz each second is like the first, and minutes of it do not hold up the event loop
    time = np.arange(RATE if float(hertz).is_integer() else wanted) / RATE
    second = (np.sin(2 * np.pi * hertz * time) * level * 32767).astype(np.int16)
    return np.resize(second, wanted)


def tone_level_db(pcm: Pcm, hertz: float, width: float = 20.0) -> float:
    """Return a tone's level in the sound, in decibels of a full-scale sine; -120 for nothing."""
    if len(pcm) < RATE // 10:
        return FLOOR_DB
    window = np.hanning(len(pcm))
    spectrum = np.abs(np.fft.rfft(pcm * window)) / (window.sum() / 2) / 32768
    bins = np.fft.rfftfreq(len(pcm), 1 / RATE)
    near = spectrum[np.abs(bins - hertz) <= width]
    # A window spreads one sine over neighbouring bins: their energies belong together.
    energy = float(np.sum(near**2)) / 1.5
    return max(FLOOR_DB, 10 * math.log10(energy + 1e-30))


def loudest_tone_db(pcm: Pcm, hertz: float) -> float:
    """Return a tone's level as `tone_level_db` does, in the second where it is strongest."""
    seconds = np.array_split(pcm, max(1, len(pcm) // RATE))
    return max(tone_level_db(second, hertz) for second in seconds)


def usual_tone_db(pcm: Pcm, hertz: float) -> float:
    """Return a tone's usual level in the sound, measured by pieces of 0.2 s.

    Where another tone begins, or leaps as packets were late, all frequencies sound for a moment.
    """
    pieces = np.array_split(pcm, max(1, len(pcm) // (RATE // 5)))
    return float(np.median([tone_level_db(piece, hertz) for piece in pieces]))


def loudness_db(pcm: Pcm) -> float:
    """Return the sound's RMS in decibels of full scale; -120 for silence."""
    if not len(pcm):
        return FLOOR_DB
    power = float(np.mean((pcm.astype(np.float64) / 32768) ** 2))
    return max(FLOOR_DB, 10 * math.log10(power + 1e-30))
