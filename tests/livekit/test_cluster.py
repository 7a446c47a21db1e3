"""LiveKit nodes and media workers on several machines die, one after the other: sound goes on.

Three network stacks: the bridge with its worker, and two machines with a LiveKit node each; one of
them runs a media node. Prints how long sound was away.
"""

import asyncio
import contextlib
import itertools
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.media_events import MediaEvents
from spaces_bridge.app.ports import Direction
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.engine.api import LiveKitApi
from spaces_bridge.livekit.engine.moves import RoomMoves
from spaces_bridge.media.cluster_relays import ClusterRelays
from spaces_bridge.media.cluster_stage import ClusterStage
from spaces_bridge.media.local_stage import LocalStage
from spaces_bridge.media.nodes.endpoint import NodeEndpoint
from spaces_bridge.media.nodes.registry import MediaNodes
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.media.relays import WorkerRelays
from spaces_bridge.media.sfu_process import SfuClientProcess
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.mix.opus import FRAME, SAMPLE_RATE, Encoder
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.deployment import until
from spaces_bridge_demo.wire import WireConnection, WirePeer
from tests.livekit.call_world import ALICE, BOT_ID, DOMAIN, HOST, SPACE, SPEAKER
from tests.livekit.engine_world import NAME, EngineWorld
from tests.livekit.livekit_cluster import Cluster, LiveKitNode, livekit_cluster
from tests.support.lan import Lan, lan
from tests.support.nodes import KEY, SECRET, NodeProcess

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.needs("livekit-server", "network namespaces", "redis-server"),
]

LISTENERS = 200
ROUNDS = int(os.environ.get("CLUSTER_ROUNDS", "1"))
"""How often a LiveKit node is killed: each time is one sample of how long sound is away."""
LOUD = 25
"""Bytes; a packet of silence has fewer, one with sound has more."""
QUIET_S = 2.0
"""Seconds without a packet after which a page joins anew."""
PATIENCE_S = 90.0


class Page(WirePeer):
    """The sound of a page: notes when there was sound, and joins anew when no packets come."""

    def __init__(self, user: UserId, identity: Identity) -> None:
        super().__init__(StreamDirection.LISTEN, identity, keep=True)
        self.user = user
        self.session = ""
        self.loud_at = 0.0
        self.packet_at = time.monotonic()
        self.longest_gap_s = 0.0
        self.back_at = 0.0
        """When the longest gap ended."""

    def _receive_rtp(self, datagram: bytes) -> None:
        super()._receive_rtp(datagram)
        self.packet_at = time.monotonic()
        if self.packets and len(self.packets.pop().payload) > LOUD:
            if self.loud_at and self.packet_at - self.loud_at > self.longest_gap_s:
                self.longest_gap_s = self.packet_at - self.loud_at
                self.back_at = self.packet_at
            self.loud_at = self.packet_at


class Crowd:
    """The pages, and what they do by themselves."""

    def __init__(self, stage: ClusterStage) -> None:
        self._stage, self._identity = stage, Identity()
        self.pages: dict[int, Page] = {}
        self._connections: dict[int, WireConnection] = {}
        self._joining: dict[int, asyncio.Task[None]] = {}

    async def join(self, number: int) -> None:
        """Connect a page, in place of its connection of before."""
        user = UserId(f"@ear{number}:{DOMAIN}")
        page = Page(user, self._identity)
        before, known = self._connections.pop(number, None), self.pages.get(number)
        if before is not None:
            before.close()
        if known is not None:
            page.loud_at, page.back_at = known.loud_at, known.back_at
            page.longest_gap_s = known.longest_gap_s
            self._stage.hang_up(known.session)

        async def signal(offer: str) -> str:
            session = await self._stage.offer(SPACE, user, Direction.LISTEN, offer)
            page.session = session.id
            return session.answer

        connection = WireConnection(page)
        await connection.join(signal)
        self.pages[number], self._connections[number] = page, connection

    async def look_after(self) -> None:
        """Have pages join anew that hear nothing, as the page's own script does; for ever."""
        while True:
            await asyncio.sleep(0.2)
            now = time.monotonic()
            for number, page in list(self.pages.items()):
                task = self._joining.get(number)
                if now - page.packet_at > QUIET_S and (task is None or task.done()):
                    page.packet_at = now
                    self._joining[number] = asyncio.create_task(self.join(number))

    def on(self, stage: WorkerStage | LocalStage) -> list[Page]:
        """The pages that a worker serves."""
        return [page for page in self.pages.values() if stage.knows(page.session)]

    def forget_gaps(self) -> None:
        for page in self.pages.values():
            page.longest_gap_s = 0.0

    def close(self) -> None:
        for task in self._joining.values():
            task.cancel()
        for connection in self._connections.values():
            connection.close()


