"""Use case: calling off a live space that has not begun.

To reschedule one is one command: see the core's rules.
"""

from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.rules.common import refuse_unless_host

CALLED_OFF = "called off"
"""The journal's reason for an end before the beginning."""


class Scheduling:
    """The use case of taking scheduled live spaces off the plan."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces
        self._clock = spaces.context.clock

    async def unschedule(self, space: LiveSpace, by: UserId, source: str | None = None) -> None:
        """Call a live space off. Raises Rejected, also if it is live already, and StorageError."""
        refuse_unless_host(space, by)
        if space.phase is Phase.LIVE:
            raise Rejected("unschedule_live", "It is live already: end it for everybody instead.")
        end = cmd.EndSpace(by, self._clock.now_ms(), CALLED_OFF)
        await self._spaces.ask(space.space, end, source)
