"""Whether captions are complete: told when something was thrown away, and when that is over."""

import asyncio
from collections.abc import Callable
from typing import Final

CALM_S: Final = 10.0
"""So long after the last thing thrown away, captions count as complete again."""


class Pauses:
    """Tells of the beginning and the end of a pause, each once."""

    def __init__(self, tell: Callable[[bool], None]) -> None:
        self._tell = tell
        self._paused = False
        self._stopped = True
        self._calm: asyncio.TimerHandle | None = None

    def fall_behind(self) -> None:
        """Something was thrown away: a pause until it has been quiet for a while."""
        self.stop()
        self._calm = asyncio.get_running_loop().call_later(CALM_S, self._catch_up)
        self._set(True)

    def worker_gone(self) -> None:
        """Nothing is written down until there is another worker."""
        self._stopped = True
        self._set(True)

    def worker_ready(self) -> None:
        """There is a worker."""
        self._stopped = False
        self._end()

    def stop(self) -> None:
        """Tell nothing of what is to come."""
        if self._calm is not None:
            self._calm.cancel()
            self._calm = None

    def _catch_up(self) -> None:
        self._calm = None
        self._end()

    def _end(self) -> None:
        if self._calm is None and not self._stopped:
            self._set(False)

    def _set(self, paused: bool) -> None:
        if paused != self._paused:
            self._paused = paused
            self._tell(paused)
