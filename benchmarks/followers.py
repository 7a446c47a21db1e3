"""A crowd of pages that only follow: nameless guests on a live space's feed, in a child process.

`python -m benchmarks.followers PORT PATH COUNT` opens COUNT feeds, each from an address of its own
(as a proxy would name it), and keeps them until its standard input ends. Each line there is
answered by one JSON line: how many are open, and how many frames and bytes of frames have come.
"""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

HOST = "127.0.0.1"
AT_ONCE = 20
"""Connections that are opened at the same time."""

_TEXT, _PING, _PONG = 0x1, 0x9, 0xA


class FeedFollower(asyncio.Protocol):
    """A follower's feed: authenticates as nobody, counts frames, and answers pings."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._buffer = b""
        self._upgraded = False
        self._transport: asyncio.Transport | None = None
        self.welcomed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.frames = self.bytes = 0
        self.open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                raise RuntimeError(head.decode())
            self._upgraded, self._buffer = True, rest
            self._send(_TEXT, json.dumps({"type": "auth"}).encode())
        self._buffer = self._buffer[self._read(self._buffer) :]

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if not self.welcomed.done():
            self.welcomed.set_exception(error or ConnectionError("the feed was closed"))

    def _read(self, buffer: bytes) -> int:
        """Take all whole frames and return their bytes' number; a server's frames have no mask."""
        at = 0
        while len(buffer) - at >= 2:
            size, head = buffer[at + 1], 2
            if size >= 126:
                head = 4 if size == 126 else 10
                size = int.from_bytes(buffer[at + 2 : at + head])
            end = at + head + size
            if len(buffer) < end:
                break
            self._take(buffer[at] & 0x0F, buffer[at + head : end])
            at = end
        return at

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == _TEXT:
            self.frames += 1
            self.bytes += len(payload)
            if not self.welcomed.done():  # the first frame is hello
                self.welcomed.set_result(None)
        elif kind == _PING:
            self._send(_PONG, payload)

    def _send(self, kind: int, payload: bytes) -> None:
        assert self._transport is not None
        assert len(payload) < 126
        # a mask of zeros leaves the payload as it is
        self._transport.write(bytes((0x80 | kind, 0x80 | len(payload), 0, 0, 0, 0)) + payload)


@dataclass(frozen=True, slots=True)
class Seen:
    """A crowd's count so far: open feeds, and the frames and bytes of all of them."""

    open: int
    frames: int
    bytes: int


class Crowd:
    """A crowd in a child process, as its parent sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def seen(self) -> Seen:
        """Return the crowd's count now. Raises RuntimeError when its process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the crowd has gone")
        return Seen(**json.loads(line))


@asynccontextmanager
async def crowd(port: int, path: str, count: int) -> AsyncIterator[Crowd]:
    """Run a crowd of `count` feeds, which are all open when the block begins."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.followers", str(port), path, str(count)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        crowd = Crowd(process)
        await crowd.seen()
        yield crowd
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def _follow(port: int, path: str, count: int) -> None:
    gate = asyncio.Semaphore(AT_ONCE)
    followers = await asyncio.gather(*(_join(gate, port, path, n) for n in range(count)))
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        seen = {
            "open": sum(f.open for f in followers),
            "frames": sum(f.frames for f in followers),
            "bytes": sum(f.bytes for f in followers),
        }
        print(json.dumps(seen), flush=True)


async def _join(gate: asyncio.Semaphore, port: int, path: str, number: int) -> FeedFollower:
    request = "\r\n".join(
        (
            f"GET {path} HTTP/1.1",
            f"Host: {HOST}:{port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(number.to_bytes(16)).decode()}",
            f"X-Forwarded-For: 198.51.{number // 200}.{number % 200 + 1}",
            "",
            "",
        )
    )
    loop = asyncio.get_running_loop()
    async with gate:
        _, follower = await loop.create_connection(
            lambda: FeedFollower(request.encode()), HOST, port
        )
        await follower.welcomed
    return follower


if __name__ == "__main__":
    asyncio.run(_follow(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
