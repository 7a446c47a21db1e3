"""A WebSocket that carries a link's messages: it sends without waiting, up to a backlog."""

import asyncio
import logging
import time
from collections import deque
from typing import Final, TypeAlias

from aiohttp import ClientWebSocketResponse, WSMsgType, web

from spaces_bridge.media.nodes import limits
from spaces_bridge.media.nodes.channels import LinkMessage, packed, unpacked
from spaces_bridge.pacing.token_bucket import TokenBucket
from spaces_bridge.wire.messages import BadMessage, TooLong

log = logging.getLogger(__name__)

AnySocket: TypeAlias = web.WebSocketResponse | ClientWebSocketResponse

_SEND_S: Final = 10.0
"""Seconds in which the other side has to take something of what waits."""


class NodeSocket:
    """A node socket is one end of a link; `sending` is to run for as long as it is read from."""

    def __init__(self, socket: AnySocket, bucket: TokenBucket | None = None) -> None:
        """`bucket` bounds the bytes that are read."""
        self._socket, self._bucket = socket, bucket
        self._waiting: deque[bytes] = deque()
        self._backlog = 0
        self._wake = asyncio.Event()
        self._is_over = False
        self.ended = asyncio.Event()
        """Set when the connection is closed."""

    @property
    def is_busy(self) -> bool:
        """Whether so much is waiting that what can wait should."""
        return self._backlog >= limits.LAZY_BACKLOG

    def send(self, message: LinkMessage) -> None:
        """Send without waiting; a link that takes nothing any more is ended.

        A message that is too long is not sent: the other side would end the link.
        """
        if self._is_over:
            return
        try:
            data = packed(message)
        except TooLong as problem:
            log.error("a message is not sent: %s", problem)
            return
        self._waiting.append(data)
        self._backlog += len(data)
        if self._backlog > limits.BACKLOG_MAX:
            log.error("the other side of a media node's link takes nothing: it is cut off")
            self._waiting.clear()
            self.end()
        self._wake.set()

    def end(self) -> None:
        """Close the link as soon as all that waits is sent."""
        self._is_over = True
        self._wake.set()

    async def sending(self) -> None:
        """Send what waits until the link is ended or lost, then close it."""
        try:
            while True:
                while self._waiting:
                    data = self._waiting.popleft()
                    self._backlog -= len(data)
                    async with asyncio.timeout(_SEND_S):
                        await self._socket.send_bytes(data)
                if self._is_over:
                    break
                self._wake.clear()
                await self._wake.wait()
        except (ConnectionError, TimeoutError, RuntimeError):
            pass  # it is closed: who reads sees it, too
        await self._socket.close()
        self.ended.set()

    async def receive(self) -> LinkMessage | None:
        """Wait for the next message; None at the end. Raises BadMessage."""
        said = await self._socket.receive()
        if said.type is WSMsgType.BINARY:
            self._charge(said.data)
            return unpacked(said.data)
        if said.type in (WSMsgType.TEXT, WSMsgType.PING, WSMsgType.PONG):
            raise BadMessage("a text where only bytes belong")
        return None

    def _charge(self, data: bytes) -> None:
        cost = limits.MESSAGE_COST + len(data)
        if self._bucket is not None and not self._bucket.take(cost, time.monotonic()):
            raise BadMessage("more than a node has to say")
