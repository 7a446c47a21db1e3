"""The queue of frames to one page: bounded, so that a slow reader costs nothing but itself."""

import asyncio
import json
import struct
from collections import deque
from collections.abc import Callable, Mapping

QUEUE_MAX = 64
"""Frames that may wait for one page."""
QUEUE_BYTES = 512 * 1024
"""Bytes that may wait for one page; the frame that goes beyond them still may."""

_WHOLE_TEXT = 0x81
"""First byte of a text message in one piece (RFC 6455, 5.2); a server masks nothing."""


def as_json(frame: Mapping[str, object]) -> str:
    """Return a frame as JSON text."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def encode(frame: Mapping[str, object]) -> bytes:
    """Return a frame as a whole WebSocket message, made once for all pages that get it."""
    # half of a surrogate pair, which JSON can hold, is no text
    payload = as_json(frame).encode("utf-8", "replace")
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", _WHOLE_TEXT, size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", _WHOLE_TEXT, 126, size)
    else:
        head = struct.pack("!BBQ", _WHOLE_TEXT, 127, size)
    return head + payload


def _never(_frame: bytes) -> bool:
    return False


class Outgoing:
    """A queue of frames for one page. Fading ones (levels, reactions) give way when it is full."""

    def __init__(self, at_once: Callable[[bytes], bool] = _never) -> None:
        """`at_once` sends a frame and returns True, or returns False when it has to wait."""
        self._at_once = at_once
        self._frames: deque[tuple[bytes, bool]] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self.closing: tuple[int, str] | None = None
        """Close code and reason, once the connection is to end."""

    def put(self, frame: bytes, *, fades: bool = False) -> None:
        """Send a frame, now or after those that wait; a page that is too slow is disconnected."""
        if self.closing is not None or (not self._frames and self._at_once(frame)):
            return
        if self._is_full() and not self._drop_oldest_fading():
            if fades:
                return
            self._frames.clear()
            self._bytes = 0
            self.close(4408, "too slow")
            return
        self._frames.append((frame, fades))
        self._bytes += len(frame)
        self._wake.set()

    def close(self, code: int, reason: str) -> None:
        """End the connection after the queued frames."""
        if self.closing is None:
            self.closing = (code, reason)
            self._wake.set()

    async def next(self) -> bytes | None:
        """Return the next frame that waits; None when the connection is to end."""
        while not self._frames:
            if self.closing is not None:
                return None
            self._wake.clear()
            await self._wake.wait()
        frame, _ = self._frames.popleft()
        self._bytes -= len(frame)
        return frame

    def _is_full(self) -> bool:
        return len(self._frames) >= QUEUE_MAX or self._bytes >= QUEUE_BYTES

    def _drop_oldest_fading(self) -> bool:
        for index, (frame, fades) in enumerate(self._frames):
            if fades:
                self._bytes -= len(frame)
                del self._frames[index]
                return True
        return False


class Throttle:
    """A throttle: does its action at once, then at most once per interval while asked to."""

    def __init__(self, interval_s: float, action: Callable[[], None]) -> None:
        self._interval_s = interval_s
        self._action = action
        self._timer: asyncio.TimerHandle | None = None
        self._again = False

    def poke(self) -> None:
        """Ask for the action."""
        if self._timer is not None:
            self._again = True
            return
        self._act()

    def stop(self) -> None:
        """Cancel an action that was asked for and not done yet."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self._again = False

    def _act(self) -> None:
        self._again = False
        self._timer = asyncio.get_running_loop().call_later(self._interval_s, self._expired)
        self._action()

    def _expired(self) -> None:
        self._timer = None
        if self._again:
            self._act()
