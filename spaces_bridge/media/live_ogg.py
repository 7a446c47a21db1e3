"""The mix for people who listen over plain HTTP: everyone gets an Ogg stream of their own.

It begins with the last seconds, all at once: players wait for so much before they begin.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.messages import MIX_KEPT, MixPacket
from spaces_bridge.media.ogg import OggOpus

MOST_WAITING: Final = 250
"""Packets (5 s). Who is further behind is cut off."""

_Queue = asyncio.Queue[MixPacket | None]


class _Streams:
    """Those of one live space."""

    def __init__(self) -> None:
        self.queues: set[_Queue] = set()
        self.recent: deque[MixPacket] = deque(maxlen=MIX_KEPT)


class LiveOgg:
    """All streams of all live spaces."""

    def __init__(self, on_change: Callable[[SpaceId], None]) -> None:
        """``on_change``: somebody came or went; ask `count`."""
        self._streams: dict[SpaceId, _Streams] = {}
        self._on_change = on_change
        self._is_over = False

    def count(self, space: SpaceId) -> int:
        """Streams of this live space."""
        here = self._streams.get(space)
        return len(here.queues) if here is not None else 0

    async def stream(self, space: SpaceId) -> AsyncIterator[bytes]:
        """Ogg pages from a moment ago on, until the live space ends or the reader is too slow."""
        if self._is_over:
            return
        queue = _Queue(MOST_WAITING + 1)
        here = self._streams.setdefault(space, _Streams())
        here.queues.add(queue)
        # the first one finds nothing here: the worker sends it what it has kept
        recent = tuple(here.recent)
        self._on_change(space)
        pack = OggOpus(secrets.randbits(32))
        try:
            yield pack.head() + b"".join(pack.add(each.sequence, each.opus) for each in recent)
            while (packet := await queue.get()) is not None:
                pages = pack.add(packet.sequence, packet.opus)
                if pages:
                    yield pages
            yield pack.end()
        finally:
            self._leave(space, queue)

    def feed(self, packet: MixPacket) -> None:
        """20 ms for all streams of its live space."""
        here = self._streams.get(packet.space)
        if here is None:
            return
        here.recent.append(packet)
        for queue in list(here.queues):
            if queue.qsize() >= MOST_WAITING:
                self._end(queue)
                self._leave(packet.space, queue)
            else:
                queue.put_nowait(packet)

    def end(self, space: SpaceId) -> None:
        """The live space is over."""
        here = self._streams.get(space)
        for queue in here.queues if here is not None else ():
            if not queue.full():  # the one place that packets leave free: then it ends already
                queue.put_nowait(None)

    def end_all(self) -> None:
        """The sound is over, also for those who come yet."""
        self._is_over = True
        for space in self._streams:
            self.end(space)

    def _end(self, queue: _Queue) -> None:
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)

    def _leave(self, space: SpaceId, queue: _Queue) -> None:
        here = self._streams.get(space)
        if here is None or queue not in here.queues:
            return
        here.queues.discard(queue)
        if not here.queues:
            del self._streams[space]
        self._on_change(space)
