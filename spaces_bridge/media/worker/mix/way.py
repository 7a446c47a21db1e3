"""The way of one stream's packets: how long the shortest takes. Pure."""

from typing import Final

_WINDOW_S: Final = 5.0  # the shortest way is looked for in one to two of these


class ShortestWay:
    """The shortest way: the least (arrival - timestamp) of the last five to ten seconds.

    So clock drift is followed.
    """

    def __init__(self) -> None:
        self._now = self._before = float("inf")
        self._since: float | None = None

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
        if self._since is None or arrived - self._since >= _WINDOW_S:
            self._before, self._now, self._since = self._now, way, arrived
        self._now = min(self._now, way)
