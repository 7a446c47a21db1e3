"""A thousand listeners who join a live space within ten seconds, while somebody speaks.

Each posts its offer to the page's server (WHEP) and connects; they come from many networks, at an
even pace. The crowd is a process of its own, so what its handshakes cost is counted apart. Those
who were there before are counted on to miss nothing.
"""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import psutil

from benchmarks.peers.audience import Audience, enough_files, own_cpu_s
from benchmarks.peers.client import Client
from benchmarks.peers.lines import answer, answering
from benchmarks.result import Result, percentile, spread
from benchmarks.rig import Mouth, rig
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.values import StreamDirection

JOINS: Final = 1000
WITHIN_S: Final = 10.0
NETWORKS: Final = 250
"""Networks that they come from."""
THERE: Final = 20
"""Listeners who are there before; they decrypt."""
PATIENCE_S: Final = 60.0
_SETTLE_S: Final = 2.0
_LEAST_PAUSE_S: Final = 0.1


@dataclass(slots=True)
class _Crowd:
    """What became of the crowd."""

    served_s: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    waited: int = 0
    """Times that somebody was told to come again in a moment."""


async def _offered(
    http: aiohttp.ClientSession, page: str, number: int, offer: str, crowd: _Crowd
) -> str:
    """Return the answer; whoever is told to come again does. Raises ClientResponseError."""
    place = number % NETWORKS
    headers = {
        "Content-Type": "application/sdp",
        "X-Forwarded-For": f"198.{18 + place // 200}.{place % 200}.{number // NETWORKS + 1}",
    }
    while True:
        async with http.post(f"{page}/whep", data=offer.encode(), headers=headers) as response:
            if response.status == 201:
                return await response.text()
            again = response.headers.get("Retry-After")
            if response.status != 503 or again is None:
                response.raise_for_status()
        crowd.waited += 1
        await asyncio.sleep(max(_LEAST_PAUSE_S, float(again or 0)))


async def _come(
    http: aiohttp.ClientSession, page: str, client: Client, number: int, crowd: _Crowd
) -> None:
    began = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE_S):
            client.accept(await _offered(http, page, number, client.offer(), crowd))
            await client.connect(PATIENCE_S)
        crowd.served_s.append(time.monotonic() - began)
        client.stop_listening()
    except aiohttp.ClientResponseError as refused:
        crowd.refused[str(refused.status)] += 1
    except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
        crowd.refused[type(error).__name__] += 1


async def _crowded(page: str) -> None:
    """Have the crowd come at an even pace, and stay until the questions end."""
    enough_files()
    identity, crowd, comings = Identity(), _Crowd(), []
    clients = [Client(StreamDirection.LISTEN, identity) for _ in range(JOINS)]
    for number, client in enumerate(clients):
        place = number % NETWORKS
        client.host = f"127.{1 + place // 200}.{place % 200 + 1}.1"
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        began, spent = time.monotonic(), own_cpu_s()
        for number, client in enumerate(clients):
            comings.append(asyncio.create_task(_come(http, page, client, number, crowd)))
            at = began + (number + 1) * WITHIN_S / JOINS
            await asyncio.sleep(max(0.0, at - time.monotonic()))
        answer(came_s=time.monotonic() - began)
        await asyncio.gather(*comings)
        answer(
            served_s=crowd.served_s,
            refused=crowd.refused,
            waited=crowd.waited,
            cpu_s=own_cpu_s() - spent,
            all_s=time.monotonic() - began,
        )
        await asyncio.to_thread(sys.stdin.readline)


async def _measure() -> Sequence[Result]:
    async with rig() as stage, aiohttp.ClientSession() as http:
        mouth, audience = Mouth(), Audience()
        await mouth.open(stage.http, stage.space.page, stage.host_tab.session)

        async def answers(offers: Sequence[str]) -> Sequence[str]:
            nobody = _Crowd()
            return [
                await _offered(http, stage.space.page, JOINS + number, offer, nobody)
                for number, offer in enumerate(offers)
            ]

        await audience.grow(THERE, answers, decrypts=True)
        await asyncio.sleep(_SETTLE_S)
        bridge = stage.deployment.bridge
        worker = bridge.worker_pid("media")
        assert worker is not None
        pids = (worker, bridge.pid)
        audience.forget()
        stage.ear.longest_gap_s, before = 0.0, [_cpu_s(pid) for pid in pids]
        async with answering("-m", "benchmarks.join", stage.space.page) as crowd:
            came = await crowd.ask({}, PATIENCE_S)
            outcome = await crowd.ask({}, 2 * PATIENCE_S)
            spent = [_cpu_s(pid) - then for pid, then in zip(pids, before, strict=True)]
            heard = audience.heard()
        await audience.close()
        await mouth.close()
    return _results(came["came_s"], outcome, spent, heard.real_missing, heard.real_longest_gap_s)


def _results(
    came_s: float, outcome: dict[str, Any], spent_s: Sequence[float], missing: int, gap_s: float
) -> Sequence[Result]:
    served, refused = outcome["served_s"], outcome["refused"]
    told = ", ".join(f"{number} {why}" for why, number in sorted(refused.items())) or "none failed"
    n = len(served)
    how = (
        f"{spread(served, 2)}; {JOINS} came within {came_s:.1f} s, {n} joined within "
        f"{outcome['all_s']:.1f} s, {told}, told to wait {outcome['waited']} times; from the "
        f"offer to keys; CPU of the worker {spent_s[0]:.1f} s, of the control process "
        f"{spent_s[1]:.1f} s, of the clients {outcome['cpu_s']:.1f} s"
    )
    there = f"at {THERE} listeners who were there before; longest gap {1000 * gap_s:.0f} ms"
    return [
        Result("join.burst_1000_p95_s", round(percentile(served, 95), 2), "s", n, how, "< 2"),
        Result("join.burst_1000_p50_s", round(percentile(served, 50), 2), "s", n, how),
        Result("join.burst_1000_packets_missed", missing, "packets", THERE, there, "0"),
        Result("join.burst_1000_longest_gap_ms", round(1000 * gap_s), "ms", THERE, there),
    ]


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def results() -> Sequence[Result]:
    """Measure once and return the figures."""
    return asyncio.run(_measure())


if __name__ == "__main__":
    asyncio.run(_crowded(sys.argv[1]))
