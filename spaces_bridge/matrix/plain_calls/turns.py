"""Work that is done later, in turns: one after the other for each key."""

import asyncio
import logging
from collections.abc import Coroutine, Hashable

from spaces_bridge.app.errors import AdapterError

log = logging.getLogger(__name__)


class CallTurns:
    """Coroutines that run later, those of one key one after the other. A bug in one is logged."""

    def __init__(self) -> None:
        self._last: dict[Hashable, asyncio.Task[None]] = {}

    def spawn(self, key: Hashable, work: Coroutine[None, None, None]) -> None:
        """Run the coroutine when all before it with this key have ended."""
        task = asyncio.create_task(self._run(self._last.get(key), work), name="plain call")
        self._last[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))

    async def settled(self) -> None:
        """Wait until nothing is left to be done."""
        while self._last:
            await asyncio.wait(list(self._last.values()))

    async def stop(self) -> None:
        """End them all."""
        tasks = list(self._last.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(
        self, before: asyncio.Task[None] | None, work: Coroutine[None, None, None]
    ) -> None:
        try:
            if before is not None:
                await asyncio.wait([before])
            await work
        except AdapterError as error:
            log.warning("something in a plain call failed: %s", error)
        except Exception:  # a bug in one call must end no other
            log.exception("something in a plain call failed")
        finally:
            work.close()

    def _forget(self, key: Hashable, done: asyncio.Task[None]) -> None:
        if self._last.get(key) is done:
            del self._last[key]
