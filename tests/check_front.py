"""A reverse proxy before the bridge with the mistakes that admins make, for `--check`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from yarl import URL

HANDSHAKE = frozenset({"upgrade", "connection"})


@dataclass
class FaultyFront:
    """Hands requests on to `target`; refused upgrades too, and none that succeeds."""

    target: str
    upgrades: bool = True
    """Whether it hands on what makes a request a WebSocket's; nginx does not by itself."""
    origins: tuple[str, ...] | None = None
    """What it makes of `Access-Control-Allow-Origin`: in place of the bridge's own."""
    missing: bool = False
    """Whether it knows nothing below `/livekit`."""

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[None]:
        """Listen on this port of the loopback."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._forward)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield
        finally:
            await runner.cleanup()

    async def _forward(self, request: web.Request) -> web.Response:
        if self.missing and request.path.startswith("/livekit"):
            return web.Response(status=404, text="no such page")
        headers = request.headers.copy()
        for name in HANDSHAKE if not self.upgrades else ():
            headers.popall(name, None)
        url = URL(f"{self.target}{request.raw_path}", encoded=True)
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(url, headers=headers, allow_redirects=False) as answer,
            ):
                response = web.Response(status=answer.status, body=await answer.read())
                origins = answer.headers.getall("Access-Control-Allow-Origin", [])
        except aiohttp.ClientConnectionError:
            return web.Response(status=502)
        for origin in origins if self.origins is None else self.origins:
            response.headers.add("Access-Control-Allow-Origin", origin)
        return response
