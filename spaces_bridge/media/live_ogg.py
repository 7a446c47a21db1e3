"""The mix for people who listen over plain HTTP: one Ogg stream for all of a live space.

Pages are packed once and handed to every reader as the same bytes, half a dozen at a time: what a
reader costs is then little more than writing to a socket. A reader begins with headers of its own
and the pages of the last seconds, all at once, as players wait for that much before they begin. As
with any live stream that is joined midway, page numbers and positions do not begin at nought
(RFC 3533, 6; RFC 7845, 4.1).
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.messages import MIX_KEPT, MixPacket
from spaces_bridge.media.ogg import PACKETS_PER_PAGE, OggOpus

PAGES_AT_ONCE: Final = 6
"""600 ms: readers have four seconds more than they play, and each write costs."""
BURSTS_KEPT: Final = MIX_KEPT // (PACKETS_PER_PAGE * PAGES_AT_ONCE)
MOST_WAITING: Final = 8
"""Bursts (4.8 s); a reader that is further behind is cut off."""


class _Reader:
    """A reader's queue of bursts that it has not taken yet; all readers share the bytes."""

    def __init__(self) -> None:
        self._bursts: deque[bytes] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._is_over = False

    def put(self, burst: bytes) -> bool:
        """Queue a burst; return False if too many wait already."""
        if len(self._bursts) >= MOST_WAITING:
            return False
        self._bursts.append(burst)
        self._stir()
        return True

    def end(self, last: bytes = b"") -> None:
        """End the queue: nothing comes after `last`."""
        if last:
            self._bursts.append(last)
        self._is_over = True
        self._stir()

    def cut_off(self) -> None:
        """End the queue and drop what waits in it."""
        self._bursts.clear()
        self.end()

    async def next(self) -> bytes | None:
        """Wait for the next bytes to send and return them; None at the end."""
        while not self._bursts:
            if self._is_over:
                return None
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        return self._bursts.popleft()

    def _stir(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


class _Streams:
    """The readers of one live space, and the stream that they share."""

    def __init__(self) -> None:
        self.readers: set[_Reader] = set()
        self.pack = OggOpus(secrets.randbits(32))
        self.recent: deque[bytes] = deque(maxlen=BURSTS_KEPT)
        self._pages: list[bytes] = []

    def add(self, packet: MixPacket) -> bytes:
        """Add a packet; return a burst when one is full, otherwise no bytes."""
        self._pages.extend(self.pack.add(packet.sequence, packet.opus))
        if len(self._pages) < PAGES_AT_ONCE:
            return b""
        burst, self._pages = b"".join(self._pages), []
        self.recent.append(burst)
        return burst

    def last(self) -> bytes:
        """Return the burst that was not full yet, with the end of the stream."""
        last, self._pages = b"".join([*self._pages, self.pack.end()]), []
        return last


class LiveOgg:
    """The Ogg streams of all live spaces, fed with the shared mixes."""

    def __init__(self, on_change: Callable[[SpaceId], None]) -> None:
        """`on_change`: a reader came or went; ask `count`."""
        self._streams: dict[SpaceId, _Streams] = {}
        self._on_change = on_change
        self._is_over = False

    def count(self, space: SpaceId) -> int:
        """Return the number of readers of this live space."""
        here = self._streams.get(space)
        return len(here.readers) if here is not None else 0

    async def stream(self, space: SpaceId, tags: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Yield Ogg pages from a moment ago until the live space ends or the reader is too slow.

        `tags`: what the stream says of itself to this reader (RFC 7845, 5.2), such as TITLE.
        """
        if self._is_over:
            return
        reader = _Reader()
        here = self._streams.setdefault(space, _Streams())
        here.readers.add(reader)
        # the first reader finds nothing here: the worker sends it what it has kept
        beginning = here.pack.head(tags) + b"".join(here.recent)
        self._on_change(space)
        try:
            yield beginning
            while (burst := await reader.next()) is not None:
                yield burst
        finally:
            self._leave(space, here, reader)

    def feed(self, packet: MixPacket) -> None:
        """Hand 20 ms to all readers of their live space; cut off those that are too far behind."""
        here = self._streams.get(packet.space)
        burst = here.add(packet) if here is not None else b""
        if here is None or not burst:
            return
        for reader in [reader for reader in here.readers if not reader.put(burst)]:
            reader.cut_off()
            self._leave(packet.space, here, reader)

    def end(self, space: SpaceId) -> None:
        """End the stream of a live space that is over; later readers begin a new one."""
        here = self._streams.pop(space, None)
        if here is None:
            return
        last = here.last()
        for reader in here.readers:
            reader.end(last)
        self._on_change(space)

    def end_all(self) -> None:
        """End all streams, also those of readers who are still to come."""
        self._is_over = True
        for space in list(self._streams):
            self.end(space)

    def _leave(self, space: SpaceId, here: _Streams, reader: _Reader) -> None:
        if self._streams.get(space) is not here or reader not in here.readers:
            return
        here.readers.discard(reader)
        if not here.readers:
            del self._streams[space]
        self._on_change(space)
