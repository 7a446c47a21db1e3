"""One speaker's track: sound with its times in, utterances of sound out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spaces_bridge.captions.worker.segmenter import FRAME_MS, FRAME_SAMPLES, Segmenter, Span
from spaces_bridge.captions.worker.vad import Sound
from spaces_bridge.wire.pcm import SAMPLE_RATE

SpeechPcm: TypeAlias = NDArray[np.int16]

GAP_MS: Final = 100
"""A hole in the sound that is longer than this is silence and ends the utterance."""
_JITTER_MS: Final = 2
_PER_MS: Final = SAMPLE_RATE // 1000
_SILENCE: Final = np.zeros(0, np.int16)


class Detector(Protocol):
    """A detector finds voices, frame by frame (`VoiceDetector`, or a stand-in)."""

    def probabilities(self, sound: Sound) -> list[float]:
        """Return one probability (0..1) per frame of `sound`, a whole number of frames."""
        ...

    def reset(self) -> None:
        """Forget the sound so far."""
        ...


@dataclass(frozen=True, slots=True)
class SpokenUtterance:
    """A spoken utterance: its sound, 16 kHz int16, and its place in the live space."""

    start_ms: int
    end_ms: int
    pcm: SpeechPcm

    @property
    def sound(self) -> Sound:
        """The samples, as -1..1."""
        return as_sound(self.pcm)


class SpeechTrack:
    """A speech track finds one speaker's utterances; it keeps no more sound than they need."""

    def __init__(self, detector: Callable[[], Detector]) -> None:
        self._detector = detector()
        self._segmenter = Segmenter()
        self._origin_ms: int | None = None
        self._first_ms = 0
        self._kept_from = 0
        self._frames = 0
        self._pcm = _SILENCE

    @property
    def settled_ms(self) -> int:
        """The time before which no utterance to come starts."""
        return self._ms(self._segmenter.settled)

    @property
    def speaking(self) -> bool:
        """Return whether an utterance is open."""
        return self._segmenter.speaking

    @property
    def open_span(self) -> tuple[int, int] | None:
        """The start of the open utterance and its end so far, in ms; None between utterances."""
        span = self._segmenter.open
        return None if span is None else (self._ms(span.start), self._ms(span.end))

    @property
    def open(self) -> SpokenUtterance | None:
        """The open utterance so far; None between utterances."""
        span = self._segmenter.open
        return None if span is None else self._spoken(span)

    @property
    def ending(self) -> SpokenUtterance | None:
        """The open utterance as it will be if the silence lasts; None while there is a voice."""
        span = self._segmenter.ending
        return None if span is None else self._spoken(span)

    def hear(self, at_ms: int, pcm: SpeechPcm) -> Iterator[SpokenUtterance]:
        """Take sound that starts at `at_ms`; yield the utterances that ended in it.

        Sound before what was heard already is dropped; a hole of up to `GAP_MS` is filled with
        silence, a longer one ends the utterance. Sound from before the very first is a replay that
        came late: if nothing is final yet, the track starts over with it.
        """
        if self._origin_ms is None or at_ms < self._first_ms - GAP_MS:
            self._start_over(at_ms)
        late_ms = at_ms - self._heard_ms
        if late_ms > GAP_MS:
            yield from self.close()
            self._origin_ms = at_ms
        elif late_ms > _JITTER_MS:
            pcm = np.concatenate([np.zeros(late_ms * _PER_MS, np.int16), pcm])
        elif late_ms < -_JITTER_MS:
            pcm = pcm[-late_ms * _PER_MS :]
        yield from self._take(pcm)

    def close(self) -> Iterator[SpokenUtterance]:
        """End or interrupt the track: yield the open utterance, then start afresh."""
        if (span := self._segmenter.flush()) is not None:
            self._first_ms = 0
            yield self._spoken(span)
        self._rest_at(self._heard_ms)

    def _start_over(self, at_ms: int) -> None:
        self._rest_at(at_ms)
        self._first_ms = at_ms

    def _rest_at(self, at_ms: int) -> None:
        self._detector.reset()
        self._origin_ms = at_ms
        self._segmenter = Segmenter()
        self._pcm = _SILENCE
        self._kept_from = self._frames = 0

    @property
    def _heard_ms(self) -> int:
        return self._ms(self._kept_from) + len(self._pcm) // _PER_MS

    def _ms(self, frame: int) -> int:
        return (self._origin_ms or 0) + frame * FRAME_MS

    def _take(self, pcm: SpeechPcm) -> Iterator[SpokenUtterance]:
        self._pcm = np.concatenate([self._pcm, pcm])
        whole = self._kept_from + len(self._pcm) // FRAME_SAMPLES
        if whole == self._frames:
            return
        fresh = self._between(self._frames, whole)
        self._frames = whole
        for probability in self._detector.probabilities(as_sound(fresh)):
            if (span := self._segmenter.push(probability)) is not None:
                self._first_ms = 0
                yield self._spoken(span)
        keep = self._segmenter.settled
        self._pcm = self._pcm[(keep - self._kept_from) * FRAME_SAMPLES :]
        self._kept_from = keep

    def _between(self, start: int, end: int) -> SpeechPcm:
        first = self._kept_from
        return self._pcm[(start - first) * FRAME_SAMPLES : (end - first) * FRAME_SAMPLES]

    def _spoken(self, span: Span) -> SpokenUtterance:
        return SpokenUtterance(
            self._ms(span.start), self._ms(span.end), self._between(*span).copy()
        )


def as_sound(pcm: SpeechPcm) -> Sound:
    """Return samples of 16 bits as -1..1."""
    return pcm.astype(np.float32) / np.float32(32768)
