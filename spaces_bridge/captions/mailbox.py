"""The bounded queue between the control process and the caption worker."""

import asyncio
from collections import deque
from typing import Final

from spaces_bridge.captions.messages import Speech, ToCaptionWorker
from spaces_bridge.wire.pcm import length_ms

ROOM_MS: Final = 120_000
"""Milliseconds of sound, of all speakers together, that may wait for the worker (3.8 MB)."""


class Mailbox:
    """A mailbox takes every message at once; when full, it drops and counts the oldest sound."""

    def __init__(self, room_ms: int = ROOM_MS) -> None:
        self._room_ms = room_ms
        self._messages: deque[ToCaptionWorker] = deque()
        self._filled = asyncio.Event()
        self._waiting_ms = 0
        self.dropped_ms = 0
        """Milliseconds of sound thrown away since the start."""

    @property
    def waiting_ms(self) -> int:
        """The milliseconds of sound that wait."""
        return self._waiting_ms

    def put(self, message: ToCaptionWorker) -> bool:
        """Queue the message; return False if older sound had to go for it."""
        self._messages.append(message)
        self._waiting_ms += _length_ms(message)
        self._filled.set()
        if self._waiting_ms <= self._room_ms:
            return True
        self._make_room()
        return False

    async def get(self) -> ToCaptionWorker:
        """Wait for the next message and return it."""
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()
        message = self._messages.popleft()
        self._waiting_ms -= _length_ms(message)
        return message

    def _make_room(self) -> None:
        kept: deque[ToCaptionWorker] = deque()
        for message in self._messages:
            length = _length_ms(message)
            if length and self._waiting_ms > self._room_ms:
                self._waiting_ms -= length
                self.dropped_ms += length
            else:
                kept.append(message)
        self._messages = kept


def _length_ms(message: ToCaptionWorker) -> int:
    return length_ms(message.pcm) if isinstance(message, Speech) else 0
