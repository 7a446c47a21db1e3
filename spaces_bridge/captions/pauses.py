"""Pauses of the captions: they begin when something is thrown away, and end when that is over."""

import asyncio
from collections.abc import Callable
from typing import Final

CALM_S: Final = 10.0
"""Seconds after the last thing thrown away until captions count as complete again."""


class Pauses:
    """The pauses of the captions: `tell` is called at the beginning and the end of each, once."""

    def __init__(self, tell: Callable[[bool], None]) -> None:
        self._tell = tell
        self._paused = False
        self._stopped = True
        self._calm: asyncio.TimerHandle | None = None

    def fall_behind(self) -> None:
        """Begin a pause, as something was thrown away, until it has been quiet for a while."""
        self.stop()
        self._calm = asyncio.get_running_loop().call_later(CALM_S, self._catch_up)
        self._set(True)

    def worker_gone(self) -> None:
        """Begin a pause until there is another worker."""
        self._stopped = True
        self._set(True)

    def worker_ready(self) -> None:
        """Note that there is a worker, which ends the pause if nothing else keeps it."""
        self._stopped = False
        self._end()

    def stop(self) -> None:
        """Stop waiting for the end of a pause."""
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
