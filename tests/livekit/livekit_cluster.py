"""Two real LiveKit nodes on machines of their own, their Redis, and what stands before them."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from spaces_bridge_demo.processes import Child, Probe, free_port
from tests.livekit.engine import Keyed
from tests.support.lan import Lan
from tests.support.machine import program

KEY: Final = "rig"
PORT, UDP_PORT = 7880, 7882
START_TIMEOUT_S = 60.0


class LiveKitNode:
    """One LiveKit node, on machine "a" or "b"."""

    def __init__(self, machine: str, address: str, child: Child) -> None:
        self.machine, self.address, self._child = machine, address, child

    async def start(self) -> None:
        """Raises StartFailed."""
        self._child.spawn()
        await self._child.wait_ready(Probe(f"http://{self.address}:{PORT}/"), START_TIMEOUT_S)

    async def kill(self) -> None:
        """End it as a crash does."""
        await self._child.kill9()

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._child.running


class Front:
    """A balancer: each connection goes to a node that takes it, the first of them if it can."""

    def __init__(self, nodes: Mapping[str, LiveKitNode]) -> None:
        self._nodes = nodes
        self.first = "a"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either end is gone."""
        try:
            upstream, downstream = await self._dial()
        except OSError:
            writer.close()
            return
        ways = [_carry(reader, downstream), _carry(upstream, writer)]
        tasks = [asyncio.ensure_future(way) for way in ways]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for each in (writer, downstream):
            each.close()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        in_turn = sorted(self._nodes, key=lambda machine: machine != self.first)
        for machine in in_turn:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(self._nodes[machine].address, PORT)
        raise OSError("no node takes connections")


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


class Cluster:
    """The cluster: where clients dial, and which node has a room."""

    def __init__(
        self, keyed: Keyed, nodes: Mapping[str, LiveKitNode], front: Front, redis: tuple[str, int]
    ) -> None:
        self.keyed, self.nodes, self.front = keyed, nodes, front
        self._redis = redis

    async def host_of(self, room: str) -> LiveKitNode:
        """The node that has a room. Raises LookupError."""
        node_id = await self._asked("HGET", "room_node_map", room)
        told = await self._asked("HGET", "nodes", node_id.decode())
        for node in self.nodes.values():
            if node.address.encode() in told:
                return node
        raise LookupError(f"no node has {room}")

    async def _asked(self, *words: str) -> bytes:
        """What Redis answers, as a string of bytes (RESP)."""
        reader, writer = await asyncio.open_connection(*self._redis)
        try:
            writer.write(b"*%d\r\n" % len(words))
            for word in words:
                writer.write(b"$%d\r\n%s\r\n" % (len(word), word.encode()))
            length = int((await reader.readline())[1:])
            return await reader.readexactly(length) if length > 0 else b""
        finally:
            writer.close()


@asynccontextmanager
async def redis_server(folder: Path, address: str) -> AsyncIterator[int]:
    """A Redis without a disk; its port."""
    port = free_port()
    child = Child(
        "redis-server",
        [
            *(str(program("redis-server")), "--port", str(port), "--bind", address),
            *("--save", "", "--appendonly", "no", "--protected-mode", "no"),
        ],
        directory=folder,
        log=folder / "redis.log",
    )
    child.spawn()
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while not await _takes_connections(address, port):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
        yield port
    finally:
        await child.kill9()


async def _takes_connections(address: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(address, port)
    except OSError:
        return False
    writer.close()
    return True


@asynccontextmanager
async def livekit_cluster(
    folder: Path, lan: Lan, settings: Mapping[str, object] | None = None
) -> AsyncIterator[Cluster]:
    """The cluster. `settings` are added to each node's config. Raises StartFailed."""
    secret = secrets.token_hex(32)
    async with redis_server(folder, lan.here) as port, contextlib.AsyncExitStack() as closing:
        nodes: dict[str, LiveKitNode] = {}
        for machine, address in ("a", lan.a), ("b", lan.b):
            config = _config(address, f"{lan.here}:{port}", secret) | dict(settings or {})
            file = folder / f"livekit-{machine}.json"
            file.write_text(json.dumps(config), encoding="utf-8")  # YAML is a superset of JSON
            command = (str(program("livekit-server")), "--config", str(file))
            log = folder / f"livekit-{machine}.log"
            child = Child(
                f"livekit {machine}", lan.on(machine, *command), directory=folder, log=log
            )
            node = nodes[machine] = LiveKitNode(machine, address, child)
            closing.push_async_callback(node.kill)
            await node.start()
        front = Front(nodes)
        server = await asyncio.start_server(front.serve, lan.here, 0)
        closing.callback(server.close)
        url = f"ws://{lan.here}:{server.sockets[0].getsockname()[1]}"
        yield Cluster(Keyed(url, KEY, secret), nodes, front, (lan.here, port))


def _config(address: str, redis: str, secret: str) -> dict[str, object]:
    return {
        "port": PORT,
        "bind_addresses": [address],
        "redis": {"address": redis},
        "rtc": {
            "udp_port": UDP_PORT,
            "tcp_port": 0,
            "node_ip": address,
            "use_external_ip": False,
            "stun_servers": ["127.0.0.1:9"],
        },
        "keys": {KEY: secret},
        "logging": {"level": "debug", "pion_level": "error"},
    }
