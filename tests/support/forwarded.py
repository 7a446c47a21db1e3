"""A port of this machine at another of its addresses, for those who reach only that one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from spaces_bridge_demo.processes import free_port


@contextlib.asynccontextmanager
async def forwarded(host: str, port: int) -> AsyncIterator[str]:
    """Forward TCP from a free port of `host` to `port` on loopback; gives `http://HOST:PORT`."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, out = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, out), carry(inside, writer))

    here = free_port()
    server = await asyncio.start_server(accept, host, here)
    try:
        yield f"http://{host}:{here}"
    finally:
        server.close()
