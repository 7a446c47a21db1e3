"""Janus with a private configuration, and the part of its HTTP interface that is needed here."""

import asyncio
import contextlib
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.peers.client import HOST
from spaces_bridge_demo.processes import Child, Probe, free_port

PROGRAM = "janus"
_LIBRARIES = ("/usr/lib", "/usr/local/lib", "/opt/janus/lib")
_READY_S = 15.0
_ANSWER_S = 15.0
_MAIN = """
general: {{
    configs_folder = "{directory}"
    plugins_folder = "{library}/plugins"
    transports_folder = "{library}/transports"
    events_folder = "{directory}"
    loggers_folder = "{directory}"
    debug_level = 3
    session_timeout = 0
    hide_dependencies = true
}}
plugins: {{ disable = "{others}" }}
transports: {{ disable = "{transports}" }}
"""
_HTTP = """
general: {{
    json = "compact"
    base_path = "/janus"
    http = true
    port = {port}
    ip = "{host}"
    https = false
}}
admin: {{ admin_http = false }}
"""


class JanusError(Exception):
    """Janus refused something; the text is its own."""


def library() -> Path | None:
    """Return the folder of Janus's plugins, or None when Janus is not installed."""
    if shutil.which(PROGRAM) is None:
        return None
    found = (
        path.parent.parent
        for root in _LIBRARIES
        for path in Path(root).glob("**/janus/plugins/libjanus_streaming.so")
    )
    return next(found, None)


def _configure(directory: Path, plugin: str, port: int) -> None:
    """Write a configuration in which nothing but `plugin` and HTTP on `port` is loaded."""
    at = library()
    if at is None:
        raise JanusError("janus is not installed")
    others = {path.name for path in (at / "plugins").glob("*.so")} - {f"libjanus_{plugin}.so"}
    transports = {path.name for path in (at / "transports").glob("*.so")} - {"libjanus_http.so"}
    main = _MAIN.format(
        directory=directory,
        library=at,
        others=",".join(sorted(others)),
        transports=",".join(sorted(transports)),
    )
    (directory / "janus.jcfg").write_text(main)
    (directory / "janus.transport.http.jcfg").write_text(_HTTP.format(port=port, host=HOST))
    (directory / f"janus.plugin.{plugin}.jcfg").write_text("")


class Session:
    """A Janus session over HTTP; Janus calls one user's use of the plugin a handle."""

    def __init__(self, http: aiohttp.ClientSession, url: str, plugin: str) -> None:
        self._http, self._url, self._plugin = http, url, plugin
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._polling: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the session, and listen for its events."""
        self._url = f"{self._url}/{await self._created('create')}"
        self._polling = asyncio.create_task(self._poll())

    async def attach(self) -> str:
        """Make a new handle, and return its address."""
        plugin = f"janus.plugin.{self._plugin}"
        return f"{self._url}/{await self._created('attach', plugin=plugin)}"

    async def ask(self, handle: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Send a request that Janus answers at once, and return its data. Raises JanusError."""
        answer = await self._post(handle, {"janus": "message", "body": body})
        return _plugin_data(answer)

    async def call(
        self, handle: str, body: Mapping[str, object], jsep: Mapping[str, str] | None = None
    ) -> tuple[dict[str, Any], str]:
        """Send a request that Janus answers by an event, and return its data and SDP.

        Raises JanusError.
        """
        transaction = uuid.uuid4().hex
        message: dict[str, object] = {"janus": "message", "body": body}
        if jsep is not None:
            message["jsep"] = jsep
        future = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = future
        await self._post(handle, message, transaction)
        async with asyncio.timeout(_ANSWER_S):
            event = await future
        return _plugin_data(event), str(event.get("jsep", {}).get("sdp", ""))

    async def close(self) -> None:
        """Stop listening for events; Janus itself is ended from outside."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)

    async def _created(self, verb: str, **more: str) -> int:
        return int((await self._post(self._url, {"janus": verb, **more}))["data"]["id"])

    async def _post(
        self, url: str, message: Mapping[str, object], transaction: str = ""
    ) -> dict[str, Any]:
        body = {**message, "transaction": transaction or uuid.uuid4().hex}
        async with self._http.post(url, json=body) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
        if answer["janus"] == "error":
            raise JanusError(answer["error"]["reason"])
        return answer

    async def _poll(self) -> None:
        while True:
            async with self._http.get(self._url, params={"maxev": "10"}) as response:
                events = await response.json(content_type=None)
            for event in events if isinstance(events, list) else [events]:
                future = self._waiting.pop(event.get("transaction", ""), None)
                if future is not None and not future.done():
                    future.set_result(event)


def _plugin_data(answer: Mapping[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = answer.get("plugindata", {}).get("data", {})
    if "error" in data:
        raise JanusError(str(data["error"]))
    return data


@contextlib.asynccontextmanager
async def janus(plugin: str) -> AsyncIterator[tuple[Child, Session]]:
    """Run a Janus with one plugin, and a session with it; both are removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-janus-") as name:
        directory, port = Path(name), free_port()
        _configure(directory, plugin, port)
        argv = [PROGRAM, "-F", name, "-C", f"{name}/janus.jcfg"]
        child = Child(PROGRAM, argv, directory=directory, log=directory / "log")
        url = f"http://{HOST}:{port}/janus"
        child.spawn()
        try:
            await child.wait_ready(Probe(f"{url}/info"), _READY_S)
            async with aiohttp.ClientSession() as http:
                session = Session(http, url, plugin)
                await session.open()
                try:
                    yield child, session
                finally:
                    await session.close()
        finally:
            await child.terminate(3.0)
