"""A connection that carries messages, the same on both sides."""

import asyncio
import logging
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from spaces_bridge.wire.messages import BadMessage, MessageCodec, TooLong

log = logging.getLogger(__name__)

_MessageT = TypeVar("_MessageT")


class Connection(asyncio.Protocol, Generic[_MessageT]):
    """A connection sends and receives whole messages; bytes that are none end it."""

    def __init__(
        self,
        codec: MessageCodec[_MessageT],
        on_message: Callable[["Connection[_MessageT]", _MessageT], None],
        on_lost: Callable[["Connection[_MessageT]"], None],
        *,
        skip_unknown: bool = False,
    ) -> None:
        """`skip_unknown`: the other side may be of another version; leave out what is new."""
        self._codec = codec
        self._on_message, self._on_lost = on_message, on_lost
        self._skip_unknown = skip_unknown
        self._framer = codec.framer()
        self._transport: asyncio.Transport | None = None

    @property
    def backlog(self) -> int:
        """The number of bytes that the other side has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    @property
    def is_open(self) -> bool:
        """Return whether messages can still be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, message: _MessageT) -> None:
        """Send a message without waiting; a closed connection sends nothing.

        Nor does it send one that is too long: the other side would end the connection.
        """
        if self._transport is None or self._transport.is_closing():
            return
        try:
            self._transport.write(self._codec.encode(message))
        except TooLong as problem:
            log.error("a message is not sent: %s", problem)

    def close(self) -> None:
        """End the connection once everything is sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End the connection now."""
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
                    self._receive(body)
        except BadMessage as problem:
            log.warning("connection ended: %s", problem)
            self.abort()

    def _receive(self, body: bytes) -> None:
        try:
            message = self._codec.decode(body)
        except BadMessage:
            if self._skip_unknown:
                return
            raise
        self._on_message(self, message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of `asyncio.Protocol`."""
        self._on_lost(self)
