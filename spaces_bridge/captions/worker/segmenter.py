"""The segmenter finds where utterances begin and end. Pure: a state machine over probabilities.

There is one `Segmenter` per speaker's track. It takes one voice probability per 32 ms frame (the
frame of the Silero voice detector at 16 kHz) and returns `Span`s of frames, each one utterance: in
order, never overlapping, never longer than the longest the policy allows.
"""

from dataclasses import dataclass
from typing import NamedTuple

FRAME_SAMPLES = 512
"""Samples of 16 kHz sound in one frame."""
FRAME_MS = 32


class Span(NamedTuple):
    """A span is the frames `[start, end)` of one utterance, counted from the track's start."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy for the beginning and the end of speech; lengths are in frames of 32 ms.

    The longer somebody talks, the shorter a pause ends the utterance: captions of a long turn
    come in several lines instead of one late one.
    """

    voice: float = 0.5
    silence: float = 0.35
    start: int = 3
    pre_roll: int = 9
    tail: int = 8
    pause: int = 16
    long_after: int = 188
    long_pause: int = 11
    longer_after: int = 281
    longer_pause: int = 6
    longest: int = 375
    cut_within: int = 47

    def pause_after(self, length: int) -> int:
        """Return how many silent frames end an utterance that is `length` frames long."""
        if length >= self.longer_after:
            return self.longer_pause
        if length >= self.long_after:
            return self.long_pause
        return self.pause


DEFAULT_POLICY = Policy()


class Segmenter:
    """A segmenter finds the utterances of one track, frame by frame."""

    def __init__(self, policy: Policy = DEFAULT_POLICY) -> None:
        self._policy = policy
        self._frames = 0
        self._settled = 0
        self._rising = 0
        self._start: int | None = None
        self._last_voice = 0
        self._recent: list[float] = []

    @property
    def settled(self) -> int:
        """The first frame that an utterance to come may start at: older sound can go."""
        if self._start is not None:
            return self._start
        return max(self._settled, self._frames - self._rising - self._policy.pre_roll)

    @property
    def speaking(self) -> bool:
        """Return whether an utterance is open."""
        return self._start is not None

    @property
    def open(self) -> Span | None:
        """The open utterance as far as it was heard, without the silence behind its last voice."""
        if self._start is None:
            return None
        return Span(self._start, min(self._frames, self._last_voice + self._policy.tail))

    @property
    def ending(self) -> Span | None:
        """The open utterance as it will be if the silence lasts; None while there is a voice."""
        end = self._last_voice + self._policy.tail
        if self._start is None or self._frames < end:
            return None
        return Span(self._start, end)

    def push(self, probability: float) -> Span | None:
        """Take the next frame's voice probability (0..1); return the utterance it ended."""
        self._frames += 1
        if self._start is None:
            self._listen(probability)
            return None
        return self._follow(self._start, probability)

    def flush(self) -> Span | None:
        """End the track; return the open utterance, if there is one."""
        if self._start is None:
            return None
        return self._end(self._start, min(self._frames, self._last_voice + self._policy.tail))

    def _listen(self, probability: float) -> None:
        self._rising = self._rising + 1 if probability > self._policy.voice else 0
        if self._rising < self._policy.start:
            return
        first = self._frames - self._rising
        self._start = max(self._settled, first - self._policy.pre_roll)
        self._last_voice = self._frames
        self._recent = [1.0] * self._rising
        self._rising = 0

    def _follow(self, start: int, probability: float) -> Span | None:
        policy = self._policy
        if probability >= policy.silence:
            self._last_voice = self._frames
        self._recent = [*self._recent[1 - policy.cut_within :], probability]
        length = self._frames - start
        if self._frames - self._last_voice >= policy.pause_after(length):
            return self._end(start, min(self._frames, self._last_voice + policy.tail))
        return self._cut(start) if length >= policy.longest else None

    def _end(self, start: int, end: int) -> Span:
        self._settled = end
        self._start = None
        return Span(start, end)

    def _cut(self, start: int) -> Span:
        """Cut an utterance that is too long, where the voice was weakest of late, and go on."""
        rest = min(range(len(self._recent)), key=lambda back: self._recent[-1 - back])
        cut = self._frames - rest
        self._settled = cut
        self._start = cut if self._last_voice > cut else None
        self._recent = self._recent[len(self._recent) - rest :]
        return Span(start, cut)
