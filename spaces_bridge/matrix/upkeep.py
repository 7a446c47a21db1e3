"""Periodic upkeep: listener counts on cards, and the pruning of what is old."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping

from spaces_bridge.app import policies
from spaces_bridge.app.crypto_ports import CryptoStore
from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.ports import Clock, Inbox, NoteStore, Outbox, Tokens
from spaces_bridge.app.records import OutboxEntry
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.crypto.limits import KEPT_MS as CRYPTO_KEPT_MS
from spaces_bridge.matrix.crypto.limits import WITHHELD_KEPT_MS

log = logging.getLogger(__name__)

COUNTERS_EVERY_S = 15.0
"""The pause between counts of audiences; the card itself decides when to show a new one."""
PRUNE_EVERY_S = 6 * 3600.0
KEPT_MS = 7 * 86_400_000
"""Done outbox tasks and handled events are kept for a week."""
TOKENS_KEPT_MS = 365 * 86_400_000
"""Personal links open the page of a live space for a year after its end (docs/admin.md)."""


class CounterWatch:
    """The watch that enqueues the tasks of cards and bubbles when a number of listeners changed.

    Guests come and go without an event, so that nothing else would.
    """

    def __init__(self, spaces: Spaces, outbox: Outbox, wake: Callable[[], None]) -> None:
        """`wake` tells the outbox dispatcher of something new in the outbox."""
        self._spaces = spaces
        self._outbox = outbox
        self._wake = wake
        self._shown: Mapping[str, int] = {}

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            await asyncio.sleep(COUNTERS_EVERY_S)
            try:
                await self.look()
            except StorageError as error:
                log.warning("cannot have cards written anew: %s", error)

    async def look(self) -> None:
        """Enqueue tasks for what became stale since the last look. Raises StorageError."""
        live = [s for s in self._spaces.open() if s.phase is Phase.LIVE]
        now = {str(s.space): self._spaces.audience_size(s.space) for s in live}
        stale = [s for s in live if self._shown.get(s.space, 0) != now[s.space]]
        if stale:
            await self._outbox.enqueue([e for s in stale for e in _counters(s)])
            self._wake()
        self._shown = now


class Pruning:
    """The pruning of done outbox tasks, handled events, expired notes, old tokens and keys."""

    def __init__(
        self,
        inbox: Inbox,
        outbox: Outbox,
        notes: NoteStore,
        tokens: Tokens,
        clock: Clock,
        crypto: CryptoStore,
    ) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._notes = notes
        self._tokens = tokens
        self._clock = clock
        self._crypto = crypto

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            try:
                await self.prune()
            except StorageError as error:
                log.warning("cannot prune: %s", error)
            await asyncio.sleep(PRUNE_EVERY_S)

    async def prune(self) -> None:
        """Prune all of them once. Raises StorageError."""
        now_ms = self._clock.now_ms()
        await self._inbox.prune(now_ms - KEPT_MS)
        await self._outbox.prune(now_ms - KEPT_MS)
        await self._notes.prune()
        await self._tokens.prune(now_ms - TOKENS_KEPT_MS)
        await self._crypto.prune(now_ms - CRYPTO_KEPT_MS, now_ms - WITHHELD_KEPT_MS)


def _counters(space: LiveSpace) -> Iterator[OutboxEntry]:
    """Yield the outbox tasks for everything that shows the number of listeners."""
    yield policies.card(space.space)
    if space.community is not None and not space.private:
        yield policies.bubble(space.space)
