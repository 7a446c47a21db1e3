"""The cost of a listener over plain HTTP in the control process.

`LISTENERS` players read `live.ogg` from another process, through the whole web adapter; the mix is
made of packets as long as speech makes them. The cost is the CPU time that the process takes more
than with one listener; the worker has no part in it.
"""

import asyncio
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Event
from pathlib import Path

from yarl import URL

from benchmarks.result import Result, percentile, spread
from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.live_ogg import LiveOgg
from spaces_bridge.media.messages import MixPacket
from tests.web.world import web_world

LISTENERS = 900
WINDOWS = 5
WINDOW_S = 3.0
OPUS = b"\xf8" + bytes(80)
BEFORE_US = 668.0
"""The figure of the build before one stream was shared, measured the same way with 300
listeners."""


def results() -> Sequence[Result]:
    """Measure and return the figure."""
    with tempfile.TemporaryDirectory() as folder:
        costs = asyncio.run(_measure(Path(folder)))
    value = percentile(costs, 50)
    told = (
        f"{spread(costs)}, windows of {WINDOW_S:g} s; {value / BEFORE_US:.2f} of the build before"
    )
    name = "ogg.cpu_us_per_listener_second"
    return [Result(name, round(value, 1), "us", len(costs), told, "<= 115")]


async def _measure(folder: Path) -> Sequence[float]:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    ogg = LiveOgg(lambda _: None)
    async with web_world(folder) as world:
        space = await world.create()
        world.stage.mix = ogg.stream  # type: ignore[method-assign]  # real streams, no worker
        talk = asyncio.create_task(_talk(ogg, space.space))
        first = asyncio.create_task(_listen(ogg, space.space))
        try:
            base = percentile(await _shares(), 50)
            shares = await _with_listeners(ogg, space.space, world.page(space, "/live.ogg"))
        finally:
            talk.cancel()
            first.cancel()
            await asyncio.gather(talk, first, return_exceptions=True)
    return [(share - base) / LISTENERS * 1e6 for share in shares]


async def _with_listeners(ogg: LiveOgg, space: SpaceId, address: str) -> Sequence[float]:
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    players = context.Process(target=_players, args=(address, LISTENERS, stop))
    players.start()
    try:
        while ogg.count(space) <= LISTENERS and players.is_alive():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)
        shares = await _shares()
        if ogg.count(space) != LISTENERS + 1:
            raise RuntimeError(f"only {ogg.count(space) - 1} of {LISTENERS} still listened")
    finally:
        stop.set()
        await asyncio.to_thread(players.join)
    return shares


async def _shares() -> Sequence[float]:
    shares = []
    for _ in range(WINDOWS):
        from_s, cpu_s = time.monotonic(), time.process_time()
        await asyncio.sleep(WINDOW_S)
        shares.append((time.process_time() - cpu_s) / (time.monotonic() - from_s))
    return shares


async def _talk(ogg: LiveOgg, space: SpaceId) -> None:
    began, number = time.monotonic(), 0
    while True:
        ogg.feed(MixPacket(space, number, OPUS))
        number += 1
        await asyncio.sleep(max(0.0, began + number * 0.02 - time.monotonic()))


async def _listen(ogg: LiveOgg, space: SpaceId) -> None:
    async for _ in ogg.stream(space, {}):
        pass


def _players(address: str, count: int, stop: Event) -> None:
    asyncio.run(_play(URL(address), count, stop))


async def _play(url: URL, count: int, stop: Event) -> None:
    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection(url.host, url.port)
        # come as from several networks: one address may have 200 streams
        hop = f"X-Forwarded-For: 10.{number // 100}.0.1"
        head = f"GET {url.path} HTTP/1.1\r\nHost: x\r\n{hop}\r\n\r\n"
        writer.write(head.encode())
        while await reader.read(1 << 16):
            pass

    tasks = [asyncio.create_task(one(number)) for number in range(count)]
    await asyncio.to_thread(stop.wait)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
