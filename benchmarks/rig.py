"""The rig: a live space to measure, with real homeserver and bridge, a speaker and a listener.

The listener is the smallest real WebRTC client, without a playout buffer: it times the arrival of
packets, and decodes them only to find whether they hold sound.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import aiohttp
import numpy as np
from aiohttp import web

from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, Decoder, Encoder
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.deployment import Deployment, LiveRoom, Person
from spaces_bridge_demo.feed import PageGuest
from spaces_bridge_demo.processes import free_port
from spaces_bridge_demo.signalling import HttpSignal, over_http
from spaces_bridge_demo.wire import WireConnection, WirePeer

LOUD = 1000.0
"""Root mean square (of int16) above which a frame holds our tone; silence is below 10."""


class Ear(WirePeer):
    """A listener's client that notes the arrival of the last sound and of the last packet."""

    def __init__(self) -> None:
        super().__init__(StreamDirection.LISTEN)
        self._decoder = Decoder()
        self.loud_at = 0.0
        self.packet_at = 0.0
        self.is_loud = False
        self.longest_gap_s = 0.0
        """The longest time between two packets with sound; a measurement sets it to 0 first."""

    def _receive_rtp(self, datagram: bytes) -> None:
        super()._receive_rtp(datagram)
        self.packet_at = time.monotonic()
        if self.packets:
            pcm = self._decoder.decode(self.packets.pop().payload).astype(np.float64)
            self.is_loud = float(np.sqrt(np.mean(pcm**2))) > LOUD
            if self.is_loud:
                self.longest_gap_s = max(self.longest_gap_s, self.packet_at - self.loud_at)
                self.loud_at = self.packet_at


class Mouth:
    """A speaker's client that sends a tone, 50 packets a second, once it is connected."""

    def __init__(self, amplitudes: Sequence[int] = (12_000,)) -> None:
        """`amplitudes` are those of 16-bit samples, in turn, each held for 200 ms."""
        self._amplitudes = amplitudes
        self.peer = WirePeer(StreamDirection.SPEAK, keep=False)
        self.connection = WireConnection(self.peer)
        self._task: asyncio.Task[None] | None = None
        self._signal: HttpSignal | None = None

    async def open(self, http: aiohttp.ClientSession, page: str, bearer: str) -> None:
        """POST the offer (WHIP), connect, and send."""
        self._signal = over_http(http, f"{page}/whip", bearer=bearer)
        await self.connection.join(self._signal)
        self._task = asyncio.create_task(self._speak())

    async def close(self) -> None:
        """Stop sending, and end the session."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.connection.close()
        if self._signal is not None:
            await self._signal.leave()

    async def _speak(self) -> None:
        phase = np.arange(FRAME) * 2 * np.pi * 400 / SAMPLE_RATE  # 8 whole periods a frame
        tones = [(np.sin(phase) * amplitude).astype(np.int16) for amplitude in self._amplitudes]
        encoder, began = Encoder(), time.monotonic()
        index = 0
        while True:
            tone = tones[index // 10 % len(tones)]
            packet = self.peer.rtp(index, index * FRAME, encoder.encode(tone))
            with contextlib.suppress(OSError):
                self.connection.send(packet)
            index += 1
            await asyncio.sleep(max(0.0, began + index * 0.02 - time.monotonic()))


class EventProxy:
    """A proxy between homeserver and bridge: passes requests on, and notes when events arrive."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._port = free_port()
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None
        self.arrivals: dict[str, float] = {}
        """The time at which each event was handed to the bridge, by its id."""

    @property
    def url(self) -> str:
        """Return the proxy's address, to which the homeserver pushes events."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen, and pass requests on from now on."""
        self._http = aiohttp.ClientSession()
        app = web.Application(client_max_size=1 << 25)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._http is not None:
            await self._http.close()

    async def _pass_on(self, request: web.Request) -> web.Response:
        assert self._http is not None
        body = await request.read()
        if "/transactions/" in request.path:
            at = time.monotonic()
            for event in (await request.json()).get("events", []):
                self.arrivals.setdefault(str(event.get("event_id")), at)
        url = self._target + request.path_qs
        headers = {"Authorization": request.headers.get("Authorization", "")}
        sent = self._http.request(request.method, url, data=body, headers=headers)
        try:
            async with sent as answer:
                text, kind = await answer.read(), answer.content_type
                return web.Response(status=answer.status, body=text, content_type=kind)
        except aiohttp.ClientError:  # the bridge is away: the homeserver will come again
            return web.Response(status=502)


@dataclass(frozen=True, slots=True)
class Rig:
    """The rig: the deployment, people, tabs and clients that a measurement needs."""

    deployment: Deployment
    proxy: EventProxy
    host: Person
    mia: Person
    space: LiveRoom
    host_tab: PageGuest
    mia_tab: PageGuest
    ear: Ear
    http: aiohttp.ClientSession


@contextlib.asynccontextmanager
async def rig(settings: Mapping[str, Mapping[str, object]] | None = None) -> AsyncIterator[Rig]:
    """Run a live space with a host, Mia in the room and on the page, and a listener."""
    appservice: dict[str, object] = {}
    wanted = {"captions": {"enabled": False}, **(settings or {}), "appservice": appservice}
    deployment = Deployment(settings=wanted)
    proxy = EventProxy(deployment.bridge.appservice_url)
    appservice["address"] = proxy.url
    await proxy.start()
    ear = Ear()
    try:
        async with deployment, aiohttp.ClientSession() as http:
            host, mia = await deployment.person("ada"), await deployment.person("mia")
            await host.meet_bot()
            await mia.meet_bot()
            space = await host.create_space("Measured")
            await mia.join(space.room)
            await host.start_space(space)
            listener = WireConnection(ear)
            await listener.join(over_http(http, f"{space.page}/whep"))
            host_link, mia_link = [await p.personal_link(space) for p in (host, mia)]
            async with PageGuest(host_link) as host_tab, PageGuest(mia_link) as mia_tab:
                yield Rig(deployment, proxy, host, mia, space, host_tab, mia_tab, ear, http)
            listener.close()
    finally:
        await proxy.stop()
