"""What the worker does with its messages: tracks, the queue of utterances, finals.

`Scribe` is single-threaded and knows neither pipes nor processes: messages go in, messages come
out. Sound is always looked at first (cheap), one utterance is written down at a time (costly).
When nothing else is to do, an utterance whose speaker has just fallen silent is drafted: if the
silence lasts, its final is ready at once.
"""

import hashlib
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np

from spaces_bridge.captions.messages import (
    EndOfTrack,
    FromWorker,
    Heard,
    Missed,
    OpenTrack,
    Ping,
    Pong,
    Speech,
    ToWorker,
    TrackEnded,
    Utterance,
)
from spaces_bridge.captions.worker.languages import AUTO, SpokenLanguage
from spaces_bridge.captions.worker.track import Detector, Spoken, Track
from spaces_bridge.captions.worker.vad import Sound
from spaces_bridge.core.ids import SpaceId, UserId, UtteranceId

Who: TypeAlias = tuple[SpaceId, UserId]

PATIENCE_S: Final = 15.0
"""An utterance that waited longer is thrown away, and that is said."""
HEARD_EVERY_MS: Final = 1000
"""Progress through silence is reported this often."""
LANGUAGES_KEPT: Final = 1000
"""Speakers whose language is remembered while their microphone is closed."""


class Writer(Protocol):
    """Writes an utterance down (`Transcriber`, or a stand-in)."""

    def transcribe(self, sound: Sound, language: str) -> str:
        """The words, or an empty string."""
        ...

    def is_language(self, code: str) -> bool:
        """Whether it can write this language."""
        ...

    def languages(self, sound: Sound) -> Mapping[str, float]:
        """How likely each language is."""
        ...