async def speak(stage: ClusterStage) -> None:
    """The host's microphone on a page, which sends a tone for ever."""
    connection = WireConnection(WirePeer(StreamDirection.SPEAK, keep=False))

    async def signal(offer: str) -> str:
        return (await stage.offer(SPACE, HOST, Direction.SPEAK, offer)).answer

    await connection.join(signal)
    phase = np.arange(FRAME) * 2 * np.pi * 400 / SAMPLE_RATE
    packet = Encoder().encode((np.sin(phase) * 12_000).astype(np.int16))
    began = time.monotonic()
    try:
        for number in itertools.count():
            connection.send(connection.peer.rtp(number, number * FRAME, packet))
            await asyncio.sleep(max(0.0, began + 0.02 * (number + 1) - time.monotonic()))
    finally:
        connection.close()


class World:
    """A bridge with a live space on the LiveKit engine, and who takes part in it."""

    def __init__(self, engine: EngineWorld, stage: ClusterStage, cluster: Cluster) -> None:
        self.engine, self.stage, self.cluster = engine, stage, cluster
        self.crowd = Crowd(stage)

    def worker(self, name: str) -> WorkerStage | LocalStage:
        """The worker of a node; "" is the bridge's own."""
        return next(each.stage for each in self.stage._members if each.name == name)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for it. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)

    async def moved_from(self, dead: LiveKitNode) -> None:
        """Until another node has the room. Raises TimeoutError."""

        async def has_moved() -> bool:
            with contextlib.suppress(LookupError):  # between two nodes
                return await self.cluster.host_of(NAME) is not dead
            return False

        await until(has_moved, "the move of the room", PATIENCE_S)

    async def bot_is_in(self) -> None:
        """Until the bot is in the room at LiveKit. Raises TimeoutError."""

        async def is_in() -> bool:
            with contextlib.suppress(AdapterError):
                people = await self.engine.rooms._lists.people(NAME)
                return BOT_ID in {person.identity for person in people}
            return False

        await until(is_in, "the bot in the room", PATIENCE_S)

    def shares(self) -> list[int]:
        """How many listen here, and how many on the node; who is joining anew is nowhere."""
        return [len(self.crowd.on(self.worker(name))) for name in ("", "far")]

    async def all_hear(self, since: float) -> None:
        """Until every page has had sound since then."""
        await self.until(lambda: all(p.loud_at > since for p in self.crowd.pages.values()))


@contextlib.asynccontextmanager
async def bridge(
    folder: Path, machines: Lan, cluster: Cluster
) -> AsyncIterator[tuple[World, str]]:
    """The bridge on this machine, and the address that nodes dial."""
    api = LiveKitApi(cluster.keyed.url, cluster.keyed.key, cluster.keyed.secret)
    options = MediaOptions(("127.0.0.1",), 0, ("127.0.0.1",), folder / "here", orphan_grace_s=20)
    local = WorkerStage(options)
    stage = ClusterStage(local, domain=DOMAIN, keep_s=60.0)
    client: list[SfuClientProcess] = []
    local_relays = WorkerRelays(lambda message: client[0].send(message), local.room_sounds)
    client.append(
        SfuClientProcess(
            options.runtime_dir, on_message=local_relays.heard, on_lost=local_relays.lost
        )
    )
    relays = ClusterRelays(local_relays)
    keyed = cluster.keyed
    engine = EngineWorld(
        relays, api, api, sound=stage, url=keyed.url, key=keyed.key, secret=keyed.secret
    )
    stage.listen(MediaEvents(engine.spaces))
    moves = RoomMoves(api, engine.rooms.live, engine.rooms.moved)
    endpoint = NodeEndpoint(SECRET, MediaNodes(stage, relays, KEY), lambda _request: "")
    app = web.Application()
    endpoint.routes(app.router, "")
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, machines.here, 0).start()
    world = World(engine, stage, cluster)
    try:
        await stage.start()
        client[0].start()
        await engine.begin()
        engine.tasks.keep("rooms", engine.rooms.run)
        engine.tasks.keep("moves", moves.run)
        yield world, f"http://{machines.here}:{runner.addresses[0][1]}"
    finally:
        world.crowd.close()
        await engine.tasks.stop("rooms", "moves")
        engine.rooms.stop()
        await endpoint.stop()
        await runner.cleanup()
        await engine.spaces.stop()
        local_relays.stop()
        await client[0].stop()
        await stage.stop()
        await api.close()


