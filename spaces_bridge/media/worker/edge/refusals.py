"""What an edge refused, counted by reason, and told in the log: rarely, and ever more so."""

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Final

SOON_S: Final = 60.0
"""Seconds from one line to the next at first; with each line of a flood they are twice as many."""
LATE_S: Final = 3600.0
"""Seconds from one line to the next of a flood without end."""

log = logging.getLogger(__name__)


class Refusals:
    """The refusals of one edge. Times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._counts: Counter[str] = Counter()
        self._told, self._told_at, self._wait_s = 0, now, SOON_S

    def note(self, reason: str) -> None:
        """Count one."""
        self._counts[reason] += 1

    def counts(self) -> Mapping[str, int]:
        """Return the numbers by reason, as they are now."""
        return dict(self._counts)

    def tell(self, now: float) -> None:
        """Write a line if there is something new and it is time to."""
        if now - self._told_at <= self._wait_s:
            return
        new = self._counts.total() - self._told
        if not new:
            self._wait_s = SOON_S  # it was quiet for all that time
            return
        log.info("dropped %d refused packets: %s", new, self.counts())
        self._told, self._told_at = self._told + new, now
        self._wait_s = min(2 * self._wait_s, LATE_S)
