"""Strangers' servers over TLS on loopback, names that lead to them, and a look at connections."""

import json
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from aiohttp import web
from aiohttp.abc import ResolveResult

from spaces_bridge.matrix.client import openid
from spaces_bridge.matrix.client.name_servers import Resolver
from tests.federation.authority import Authority

LOOPBACK = ("127.0.0.0/8",)
HOME = "home.example"
TOKEN = "a-secret-openid-token"

INSIDE = [
    "127.0.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "fd00:ec2::254",
    "64:ff9b::a9fe:a9fe",
    "0.0.0.0",
    "224.0.0.1",
    "fe80::1",
]
"""Addresses that nobody on the internet may make the bridge connect to."""


class Server:
    """Answers as it is told, over TLS on loopback: `localhost:PORT`."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[tuple[str, str]] = []
        """Path and host of all requests."""
        self.raw_paths: list[str] = []
        """The paths as they were sent."""
        self.answers: dict[str, web.Response] = {}

    @property
    def name(self) -> str:
        return f"localhost:{self.port}"

    def says(self, path: str, body: object, status: int = 200) -> None:
        self.answers[path] = web.Response(status=status, text=json.dumps(body))

    async def before_answering(self) -> None:
        """What happens while it is asked; tests put something here."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.host))
        self.raw_paths.append(request.raw_path)
        await self.before_answering()
        if request.path == openid.USERINFO and request.query.get("access_token") != TOKEN:
            return web.json_response({"errcode": "M_UNKNOWN_TOKEN"}, status=401)
        told = self.answers.get(request.path)
        if told is None:
            return web.json_response({"errcode": "M_UNRECOGNIZED"}, status=404)
        return web.Response(status=told.status, body=told.body, headers=told.headers)


@asynccontextmanager
async def serving(
    authority: Authority | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Server]:
    """Without an authority: in the clear."""
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    context = None
    if authority is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(authority.certificate, authority.key)
    await web.TCPSite(runner, host, port, ssl_context=context).start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


class FixedResolver(Resolver):
    """Resolves every name to the addresses given, one set after the other; the last one stays."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)

    async def services(self, name: str) -> None:
        """There are no SRV records."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


class _Connects:
    """Every address this process connects to; Python tells of them as it audits itself."""

    watched: list[str] | None = None

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "socket.connect" and self.watched is not None:
            self.watched.append(str(arguments[1]))


_CONNECTS = _Connects()
sys.addaudithook(_CONNECTS)


@contextmanager
def connects() -> Iterator[list[str]]:
    seen: list[str] = []
    _CONNECTS.watched = seen
    try:
        yield seen
    finally:
        _CONNECTS.watched = None
