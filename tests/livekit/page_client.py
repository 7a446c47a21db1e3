"""LiveKit's SDK for JavaScript in Chromium as a client of scenarios (`js/client.js`)."""

import base64
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import web
from playwright.async_api import Error, Page

from spaces_bridge_demo.processes import free_port
from tests.e2e.chromium import chromium
from tests.livekit.client import TOPICS, Events, Participant, Pcm, Refused, participants_of
from tests.support.machine import program

FOLDER = Path(__file__).parent / "js"
FLAGS = ("--autoplay-policy=no-user-gesture-required",)


class Ear:
    """What `js/ear.js` wrote down in a page, kept here as it is fetched."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._fetched: defaultdict[str, bytes] = defaultdict(bytes)

    async def names(self) -> frozenset[str]:
        """Whose sound there is."""
        return frozenset(await self._page.evaluate("ear.names()"))

    async def heard(self, name: str) -> Pcm:
        """All sound under this name so far."""
        more = await self._page.evaluate("(name) => ear.taken(name)", name)
        self._fetched[name] += base64.b64decode(more)
        return np.frombuffer(self._fetched[name], np.int16)


class PageClient:
    """See `client.LiveKitClient`."""

    def __init__(self, page: Page, *, single_connection: bool) -> None:
        self.events = Events("the page")
        self.requests: list[str] = []
        """What the page asked for, WebSockets among them, without what follows `?`."""
        self._page = page
        self._single_connection = single_connection
        self._ear = Ear(page)
        page.on("request", lambda request: self.requests.append(request.url.partition("?")[0]))
        page.on("websocket", lambda socket: self.requests.append(socket.url.partition("?")[0]))

    async def open(self, address: str) -> None:
        """Load the page that holds the SDK."""
        await self._page.expose_function("tell", self.events.note)
        await self._page.goto(address)
        self.requests.clear()

    async def connect(self, url: str, token: str) -> None:
        """Connect."""
        arguments = {
            "url": url,
            "token": token,
            "singleConnection": self._single_connection,
            "topics": TOPICS,
        }
        await self._ask("(all) => client.connect(all)", arguments)

    async def publish_microphone(self) -> str:
        """Publish the browser's microphone; a tone would be taken for noise, so it stays raw."""
        return str(await self._ask("client.publish(false)"))

    async def mute(self) -> None:
        """Mute."""
        await self._ask("client.mute(true)")

    async def unmute(self) -> None:
        """Unmute."""
        await self._ask("client.mute(false)")

    async def participants(self) -> Mapping[str, Participant]:
        """The others."""
        return participants_of(await self._ask("client.participants()"))

    async def heard(self, identity: str) -> Pcm:
        """What the page wrote down."""
        return await self._ear.heard(identity)

    async def send_text(self, topic: str, text: str) -> None:
        """Send to everybody."""
        await self._ask("([topic, text]) => client.sendText(topic, text)", [topic, text])

    async def disconnect(self) -> None:
        """Leave."""
        await self._ask("client.disconnect()")

    async def _ask(self, expression: str, argument: object = None) -> Any:  # noqa: ANN401  # JSON
        try:
            return await self._page.evaluate(expression, argument)
        except Error as error:
            raise Refused(error.message) from error


@asynccontextmanager
async def page_client(wav: Path, *, single_connection: bool = True) -> AsyncIterator[PageClient]:
    """A client whose microphone is a 48 kHz WAV, heard again and again.

    `single_connection`: one peer connection for both directions (`/rtc/v1`), or two (`/rtc`).
    """
    async with served() as address, chromium(wav, again=True, flags=FLAGS) as page:
        client = PageClient(page, single_connection=single_connection)
        await client.open(f"{address}/client.html")
        yield client


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """Serve the page and the SDK on a loopback port."""
    sdk = program("livekit-client")
    files = {name: FOLDER / name for name in ("client.html", "client.js", "ear.js")}
    files["livekit-client.mjs"] = sdk

    async def answer(request: web.Request) -> web.StreamResponse:
        file = files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        kinds = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript"}
        return web.FileResponse(file, headers={"Content-Type": kinds[file.suffix]})

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
