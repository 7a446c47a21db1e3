"""Which worker of this machine mixes a live space, and which one takes a listener. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MIX_COSTS: Final = 75
"""Listeners who cost as much as a live space's mix with a few speakers: 1 ms or so a tick."""
TOGETHER: Final = 100
"""Sessions up to which listeners go to the home: it costs less, and the way is shorter."""


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    """A worker's sessions, the live spaces that it mixes, and whether it can be reached now."""

    sessions: int
    mixes: int
    is_here: bool = True

    @property
    def cost(self) -> int:
        """All of it, in listeners."""
        return self.sessions + MIX_COSTS * self.mixes


def home_among(loads: Sequence[WorkerLoad]) -> int:
    """Return the place of the worker that is to mix one more live space."""
    return min(range(len(loads)), key=lambda at: (not loads[at].is_here, loads[at].cost, at))


def for_listener(loads: Sequence[WorkerLoad], home: int) -> list[int]:
    """Return the places of those who may take a listener, in order.

    A worker that cannot be reached comes last: it is being replaced, which takes a moment.
    """

    def rank(at: int) -> tuple[bool, bool, int, bool]:
        stays = at == home and loads[at].sessions < TOGETHER
        return not loads[at].is_here, not stays, loads[at].cost, at != home

    return sorted(range(len(loads)), key=rank)
