"""The ops listener: health, metrics and the admin API, for the admin, never for the public."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import Health
from spaces_bridge.web.http.admin import Admin
from spaces_bridge.web.http.metrics import BridgeNumbers

CHECK_WITHIN_S = 5.0
BODY_MAX = 16 * 1024


class OpsServer:
    """The ops server: serves `/live`, `/ready`, `/metrics`, and the admin API at `/admin/v1`."""

    def __init__(self, health: Mapping[str, Health], numbers: BridgeNumbers, admin: Admin) -> None:
        self._health = health
        self._admin = admin
        self._numbers = numbers

    def app(self) -> web.Application:
        """Return the application of the ops listener."""
        app = web.Application(client_max_size=BODY_MAX)
        app.router.add_get("/live", self._live)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/metrics", self._metrics)
        app.add_subapp("/admin/v1", self._admin.app())
        return app

    async def _live(self, _request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        names = list(self._health)
        found = await asyncio.gather(*(_check(self._health[name]) for name in names))
        parts = dict(zip(names, found, strict=True))
        ready = all(text == "ok" for text in found)
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response({"ready": ready, "parts": parts}, status=status)

    async def _metrics(self, _request: web.Request) -> web.Response:
        registry = CollectorRegistry()
        registry.register(await self._numbers.read())
        body = generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _check(part: Health) -> str:
    try:
        async with asyncio.timeout(CHECK_WITHIN_S):
            await part.check()
    except AdapterError as error:
        return str(error) or "It does not work, and did not say why."
    except TimeoutError:
        return f"It did not answer within {CHECK_WITHIN_S:.0f} s."
    return "ok"
