"""Tasks of the SFU client: they end with what they are for, and a failure is said once."""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger(__name__)


class BackgroundTasks:
    """Background tasks are the tasks of one thing, which ends them all with `stop`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Start one; what it raises is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def finish(self, within_s: float) -> None:
        """Wait for the end of all, and cancel what takes longer."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=within_s)
        await self.stop()

    async def stop(self) -> None:
        """Cancel all, and wait for their end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("a task of the SFU client failed: %s", type(problem).__name__)
