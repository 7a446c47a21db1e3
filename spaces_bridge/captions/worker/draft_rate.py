"""The rate of drafts of open utterances: the further behind, the fewer, and then none."""

from collections.abc import Sequence
from typing import Final

INTERVALS_S: Final[Sequence[float | None]] = (0.6, 1.0, 2.0, None)
"""Seconds of speech between two drafts of one utterance; None: no drafts."""
NO_DRAFTS: Final[Sequence[float | None]] = (None,)

DRAFT_LATE: Final = 0.75
"""A draft that began later than this part of its interval is a sign of too much to do."""
DRAFT_LONG_S: Final = 0.6
"""A draft that took longer is such a sign, as on a busy machine: finals may have to wait."""
FINAL_LATE_S: Final = 1.0
"""A final that waited longer is such a sign."""
SETTLE_S: Final = 1.0
"""Seconds that a step down is given to show its effect."""
CALM_S: Final = 5.0
"""Seconds without a sign after which the rate goes one step up."""


class DraftRate:
    """A draft rate goes down and up its intervals; `now` is monotonic seconds throughout."""

    def __init__(self, intervals_s: Sequence[float | None] = INTERVALS_S) -> None:
        self._intervals_s = intervals_s
        self._step = 0
        self._stepped: float | None = None
        self._trouble = 0.0

    def interval_s(self, now: float) -> float | None:
        """Return the seconds of speech between two drafts; None while there are to be none."""
        while self._step > 0 and now - self._trouble >= CALM_S:
            self._step -= 1
            self._trouble += CALM_S
        return self._intervals_s[self._step]

    def draft_begins(self, late_s: float, now: float) -> None:
        """Note that a draft is begun `late_s` after it was due."""
        interval = self.interval_s(now)
        if interval is not None and late_s > interval * DRAFT_LATE:
            self._step_down(now)

    def draft_took(self, took_s: float, now: float) -> None:
        """Note that a draft was made in `took_s`."""
        if took_s > DRAFT_LONG_S:
            self._step_down(now)

    def final_begins(self, waited_s: float, now: float) -> None:
        """Note that a final is begun `waited_s` after its utterance ended."""
        self.interval_s(now)
        if waited_s > FINAL_LATE_S:
            self._step_down(now)

    def _step_down(self, now: float) -> None:
        self._trouble = now
        if self._stepped is None or now - self._stepped >= SETTLE_S:
            self._stepped = now
            self._step = min(self._step + 1, len(self._intervals_s) - 1)
