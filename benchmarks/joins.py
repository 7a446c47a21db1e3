"""A thousand joins of a call within ten seconds, while somebody speaks and others hear it.

Two hundred people come with five devices each, at an even pace: each device asks the authoriser
for a token, joins by LiveKit's signalling, and connects. That is twice as many as a call takes:
the rest is refused with a sentence. Meanwhile a client in the call and a page are counted on to
miss no packet. The crowd is a process of its own, lest its work be taken for the server's.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import aiohttp
import psutil

from benchmarks.calls import DEVICES, talk
from benchmarks.peers.embedded import NETWORK, embedded, openid_request
from benchmarks.peers.lines import answer, answering
from benchmarks.peers.livekit_wire import LiveKitWire, SentAway
from benchmarks.result import Result, percentile, spread
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.wire import WireConnection, WirePeer

JOINS: Final = 1000
WITHIN_S: Final = 10.0
NETWORKS: Final = 50
"""Networks that they come from: homes and offices."""
PATIENCE_S: Final = 120.0
_SETTLE_S: Final = 2.0


@dataclass(slots=True)
class _Crowd:
    """What became of the crowd."""

    served_s: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    clients: list[LiveKitWire] = field(default_factory=list)


class Places(NamedTuple):
    """The addresses of the signalling and of the authoriser."""

    url: str
    authoriser: str


class _NoToken(Exception):
    """The authoriser gives no token."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Ear(WirePeer):
    """A listener on the page that notes what is missing, and the longest gap."""

    def __init__(self) -> None:
        super().__init__(StreamDirection.LISTEN, keep=True)
        self.missing = 0
        self.longest_gap_s = 0.0
        self._newest: int | None = None
        self._at = 0.0

    def _receive_rtp(self, datagram: bytes) -> None:
        super()._receive_rtp(datagram)
        now = time.monotonic()
        for packet in self.packets:
            if self._newest is not None:
                self.missing += ((packet.sequence - self._newest) & 0xFFFF) - 1
                self.longest_gap_s = max(self.longest_gap_s, now - self._at)
            self._newest, self._at = packet.sequence, now
        self.packets.clear()


async def _come(
    where: Places, http: aiohttp.ClientSession, identity: Identity, number: int, crowd: _Crowd
) -> None:
    name, device = f"person{number // DEVICES}", f"DEVICE{number % DEVICES}"
    client, began = LiveKitWire(identity, ears=1), time.monotonic()
    try:
        body, network = openid_request(name, device), {NETWORK: str(number % NETWORKS)}
        address = f"{where.authoriser}/sfu/get"
        async with http.post(address, json=body, headers=network) as response:
            if response.status != 200:
                raise _NoToken(response.status)
            token = (await response.json())["jwt"]
        await client.join(http, where.url, token)
        crowd.clients.append(client)
        crowd.served_s.append(time.monotonic() - began)
        client.rest()
        return
    except _NoToken as refused:
        crowd.refused[f"no token: {refused.status}"] += 1
    except aiohttp.WSServerHandshakeError as refused:
        crowd.refused[f"not let in: {refused.status}"] += 1
    except SentAway:
        crowd.refused["not let in, as the last place was taken"] += 1
    except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
        crowd.refused[f"failed: {type(error).__name__}"] += 1
    await client.close()


async def _crowded(where: Places) -> None:
    """Have the crowd come, at an even pace, and leave again when all have been answered."""
    crowd, identity, comings = _Crowd(), Identity(), []
    connector = aiohttp.TCPConnector(limit=0)  # each client keeps its connection
    async with aiohttp.ClientSession(connector=connector) as http:
        began = time.monotonic()
        for number in range(JOINS):
            comings.append(asyncio.create_task(_come(where, http, identity, number, crowd)))
            at = began + (number + 1) * WITHIN_S / JOINS
            await asyncio.sleep(max(0.0, at - time.monotonic()))
        answer(came_s=time.monotonic() - began)
        await asyncio.gather(*comings)
        answer(served_s=crowd.served_s, refused=crowd.refused)
        await asyncio.gather(*(c.close() for c in crowd.clients), return_exceptions=True)


async def _measure() -> Sequence[Result]:
    async with embedded() as engine, contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        identity, ear = Identity(), _Ear()
        await engine.seat("speaker", speaks=True)
        await engine.seat("listener")
        for person in range(JOINS // DEVICES):
            await engine.seat(f"person{person}")
        speaker, listener = LiveKitWire(identity, cid="microphone"), LiveKitWire(identity, ears=1)
        for client, name in ((speaker, "speaker"), (listener, "listener")):
            await client.join(http, engine.url, await engine.token(name, "PHONE"))
            stack.push_async_callback(client.close)
        page = WireConnection(ear)
        await page.join(engine.listen)
        stack.callback(page.close)
        talking = asyncio.create_task(talk([speaker]))
        stack.callback(talking.cancel)
        await asyncio.sleep(_SETTLE_S)
        before = [psutil.Process(pid).cpu_times() for pid in engine.pids]
        where = json.dumps([engine.url, engine.authoriser])
        crowd = await stack.enter_async_context(answering("-m", "benchmarks.joins", where))
        came = await crowd.ask({}, PATIENCE_S)
        outcome = await crowd.ask({}, PATIENCE_S)
        await asyncio.sleep(_SETTLE_S)
        after = [psutil.Process(pid).cpu_times() for pid in engine.pids]
        log = (await engine.numbers())["log"]
    spent = [b.user + b.system - a.user - a.system for a, b in zip(before, after, strict=True)]
    return _results(came["came_s"], outcome, spent, listener, ear, log)


def _results(
    came_s: float,
    outcome: Mapping[str, Any],
    spent_s: Sequence[float],
    listener: LiveKitWire,
    ear: _Ear,
    log: Sequence[str],
) -> Sequence[Result]:
    came = f"{JOINS} came within {came_s:.1f} s"
    refused = ", ".join(f"{number} {why}" for why, number in sorted(outcome["refused"].items()))
    served_ms = [1000 * taken for taken in outcome["served_s"]]
    missing = listener.streams.missing + ear.missing
    heard = f"of {listener.streams.packets} packets to a client in the call, and as many to a page"
    return [
        Result("joins.served", len(served_ms), "joins", JOINS, f"{came}; {refused}", "500"),
        Result(
            "joins.served_p95_ms",
            round(percentile(served_ms, 95)),
            "ms",
            len(served_ms),
            f"{spread(served_ms, 0)}; from asking for a token to a connection with keys; CPU of "
            f"the worker {spent_s[0]:.1f} s, of the signalling {spent_s[1]:.1f} s",
        ),
        Result("joins.packets_missed", missing, "packets", 1, heard, "0"),
        Result(
            "joins.longest_gap_ms",
            round(1000 * listener.streams.longest_gap_s),
            "ms",
            1,
            f"in the call; at the page {1000 * ear.longest_gap_s:.0f} ms",
            "< 200",
        ),
        Result("joins.log_lines", len(log), "lines", 1, "; ".join(log)[:300] or "none", "<= 1"),
    ]


def results() -> Sequence[Result]:
    """Measure once and return the figures."""
    return asyncio.run(_measure())


if __name__ == "__main__":
    asyncio.run(_crowded(Places(*json.loads(sys.argv[1]))))
