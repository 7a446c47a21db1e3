"""Which language a speaker speaks: found once, over the first utterances, then kept.

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
    """The language of one speaker, as far as known."""

    heard_s: float = 0.0
    likely: dict[str, float] = field(default_factory=dict)

    def of(self, seconds: float, guess: Guess) -> str:
        """The language to write this utterance of `seconds` in; asks `guess` while undecided."""
        if self.heard_s < ENOUGH_S:
            self.heard_s += seconds
            for language, probability in guess().items():
                self.likely[language] = self.likely.get(language, 0.0) + probability * seconds
        return likeliest(self.likely)


class LanguageDetection:
    """The languages of the latest speakers."""

    def __init__(self) -> None:
        self._spoken: OrderedDict[TrackId, SpokenLanguage] = OrderedDict()

    def of(self, who: TrackId, seconds: float, guess: Guess) -> str:
        """The language to write an utterance in, which counts for the next ones."""
        spoken = self._spoken.setdefault(who, SpokenLanguage())
        self._spoken.move_to_end(who)
        if len(self._spoken) > LANGUAGES_KEPT:
            self._spoken.popitem(last=False)
        return spoken.of(seconds, guess)

    def known(self, who: TrackId) -> str | None:
        """The language so far; None before the first utterance."""
        spoken = self._spoken.get(who)
        return likeliest(spoken.likely) if spoken is not None else None


def likeliest(guess: Mapping[str, float]) -> str:
    """The most likely language of a guess."""
    return max(guess, key=lambda language: guess[language])
