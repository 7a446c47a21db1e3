"""Which language a speaker speaks: found once, over the first utterances, then kept.

Single short utterances are often taken for another language, so their guesses are added up,
weighted by length, until enough has been said.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

AUTO: Final = "auto"
ENOUGH_S: Final = 12.0
"""Seconds of speech after which the guess is final."""

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
        return max(self.likely, key=lambda language: self.likely[language])
