"""A small authoriser for calls, for tests without the bridge: it lets everybody in.

Element Call asks it for LiveKit tokens, as it asks lk-jwt-service. Source: MSC4195.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from spaces_bridge_demo.processes import free_port
from tests.livekit.engine import Keyed
from tests.livekit.matrix_rtc import legacy_identity, livekit_room

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Allow-Methods": "*",
}


@dataclass
class Authoriser:
    """It gives tokens for `engine` to whom `homeserver` knows."""

    engine: Keyed
    port: int = field(default_factory=free_port)
    homeserver: str = ""
    may_publish: Callable[[str], bool] = lambda _user: True
    asked: list[str] = field(default_factory=list)
    """What was asked for: method and path."""

    @property
    def url(self) -> str:
        """What clients know as `livekit_service_url`."""
        return f"http://127.0.0.1:{self.port}/livekit/jwt"

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        if request.method == "OPTIONS":
            return web.Response(headers=CORS)
        if request.method != "POST" or not request.path.endswith(("/sfu/get", "/get_token")):
            return web.json_response({"errcode": "M_NOT_FOUND"}, status=404, headers=CORS)
        body = await request.json()
        user = await self._holder(body["openid_token"]["access_token"])
        room = livekit_room(body.get("room") or body["room_id"])
        member = body.get("member", {})
        device = body.get("device_id") or member["claimed_device_id"]
        video = {
            "room": room,
            "roomJoin": True,
            "canPublish": self.may_publish(user),
            "canSubscribe": True,
            "canUpdateOwnMetadata": True,
        }
        token = self.engine.signed({"sub": legacy_identity(user, device), "video": video})
        return web.json_response({"url": self.engine.url, "jwt": token}, headers=CORS)

    async def _holder(self, openid_token: str) -> str:
        url = f"{self.homeserver}/_matrix/federation/v1/openid/userinfo"
        async with (
            aiohttp.ClientSession(raise_for_status=True) as http,
            http.get(url, params={"access_token": openid_token}) as response,
        ):
            return str((await response.json())["sub"])

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Authoriser"]:
        """Serve on the port."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        try:
            yield self
        finally:
            await runner.cleanup()
