"""How much of a speaker's sound is missing on the way, measured over a few seconds. Pure."""

from dataclasses import replace
from typing import Final

from spaces_bridge.media.worker.mix.jitter import Totals
from spaces_bridge.media.worker.mix.opus import SAMPLE_RATE

BAD_PERCENT: Final = 10
"""With so much missing, a speaker is hard to follow: it is told."""
GOOD_PERCENT: Final = 5
"""With no more missing than this, it is well again."""
_LEAST: Final = SAMPLE_RATE  # samples: of less than a second of sound nothing is concluded


class GapWatch:
    """The watch over one speaker's gaps: two measurements in a row are taken together."""

    def __init__(self) -> None:
        self._measured: list[Totals] = []
        self._is_bad = False

    def measure(self, totals: Totals) -> int:
        """Return how much is missing lately, in percent of the sound; 0: it is well enough."""
        if self._measured and _whole(totals) < _whole(self._measured[-1]):
            self._measured = []  # it is another stream
        before = self._measured[0] if self._measured else Totals()
        self._measured = [*self._measured[-1:], replace(totals)]
        whole = _whole(totals) - _whole(before)
        missing = max(0, totals.missing - before.missing)
        percent = round(100 * missing / whole) if whole >= _LEAST else 0
        self._is_bad = percent >= (GOOD_PERCENT + 1 if self._is_bad else BAD_PERCENT)
        return percent if self._is_bad else 0


def _whole(totals: Totals) -> int:
    return totals.played + totals.restored + totals.missing
