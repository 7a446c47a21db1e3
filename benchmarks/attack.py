"""Attacks on a media worker, while a speaker talks and listeners count what they hear.

A worker process as the bridge starts it has a live space of one speaker and `LISTENERS` listeners.
One kind of attack follows another (`attackers`), each for its share of `ATTACK_S` seconds, 600
unless the environment says otherwise, and between them it is quiet: that is the control. What
counts is sound, not packets: a listener in a crowd gets three frames of 20 ms in one packet.

Attackers run at the lowest priority and send `ATTACK_RATE` datagrams a second, 5,000 unless the
environment says otherwise: on loopback they take their time from the same cores.
"""

import asyncio
import contextlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.attackers import ATTACKS, SEED
from benchmarks.peers.voice import every_tick, frames
from benchmarks.result import Result, percentile, spread
from spaces_bridge.app.ports import Direction
from spaces_bridge.core.ids import UserId
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.worker.edge.dtls import Identity
from spaces_bridge.media.worker.mix.opus import FRAME, Encoder, duration
from spaces_bridge.media.worker.values import SdpRefused, StreamDirection
from spaces_bridge_demo.wire import WireConnection, WirePeer
from tests.support.stage import HOST, SPACE, options, running, signal_of

LISTENERS: Final = 20
ATTACK_S: Final = float(os.environ.get("ATTACK_S", "600"))
RATE: Final = float(os.environ.get("ATTACK_RATE", "5000"))
_EVIL: Final = UserId("@evil:x")
_SETTLE_S: Final = 1.0
_QUIET_SHARE: Final = 0.25
"""Of an attack's time, how long it is quiet before it."""
_LINE: Final = 1 << 20
_MIB: Final = 1024 * 1024


class Ear(WirePeer):
    """A listener's client that counts the frames of 20 ms it got, and those with a voice."""

    def __init__(self, identity: Identity) -> None:
        super().__init__(StreamDirection.LISTEN, identity)
        self.frames = 0.0
        self.voiced = 0.0

    def _receive_rtp(self, datagram: bytes) -> None:
        super()._receive_rtp(datagram)
        while self.packets:
            payload = self.packets.pop().payload
            count = duration(payload) / FRAME
            self.frames += count
            self.voiced += count * (len(payload) > _VOICE * count)


_VOICE: Final = 30
"""Bytes of a frame from which on it is no silence: silence takes some 10, our voice 80."""


@dataclass(slots=True)
class Period:
    """A period is what the listeners got while one attack went on, or none."""

    name: str
    sent: int
    seconds: float
    frames: Sequence[float]
    voiced: Sequence[float]
    rss: int

    @property
    def worst(self) -> float:
        """Return the frames a second of the listener that got fewest."""
        return min(self.frames) / self.seconds

    @property
    def heard(self) -> float:
        """Return the share of its frames that held the voice, for the one who heard least."""
        return min(self.voiced) / max(1.0, max(self.frames))


