"""The timekeeper tells a live space the time when something is due there."""

import asyncio
import logging
from functools import partial

from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import decide

log = logging.getLogger(__name__)

TASK = "timekeeper"
LOOK_EVERY_S = 1.0

SETTLE_S = 5.0
"""The wait after a start, in which pages come back: a host who is on one is not gone."""


class Timekeeper:
    """The timekeeper looks at every open live space once a second; the rules say what is due."""

    def __init__(self, spaces: Spaces, tasks: TaskSupervisor | None = None) -> None:
        self._spaces = spaces
        self._tasks = tasks or TaskSupervisor()
        self._told = set[SpaceId]()
        """The live spaces whose turn has not come to a time told; they are not told again."""
        self._failed = set[SpaceId]()
        """The live spaces whose failure is logged already."""

    def start(self) -> None:
        """Start the timekeeper's task."""
        self._tasks.keep(TASK, self._watch)

    async def stop(self) -> None:
        """End the timekeeper's task."""
        await self._tasks.stop(TASK)

    def look(self) -> None:
        """Tell the time to each live space for which something is due."""
        spaces = self._spaces.open()
        self._failed.intersection_update(space.space for space in spaces)
        for space in spaces:
            try:
                self._look_at(space)
            except Exception:  # one live space with a bug must not stop the others' time
                if space.space not in self._failed:
                    log.exception("live space %s cannot be told the time", space.space)
                self._failed.add(space.space)
            else:
                self._failed.discard(space.space)

    def _look_at(self, space: LiveSpace) -> None:
        command = self._time()
        if space.space not in self._told and _is_due(space, command):
            self._told.add(space.space)
            self._spaces.tell(space.space, command)
            self._spaces.then(space.space, partial(self._told.discard, space.space))

    def _time(self) -> cmd.PassTime:
        context = self._spaces.context
        return cmd.PassTime(context.clock.now_ms(), context.settings.host_grace_ms)

    async def _watch(self) -> None:
        await asyncio.sleep(SETTLE_S)
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)


def _is_due(space: LiveSpace, command: cmd.PassTime) -> bool:
    # the rules are pure and quick: asking them costs nothing and journals nothing
    return bool(decide(space, command))
