"""What a plain call costs the media worker, beside people on the page, in one run.

Two workers, each a process of its own, have as many people at the same time: one has pages, the
other callers. First all of them only listen to one speaker; callers with their microphones muted,
which send a packet of silence now and then, as browsers do. Then a few of them speak at once: on
the page by a connection beside the one they hear by, in a call by the same. The CPU time of both
processes is read over the same seconds.
"""

import asyncio
import contextlib
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from benchmarks.peers.voice import every_tick, frames
from benchmarks.result import Result, percentile, spread
from spaces_bridge.app.ports import Direction
from spaces_bridge.core.ids import UserId
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.mix.opus import FRAME, Encoder
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.wire import WireConnection, WirePeer
from tests.support.plain_client import PlainWire
from tests.support.stage import HOST, SPACE, options, running, signal_of

LISTENERS: Final = 60
SPEAKERS: Final = 8
RUNS: Final = 5
RUN_S: Final = 5.0
_SETTLE_S: Final = 1.0
_SILENCE: Final = b"\xf8\xff\xfe"
_SILENCE_EVERY: Final = 20
"""Ticks from one packet of silence to the next, of which each time two come."""


@dataclass(slots=True)
class Side:
    """One worker, and the clients it has: who hears, and who may speak."""

    stage: WorkerStage
    host: WireConnection
    ears: list[WireConnection] = field(default_factory=list)
    mouths: list[WireConnection] = field(default_factory=list)
    muted: list[WireConnection] = field(default_factory=list)

    def cpu_s(self) -> float:
        """Return the CPU seconds of the worker's process so far."""
        assert self.stage.worker_pid is not None
        times = psutil.Process(self.stage.worker_pid).cpu_times()
        return float(times.user + times.system)

    def received(self) -> int:
        """Return the packets that all have received so far."""
        return sum(each.peer.received for each in self.ears)


@contextlib.asynccontextmanager
async def _side(directory: Path) -> AsyncIterator[Side]:
    stage = WorkerStage(options(directory))
    async with running(stage):
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST])
        host = WireConnection(WirePeer(StreamDirection.SPEAK, keep=False))
        await host.join(signal_of(stage, HOST, Direction.SPEAK))
        side = Side(stage, host)
        try:
            yield side
        finally:
            for each in {host, *side.ears, *side.mouths}:
                each.close()


def _person(number: int) -> UserId:
    return UserId(f"@person{number}:x")


async def _pages(side: Side) -> None:
    """Let people listen on the page, and some of them open a microphone there, too."""
    identity = Identity()
    for number in range(LISTENERS):
        ear = WireConnection(WirePeer(StreamDirection.LISTEN, identity, keep=False))
        await ear.join(signal_of(side.stage, _person(number), Direction.LISTEN))
        side.ears.append(ear)
    for number in range(SPEAKERS):
        mouth = WireConnection(WirePeer(StreamDirection.SPEAK, identity, keep=False))
        await mouth.join(signal_of(side.stage, _person(number), Direction.SPEAK))
        side.mouths.append(mouth)


async def _callers(side: Side) -> None:
    """Let as many people call, and some of them have a microphone that may be heard."""
    calls = side.stage.plain_calls
    for number in range(LISTENERS):
        user, session = _person(number), list[str]()

        async def signal(offer: str, user: UserId = user, made: list[str] = session) -> str:
            answered = await calls.answer(SPACE, user, offer)
            made.append(answered.id)
            return answered.answer

        ear = WireConnection(PlainWire(keep=False))
        await ear.join(signal)
        side.ears.append(ear)
        if number < SPEAKERS:
            calls.use_microphone(session[0])
            side.mouths.append(ear)
    side.muted = list(side.ears)


class _Talk:
    """What clients send: the host speaks all the time, others only if `all_speak`."""

    def __init__(self, sides: Sequence[Side]) -> None:
        self._sides = sides
        encoder = Encoder()
        self._voice = [encoder.encode(frame) for frame in frames()]
        self._sent = {each: itertools.count(1) for side in sides for each in _all(side)}
        self.all_speak = False

    def tick(self, index: int) -> None:
        """Send what is to be sent in this tick."""
        voice = self._voice[index % len(self._voice)]
        for side in self._sides:
            speaking = {side.host, *(side.mouths if self.all_speak else ())}
            for client in speaking:
                self._send(client, index, voice)
            if index % _SILENCE_EVERY < 2:
                for client in side.muted:
                    if client not in speaking:
                        self._send(client, index, _SILENCE)

    def _send(self, client: WireConnection, index: int, payload: bytes) -> None:
        packet = client.peer.rtp(next(self._sent[client]), index * FRAME, payload)
        with contextlib.suppress(OSError):
            client.send(packet)


def _all(side: Side) -> set[WireConnection]:
    return {side.host, *side.mouths, *side.muted}


@dataclass(frozen=True, slots=True)
class _Turn:
    """CPU microseconds of each side's worker for one second of one of its people."""

    pages: float
    callers: float


async def _turn(sides: Sequence[Side], people: int) -> _Turn:
    await asyncio.sleep(_SETTLE_S)
    before, began = [each.cpu_s() for each in sides], time.monotonic()
    received = [each.received() for each in sides]
    await asyncio.sleep(RUN_S)
    seconds = time.monotonic() - began
    costs = [
        1e6 * (each.cpu_s() - cpu_s) / (seconds * people)
        for each, cpu_s in zip(sides, before, strict=True)
    ]
    came = [each.received() - count for each, count in zip(sides, received, strict=True)]
    if min(came) < 0.95 * 50 * seconds * LISTENERS:
        raise RuntimeError(f"packets are missing: {came} in {seconds:.1f} s")
    return _Turn(*costs)


async def _measure(runs: int) -> tuple[list[_Turn], list[_Turn]]:
    listening, speaking = list[_Turn](), list[_Turn]()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        async with _side(Path(one)) as pages, _side(Path(two)) as calls:
            await _pages(pages)
            await _callers(calls)
            talk = _Talk([pages, calls])
            talking = asyncio.create_task(every_tick(talk.tick))
            people = [HOST, *map(_person, range(SPEAKERS))]
            try:
                for _ in range(runs):
                    for side in (pages, calls):
                        side.stage.set_gates(SPACE, [HOST])
                    talk.all_speak = False
                    listening.append(await _turn((pages, calls), LISTENERS))
                    for side in (pages, calls):
                        side.stage.set_gates(SPACE, people)
                    talk.all_speak = True
                    speaking.append(await _turn((pages, calls), SPEAKERS))
            finally:
                talking.cancel()
                await asyncio.gather(talking, return_exceptions=True)
    return listening, speaking


def _result(name: str, turns: Sequence[_Turn]) -> Result:
    ratio = percentile([each.pages / each.callers for each in turns], 50)
    costs = [each.callers for each in turns]
    value = round(percentile(costs, 50), 1)
    target = "as much as on the page: ratio near 1"
    return Result(name, value, "us/s", len(turns), spread(costs), target, "our page", ratio)


def results(runs: int = RUNS) -> Sequence[Result]:
    """Measure both in the same seconds, in turns of listening and speaking; medians count."""
    listening, speaking = asyncio.run(_measure(runs))
    return [
        _result("callers.cpu_us_per_listening_caller_second", listening),
        _result("callers.cpu_us_of_worker_per_speaking_caller_second", speaking),
    ]
