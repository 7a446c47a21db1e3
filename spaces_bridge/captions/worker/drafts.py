"""Drafts of open utterances, decoded again and again while they grow.

A draft bears the id its final will bear. Every utterance that was drafted ends in a final or in a
draft without text, which takes it back.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from spaces_bridge.captions.messages import DraftMessage
from spaces_bridge.captions.worker.draft_rate import DraftRate
from spaces_bridge.captions.worker.ids import TrackId, utterance_id
from spaces_bridge.captions.worker.languages import AUTO, LanguageDetection, likeliest
from spaces_bridge.captions.worker.speech_track import SpeechTrack
from spaces_bridge.captions.worker.stable_prefix import Agreement, StablePrefix
from spaces_bridge.captions.worker.vad import Sound
from spaces_bridge.core.ids import UtteranceId

FIRST_MS: Final = 800
"""An utterance of this length (with the 0.3 s before its first voice) gets its first draft."""
SHARE: Final = 0.5
"""The part of its time that the worker gives to drafts at most; the rest is for finals."""


class Drafter(Protocol):
    """A drafter transcribes an utterance before it has ended (`Transcriber`, or a stand-in)."""

    def draft(self, sound: Sound, language: str) -> str:
        """Return quickly the words so far, or an empty string."""
        ...

    def languages(self, sound: Sound) -> Mapping[str, float]:
        """Return how likely each language is."""
        ...


@dataclass
class Open:
    """An open utterance, as far as it was drafted."""

    utterance: UtteranceId
    start_ms: int
    words: Agreement = field(default_factory=Agreement)
    drafted_ms: int | None = None
    due_since: float | None = None
    shown: StablePrefix | None = None
    language: str = AUTO
    sure: bool = False
    """True once the language is settled for this utterance."""


class Drafts:
    """The open utterances of all tracks: at most one per speaker, always its newest sound."""

    def __init__(
        self,
        drafter: Drafter,
        languages: LanguageDetection,
        clock: Callable[[], float],
        rate: DraftRate,
    ) -> None:
        self._drafter = drafter
        self._languages = languages
        self._clock = clock
        self._rate = rate
        self._open: dict[TrackId, Open] = {}
        self._owed: set[UtteranceId] = set()
        """Utterances that were drafted, have ended, and wait for their final."""
        self._rest_until = 0.0
        self.rests = False
        """Whether no drafts are made now, for the sake of others."""

    @property
    def due(self) -> TrackId | None:
        """The track that is to be drafted now, the one that waits longest; None if none is due."""
        now = self._clock()
        if self.rests or now < self._rest_until or self._rate.interval_s(now) is None:
            return None
        waiting = [(o.due_since, who) for who, o in self._open.items() if o.due_since is not None]
        return min(waiting)[1] if waiting else None

    def follow(
        self, who: TrackId, track: SpeechTrack, ended: Collection[int]
    ) -> Iterator[DraftMessage]:
        """Follow a track that got more sound; utterances begun at `ended` (ms) ended in it."""
        known, span = self._open.get(who), track.open_span
        if known is not None and (span is None or span[0] != known.start_ms):
            del self._open[who]
            if known.shown is not None:
                yield from self._let_go(who, known, ended)
        if span is not None:
            start_ms, end_ms = span
            if who not in self._open:
                self._open[who] = Open(utterance_id(*who, start_ms), start_ms)
            self._mark(self._open[who], end_ms, falling_silent=track.ending is not None)

    def write(self, who: TrackId, track: SpeechTrack, wanted: str) -> Iterator[DraftMessage]:
        """Draft the utterance that is due; yield nothing if the draft would show nothing new."""
        utterance, spoken, began = self._open[who], track.open, self._clock()
        if spoken is None or utterance.due_since is None:
            return
        self._rate.draft_begins(began - utterance.due_since, began)
        language = self._language(who, utterance, spoken.sound, wanted)
        text = self._drafter.draft(spoken.sound, language)
        ended = self._clock()
        self._rate.draft_took(ended - began, ended)
        self._rest_until = ended + (ended - began) * (1 / SHARE - 1)
        utterance.due_since, utterance.drafted_ms = None, spoken.end_ms
        if not text:
            return
        shown = utterance.words.take(text) if utterance.sure else StablePrefix(text, 0)
        if shown != utterance.shown:
            utterance.shown = shown
            name, start_ms, end_ms = utterance.utterance, spoken.start_ms, spoken.end_ms
            yield DraftMessage(*who, name, start_ms, end_ms, shown.text, shown.committed, language)

    def final_begins(self, waited_s: float) -> None:
        """Note that a final is begun; its wait tells how far behind the worker is."""
        self._rate.final_begins(waited_s, self._clock())

    def finished(
        self, who: TrackId, start_ms: int, end_ms: int, *, final: bool
    ) -> Iterator[DraftMessage]:
        """Note that an utterance is dealt with; without a final its draft is taken back."""
        name = utterance_id(*who, start_ms)
        if name in self._owed:
            self._owed.discard(name)
            if not final:
                yield DraftMessage(*who, name, start_ms, end_ms, "", 0, "")

    def _let_go(self, who: TrackId, known: Open, ended: Collection[int]) -> Iterator[DraftMessage]:
        self._owed.add(known.utterance)
        if known.start_ms not in ended:
            # a replay came late, and the track began anew: there will be other utterances
            yield from self.finished(who, known.start_ms, known.start_ms, final=False)

    def _mark(self, utterance: Open, end_ms: int, *, falling_silent: bool) -> None:
        """Note whether a draft is due: not in a pause, which brings no words but maybe a final."""
        now = self._clock()
        interval = self._rate.interval_s(now)
        if falling_silent or interval is None or self.rests:
            utterance.due_since = None
        elif utterance.due_since is None:
            if utterance.drafted_ms is None:
                wanted_ms = float(utterance.start_ms + FIRST_MS)
            else:
                wanted_ms = utterance.drafted_ms + interval * 1000
            if end_ms >= wanted_ms:
                utterance.due_since = now

    def _language(self, who: TrackId, utterance: Open, sound: Sound, wanted: str) -> str:
        """Return the language to draft in; guesses settle once two in a row are the same."""
        if not utterance.sure:
            known = self._languages.known(who) if wanted == AUTO else wanted
            language = known or likeliest(self._drafter.languages(sound))
            utterance.sure = known is not None or language == utterance.language
            utterance.language = language
        return utterance.language
