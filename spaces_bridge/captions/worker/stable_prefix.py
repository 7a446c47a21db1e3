"""The stable prefix of an open utterance: the words that two decodes in a row agree on.

Each decode of a growing utterance words its end a little differently. What two agree on is
committed and never worded anew; the rest is a tail that may still change. The last word of a
decode is never committed: it may be half a word, and it ends in the full stop of every end.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_ALONE: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Letters of scripts that put no space between words (kana, Han): each counts as a word."""
_WORD: Final = re.compile(rf"[{_ALONE}]\s*|[^\s{_ALONE}]+\s*")

_DRIFT: Final = 4
"""The most words by which a later decode may count the committed ones differently."""
_ANCHOR: Final = 3
"""The last committed words that are looked for in a later decode."""


@dataclass(frozen=True, slots=True)
class StablePrefix:
    """A text to show; its first `committed` characters (code points) are a stable prefix."""

    text: str
    committed: int


class Agreement:
    """An agreement collects the words of one open utterance, decode by decode."""

    def __init__(self) -> None:
        self._committed: list[str] = []
        self._tail: list[str] = []

    def take(self, text: str) -> StablePrefix:
        """Take another decode of the whole utterance so far, stripped; return what to show."""
        tail = self._beyond(_WORD.findall(text))
        agreed = min(_agreed(self._tail, tail), max(0, len(tail) - 1))
        self._committed += tail[:agreed]
        self._tail = tail[agreed:]
        solid = "".join(self._committed)
        return StablePrefix((solid + "".join(self._tail)).rstrip(), len(solid.rstrip()))

    def _beyond(self, words: Sequence[str]) -> list[str]:
        """Return the words behind the committed ones, which this decode may word otherwise."""
        known, said = [_plain(w) for w in self._committed], [_plain(w) for w in words]
        count = len(known)
        nearest = sorted(range(len(said) + 1), key=lambda end: abs(end - count))
        near = [end for end in nearest if abs(end - count) <= _DRIFT]
        for size in range(min(_ANCHOR, count), 0, -1):
            for end in near:
                if end >= size and said[end - size : end] == known[-size:]:
                    return list(words[end:])
        return list(words[count:])


def _agreed(before: Sequence[str], now: Sequence[str]) -> int:
    """Return how many words from the start are the same."""
    for place, (one, other) in enumerate(zip(before, now, strict=False)):
        if _plain(one) != _plain(other):
            return place
    return min(len(before), len(now))


def _plain(word: str) -> str:
    """Return the word without the case and punctuation that change from decode to decode."""
    return word.strip(" \t\n.,!?;:\"'“”…-").casefold() or word.strip()