@dataclass(frozen=True, slots=True)
class Draft:
    """An utterance written down before it was sure to have ended; no text: still to be written."""

    spoken: Spoken
    text: str | None = None
    language: str = AUTO

    def is_of(self, spoken: Spoken) -> bool:
        """Whether this is about the same utterance."""
        mine = self.spoken
        return (mine.start_ms, mine.end_ms) == (spoken.start_ms, spoken.end_ms)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An utterance to be written down, in a language, waiting since then (monotonic seconds).

    None stands for the end of the track.
    """

    who: Who
    spoken: Spoken | None
    language: str
    since: float
    draft: Draft | None = None


@dataclass
class Speaker:
    """One open track, how far it was reported as heard, and the draft of its last words."""

    track: Track
    language: str
    reported_ms: int = -1
    draft: Draft | None = None


class Scribe:
    """All tracks of the worker, and the utterances that wait."""

    def __init__(
        self,
        writer: Writer,
        detector: Callable[[], Detector],
        language: str = AUTO,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`language` is for tracks whose own the model cannot write."""
        self._writer = writer
        self._detector = detector
        self._language = language
        self._clock = clock
        self._speakers: dict[Who, Speaker] = {}
        self._spoken: OrderedDict[Who, SpokenLanguage] = OrderedDict()
        self._waiting: deque[Waiting] = deque()

    @property
    def has_work(self) -> bool:
        """Whether an utterance waits to be written down, for good or as a draft."""
        return bool(self._waiting) or self._to_draft() is not None

    def take(self, message: ToWorker) -> Iterator[FromWorker]:
        """Act on one message; answers may follow. ValueError for one that comes out of turn."""
        match message:
            case OpenTrack():
                self._open_track(message)
            case Speech():
                yield from self._hear(message)
            case EndOfTrack():
                yield from self._end_track((message.space, message.speaker))
            case Ping():
                yield Pong()
            case _:
                raise ValueError(f"{type(message).__name__} comes too late")

    def work(self) -> Iterator[FromWorker]:
        """Write down the utterance that waited longest; drop those that waited too long."""
        while self._waiting:
            job = self._waiting.popleft()
            if job.spoken is None:
                yield TrackEnded(*job.who)
            elif self._clock() - job.since <= PATIENCE_S:
                yield from self._write(job, job.spoken)
                return
            else:
                yield Missed(*job.who, job.spoken.start_ms, job.spoken.end_ms)
                yield from self._report(job.who, job.spoken.end_ms)
        if (who := self._to_draft()) is not None:
            self._write_draft(who)

    def _open_track(self, message: OpenTrack) -> None:
        who = (message.space, message.speaker)
        known = self._writer.is_language(message.language) or message.language == AUTO
        language = message.language if known else self._language
        if who in self._speakers:
            self._speakers[who].language = language
        else:
            self._speakers[who] = Speaker(Track(self._detector), language)

    def _hear(self, message: Speech) -> Iterator[FromWorker]:
        who = (message.space, message.speaker)
        if who not in self._speakers:
            return
        pcm = np.frombuffer(message.pcm, "<i2").astype(np.int16, copy=False)
        self._queue(who, self._speakers[who].track.hear(message.at_ms, pcm))
        speaker = self._speakers[who]
        ending = speaker.track.ending
        if ending is None:
            speaker.draft = None
        elif speaker.draft is None:
            speaker.draft = Draft(ending)
        if speaker.track.settled_ms >= speaker.reported_ms + HEARD_EVERY_MS:
            yield from self._report(who, speaker.track.settled_ms)

    def _end_track(self, who: Who) -> Iterator[FromWorker]:
        if speaker := self._speakers.get(who):
            self._queue(who, speaker.track.close())
            yield from self._report(who, speaker.track.settled_ms)
            del self._speakers[who]
        self._waiting.append(Waiting(who, None, AUTO, self._clock()))

    def _queue(self, who: Who, utterances: Iterator[Spoken]) -> None:
        speaker, now = self._speakers[who], self._clock()
        for spoken in utterances:
            draft = speaker.draft if speaker.draft and speaker.draft.is_of(spoken) else None
            job = Waiting(who, spoken, speaker.language, now, draft)
            if (
                draft
                and draft.text is not None
                and all(who != other.who for other in self._waiting)
            ):
                # It costs nothing any more: nobody's final is later for it.
                self._waiting.appendleft(job)
            else:
                self._waiting.append(job)

    def _to_draft(self) -> Who | None:
        """Whose last words could be drafted now."""
        return next(
            (who for who, s in self._speakers.items() if s.draft and s.draft.text is None), None
        )

    def _write_draft(self, who: Who) -> None:
        speaker = self._speakers[who]
        if speaker.draft is not None:
            spoken = speaker.draft.spoken
            text, language = self._words(who, spoken, speaker.language)
            speaker.draft = Draft(spoken, text, language)

    def _write(self, job: Waiting, spoken: Spoken) -> Iterator[FromWorker]:
        who, draft = job.who, job.draft
        if draft is not None and draft.text is not None:
            text, language = draft.text, draft.language
        else:
            text, language = self._words(who, spoken, job.language)
        if text:
            start_ms, end_ms = spoken.start_ms, spoken.end_ms
            utterance = utterance_id(*who, start_ms)
            yield Utterance(*who, utterance, start_ms, end_ms, text, language)
        yield from self._report(who, spoken.end_ms)

    def _words(self, who: Who, spoken: Spoken, wanted: str) -> tuple[str, str]:
        """The words of an utterance, and their language."""
        language = self._guess(who, spoken) if wanted == AUTO else wanted
        return self._writer.transcribe(spoken.sound, language), language

    def _guess(self, who: Who, spoken: Spoken) -> str:
        known = self._spoken.setdefault(who, SpokenLanguage())
        self._spoken.move_to_end(who)
        if len(self._spoken) > LANGUAGES_KEPT:
            self._spoken.popitem(last=False)
        seconds = (spoken.end_ms - spoken.start_ms) / 1000
        return known.of(seconds, lambda: self._writer.languages(spoken.sound))

    def _report(self, who: Who, done_ms: int) -> Iterator[Heard]:
        """Say that all before `done_ms` is done, as far as no utterance before it still waits."""
        waiting = (job.spoken.start_ms for job in self._waiting if job.who == who and job.spoken)
        until = min(waiting, default=done_ms)
        speaker = self._speakers.get(who)
        if speaker is None:
            yield Heard(*who, until)
        elif until > speaker.reported_ms:
            speaker.reported_ms = until
            yield Heard(*who, until)


def utterance_id(space: SpaceId, speaker: UserId, start_ms: int) -> UtteranceId:
    """The same id for the same words of the same person, whoever writes them down and when."""
    seed = f"{space}\0{speaker}\0{start_ms}".encode()
    return UtteranceId(hashlib.sha256(seed).hexdigest()[:16])
