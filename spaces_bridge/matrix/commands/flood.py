"""The flood gate: it limits commands and answers a minute.

Pure, in memory: a restart forgives.
"""

from collections.abc import Hashable
from enum import Enum

from spaces_bridge.pacing.sliding_window import SlidingWindows

WINDOW_MS = 60_000


class Patience(Enum):
    """The patience that a command meets: it is answered, warned about or ignored."""

    ANSWER = "answer"
    WARN = "warn"
    """The first command too many: its sender is told so."""
    IGNORE = "ignore"


class FloodGate:
    """A flood gate lets `limit` commands of a key through in any minute, and warns once in it."""

    def __init__(self) -> None:
        self._answered = SlidingWindows(WINDOW_MS)
        self._warned = SlidingWindows(WINDOW_MS)

    def judge(self, key: Hashable, limit: int, now_ms: int) -> Patience:
        """Judge one more command of `key`; `limit` is the number answered a minute."""
        if self._answered.wait(key, limit, now_ms) <= 0:
            self._answered.count(key, now_ms)
            return Patience.ANSWER
        if self._warned.wait(key, 1, now_ms) > 0:
            return Patience.IGNORE
        self._warned.count(key, now_ms)
        return Patience.WARN
