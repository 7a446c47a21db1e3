"""How many commands one person may give in one room. Pure, in memory: a restart forgives."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum

WINDOW_MS = 60_000
WINDOWS_MAX = 10_000
"""So many are kept before those that are over are thrown away."""


class Patience(Enum):
    """What a command may expect."""

    ANSWER = "answer"
    WARN = "warn"
    """The first one too many: it is told so."""
    IGNORE = "ignore"


@dataclass(slots=True)
class _Window:
    begun_ms: int
    count: int = 0
    warned: bool = False


class FloodGate:
    """Counts per key and minute; a minute begins with the first command after the last one."""

    def __init__(self) -> None:
        self._windows: dict[Hashable, _Window] = {}

    def judge(self, key: Hashable, limit: int, now_ms: int) -> Patience:
        """Count one more command of ``key``; ``limit``: how many a minute are answered."""
        window = self._windows.get(key)
        if window is None or _is_over(window, now_ms):
            self._make_room(now_ms)
            window = self._windows[key] = _Window(now_ms)
        window.count += 1
        if window.count <= limit:
            return Patience.ANSWER
        if window.warned:
            return Patience.IGNORE
        window.warned = True
        return Patience.WARN

    def _make_room(self, now_ms: int) -> None:
        if len(self._windows) >= WINDOWS_MAX:
            running = {k: w for k, w in self._windows.items() if not _is_over(w, now_ms)}
            # a crowd beyond that is forgiven rather than remembered
            self._windows = running if len(running) < WINDOWS_MAX else {}


def _is_over(window: _Window, now_ms: int) -> bool:
    return not window.begun_ms <= now_ms < window.begun_ms + WINDOW_MS
