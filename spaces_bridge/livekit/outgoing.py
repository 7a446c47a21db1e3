"""The messages on their way to one client: bounded, so that a slow one costs only itself."""

import asyncio
from collections import deque

from aiohttp import WSCloseCode, web

from spaces_bridge.livekit.limits import LEAVE_WITHIN_S, QUEUE_BYTES, QUEUE_MAX, SEND_WITHIN_S

TOO_SLOW = "too slow: the messages for this client do not get through"


class SignalQueue:
    """The queue of messages to one client. Fading ones (levels) give way when it is full."""

    def __init__(self) -> None:
        self._messages: deque[bytes] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self.closing: tuple[int, str] | None = None
        """Close code and reason, once the connection is to end."""

    def put(self, message: bytes, *, fades: bool = False) -> None:
        """Queue a message; a client that is too slow is disconnected, and may come back."""
        if self.closing is not None:
            return
        if len(self._messages) >= QUEUE_MAX or self._bytes >= QUEUE_BYTES:
            if not fades:
                self._messages.clear()
                self._bytes = 0
                self.close(WSCloseCode.TRY_AGAIN_LATER, TOO_SLOW)
            return
        self._messages.append(message)
        self._bytes += len(message)
        self._wake.set()

    def close(self, code: int, reason: str) -> None:
        """End the connection after the queued messages."""
        if self.closing is None:
            self.closing = (code, reason)
            self._wake.set()

    def close_later(self, code: int, reason: str) -> None:
        """End the connection in a while, unless the client does so before."""
        asyncio.get_running_loop().call_later(LEAVE_WITHIN_S, self.close, code, reason)

    async def next(self) -> bytes | None:
        """Return the next message; None when the connection is to end."""
        while not self._messages:
            if self.closing is not None:
                return None
            self._wake.clear()
            await self._wake.wait()
        message = self._messages.popleft()
        self._bytes -= len(message)
        return message


async def send_all(
    queue: SignalQueue, request: web.Request, socket: web.WebSocketResponse
) -> None:
    """Send what is queued until the queue closes, then close the socket as it says."""
    try:
        while (message := await queue.next()) is not None:
            async with asyncio.timeout(SEND_WITHIN_S):
                await socket.send_bytes(message)
    except ConnectionError:
        return
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        return
    code, reason = queue.closing or (WSCloseCode.GOING_AWAY, "")
    await socket.close(code=code, message=reason.encode())
