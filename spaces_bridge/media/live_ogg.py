"""The mix for people who listen over plain HTTP: everyone gets an Ogg stream of their own."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Final

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.messages import MixPacket
from spaces_bridge.media.ogg import OggOpus

MOST_WAITING: Final = 250
"""Packets (5 s). Who is further behind is cut off."""

_Queue = asyncio.Queue[MixPacket | None]


class LiveOgg:
    """All streams of all live spaces."""

    def __init__(self, on_change: Callable[[SpaceId], None]) -> None:
        """``on_change``: somebody came or went; ask `count`."""
        self._queues: dict[SpaceId, set[_Queue]] = {}
        self._on_change = on_change
        self._is_over = False

    def count(self, space: SpaceId) -> int:
        """Streams of this live space."""
        return len(self._queues.get(space, ()))

    async def stream(self, space: SpaceId) -> AsyncIterator[bytes]:
        """Ogg pages from now on, until the live space ends or the reader is too slow."""
        if self._is_over:
            return
        queue = _Queue(MOST_WAITING + 1)
        self._queues.setdefault(space, set()).add(queue)
        self._on_change(space)
        pack = OggOpus(secrets.randbits(32))
        try:
            yield pack.head()
            while (packet := await queue.get()) is not None:
                pages = pack.add(packet.sequence, packet.opus)
                if pages:
                    yield pages
            yield pack.end()
        finally:
            self._leave(space, queue)

    def feed(self, packet: MixPacket) -> None:
        """20 ms for all streams of its live space."""
        for queue in list(self._queues.get(packet.space, ())):
            if queue.qsize() >= MOST_WAITING:
                self._end(queue)
                self._leave(packet.space, queue)
            else:
                queue.put_nowait(packet)

    def end(self, space: SpaceId) -> None:
        """The live space is over."""
        for queue in self._queues.get(space, ()):
            if not queue.full():  # the one place that packets leave free: then it ends already
                queue.put_nowait(None)

    def end_all(self) -> None:
        """The sound is over, also for those who come yet."""
        self._is_over = True
        for space in self._queues:
            self.end(space)

    def _end(self, queue: _Queue) -> None:
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)

    def _leave(self, space: SpaceId, queue: _Queue) -> None:
        queues = self._queues.get(space, set())
        if queue not in queues:
            return
        queues.discard(queue)
        if not queues:
            del self._queues[space]
        self._on_change(space)
