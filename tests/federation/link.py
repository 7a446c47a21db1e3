"""The wire between two homeservers: a TCP proxy that a test cuts and heals."""

import asyncio
import socket
import threading
from contextlib import suppress

CHUNK = 65_536
PATIENCE_S = 60.0


class Link:
    """The only way to a homeserver's federation port; bytes pass unread, TLS included.

    The port is taken from the moment it is made, so that it may be part of a server's name. It
    runs in a thread of its own: tests have event loops of their own, homeservers outlive them.
    """

    def __init__(self, target: int) -> None:
        """`target`: the loopback port that is really listened on."""
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._open = True
        self._wires: set[asyncio.StreamWriter] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._live, name=f"link {self.port}", daemon=True)

    def start(self) -> None:
        """Returns when it listens."""
        if not self._thread.is_alive():
            self._thread.start()
            self._ready.wait(PATIENCE_S)

    def stop(self) -> None:
        """Drop all connections and give the port back. Safe to repeat."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(PATIENCE_S)
        self._listening.close()

    def cut(self) -> None:
        """Drop all connections; new ones are hung up on until `heal`. Returns when it is so."""
        self._switch(False)

    def heal(self) -> None:
        """Let new connections through again."""
        self._switch(True)

    def _switch(self, to: bool) -> None:
        if self._loop is None:
            raise RuntimeError("the link was not started")
        done = threading.Event()

        def switch() -> None:
            self._open = to
            if not to:
                self._drop()
            done.set()

        self._loop.call_soon_threadsafe(switch)
        done.wait(PATIENCE_S)

    def _live(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with await asyncio.start_server(self._accept, sock=self._listening):
            self._ready.set()
            await self._end.wait()
            self._drop()

    def _drop(self) -> None:
        for wire in self._wires:
            wire.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            if self._open:
                inner = await asyncio.open_connection("127.0.0.1", self._target)
                await self._carry((reader, writer), inner)
        writer.transport.abort()

    async def _carry(self, *ends: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        (from_outside, to_outside), (from_inside, to_inside) = ends
        wires = {to_outside, to_inside}
        self._wires |= wires
        try:
            if self._open:  # still, after the target was reached
                await asyncio.gather(
                    self._pump(from_outside, to_inside), self._pump(from_inside, to_outside)
                )
        finally:
            self._wires -= wires
            for wire in wires:
                wire.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.close()
