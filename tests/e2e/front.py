"""A reverse proxy before the bridge's pages, as admins put one: streams, WebSockets, a prefix.

It writes down every request that reaches it, which is all that a browser ever sends.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import WSMsgType, web
from yarl import URL

HOP_HEADERS = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a browser, as it came."""

    method: str
    url: str
    headers: Mapping[str, str]


class Front:
    """Hands on what lies below `prefix`, which it keeps or strips; anything else is not ours."""

    def __init__(self, target: str, prefix: str, *, strip: bool) -> None:
        self._target = target
        self._prefix = prefix
        self._strip = strip
        self._http: aiohttp.ClientSession | None = None
        self.asked: list[Asked] = []
        self.strays: list[str] = []
        """Requests that left the prefix: on a real host they would be somebody else's."""

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[None]:
        """Listen on this port of the loopback."""
        timeout = aiohttp.ClientTimeout(total=None)
        self._http = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield
        finally:
            await runner.cleanup()
            await self._http.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(Asked(request.method, str(request.url), dict(request.headers)))
        path = request.raw_path
        if not path.startswith(self._prefix):
            self.strays.append(path)
            return web.Response(status=404, text="another service's page")
        inner = path.removeprefix(self._prefix) if self._strip else path
        if not inner.startswith("/"):
            inner = f"/{inner}"
        url = URL(f"{self._target}{inner}", encoded=True)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request, url)
        return await self._plain(request, url)

    async def _plain(self, request: web.Request, url: URL) -> web.StreamResponse:
        assert self._http is not None
        async with self._http.request(
            request.method,
            url,
            headers=_passed_on(request.headers),
            data=await request.read(),
            allow_redirects=False,
        ) as answer:
            response = web.StreamResponse(status=answer.status, headers=_passed_on(answer.headers))
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
        return response

    async def _socket(self, request: web.Request, url: URL) -> web.StreamResponse:
        assert self._http is not None
        kept = {k: v for k, v in request.headers.items() if k in ("Origin", "Host")}
        async with self._http.ws_connect(url, headers=kept) as inner:
            outer = web.WebSocketResponse()
            await outer.prepare(request)
            done, pending = await asyncio.wait(
                [
                    asyncio.create_task(_pump(outer, inner)),
                    asyncio.create_task(_pump(inner, outer)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
            await outer.close(code=inner.close_code or 1000)
            for task in pending:
                task.cancel()
            await asyncio.gather(*done, *pending, return_exceptions=True)
        return outer


_Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _pump(source: _Socket, sink: _Socket) -> None:
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await sink.send_str(message.data)


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in headers.items() if k.lower() not in HOP_HEADERS}
