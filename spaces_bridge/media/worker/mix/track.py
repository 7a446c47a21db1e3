"""One speaker's sound at 16 kHz for the captions, kept until it has been taken."""

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import soxr

from spaces_bridge.media.worker.mix.opus import SAMPLE_RATE, Pcm
from spaces_bridge.wire.pcm import SAMPLE_RATE as CAPTION_RATE

CHUNK_MS: Final = 100
KEPT_MS: Final = 30_000

_PER_MS: Final = CAPTION_RATE // 1000
_CHUNK: Final = CHUNK_MS * _PER_MS


@dataclass(frozen=True, slots=True)
class SoundChunk:
    """A chunk is sound from `at_ms` on: s16le, 16 kHz, mono."""

    at_ms: int
    pcm: bytes

    @property
    def end_ms(self) -> int:
        """The end of the chunk, rounded up."""
        return self.at_ms - (-len(self.pcm) // (2 * _PER_MS))


class CaptionAudio:
    """The caption audio of one speaker: frames go in, chunks of `CHUNK_MS` are kept.

    Times are the live space's milliseconds.
    """

    def __init__(self) -> None:
        self._kept: deque[SoundChunk] = deque()
        self._resampler: soxr.ResampleStream | None = None
        self._pending: Pcm = np.zeros(0, np.int16)
        self._pending_ms = 0  # where the pending samples begin
        self._next_ms = 0  # where the next frame of an unbroken stretch begins

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is kept and no sound is coming in."""
        return not self._kept and self._resampler is None

    def hear(self, frame: Pcm, at_ms: int) -> None:
        """Take 48 kHz sound that begins at `at_ms`."""
        if self._resampler is not None and at_ms != self._next_ms:
            self.pause()
        if self._resampler is None:
            self._resampler = soxr.ResampleStream(
                SAMPLE_RATE, CAPTION_RATE, 1, dtype="int16", quality="MQ"
            )
            self._pending_ms = at_ms
        self._next_ms = at_ms + len(frame) * 1000 // SAMPLE_RATE
        self._add(self._resampler.resample_chunk(frame))
        while len(self._pending) >= _CHUNK:
            self._cut(_CHUNK)

    def pause(self) -> None:
        """End a stretch (the microphone shut, or time leapt): what is pending becomes a chunk."""
        if self._resampler is None:
            return
        self._add(self._resampler.resample_chunk(np.zeros(0, np.int16), last=True))
        self._resampler = None
        while len(self._pending):
            self._cut(min(_CHUNK, len(self._pending)))

    def since(self, from_ms: int) -> Iterator[SoundChunk]:
        """Return the kept chunks that end after `from_ms`, in order."""
        new = itertools.takewhile(lambda chunk: chunk.end_ms > from_ms, reversed(self._kept))
        return reversed(list(new))

    def taken(self, until_ms: int) -> None:
        """Forget the chunks that end by `until_ms`: they have been used."""
        while self._kept and self._kept[0].end_ms <= until_ms:
            self._kept.popleft()

    def _add(self, samples: Pcm) -> None:
        self._pending = np.concatenate((self._pending, samples))

    def _cut(self, size: int) -> None:
        pcm = self._pending[:size].astype("<i2").tobytes()
        chunk = SoundChunk(self._pending_ms, pcm)
        self._kept.append(chunk)
        self._pending = self._pending[size:]
        self._pending_ms = chunk.end_ms
        self.taken(chunk.end_ms - KEPT_MS)
