"""A front of the homeserver's address that can stop answering without closing anything."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self


class TcpFront:
    """Forwards connections to one port of this machine.

    While it hangs, connections are taken, read, and never answered. Those of that time, and those
    that were open then, are not answered afterwards, either.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._hangs = False
        self._connections: set[_Connection] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for connection in self._connections:
            connection.task.cancel()
        await asyncio.gather(*(c.task for c in self._connections), return_exceptions=True)

    def hang(self) -> None:
        """From now on nothing is answered."""
        self._hangs = True
        for connection in self._connections:
            connection.swallows = True

    def heal(self) -> None:
        """New connections are forwarded again."""
        self._hangs = False

    @property
    def swallowing(self) -> int:
        """Connections on which somebody waits for an answer that will not come."""
        return sum(connection.swallowed > 0 for connection in self._connections)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connection = _Connection(task, swallows=self._hangs)
        self._connections.add(connection)
        try:
            with suppress(OSError):
                await connection.forward(self._target, reader, writer)
        finally:
            self._connections.discard(connection)
            writer.close()


class _Connection:
    def __init__(self, task: "asyncio.Task[None]", *, swallows: bool) -> None:
        self.task = task
        self.swallows = swallows
        self.swallowed = 0

    async def forward(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        behind, to_behind = await asyncio.open_connection("127.0.0.1", port)
        answers = asyncio.create_task(self._pump(behind, writer))
        try:
            await self._pump(reader, to_behind)
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            to_behind.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while part := await reader.read(1 << 16):
            if self.swallows:
                self.swallowed += 1
            else:
                writer.write(part)
                await writer.drain()
