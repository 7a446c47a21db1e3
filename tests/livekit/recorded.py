"""A proxy before an engine that writes down what clients and engine say to each other.

Every line is a JSON object: `client` (its number), `way` (`asks` for an HTTP request, `says` for
what the client sends, `hears` for what the engine sends), `what`. Signalling is decoded by the
protocol's own messages; tokens and keys are left out.
"""

import asyncio
import base64
import gzip
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from livekit.protocol import rtc

from spaces_bridge_demo.processes import free_port
from tests.livekit.engine import Keyed

SECRETS = frozenset({"access_token", "refreshToken"})
PASSED_ON = ("Authorization", "Content-Type", "Sec-WebSocket-Protocol")


class Recorder:
    """One engine's proxy."""

    def __init__(self, engine: str, file: Path) -> None:
        self._engine = engine.replace("ws", "http", 1)
        self._file = file.open("a", encoding="utf-8", buffering=1)
        self._numbers = itertools.count(1)

    def close(self) -> None:
        """No more is written down."""
        self._file.close()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Pass a request on, or a WebSocket in both directions."""
        client = next(self._numbers)
        self._note(client, "asks", _asked(request))
        url = self._engine + request.path_qs
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        async with aiohttp.ClientSession() as http:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._connect(http, request, client, url, headers)
            body = await request.read()
            async with http.request(request.method, url, data=body, headers=headers) as response:
                self._note(client, "hears", {"status": response.status})
                cors = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
                kind = response.headers.get("Content-Type", "text/plain")
                return web.Response(
                    status=response.status,
                    body=await response.read(),
                    headers={"Content-Type": kind, **cors},
                )

    async def _connect(
        self,
        http: aiohttp.ClientSession,
        request: web.Request,
        client: int,
        url: str,
        headers: Mapping[str, str],
    ) -> web.StreamResponse:
        try:
            engine = await http.ws_connect(url, headers=headers)
        except aiohttp.WSServerHandshakeError as error:
            self._note(client, "hears", {"status": error.status})
            return web.Response(status=error.status)
        near = web.WebSocketResponse()
        await near.prepare(request)
        await asyncio.gather(
            self._pass_on(client, "says", near, engine, rtc.SignalRequest),
            self._pass_on(client, "hears", engine, near, rtc.SignalResponse),
        )
        return near

    async def _pass_on(
        self,
        client: int,
        way: str,
        source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        target: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        kind: type[Message],
    ) -> None:
        with suppress(ConnectionResetError):  # the other end has gone first
            async for message in source:
                if message.type is aiohttp.WSMsgType.BINARY:
                    self._note(client, way, _plain(kind.FromString(message.data)))
                    await target.send_bytes(message.data)
                elif message.type is aiohttp.WSMsgType.TEXT:
                    self._note(client, way, {"text": message.data})
                    await target.send_str(message.data)
        self._note(client, way, {"closed": source.close_code})
        await target.close(code=source.close_code or 1000)

    def _note(self, client: int, way: str, what: Mapping[str, Any]) -> None:
        if not self._file.closed:
            line = {"client": client, "way": way, "what": what}
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _asked(request: web.Request) -> dict[str, Any]:
    query = {name: value for name, value in request.query.items() if name not in SECRETS}
    if join := query.pop("join_request", ""):
        query["join_request"] = json.dumps(_join_request(join))
    token = "query" if "access_token" in request.query else "header"
    return {"method": request.method, "path": request.path, "query": query, "token_in": token}


def _join_request(text: str) -> dict[str, Any]:
    """Read `join_request` of `/rtc/v1`: base64 of a WrappedJoinRequest, maybe compressed."""
    padded = text.replace("-", "+").replace("_", "/").replace(" ", "+")
    wrapped = rtc.WrappedJoinRequest.FromString(base64.b64decode(padded + "=" * (-len(text) % 4)))
    data = wrapped.join_request
    if wrapped.compression == rtc.WrappedJoinRequest.GZIP:
        data = gzip.decompress(data)
    return _plain(rtc.JoinRequest.FromString(data))


def _plain(message: Message) -> dict[str, Any]:
    return {
        name: value if name not in SECRETS else "left out"
        for name, value in MessageToDict(message).items()
    }


@asynccontextmanager
async def recorded(engine: Keyed, file: Path) -> AsyncIterator[Keyed]:
    """The same engine behind a proxy that writes to the file."""
    recorder = Recorder(engine.url, file)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", recorder.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield replace(engine, url=f"ws://127.0.0.1:{port}")
    finally:
        await runner.cleanup()
        recorder.close()
