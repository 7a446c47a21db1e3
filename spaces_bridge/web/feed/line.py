"""The frame sender of one page: frames go out at once while it keeps up, and wait otherwise.

A frame for a thousand pages is written to a thousand sockets then and there, and no task has to
wake for it. That makes a crowd cheap.
"""

import asyncio

from aiohttp import WSCloseCode, web

from spaces_bridge.web.feed.outgoing import Outgoing, encode
from spaces_bridge.web.frames.server import BeatFrame

SEND_WITHIN_S = 15.0
"""A page that takes no byte for so many seconds is disconnected."""

BEAT_S = 3.0
"""A page that is sent nothing for so many seconds gets a `beat`: silence then means a lost
connection, which no browser notices by itself before minutes have passed."""

_BEAT: BeatFrame = {"type": "beat"}
BEAT = encode(_BEAT)


class FrameSender:
    """The sender of frames to one page; aiohttp's pings and close go between whole messages."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        """`socket` must be prepared, without compression."""
        self._request = request
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._told_at = self._loop.time()
        self.outgoing = Outgoing(self._at_once)
        """The queue of frames for the page."""

    async def run(self) -> None:
        """Send the frames that had to wait, and beats; then close as `outgoing` says."""
        try:
            while (frame := await self._next()) is not None:
                await self._send(frame)
        except ConnectionError:
            return
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()
            return
        code, reason = self.outgoing.closing or (WSCloseCode.GOING_AWAY, "")
        await self._socket.close(code=code, message=reason.encode())

    def _at_once(self, frame: bytes) -> bool:
        transport = self._transport()
        if transport is None or transport.get_write_buffer_size() > 0:
            return False
        self._write(transport, frame)
        return True

    async def _send(self, frame: bytes) -> None:
        """Send one frame. Raises ConnectionError, or TimeoutError when the page takes nothing."""
        transport = self._transport()
        if transport is None:
            raise ConnectionResetError
        self._write(transport, frame)
        async with asyncio.timeout(SEND_WITHIN_S):
            await self._request.writer.drain()

    def _write(self, transport: asyncio.Transport, frame: bytes) -> None:
        transport.write(frame)
        self._told_at = self._loop.time()

    def _transport(self) -> asyncio.Transport | None:
        """Return the open transport; None when the connection is closed."""
        transport = self._request.transport
        gone = transport is None or transport.is_closing() or self._socket.closed
        return None if gone else transport

    async def _next(self) -> bytes | None:
        while True:
            try:
                async with asyncio.timeout_at(self._told_at + BEAT_S):
                    return await self.outgoing.next()
            except TimeoutError:
                if self._loop.time() >= self._told_at + BEAT_S:
                    return BEAT
