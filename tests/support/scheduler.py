"""A scheduler with a stand-in for the model, for tests of the caption worker's work."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from spaces_bridge.captions.messages import (
    DraftMessage,
    EndOfTrack,
    FromCaptionWorker,
    OpenTrack,
    RestDrafts,
    Speech,
    Utterance,
)
from spaces_bridge.captions.worker.scheduler import Scheduler
from spaces_bridge.captions.worker.vad import Sound
from spaces_bridge.core.ids import UserId
from spaces_bridge.wire.pcm import BYTES_PER_MS
from tests.support.captions import ADA, SPACE, Loudness

LOUD = np.full(16_000, 8000, np.int16).tobytes()
QUIET = bytes(32_000)


@dataclass
class Words:
    """A `Writer` that says the same of every utterance, in the language it was asked for.

    Of an open one it has drafted as many words as seconds; each draft takes `draft_s`.
    """

    text: str = "words"
    guesses: list[Mapping[str, float]] = field(default_factory=list)
    guessed: int = 0
    written: int = 0
    drafted: list[int] = field(default_factory=list)
    draft_s: float = 0.0
    passed_s: float = 0.0

    def transcribe(self, sound: Sound, language: str) -> str:
        self.written += 1
        return self.text

    def draft(self, sound: Sound, language: str) -> str:
        self.drafted.append(len(sound) // 16)
        self.passed_s += self.draft_s
        return " ".join(f"{self.text}{n}" for n in range(len(sound) // 16_000 + 1))

    def is_language(self, code: str) -> bool:
        return code in {"en", "de"}

    def languages(self, sound: Sound) -> Mapping[str, float]:
        self.guessed += 1
        return self.guesses.pop(0) if self.guesses else {"en": 1.0}


@dataclass
class SchedulerSetup:
    """A scheduler, its clock, and everything it said."""

    writer: Words = field(default_factory=Words)
    now: float = 0.0
    said: list[FromCaptionWorker] = field(default_factory=list)
    partials: bool = True

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(
            self.writer, Loudness, clock=lambda: self.time, partials=self.partials
        )

    @property
    def time(self) -> float:
        """Seconds: those that pass by themselves, and those the writer took."""
        return self.now + self.writer.passed_s

    def open(self, user: UserId = ADA, language: str = "en") -> None:
        self._keep(self.scheduler.take(OpenTrack(SPACE, user, language)))

    def hear(self, pcm: bytes, second: int, user: UserId = ADA) -> None:
        self._keep(self.scheduler.take(Speech(SPACE, user, second * 1000, pcm)))

    def hear_at(self, pcm: bytes, at_ms: int, user: UserId = ADA) -> None:
        self._keep(self.scheduler.take(Speech(SPACE, user, at_ms, pcm)))

    def talk(self, pcm: bytes, at_ms: int, *users: UserId) -> None:
        """They say this in real time; what comes while the writer is busy waits, as in a pipe."""
        arrives = self.time
        for offset in range(0, len(pcm), 3200):
            arrives += 0.1
            self.now += max(0.0, arrives - self.time)
            for user in users or (ADA,):
                self.hear_at(pcm[offset : offset + 3200], at_ms + offset // BYTES_PER_MS, user)
            while self.scheduler.has_work and self.time < arrives + 0.1:
                self._keep(self.scheduler.work())

    def rest_drafts(self, *, on: bool) -> None:
        self._keep(self.scheduler.take(RestDrafts(on)))

    def close(self, user: UserId = ADA) -> None:
        self._keep(self.scheduler.take(EndOfTrack(SPACE, user)))

    def work(self) -> None:
        while self.scheduler.has_work:
            self._keep(self.scheduler.work())

    def finals(self) -> list[Utterance]:
        return [said for said in self.said if isinstance(said, Utterance)]

    def drafts(self, user: UserId = ADA) -> list[DraftMessage]:
        return [
            said for said in self.said if isinstance(said, DraftMessage) and said.speaker == user
        ]

    def _keep(self, said: Iterable[FromCaptionWorker]) -> None:
        self.said.extend(said)
