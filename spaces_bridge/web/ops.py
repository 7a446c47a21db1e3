"""Health, metrics and the admin API: a listener for the admin, never for the public."""

import asyncio
from collections.abc import Iterator, Mapping
from http import HTTPStatus

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import Health
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core.live_space import Phase
from spaces_bridge.web.admin import Admin
from spaces_bridge.web.hub import Hub

CHECK_WITHIN_S = 5.0
BODY_MAX = 16 * 1024


class Ops:
    """Serves ``/live``, ``/ready``, ``/metrics``, and the admin API below ``/admin/v1``."""

    def __init__(
        self, health: Mapping[str, Health], registry: CollectorRegistry, admin: Admin
    ) -> None:
        self._health = health
        self._admin = admin
        self._registry = registry

    def app(self) -> web.Application:
        """The listener's application."""
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
        body = generate_latest(self._registry)
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


class PageMetrics(Collector):
    """What the web room can count."""

    def __init__(self, spaces: Spaces, hub: Hub) -> None:
        self._spaces = spaces
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """Read when asked; nothing is kept."""
        live = [s for s in self._spaces.open() if s.phase is Phase.LIVE]
        listeners = sum(self._spaces.audience_size(s.space) for s in live)
        connected = sum(self._spaces.world.stage.listeners(s.space) for s in live)
        yield GaugeMetricFamily("spaces_live", "Live spaces that are live.", len(live))
        yield GaugeMetricFamily("spaces_open_pages", "Open pages.", self._hub.connections())
        yield GaugeMetricFamily("spaces_listeners", "People who listen.", listeners)
        yield GaugeMetricFamily("spaces_listening_peers", "WebRTC listeners.", connected)
        speakers = sum(len(s.stage) for s in live)
        yield GaugeMetricFamily("spaces_speakers", "People with the floor.", speakers)
        on_air = sum(len(s.on_air) for s in live)
        yield GaugeMetricFamily("spaces_on_air", "Open microphones.", on_air)
        hands = sum(len(s.hands) for s in live)
        yield GaugeMetricFamily("spaces_raised_hands", "Raised hands.", hands)


class TaskMetrics(Collector):
    """How often parts of the bridge have failed and were started again."""

    def __init__(self, tasks: TaskSupervisor) -> None:
        self._tasks = tasks

    def collect(self) -> Iterator[Metric]:
        """Read when asked; nothing is kept."""
        said = "Parts of the bridge that failed and were started again."
        counted = CounterMetricFamily("spaces_task_restarts", said, labels=["task"])
        for task, number in sorted(self._tasks.restarts.items()):
            counted.add_metric([task], number)
        yield counted
        failing = len(self._tasks.failing)
        yield GaugeMetricFamily("spaces_tasks_failing", "Of them, those failing now.", failing)
