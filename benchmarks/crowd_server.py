"""A crowd's server as its driver sees it: another process, of this work tree or another."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.peers.audience import Audience, Heard, Talker, own_cpu_s, speech_of
from benchmarks.peers.lines import ROOT, Answering, answering

_PROGRAM: Final = Path(__file__).resolve().parent / "peers" / "crowd_stage.py"
_START_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Window:
    """A measured time: what the workers spent, and what the audience heard."""

    listeners: int
    seconds: float
    cpu_s: float
    """Of all workers, user and system."""
    clients_cpu_s: float
    rss_kib: float
    tick_late_p99_ms: float
    """Of the last one or two minutes, as the worker counts it."""
    skipped: float
    dropped: float
    """Ticks that the worker skipped and packets that it could not send, since its start."""
    heard: Heard

    @property
    def us_per_listener_second(self) -> float:
        """CPU microseconds for each listener and second."""
        return 1e6 * self.cpu_s / self.listeners / self.seconds

    @property
    def us_per_packet(self) -> float:
        """CPU microseconds for each packet that came."""
        return 1e6 * self.cpu_s / max(1, self.heard.packets)

    @property
    def packets_per_s(self) -> float:
        """Packets that came to each listener in a second."""
        return self.heard.packets / self.listeners / self.seconds

    @property
    def payload(self) -> float:
        """The mean bytes of Opus in a packet: without RTP's header and SRTP's tag (GCM)."""
        return self.heard.sink.octets / max(1, self.heard.sink.packets) - 12 - 16

    def line(self) -> dict[str, object]:
        """Return the numbers for people."""
        sink, heard = self.heard.sink, self.heard
        return {
            "listeners": self.listeners,
            "us_per_listener_second": round(self.us_per_listener_second, 1),
            "us_per_packet": round(self.us_per_packet, 2),
            "packets_per_s": round(self.packets_per_s, 2),
            "payload": round(self.payload, 1),
            "samples": sink.samples[:4],
            "rss_mib": round(self.rss_kib / 1024, 1),
            "core_percent": round(100 * self.cpu_s / self.seconds, 1),
            "clients_core_percent": round(100 * self.clients_cpu_s / self.seconds, 1),
            "late_p99_ms": self.tick_late_p99_ms,
            "skipped": self.skipped,
            "dropped": self.dropped,
            "missing": sink.missing,
            "longest_gap_ms": round(1000 * max(sink.gaps_s, default=0.0)),
            "silent": sum(ear == 0 for ear in sink.gaps_s),
            "real": heard.real,
            "real_missing": heard.real_missing,
            "real_longest_gap_ms": round(1000 * heard.real_longest_gap_s),
        }


class CrowdServer:
    """A live space with a talker, on a worker of its own."""

    def __init__(self, server: Answering) -> None:
        self._server = server
        self._joined = 0

    async def answers(self, offers: Sequence[str]) -> Sequence[str]:
        """Take listeners' offers to the worker. Raises ConnectionError, TimeoutError."""
        first, self._joined = self._joined, self._joined + len(offers)
        question = {"offers": list(offers), "first": first}
        answered: list[str] = (await self._server.ask(question))["answers"]
        return answered

    async def speak(self, offer: str) -> str:
        """Take the talker's offer to the worker, and open the microphone."""
        return str((await self._server.ask({"speak": offer}))["answer"])

    async def numbers(self) -> tuple[Mapping[str, float], list[psutil.Process]]:
        """Return the worker's numbers of up to a second ago, and the workers."""
        told = await self._server.ask({}, _START_S)
        return told["numbers"], [psutil.Process(pid) for pid in told["workers"]]

    async def window(self, audience: Audience, seconds: float) -> Window:
        """Measure for so long."""
        _, workers = await self.numbers()
        audience.forget()
        loop = asyncio.get_running_loop()
        began, spent, own = loop.time(), _cpu_s(workers), own_cpu_s()
        await asyncio.sleep(seconds)
        heard, passed = audience.heard(), loop.time() - began
        spent, own = _cpu_s(workers) - spent, own_cpu_s() - own
        numbers, _ = await self.numbers()
        return Window(
            len(audience),
            passed,
            spent,
            own,
            sum(worker.memory_info().rss for worker in workers) / 1024,
            numbers.get("tick_late_p99_ms", 0.0),
            numbers.get("ticks_skipped", 0.0),
            numbers.get("send_dropped", 0.0),
            heard,
        )


@contextlib.asynccontextmanager
async def crowd_server(
    tree: Path = ROOT,
    options: Mapping[str, object] | None = None,
    say: Callable[[int], bytes] = speech_of,
) -> AsyncIterator[CrowdServer]:
    """Run a live space of the work tree in which somebody sends what `say` returns."""
    argv = ("-P", str(_PROGRAM), json.dumps(options or {}))
    async with answering(*argv, tree=tree) as asked:
        server, talker = CrowdServer(asked), Talker(say)
        try:
            await server.numbers()
            await talker.begin(server.speak)
            yield server
        finally:
            await talker.close()
            await asked.end()


def _cpu_s(workers: Sequence[psutil.Process]) -> float:
    times = [worker.cpu_times() for worker in workers]
    return sum(time.user + time.system for time in times)
