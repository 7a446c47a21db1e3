"""A bridge's stage that media nodes can dial, and real nodes on this machine."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from aiohttp import web

from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core.ids import UserId
from spaces_bridge.media.cluster_relays import ClusterRelays
from spaces_bridge.media.cluster_stage import ClusterStage
from spaces_bridge.media.nodes.endpoint import NodeEndpoint
from spaces_bridge.media.nodes.registry import MediaNodes
from spaces_bridge.media.nodes.signed_peer_ids import signing_key
from spaces_bridge.media.stage import WorkerStage
from tests.support.stage import Noted, options, until

SECRET = "a secret that is long enough for nodes"
KEY = signing_key("the appservice's token")
DOMAIN = "x"


@dataclass
class Bridge:
    """The bridge's side: its stage, what it tells, and where nodes dial."""

    stage: ClusterStage
    relays: ClusterRelays
    nodes: MediaNodes
    noted: Noted
    port: int
    runner: web.AppRunner

    @property
    def url(self) -> str:
        """The address as nodes are given it."""
        return f"http://127.0.0.1:{self.port}"

    def listeners_of(self, node: str) -> float | None:
        """How many listen over a node; None while there is no such node."""
        told = self.stage.node_metrics()["listeners"]
        assert isinstance(told, dict)
        return told.get(node)

    def session_of(self, user: UserId) -> str:
        """The session of a person, at whichever worker. Raises StopIteration."""
        stages = [each.stage for each in self.stage._members]
        held = (each._sessions.items() for each in stages if isinstance(each, WorkerStage))
        return next(peer for each in held for peer, session in each if session.user == user)

    async def end(self) -> None:
        """End this bridge; nodes look for the next one. Safe to repeat."""
        self.nodes.close()
        await self.runner.cleanup()
        await self.stage.stop()

    async def connected(self, count: int = 1) -> None:
        """Wait for so many nodes. Raises TimeoutError."""
        await until(lambda: self.stage.node_metrics()["connected"] == count)


@contextlib.asynccontextmanager
async def bridge(
    directory: Path | None, port: int = 0, keep_s: float = 60.0
) -> AsyncIterator[Bridge]:
    """A bridge's stage, with a worker of its own in `directory`, if one is named."""
    tasks = TaskSupervisor()
    local = WorkerStage(options(directory), tasks=tasks) if directory is not None else None
    stage = ClusterStage(local, tasks, domain=DOMAIN, keep_s=keep_s)
    relays, noted = ClusterRelays(), Noted()
    nodes = MediaNodes(stage, relays, KEY)
    endpoint = NodeEndpoint(SECRET, nodes, lambda request: request.remote or "")
    stage.listen(noted)
    app = web.Application()
    endpoint.routes(app.router, "")
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    there = Bridge(stage, relays, nodes, noted, runner.addresses[0][1], runner)
    try:
        await stage.start()
        yield there
    finally:
        await there.end()


class NodeProcess:
    """A media node in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def worker(self) -> psutil.Process:
        """Its media worker. Raises StopIteration while there is none."""
        children = psutil.Process(self._process.pid).children()
        return next(each for each in children if "spaces_bridge.media.worker" in each.cmdline())

    def end(self) -> None:
        """Have it end properly."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self, *, worker: bool = True) -> None:
        """End it as a power cut does, by default with its worker."""
        found = self.worker
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        if worker:
            found.kill()

    async def ended(self) -> int:
        """Wait for its end and return its exit code."""
        return await self._process.wait()


@contextlib.asynccontextmanager
async def node(url: str, directory: Path, name: str, *more: str) -> AsyncIterator[NodeProcess]:
    """A node that dials `url`; it and its worker are gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "spaces_bridge", "media-node", "--bridge", url),
        *("--address", "127.0.0.1", "--hostname", "127.0.0.1", "--port", "0"),
        *("--runtime-dir", str(directory), "--name", name, "--orphan-grace-s", "20", *more),
        env={**os.environ, "SPACES_NODE_SECRET": SECRET},
    )
    running = NodeProcess(process)
    try:
        yield running
    finally:
        with contextlib.suppress(StopIteration, psutil.NoSuchProcess):
            worker = running.worker
            if process.returncode is None:
                process.kill()
            worker.kill()
        if process.returncode is None:
            process.kill()
        await process.wait()
