"""What one packet to one listener costs the server: CPU time of its process, user and system.

Our edge is measured in turns with other servers, which have as many listeners of the same kind
(see `peers`).

    python benchmarks/fanout.py --listeners 60 --seconds 10

The server side (the real edge, sending one Opus-sized payload to everybody every 20 ms) runs in
a process of its own; the listeners are real ICE, DTLS and SRTP clients in this one, and each
packet is decrypted there. Prints one JSON object.
"""

import argparse
import asyncio
import itertools
import json
import os
import resource
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))

from benchmarks.peers.comparison import Ours, available  # noqa: E402 - the path comes first
from benchmarks.peers.voice import TICK_S, frames  # noqa: E402
from benchmarks.result import Result, percentile, spread  # noqa: E402
from spaces_bridge.media.worker.edge.dtls import Identity  # noqa: E402
from spaces_bridge.media.worker.edge.edge import Edge  # noqa: E402
from spaces_bridge.media.worker.mix.opus import Decoder, Encoder  # noqa: E402
from spaces_bridge.media.worker.values import ListenerPayload, StreamDirection  # noqa: E402
from spaces_bridge_demo.wire import WireConnection, WirePeer  # noqa: E402

_PAYLOAD = os.urandom(80)  # 32 kbit/s
_LINE_LIMIT = 1 << 20
_LISTENERS = 60
_RUNS = 5
_RUN_S = 3.0


def measure(listeners: int = _LISTENERS, seconds: float = 10.0) -> dict[str, Any]:
    """Connect `listeners` clients to an edge in another process and send for `seconds`, twice.

    The second time each tick's frame is also decoded and encoded, as a speaker's is:
    `encoding_cpu_us_per_packet`.
    """
    return asyncio.run(_measure(listeners, seconds))


async def _measure(listeners: int, seconds: float) -> dict[str, Any]:
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        "--server",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_LIMIT,
    )
    try:
        return await _drive(server, listeners, seconds)
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


async def _ask(server: asyncio.subprocess.Process, question: dict[str, Any]) -> dict[str, Any]:
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(question).encode() + b"\n")
    answer: dict[str, Any] = json.loads(await server.stdout.readline())
    return answer


async def _drive(
    server: asyncio.subprocess.Process, listeners: int, seconds: float
) -> dict[str, Any]:
    identity = Identity()
    clients = [
        WireConnection(WirePeer(StreamDirection.LISTEN, identity, keep=False))
        for _ in range(listeners)
    ]
    for number, client in enumerate(clients):

        async def signal(offer: str, peer: str = f"peer-{number}") -> str:
            return str((await _ask(server, {"peer": peer, "offer": offer}))["answer"])

        await client.join(signal)
    result = await _ask(server, {"seconds": seconds, "encode": False})
    await asyncio.sleep(0.5)
    result["received"] = sum(client.peer.received for client in clients)
    result["rejected"] = sum(client.peer.rejected for client in clients)
    result["listeners"] = listeners
    encoding = await _ask(server, {"seconds": seconds, "encode": True})
    result["encoding_cpu_us_per_packet"] = encoding["cpu_us_per_packet"]
    for client in clients:
        client.close()
    return result


async def _serve() -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    port = sock.getsockname()[1]
    edge = Edge(
        [sock], [], ["127.0.0.1"], port, on_packet=lambda *_: None, on_state=lambda *_: None
    )
    loop = asyncio.get_running_loop()
    edge.start(loop)
    while True:
        line = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            break
        question = json.loads(line)
        if "offer" in question:
            answer = edge.accept(question["peer"], StreamDirection.LISTEN, question["offer"])
            print(json.dumps({"answer": answer}), flush=True)
        else:
            tick = _reencoded() if question["encode"] else itertools.repeat(_PAYLOAD)
            print(json.dumps(await _send(edge, question["seconds"], tick)), flush=True)
    edge.stop()
    sock.close()


def _reencoded() -> Iterator[bytes]:
    """Yield the frames of one speaker, decoded and encoded again as they are asked for."""
    speaker, decoder, encoder = Encoder(), Decoder(), Encoder()
    packets = [speaker.encode(frame) for frame in frames()]
    for packet in itertools.cycle(packets):
        yield encoder.encode(decoder.decode(packet))


async def _send(edge: Edge, seconds: float, payloads: Iterator[bytes]) -> dict[str, Any]:
    everybody = tuple(edge.peers())
    edge.fan_out(960, [ListenerPayload(everybody, next(payloads))])  # lays out the buffers
    before, began, sent, spent = _cpu_s(), time.monotonic(), 0, 0.0
    at, latest = began, 0.0
    while at - began < seconds:
        payload = next(payloads)
        entered = time.perf_counter()
        sent += edge.fan_out(960, [ListenerPayload(everybody, payload)])
        spent += time.perf_counter() - entered
        at += TICK_S
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        latest = max(latest, time.monotonic() - at)
    cpu = _cpu_s() - before
    return {
        "packets": sent,
        "cpu_us_per_packet": round(1e6 * cpu / max(1, sent), 2),
        "fan_out_wall_us_per_packet": round(1e6 * spent / max(1, sent), 2),
        "worst_tick_lateness_ms": round(1000 * latest, 1),
        "send_dropped": edge.stats().send_dropped,
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def results() -> Sequence[Result]:
    """Measure ours and each peer in turns; medians count, a peer's ratio is that of each turn."""
    peers, runs = available(), list[Ours]()
    for _ in range(_RUNS):
        run = measure(_LISTENERS, _RUN_S)
        ours = Ours(run["cpu_us_per_packet"], run["encoding_cpu_us_per_packet"])
        runs.append(ours)
        peers = [peer for peer in peers if peer.run(ours, _LISTENERS, _RUN_S)]
    costs = [run.relaying for run in runs]
    value = round(percentile(costs, 50), 2)
    name, target = "fanout.cpu_us_per_packet", f"<= 25 at {_LISTENERS} listeners"
    ours_first = Result(name, value, "us", len(costs), spread(costs), target)
    return [ours_first, *(peer.result() for peer in peers)]


def main() -> None:
    """Measure once and print the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--server", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--listeners", type=int, default=_LISTENERS)
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    if arguments.server:
        asyncio.run(_serve())
    else:
        print(json.dumps(measure(arguments.listeners, arguments.seconds)))


if __name__ == "__main__":
    main()
