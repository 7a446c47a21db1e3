"""The way of one stream's packets: how long the shortest takes. Pure."""

from typing import Final

_WINDOW_S: Final = 5.0  # the shortest way is looked for in one to two of these
_PAUSE_S: Final = 1.0  # after this without a packet the way may be another; DTX sends more often


class ShortestWay:
    """The shortest way: the least (arrival - timestamp) of the last five to ten seconds.

    So clock drift is followed. After a pause it is looked for anew.
    """

    def __init__(self) -> None:
        self._now = self._before = float("inf")
        self._since: float | None = None
        self._last = 0.0

    @property
    def is_known(self) -> bool:
        """Whether any packet has come."""
        return self._since is not None

    @property
    def shortest(self) -> float:
        """The shortest way in seconds, of two clocks that have nothing to do with each other."""
        return min(self._now, self._before)

    def note(self, way: float, arrived: float) -> None:
        """Note the way of a packet that arrived at `arrived`."""
        if arrived - self._last >= _PAUSE_S:
            self._now = self._before = float("inf")
            self._since = None
        self._last = arrived
        if self._since is None or arrived - self._since >= _WINDOW_S:
            self._before, self._now, self._since = self._now, way, arrived
        self._now = min(self._now, way)
