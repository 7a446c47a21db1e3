"""Choose the peers a new worker is asked to go on with: a few at a time, none that ends it twice.

A worker goes on with peers in the order it is asked to, and reports each. So if it dies on the
way, the first one it has not reported is the one it died of, or was held up by.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.messages import Record, Restore

AT_ONCE: Final = 32
"""Peers asked for and not reported yet: between them the worker answers pings."""
MOST_TRIES: Final = 2


class Resumption:
    """A resumption asks a new worker to go on with dead ones' peers. Callbacks come at once."""

    def __init__(
        self, send: Callable[[Restore], None], on_given_up: Callable[[str], None]
    ) -> None:
        """`on_given_up`: workers have died of this peer, so it has to join again."""
        self._send, self._on_given_up = send, on_given_up
        self._waiting: dict[str, Record] = {}  # for their live space to be opened, or their turn
        self._open: set[SpaceId] = set()
        self._asked: dict[str, None] = {}  # in order
        self._tries: Counter[str] = Counter()

    def begin(self, records: Mapping[str, Record]) -> None:
        """Begin with another worker, which has no peers yet, or the same again (no records)."""
        suspect = next(iter(self._asked), None) if records else None
        self._asked.clear()
        self._open.clear()
        self._waiting = dict(sorted(records.items(), key=lambda each: self._tries[each[0]]))
        if suspect is None or suspect not in records:
            return
        self._tries[suspect] += 1
        self._waiting[suspect] = self._waiting.pop(suspect)  # after all others
        if self._tries[suspect] >= MOST_TRIES:
            self.forget(suspect)
            self._on_given_up(suspect)

    def go_on(self, space: SpaceId) -> None:
        """Ask for the peers of this live space, which is open in the worker now."""
        self._open.add(space)
        self._ask()

    def close(self, space: SpaceId) -> None:
        """Forget a live space that is over.

        Not while peers of it wait for their turn: asked for them, the worker says they are gone.
        """
        if all(kept.space != space for kept in self._waiting.values()):
            self._open.discard(space)

    def settled(self, peer: str) -> None:
        """Note that the worker has reported this peer: it goes on, or is gone."""
        if peer in self._asked:
            self.forget(peer)
            self._ask()

    def forget(self, peer: str) -> None:
        """Forget a peer that is not wanted any more, or is done with."""
        self._waiting.pop(peer, None)
        self._asked.pop(peer, None)
        del self._tries[peer]

    def _ask(self) -> None:
        for peer, kept in list(self._waiting.items()):
            if len(self._asked) >= AT_ONCE:
                return
            if kept.space in self._open:
                del self._waiting[peer]
                self._asked[peer] = None
                self._send(Restore(peer, kept.space, kept.user, kept.direction, kept.record))
