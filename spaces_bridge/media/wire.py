"""A connection that carries `messages`, the same on both sides."""

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from spaces_bridge.media.codec import Framer, decode, encode
from spaces_bridge.media.messages import BadMessage, Message

log = logging.getLogger(__name__)


class Wire(asyncio.Protocol):
    """Sends and receives whole messages; bytes that are none end the connection."""

    def __init__(
        self,
        on_message: Callable[["Wire", Message], None],
        on_lost: Callable[["Wire"], None],
        *,
        skip_unknown: bool = False,
    ) -> None:
        """``skip_unknown``: the other side may be of another version; leave out what is new."""
        self._on_message, self._on_lost = on_message, on_lost
        self._skip_unknown = skip_unknown
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None

    @property
    def backlog(self) -> int:
        """Bytes that the other side has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    @property
    def is_open(self) -> bool:
        """Whether messages can still be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, message: Message) -> None:
        """Send, without waiting; into a closed connection nothing is sent."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(message))

    def close(self) -> None:
        """End it once everything is sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End it now."""
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Part of `asyncio.Protocol`."""
        try:
            for body in self._framer.feed(data):
                if self.is_open:
                    self._take(body)
        except BadMessage as problem:
            log.warning("connection ended: %s", problem)
            self.abort()

    def _take(self, body: bytes) -> None:
        try:
            message = decode(body)
        except BadMessage:
            if self._skip_unknown:
                return
            raise
        self._on_message(self, message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of `asyncio.Protocol`."""
        self._on_lost(self)
