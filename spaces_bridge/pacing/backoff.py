"""Backing off: the wait before the next try of what has failed."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_MOST_STEPS: Final = 64
"""The failures after which no wait grows any more; this keeps the power from overflowing."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """A backoff gives the wait after so many failures in a row: it grows up to a limit.

    `jitter` is the part of the wait that chance may take off (0..1): where many wait for the
    same thing, they must not come back at the same moment. Without it, the wait is exact.
    """

    base_s: float
    limit_s: float
    factor: float = 2.0
    jitter: float = 0.0

    def wait_s(self, failures: int, chance: Callable[[], float] = random.random) -> float:
        """Return the seconds to wait after the `failures`-th failure in a row; 0 after none."""
        if failures < 1:
            return 0.0
        steps = min(failures - 1, _MOST_STEPS)
        wait_s = min(self.limit_s, self.base_s * self.factor**steps)
        return wait_s * (1.0 - self.jitter * chance()) if self.jitter else wait_s
