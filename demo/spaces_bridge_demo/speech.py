"""Speech for the demo and the tests: a scripted conversation, or a recording of yours.

All sound here is 48 kHz mono int16, as WebRTC carries it.

The conversation is spoken by the voice inside the package hibari-tts (Apache-2.0). The package has
one voice; the others are made from it: spoken faster or slower, then resampled, which moves pitch
and timbre and leaves the pace.
"""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import soxr
from hibari import Hibari
from numpy.typing import NDArray

Pcm: TypeAlias = NDArray[np.int16]

SAMPLE_RATE: Final = 48_000
_PEAK: Final = 0.6
_SEED: Final = 7


class SpeechUnreadable(Exception):
    """The recording cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice: `pitch` 1 is the packaged one, below is deeper; `pace` 1 is its own pace."""

    name: str
    pitch: float = 1.0
    pace: float = 1.0


HOST: Final = Voice("host", pitch=1.0)
GUEST: Final = Voice("guest", pitch=0.8, pace=1.0)
LISTENER: Final = Voice("listener", pitch=1.12, pace=1.05)


@dataclass(frozen=True, slots=True)
class Line:
    """A line: one turn of the conversation."""

    voice: Voice
    text: str


CONVERSATION: Final[Sequence[Line]] = (
    Line(HOST, "Good evening everybody, and welcome to our first live space."),
    Line(HOST, "Tonight we talk about gardens in the city, and how to start one."),
    Line(GUEST, "Thank you for having me. I have grown tomatoes on my balcony for seven years."),
    Line(HOST, "What is the most common mistake that people make in the beginning?"),
    Line(GUEST, "They give the plants too much water, and far too little light."),
    Line(GUEST, "A window to the south is worth more than any expensive fertilizer."),
    Line(HOST, "I see a hand in the audience. Let us hear the question."),
    Line(LISTENER, "Hello, can you hear me? I would like to know which herbs survive the winter."),
    Line(
        GUEST, "Rosemary and thyme are strong. Basil will not live through the first cold night."
    ),
    Line(HOST, "That was a wonderful answer. Thank you all for listening, and good night."),
)
"""A short talk of three people, in words that a small model knows."""


def speak(line: Line) -> Pcm:
    """Return the line spoken by its voice, the same samples every time."""
    voice = line.voice
    spoken = _voice()(line.text, speed=voice.pace / voice.pitch, seed=_SEED)
    moved = soxr.resample(spoken, 24_000, SAMPLE_RATE / voice.pitch)
    return _as_pcm(moved * (_PEAK / max(float(np.abs(moved).max()), 1e-6)))


def silence(seconds: float) -> Pcm:
    """Return silence, for pauses between lines."""
    return np.zeros(round(seconds * SAMPLE_RATE), np.int16)


def read_wav(path: Path) -> Pcm:
    """Read a recording as 48 kHz mono int16, whatever its rate, channels and sample width.

    Raises SpeechUnreadable, with what is wrong and what to do about it.
    """
    try:
        with wave.open(str(path), "rb") as recording:
            rate, channels = recording.getframerate(), recording.getnchannels()
            width, raw = recording.getsampwidth(), recording.readframes(recording.getnframes())
    except OSError as error:
        raise SpeechUnreadable(
            f"The recording {path} cannot be read: {error.strerror or error}. Name a WAV file "
            "that exists."
        ) from error
    except (wave.Error, EOFError) as error:
        raise SpeechUnreadable(
            f"{path} is no WAV file with plain PCM sound ({error}). Convert it, for example with: "
            f"ffmpeg -i {path.name} -ac 1 -ar 48000 -c:a pcm_s16le speech.wav"
        ) from error
    samples = _samples(raw, width)
    if not 0 < rate <= 768_000 or len(samples) < max(rate // 10, channels):
        raise SpeechUnreadable(
            f"The recording {path} holds less than a tenth of a second of sound. Record a longer "
            "one."
        )
    mono = samples[: len(samples) // channels * channels].reshape(-1, channels).mean(axis=1)
    return _as_pcm(soxr.resample(mono, rate, SAMPLE_RATE))


def _samples(raw: bytes, width: int) -> NDArray[np.float32]:
    """Return PCM of 8 (unsigned), 16, 24 or 32 bits as -1..1."""
    raw = raw[: len(raw) // width * width]
    if width == 1:
        return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128) / np.float32(128)
    if width == 3:
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        raw, width = wide.tobytes(), 4
    kind = {2: "<i2", 4: "<i4"}[width]
    return np.frombuffer(raw, kind).astype(np.float32) / np.float32(2 ** (8 * width - 1))


def _as_pcm(sound: NDArray[np.float32]) -> Pcm:
    return (np.clip(sound, -1.0, 1.0) * 32767).astype(np.int16)


@cache
def _voice() -> Hibari:
    return Hibari()
