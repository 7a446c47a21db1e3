"""The supervisor keeps long-lived tasks alive: one that ends, for whatever reason, starts again.

Every task that is to run as long as the bridge is started here, so that none can end and stay
ended; a test looks for others.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.pacing.backoff import Backoff

log = logging.getLogger(__name__)

RESTART_BACKOFF: Final = Backoff(0.2, 30.0)
"""The waits before a task that keeps ending is started again."""

STEADY_S: Final = 10.0
"""A task that has run for so long since it was started again no longer counts as failing."""

Work = Callable[[], Awaitable[None]]
"""A function that makes the work of a task anew each time it is called."""


class TaskSupervisor:
    """The supervisor of tasks starts them again when they end, and says so. Implements `Health`.

    `backoff`: how long a task rests before it is started again; `steady_s`: see `STEADY_S`.
    """

    def __init__(self, *, backoff: Backoff = RESTART_BACKOFF, steady_s: float = STEADY_S) -> None:
        self._backoff = backoff
        self._steady_s = steady_s
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._restarts: dict[str, int] = {}
        self._failing: set[str] = set()

    @property
    def restarts(self) -> Mapping[str, int]:
        """The number of times tasks had to be started again, by their group."""
        return self._restarts

    @property
    def failing(self) -> list[str]:
        """The names of the tasks that have ended and have not run steadily since."""
        return sorted(self._failing)

    def keep(self, name: str, work: Work, group: str = "") -> None:
        """Run `work` until `stop`: its end is a failure, whatever it ends with.

        A task of the same name that runs is left alone. `group`: what its restarts are counted
        under, where many tasks do the same; its name otherwise.
        """
        self._start(name, work, group or name, is_endless=True)

    def finish(self, name: str, work: Work, group: str = "") -> None:
        """Run `work` until it has ended once without an exception; `group` is as in `keep`."""
        self._start(name, work, group or name, is_endless=False)

    def cancel(self, *names: str) -> list[asyncio.Task[None]]:
        """Cancel these tasks without waiting for their end; return those that there were."""
        tasks = [task for name in names if (task := self._tasks.pop(name, None)) is not None]
        for task in tasks:
            task.cancel()
        self._failing.difference_update(names)
        return tasks

    async def stop(self, *names: str) -> None:
        """Cancel these tasks and wait for their end. Safe to repeat."""
        await asyncio.gather(*self.cancel(*names), return_exceptions=True)

    async def check(self) -> None:
        """Raise AdapterError while a task is failing (`Health`)."""
        if self._failing:
            names = ", ".join(self.failing)
            raise AdapterError(
                f"A part of the bridge has failed and is started again ({names}). Its log says "
                "why; please report it."
            )

    def _start(self, name: str, work: Work, group: str, *, is_endless: bool) -> None:
        running = self._tasks.get(name)
        if running is None or running.done():
            self._restarts.setdefault(group, 0)
            watching = self._watch(name, work, group, is_endless=is_endless)
            self._tasks[name] = asyncio.create_task(watching, name=name)

    async def _watch(self, name: str, work: Work, group: str, *, is_endless: bool) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            steady = loop.call_later(self._steady_s, self._is_well, name)
            started = loop.time()
            try:
                await work()
            except asyncio.CancelledError as error:
                if _is_cancelled():
                    raise
                self._say(name, error)  # something it waited for was cancelled, not the task
            except Exception as error:  # whatever the bug is: the work goes on
                self._say(name, error)
            else:
                if not is_endless:
                    self._is_well(name)
                    return
                self._say(name, None)
            finally:
                steady.cancel()
            failures = 1 if loop.time() - started >= self._steady_s else failures + 1
            self._failing.add(name)
            self._restarts[group] += 1
            await asyncio.sleep(self._backoff.wait_s(failures))

    def _say(self, name: str, error: BaseException | None) -> None:
        """Log the failure of a task, with its traceback only once.

        A task that keeps ending would fill the log with one and the same traceback.
        """
        if name not in self._failing:
            log.error("%s has failed and is started again", name, exc_info=error)
        else:
            reason = type(error).__name__ if error is not None else "it ended"
            log.debug("%s has failed again: %s", name, reason)

    def _is_well(self, name: str) -> None:
        if name in self._failing:
            self._failing.discard(name)
            log.warning("%s works again", name)


def _is_cancelled() -> bool:
    """Return whether somebody asked for the end of the task that runs."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
