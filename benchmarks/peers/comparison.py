"""The comparison of our figures with those of other servers that are installed here."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import aiohttp
import psutil

from benchmarks.peers import aiortc_relay, compiled, floor, janus, janus_rooms
from benchmarks.peers.cost import Cost, cost
from benchmarks.result import Result, percentile, spread
from spaces_bridge_demo.processes import StartFailed

FLOOR = "fanout.cost_over_c_floor"
_AIORTC = "fanout.times_cheaper_than_aiortc_track"
_AUDIOBRIDGE = "fanout.times_cheaper_than_janus_audiobridge"
_STREAMING = "fanout.times_cheaper_than_janus_streaming"
FAILURES = (
    StartFailed,
    janus.JanusError,
    compiled.FloorBroken,
    aiohttp.ClientError,
    psutil.Error,
    ConnectionError,
    TimeoutError,
    ValueError,
)

Measure = Callable[[int, float], Awaitable[Cost]]
"""A function that measures a peer's cost with so many listeners for so many seconds."""


@dataclass(frozen=True, slots=True)
class Ours:
    """Our microseconds per packet in one run, with and without the Opus work of a tick."""

    relaying: float
    encoding: float


@dataclass(slots=True)
class Peer:
    """A peer, and its runs paired with ours, for one figure."""

    name: str
    label: str
    measure: Measure
    encodes: bool = False
    """True if the peer's process decodes or encodes Opus, so that ours has to do that, too."""
    runs: list[tuple[Cost, float]] = field(default_factory=list)

    def run(self, ours: Ours, listeners: int, seconds: float) -> bool:
        """Measure once, right after ours. Tell the user and return False when that fails."""
        try:
            theirs = asyncio.run(self._cost(listeners, seconds))
        except FAILURES as error:
            _leave_out(self.name, f"{self.label}: {type(error).__name__}: {error}")
            return False
        self.runs.append((theirs, ours.encoding if self.encodes else ours.relaying))
        return True

    async def _cost(self, listeners: int, seconds: float) -> Cost:
        return await self.measure(listeners, seconds)

    def result(self) -> Result:
        """Return the median of all pairs: how much cheaper ours is, or how far above the floor."""
        ratios = [theirs.us_per_packet / ours for theirs, ours in self.runs]
        times = [1 / ratio for ratio in ratios] if self.name == FLOOR else ratios
        return Result(
            self.name,
            round(percentile(times, 50), 2),
            "times",
            len(self.runs),
            self._spread(times),
            peer=self.label,
            ratio=round(percentile(ratios, 50), 2),
        )

    def _spread(self, times: Sequence[float]) -> str:
        theirs = [run.us_per_packet for run, _ in self.runs]
        what = "ours, with one Opus decoding and encoding a tick," if self.encodes else "ours"
        rate = percentile([run.packets_per_s for run, _ in self.runs], 50)
        return (
            f"{spread(times, 2)}; peer {spread(theirs)} us at {rate:.0f} packets/s; "
            f"{what} {spread([ours for _, ours in self.runs])} us"
        )


def available() -> list[Peer]:
    """Return the peers that are installed here; tell the user which are left out and why."""
    peers = [Peer(_AIORTC, aiortc_relay.LABEL, _aiortc, encodes=True)]
    if janus.library() is None:
        for name in (_AUDIOBRIDGE, _STREAMING):
            _leave_out(name, "Janus is not installed; on Debian: apt install janus")
    else:
        label = janus_version()
        peers.append(Peer(_AUDIOBRIDGE, f"{label} AudioBridge", _audiobridge, encodes=True))
        peers.append(Peer(_STREAMING, f"{label} Streaming mountpoint", _streaming))
    if compiled.buildable():
        peers.append(Peer(FLOOR, "C: libsrtp and sendmmsg, no ICE, no DTLS", _floor))
    else:
        _leave_out(FLOOR, "there is no C compiler; on Debian: apt install gcc libc6-dev")
    return peers


def _leave_out(name: str, why: str) -> None:
    print(f"Left out: {name} ({why}).", file=sys.stderr, flush=True)


def janus_version() -> str:
    """Return the name and version of the Janus that is installed."""
    argv = [janus.PROGRAM, "--help"]
    told = subprocess.run(argv, capture_output=True, text=True, timeout=10.0, check=False).stdout
    version = re.search(r"\d+\.\d+\.\d+", told)
    return f"Janus {version[0]}" if version else "Janus"


def _aiortc(listeners: int, seconds: float) -> Awaitable[Cost]:
    return cost(aiortc_relay.aiortc_relay(), listeners, seconds)


def _audiobridge(listeners: int, seconds: float) -> Awaitable[Cost]:
    return cost(janus_rooms.janus_audiobridge(), listeners, seconds)


def _streaming(listeners: int, seconds: float) -> Awaitable[Cost]:
    return cost(janus_rooms.janus_streaming(), listeners, seconds)


async def _floor(listeners: int, seconds: float) -> Cost:
    return Cost(await floor.floor_us(listeners, seconds), listeners * 50)
