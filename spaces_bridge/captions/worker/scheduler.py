"""The scheduler of the caption worker: tracks, the queue of utterances, finals and drafts.

`Scheduler` is single-threaded and knows neither pipes nor processes: messages go in, messages come
out. Sound is always looked at first (cheap), one utterance is transcribed at a time (costly).
When no final waits, an utterance whose speaker has just fallen silent is transcribed early: if
the silence lasts, its final is ready at once. When there is none of that either, utterances that
are being spoken are drafted.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from spaces_bridge.captions.messages import (
    CaptionsPing,
    CaptionsPong,
    EndOfTrack,
    FromCaptionWorker,
    Missed,
    OpenTrack,
    RestDrafts,
    Speech,
    ToCaptionWorker,
    TrackEnded,
    TranscribedUntil,
    Utterance,
)
from spaces_bridge.captions.worker.draft_rate import INTERVALS_S, NO_DRAFTS, DraftRate
from spaces_bridge.captions.worker.drafts import Drafter, Drafts
from spaces_bridge.captions.worker.ids import TrackId, utterance_id
from spaces_bridge.captions.worker.languages import AUTO, LanguageDetection
from spaces_bridge.captions.worker.speech_track import Detector, SpeechTrack, SpokenUtterance
from spaces_bridge.captions.worker.vad import Sound

PATIENCE_S: Final = 15.0
"""An utterance that waited longer is thrown away, which is reported."""
HEARD_EVERY_MS: Final = 1000
"""Progress through silence is reported this often."""


class TextWriter(Drafter, Protocol):
    """A text writer transcribes utterances (`Transcriber`, or a stand-in)."""

    def transcribe(self, sound: Sound, language: str) -> str:
        """Return the words, or an empty string."""
        ...

    def is_language(self, code: str) -> bool:
        """Return whether the writer can transcribe this language."""
        ...


@dataclass(frozen=True, slots=True)
class EarlyResult:
    """An early result is of an utterance that may not have ended; no text: not transcribed yet."""

    spoken: SpokenUtterance
    text: str | None = None
    language: str = AUTO

    def is_of(self, spoken: SpokenUtterance) -> bool:
        """Return whether this result is of the same utterance."""
        mine = self.spoken
        return (mine.start_ms, mine.end_ms) == (spoken.start_ms, spoken.end_ms)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An utterance that waits to be transcribed in a language, since then (monotonic seconds).

    As `spoken`, None stands for the end of the track.
    """

    who: TrackId
    spoken: SpokenUtterance | None
    language: str
    since: float
    early: EarlyResult | None = None


@dataclass
class SpeakerQueue:
    """A speaker's open track, how far it was reported, and what is known early of its words."""

    track: SpeechTrack
    language: str
    reported_ms: int = -1
    early: EarlyResult | None = None


