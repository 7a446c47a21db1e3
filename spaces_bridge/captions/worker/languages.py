"""Detecting a speaker's language: once, over the first utterances; then it is kept.

Single short utterances are often taken for another language, so their guesses are added up,
weighted by length, until enough has been said.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from spaces_bridge.captions.worker.ids import TrackId

AUTO: Final = "auto"
ENOUGH_S: Final = 12.0
"""Seconds of speech after which the guess is final."""
LANGUAGES_KEPT: Final = 1000
"""Speakers whose language is remembered while their microphone is closed."""

Guess: TypeAlias = Callable[[], Mapping[str, float]]


@dataclass
class SpokenLanguage:
    """A spoken language is that of one speaker, as far as it is known."""

    heard_s: float = 0.0
    likely: dict[str, float] = field(default_factory=dict)

    def of(self, seconds: float, guess: Guess) -> str:
        """Return the language of an utterance of `seconds`; asks `guess` while undecided."""
        if self.heard_s < ENOUGH_S:
            self.heard_s += seconds
            for language, probability in guess().items():
                self.likely[language] = self.likely.get(language, 0.0) + probability * seconds
        return likeliest(self.likely)


class LanguageDetection:
    """The language detection of the latest speakers."""

    def __init__(self) -> None:
        self._spoken: OrderedDict[TrackId, SpokenLanguage] = OrderedDict()

    def of(self, who: TrackId, seconds: float, guess: Guess) -> str:
        """Return the language to transcribe an utterance in, which counts for the next ones."""
        spoken = self._spoken.setdefault(who, SpokenLanguage())
        self._spoken.move_to_end(who)
        if len(self._spoken) > LANGUAGES_KEPT:
            self._spoken.popitem(last=False)
        return spoken.of(seconds, guess)

    def known(self, who: TrackId) -> str | None:
        """Return the language so far; None before the first utterance."""
        spoken = self._spoken.get(who)
        return likeliest(spoken.likely) if spoken is not None else None


def likeliest(guess: Mapping[str, float]) -> str:
    """Return the most likely language of a guess."""
    return max(guess, key=lambda language: guess[language])
