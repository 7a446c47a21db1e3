"""Which worker of this machine mixes a live space, and which one takes a listener. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MIX_COSTS: Final = 75
"""Listeners who cost as much as a live space's mix with a few speakers: 1 ms or so a tick."""
TOGETHER: Final = 100
"""Sessions up to which listeners go to the home: it costs less, and the way is shorter."""


@dataclass(frozen=True, slots=True)
class LocalLoad:
    """A worker's sessions, the live spaces that it mixes, and whether it can be reached now.

    `is_crowded`: it has too much to do, and takes no new listeners.
    """

    sessions: int
    mixes: int
    is_here: bool = True
    is_crowded: bool = False

    @property
    def cost(self) -> int:
        """All of it, in listeners."""
        return self.sessions + MIX_COSTS * self.mixes


def home_among(loads: Sequence[LocalLoad]) -> int:
    """Return the place of the worker that is to mix one more live space."""

    def rank(at: int) -> tuple[bool, bool, int, int]:
        return not loads[at].is_here, loads[at].is_crowded, loads[at].cost, at

    return min(range(len(loads)), key=rank)


def for_listener(loads: Sequence[LocalLoad], home: int) -> list[int]:
    """Return the places of those who may take a listener, in order.

    A worker that takes nobody comes after all that do; one that cannot be reached is the last:
    it is being replaced, which takes a moment.
    """

    def rank(at: int) -> tuple[bool, bool, bool, int, bool]:
        stays = at == home and loads[at].sessions < TOGETHER
        return not loads[at].is_here, loads[at].is_crowded, not stays, loads[at].cost, at != home

    return sorted(range(len(loads)), key=rank)