class Scheduler:
    """A scheduler holds all tracks of the worker, and the utterances that wait."""

    def __init__(
        self,
        writer: TextWriter,
        detector: Callable[[], Detector],
        language: str = AUTO,
        *,
        clock: Callable[[], float] = time.monotonic,
        partials: bool = True,
    ) -> None:
        """`language` is for tracks whose own the model cannot write; `partials`: make drafts."""
        self._writer = writer
        self._detector = detector
        self._language = language
        self._clock = clock
        self._speakers: dict[TrackId, SpeakerQueue] = {}
        self._languages = LanguageDetection()
        rate = DraftRate(INTERVALS_S if partials else NO_DRAFTS)
        self._drafts = Drafts(writer, self._languages, clock, rate)
        self._waiting: deque[Waiting] = deque()

    @property
    def has_work(self) -> bool:
        """Return whether an utterance waits to be transcribed, for good, early or as a draft."""
        return bool(self._waiting) or self._early_due() is not None or self._drafts.due is not None

    def take(self, message: ToCaptionWorker) -> Iterator[FromCaptionWorker]:
        """Act on one message and yield answers. Raises ValueError for one out of turn."""
        match message:
            case OpenTrack():
                self._open_track(message)
            case Speech():
                yield from self._hear(message)
            case EndOfTrack():
                yield from self._end_track((message.space, message.speaker))
            case RestDrafts():
                self._drafts.rests = message.on
            case CaptionsPing():
                yield CaptionsPong()
            case _:
                raise ValueError(f"{type(message).__name__} comes too late")

    def work(self) -> Iterator[FromCaptionWorker]:
        """Transcribe one utterance: the final that waited longest comes before all drafts.

        Finals that waited too long are dropped.
        """
        while self._waiting:
            job = self._waiting.popleft()
            if job.spoken is None:
                yield TrackEnded(*job.who)
                continue
            waited_s = self._clock() - job.since
            self._drafts.final_begins(waited_s)
            if waited_s <= PATIENCE_S:
                yield from self._write(job, job.spoken)
                return
            start_ms, end_ms = job.spoken.start_ms, job.spoken.end_ms
            yield Missed(*job.who, start_ms, end_ms)
            yield from self._drafts.finished(job.who, start_ms, end_ms, final=False)
            yield from self._report(job.who, end_ms)
        if (who := self._early_due()) is not None:
            self._write_early(who)
        elif (who := self._drafts.due) is not None:
            speaker = self._speakers[who]
            yield from self._drafts.write(who, speaker.track, speaker.language)

    def _open_track(self, message: OpenTrack) -> None:
        who = (message.space, message.speaker)
        known = self._writer.is_language(message.language) or message.language == AUTO
        language = message.language if known else self._language
        if who in self._speakers:
            self._speakers[who].language = language
        else:
            self._speakers[who] = SpeakerQueue(SpeechTrack(self._detector), language)

    def _hear(self, message: Speech) -> Iterator[FromCaptionWorker]:
        who = (message.space, message.speaker)
        if who not in self._speakers:
            return
        pcm = np.frombuffer(message.pcm, "<i2").astype(np.int16, copy=False)
        speaker = self._speakers[who]
        ended = self._queue(who, speaker.track.hear(message.at_ms, pcm))
        yield from self._drafts.follow(who, speaker.track, ended)
        ending = speaker.track.ending
        if ending is None:
            speaker.early = None
        elif speaker.early is None:
            speaker.early = EarlyResult(ending)
        if speaker.track.settled_ms >= speaker.reported_ms + HEARD_EVERY_MS:
            yield from self._report(who, speaker.track.settled_ms)

    def _end_track(self, who: TrackId) -> Iterator[FromCaptionWorker]:
        if speaker := self._speakers.get(who):
            ended = self._queue(who, speaker.track.close())
            yield from self._drafts.follow(who, speaker.track, ended)
            yield from self._report(who, speaker.track.settled_ms)
            del self._speakers[who]
        self._waiting.append(Waiting(who, None, AUTO, self._clock()))

    def _queue(self, who: TrackId, utterances: Iterator[SpokenUtterance]) -> set[int]:
        """Queue these utterances for finals; return when they began (ms)."""
        speaker, now, ended = self._speakers[who], self._clock(), set[int]()
        for spoken in utterances:
            ended.add(spoken.start_ms)
            early = speaker.early if speaker.early and speaker.early.is_of(spoken) else None
            job = Waiting(who, spoken, speaker.language, now, early)
            if (
                early
                and early.text is not None
                and all(who != other.who for other in self._waiting)
            ):
                # It is transcribed already, so no other final is later for it.
                self._waiting.appendleft(job)
            else:
                self._waiting.append(job)
        return ended

    def _early_due(self) -> TrackId | None:
        """The track whose last utterance can be transcribed early, if there is one."""
        return next(
            (who for who, s in self._speakers.items() if s.early and s.early.text is None), None
        )

    def _write_early(self, who: TrackId) -> None:
        speaker = self._speakers[who]
        if speaker.early is not None:
            spoken = speaker.early.spoken
            text, language = self._words(who, spoken, speaker.language)
            speaker.early = EarlyResult(spoken, text, language)

    def _write(self, job: Waiting, spoken: SpokenUtterance) -> Iterator[FromCaptionWorker]:
        who, early, start_ms, end_ms = job.who, job.early, spoken.start_ms, spoken.end_ms
        if early is not None and early.text is not None:
            text, language = early.text, early.language
        else:
            text, language = self._words(who, spoken, job.language)
        if text:
            utterance = utterance_id(*who, start_ms)
            yield Utterance(*who, utterance, start_ms, end_ms, text, language)
        yield from self._drafts.finished(who, start_ms, end_ms, final=bool(text))
        yield from self._report(who, spoken.end_ms)

    def _words(self, who: TrackId, spoken: SpokenUtterance, wanted: str) -> tuple[str, str]:
        """Return the words of an utterance, and their language."""
        language = self._guess(who, spoken) if wanted == AUTO else wanted
        return self._writer.transcribe(spoken.sound, language), language

    def _guess(self, who: TrackId, spoken: SpokenUtterance) -> str:
        seconds = (spoken.end_ms - spoken.start_ms) / 1000
        return self._languages.of(who, seconds, lambda: self._writer.languages(spoken.sound))

    def _report(self, who: TrackId, done_ms: int) -> Iterator[TranscribedUntil]:
        """Report that all before `done_ms` is done, unless an earlier utterance still waits."""
        waiting = (job.spoken.start_ms for job in self._waiting if job.who == who and job.spoken)
        until = min(waiting, default=done_ms)
        speaker = self._speakers.get(who)
        if speaker is None:
            yield TranscribedUntil(*who, until)
        elif until > speaker.reported_ms:
            speaker.reported_ms = until
            yield TranscribedUntil(*who, until)
