"""How many commands one person may give in one room. Pure, in memory: a restart forgives."""

from collections.abc import Hashable
from enum import Enum

from spaces_bridge.pacing.sliding_window import SlidingWindows

WINDOW_MS = 60_000


class Patience(Enum):
    """What a command may expect."""

    ANSWER = "answer"
    WARN = "warn"
    """The first one too many: it is told so."""
    IGNORE = "ignore"


class FloodGate:
    """A flood gate answers so many of a key in any minute, and warns once in any minute."""

    def __init__(self) -> None:
        self._answered = SlidingWindows(WINDOW_MS)
        self._warned = SlidingWindows(WINDOW_MS)

    def judge(self, key: Hashable, limit: int, now_ms: int) -> Patience:
        """Judge one more command of `key`; `limit`: how many a minute are answered."""
        if self._answered.wait(key, limit, now_ms) <= 0:
            self._answered.count(key, now_ms)
            return Patience.ANSWER
        if self._warned.wait(key, 1, now_ms) > 0:
            return Patience.IGNORE
        self._warned.count(key, now_ms)
        return Patience.WARN
