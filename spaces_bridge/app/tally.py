"""The tally adds up guests' reactions, so that a flood of them costs a handful of journal rows."""

import asyncio
from collections import Counter, defaultdict

from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import refusals
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.core.rules.common import refuse_unless_live
from spaces_bridge.core.rules.content import EMOJI_MAX

EVERY_S = 0.25
"""The time for which reactions are added up: pages show them as often, so more would be seen."""


class Tally:
    """The tally of each live space's reactions, which is told of them four times a second."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = spaces
        self._counts: defaultdict[SpaceId, Counter[str]] = defaultdict(Counter)
        self._timer: asyncio.TimerHandle | None = None

    def count(self, space: SpaceId, emoji: str) -> None:
        """Count one reaction. Raises Rejected."""
        view = self._spaces.view(space)
        if view is None:
            raise refusals.ended()
        refuse_unless_live(view)
        counts = self._counts[space]
        known = view.reactions.keys() | counts.keys()
        if emoji not in known and len(known) >= EMOJI_MAX:
            raise refusals.too_many_kinds()
        counts[emoji] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY_S, self.flush)

    def flush(self) -> list[SpaceId]:
        """Tell live spaces the reactions counted so far; return which were told."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        counted, self._counts = self._counts, defaultdict(Counter)
        for space, counts in counted.items():
            self._spaces.tell(space, cmd.CountReactions(dict(counts)))
        return list(counted)
