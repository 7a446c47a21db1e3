"""What has arrived of the other side's DATA, as a SACK tells it (RFC 9260, 6.2)."""

from typing import Final

from spaces_bridge.media.worker.edge.sctp.packets import MOST_BLOCKS, Sack, later

WINDOW: Final = 32 * 1024
"""Bytes that the other side may send at once. Nothing is kept of them, so it stays the same."""
MOST_AHEAD: Final = 256
"""TSNs that are remembered beyond the first one missing; what comes beyond them is not taken."""


class Arrivals:
    """The TSNs that have arrived: all up to one, and some beyond it."""

    def __init__(self, first: int) -> None:
        """`first`: the other side's first TSN."""
        self._cumulative = (first - 1) & 0xFFFFFFFF
        self._ahead = set[int]()

    def note(self, tsn: int) -> bool:
        """Note a TSN; return False if it came before, or is not taken."""
        if tsn in self._ahead or not 0 < (tsn - self._cumulative) & 0xFFFFFFFF <= MOST_AHEAD:
            return False
        self._ahead.add(tsn)
        self._advance()
        return True

    def forward(self, tsn: int) -> None:
        """Wait for nothing up to this TSN any more (RFC 3758)."""
        if later(tsn, self._cumulative):
            self._cumulative = tsn
            self._ahead = {each for each in self._ahead if later(each, tsn)}
            self._advance()

    def _advance(self) -> None:
        while (following := (self._cumulative + 1) & 0xFFFFFFFF) in self._ahead:
            self._ahead.remove(following)
            self._cumulative = following

    def sack(self) -> Sack:
        """Return what has arrived."""
        blocks = list[tuple[int, int]]()
        for offset in sorted((each - self._cumulative) & 0xFFFFFFFF for each in self._ahead):
            if blocks and blocks[-1][1] == offset - 1:
                blocks[-1] = (blocks[-1][0], offset)
            elif len(blocks) < MOST_BLOCKS:
                blocks.append((offset, offset))
            else:
                break
        return Sack(self._cumulative, WINDOW, blocks)
