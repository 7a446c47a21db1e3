"""Between bridge and homeserver: forwards requests, and can cut the power at the worst moment."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web
from yarl import URL

from spaces_bridge_demo.processes import free_port

HOP_HEADERS = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host"}
)

Wanted = Callable[[str, str], bool]
"""Method and path of a request -> whether the power is cut after it was accepted."""


class Proxy:
    """An HTTP proxy in front of one homeserver.

    `cut(wanted, power)`: the next wanted request is forwarded, the homeserver answers, `power()`
    is awaited (it kills the homeserver), and the bridge never gets the answer.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.target = ""
        self.cuts = 0
        self._wanted: Wanted | None = None
        self._power: Callable[[], Awaitable[None]] | None = None
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # Every request its own connection: none is left over from a homeserver that was killed.
        connector = aiohttp.TCPConnector(force_close=True)
        self._http = aiohttp.ClientSession(connector=connector, auto_decompress=True)
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", self._forward)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._http is not None:
            await self._http.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def cut(self, wanted: Wanted, power: Callable[[], Awaitable[None]]) -> None:
        """Arm it for one request."""
        self._wanted, self._power = wanted, power

    @property
    def armed(self) -> bool:
        """Whether the wanted request has yet to come."""
        return self._wanted is not None

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        assert self._http is not None
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_HEADERS}
        doomed = self._wanted is not None and self._wanted(request.method, request.path)
        power, self._wanted = self._power, None if doomed else self._wanted
        try:
            async with self._http.request(
                request.method,
                URL(f"{self.target}{request.raw_path}", encoded=True),
                headers=headers,
                data=await request.read(),
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
        except aiohttp.ClientError:
            return self._hang_up(request)
        if doomed and power is not None:
            self.cuts += 1
            await power()
            return self._hang_up(request)
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_HEADERS}
        return web.Response(body=body, status=answer.status, headers=kept)

    def _hang_up(self, request: web.Request) -> web.StreamResponse:
        """As if nobody had ever been there."""
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=502)