@contextlib.asynccontextmanager
async def media_node(machines: Lan, url: str, folder: Path) -> AsyncIterator[NodeProcess]:
    """A media node on machine "b"."""
    process = await asyncio.create_subprocess_exec(
        *machines.on("b", sys.executable, "-m", "spaces_bridge", "media-node"),
        *("--bridge", url, "--address", machines.b, "--hostname", machines.b, "--port", "29350"),
        *("--runtime-dir", str(folder), "--name", "far", "--orphan-grace-s", "20"),
        env={**os.environ, "SPACES_NODE_SECRET": SECRET},
    )
    try:
        yield NodeProcess(process)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def tell(what: str, seconds: list[float]) -> None:
    """Print how long sound was away."""
    p50, p95 = (float(np.percentile(seconds, percent)) for percent in (50, 95))
    worst = max(seconds)
    print(f"{what}: p50 {p50:.2f} s, p95 {p95:.2f} s, worst {worst:.2f} s")  # noqa: T201 - to be read


async def test_livekit_nodes_and_media_nodes_die_and_everybody_hears_again(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    with lan() as machines:
        async with (
            livekit_cluster(tmp_path, machines) as cluster,
            bridge(tmp_path, machines, cluster) as (world, url),
            media_node(machines, url, tmp_path / "far") as far,
        ):
            stage, crowd, engine = world.stage, world.crowd, world.engine
            await world.until(lambda: stage.node_metrics()["connected"] == 1)
            await engine.seat(ALICE, "Alice", SPEAKER)
            speaking = asyncio.create_task(speak(stage))
            looking = asyncio.create_task(crowd.look_after())
            try:
                await world.until(lambda: stage.has_microphone(SPACE, HOST))
                await engine.spaces.ask(SPACE, cmd.OpenMicrophone(HOST))
                for number in range(LISTENERS):
                    await crowd.join(number)
                await world.all_hear(0.0)
                await world.until(lambda: sum(world.shares()) == LISTENERS)
                await world.until(lambda: min(world.shares()) >= LISTENERS // 2 - 2)
                shares = world.shares()
                print(f"listeners here and on the node: {shares}")  # noqa: T201 - to be read
                roles = {p.user: p.level for p in engine.view.people.values()}

                away: list[float] = []
                after: list[float] = []
                for _ in range(ROUNDS):
                    crowd.forget_gaps()
                    dead = await cluster.host_of(NAME)
                    killed_at = time.monotonic()
                    await dead.kill()
                    await world.moved_from(dead)
                    await world.all_hear(time.monotonic())
                    there = crowd.on(world.worker("far"))
                    away += [page.longest_gap_s for page in there]
                    after += [page.back_at - killed_at for page in there]
                    await dead.start()
                tell("sound back after a LiveKit node was killed", after)
                tell("of that it was away, not made up from before", away)
                assert {p.user: p.level for p in engine.view.people.values()} == roles
                assert HOST in engine.view.on_air
                await world.bot_is_in()

                crowd.forget_gaps()
                lost = crowd.on(world.worker("far"))
                far.kill()
                await world.until(lambda: len(crowd.on(world.worker(""))) == LISTENERS)
                await world.all_hear(time.monotonic())
                back = [crowd.pages[n].longest_gap_s for n in crowd.pages]
                tell("sound away after the media node was killed", sorted(back)[-len(lost) :])
                await world.until(lambda: stage.listeners(SPACE) == LISTENERS)
            finally:
                for task in (speaking, looking):
                    task.cancel()