@dataclass(slots=True)
class Arena:
    """The arena: worker, speaker, listeners, and what was measured so far."""

    stage: WorkerStage
    ears: Sequence[Ear]
    connections: Sequence[WireConnection]
    periods: list[Period] = field(default_factory=list)

    def rss(self) -> int:
        """Return the bytes of the worker's process. Raises psutil.NoSuchProcess."""
        return int(psutil.Process(self.stage.worker_pid).memory_info().rss)

    async def measured(self, name: str, seconds: float, sent: "asyncio.Task[int] | None") -> None:
        """Count for so long what arrives; afterwards wait for the attackers."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        frames = [ear.frames for ear in self.ears]
        voiced = [ear.voiced for ear in self.ears]
        most = self.rss()
        while (left := began + seconds - loop.time()) > 0:
            await asyncio.sleep(min(1.0, left))
            most = max(most, self.rss())
        took = loop.time() - began
        got = [ear.frames - before for ear, before in zip(self.ears, frames, strict=True)]
        voice = [ear.voiced - before for ear, before in zip(self.ears, voiced, strict=True)]
        count = 0 if sent is None else await sent
        self.periods.append(Period(name, count, took, got, voice, most))

    async def attack(self, kind: str, seconds: float) -> int:
        """Run one kind of attack; return how much was sent."""
        fds = [os.dup(each.fileno()) for each in self.connections[:4]]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.attackers", kind, str(self.stage.port), str(RATE),
            str(seconds), *map(str, fds),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            pass_fds=fds, limit=_LINE,
        )  # fmt: skip
        for fd in fds:
            os.close(fd)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            while line := await process.stdout.readline():
                said = json.loads(line)
                if "sent" in said:
                    return int(said["sent"])
                process.stdin.write(json.dumps(await self._answer(said)).encode() + b"\n")
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await process.wait()
        raise RuntimeError(f"the attackers of kind {kind!r} failed")

    async def _answer(self, said: dict[str, Any]) -> dict[str, str]:
        try:
            signal = signal_of(self.stage, _EVIL, Direction(said["direction"]))
            return {"answer": await signal(said["offer"])}
        except SdpRefused as refusal:
            return {"refused": refusal.code}
        except Exception as refused:
            return {"refused": type(refused).__name__}


@contextlib.asynccontextmanager
async def arena() -> AsyncIterator[Arena]:
    """Run a worker with a speaker who talks all the time, and listeners."""
    with tempfile.TemporaryDirectory() as directory:
        stage = WorkerStage(options(Path(directory)))
        async with running(stage):
            stage.open_space(SPACE, 0)
            stage.set_gates(SPACE, [HOST, _EVIL])
            mouth = WireConnection(WirePeer(StreamDirection.SPEAK, keep=False))
            await mouth.join(signal_of(stage, HOST, Direction.SPEAK))
            identity = Identity()
            connections = [WireConnection(Ear(identity)) for _ in range(LISTENERS)]
            for number, each in enumerate(connections):
                await each.join(signal_of(stage, UserId(f"@ear{number}:x"), Direction.LISTEN))
            talking = asyncio.ensure_future(every_tick(_talk(mouth)))
            try:
                ears = [each.peer for each in connections if isinstance(each.peer, Ear)]
                yield Arena(stage, ears, connections)
            finally:
                talking.cancel()
                for each in (mouth, *connections):
                    each.close()


def _talk(mouth: WireConnection) -> Any:  # noqa: ANN401 - what `every_tick` takes
    encoder = Encoder()
    voice = [encoder.encode(frame) for frame in frames()]

    def speak(index: int) -> None:
        packet = mouth.peer.rtp(index, index * FRAME, voice[index % len(voice)])
        with contextlib.suppress(OSError):
            mouth.send(packet)

    return speak


@contextlib.contextmanager
def _logged() -> Iterator[list[str]]:
    """Keep what this process and its workers write to standard error while it lasts."""
    lines, kept = list[str](), os.dup(2)
    handler = logging.StreamHandler()
    logging.getLogger("spaces_bridge").addHandler(handler)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            logging.getLogger("spaces_bridge").removeHandler(handler)
            file.seek(0)
            lines += file.read().decode(errors="replace").splitlines()


async def _measure(seconds: float) -> tuple[Sequence[Period], int, bool]:
    """Make every attack once. Return what was heard, the growth in bytes, and if it lived on."""
    each = seconds / len(ATTACKS)
    quiet, attack = each * _QUIET_SHARE, each * (1 - _QUIET_SHARE)
    async with arena() as here:
        await asyncio.sleep(_SETTLE_S)
        before, pid = here.rss(), here.stage.worker_pid
        for kind in ATTACKS:
            await here.measured("", quiet, None)
            sent = asyncio.ensure_future(here.attack(kind, attack))
            await here.measured(kind, attack, sent)
        await here.measured("", quiet, None)
        grown = max(period.rss for period in here.periods) - before
        return here.periods, grown, here.stage.worker_pid == pid and here.stage.restarts == 0


def results() -> Sequence[Result]:
    """Make all attacks, one after the other, and return the figures."""
    with _logged() as lines:
        periods, grown, alive = asyncio.run(_measure(ATTACK_S))
    sys.stderr.writelines(line + "\n" for line in lines)
    attacks = [period for period in periods if period.name]
    quiet = [period for period in periods if not period.name]
    control = percentile([period.worst for period in quiet], 50)
    worst = min(attacks, key=lambda period: period.worst)
    mute = min(attacks, key=lambda period: period.heard)
    for each in attacks:
        print(
            f"{each.name}: {each.sent / each.seconds:.0f}/s, {each.worst:.2f} frames/s, "
            f"voice in {each.heard:.1%}, {each.rss / _MIB:.0f} MiB",
            file=sys.stderr,
        )
    count = len(attacks) * LISTENERS
    rates = [got / each.seconds for each in attacks for got in each.frames]
    return [
        Result(
            "attack.packets_per_s_min", round(worst.worst, 2), "frames of 20 ms a second", count,
            f"{spread(rates, 2)}; least: {worst.name}; {RATE:g} datagrams/s each", ">= 49",
            "quiet, in the same run", round(worst.worst / control, 3), SEED,
        ),
        Result(
            "attack.heard_share_min", round(mute.heard, 3), "of frames with the voice", count,
            f"least: {mute.name}; quiet {min(each.heard for each in quiet):.3f}", seed=SEED,
        ),
        Result("attack.log_lines", len(lines), "lines", 1, f"{ATTACK_S:g} s", "<= 10", seed=SEED),
        Result(
            "attack.rss_growth_mib", round(grown / _MIB, 1), "MiB", len(periods),
            "the most of any second over the quiet before", "bounded", seed=SEED,
        ),
        Result("attack.worker_lives", float(alive), "", 1, "one process throughout", "1"),
    ]  # fmt: skip
