"""The cost of 1,000 open feeds in the control process, in memory and in time.

Nameless guests follow one live space; first nobody speaks, then the host does, whose level goes
to every page five times a second. The cost is what the process takes more than without feeds.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil
from yarl import URL

from benchmarks.followers import Crowd, crowd
from benchmarks.result import Result, percentile, spread
from benchmarks.rig import Mouth, Rig, rig

FEEDS = 1000
WINDOWS = 10
WINDOW_S = 3.0
SETTLE_S = 3.0
MIB = 1 << 20
SWINGS = tuple(round(46_000 * 10 ** ((2.7 * step - 60) / 20)) for step in range(4, 21))
"""Amplitudes of the host's voice, one meter's step after the other: nearly each goes to pages."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost: percent of a core in each window, resident bytes at the end, frames a second."""

    percent: Sequence[float]
    resident: int
    frames_per_s: float


@dataclass(frozen=True, slots=True)
class Feeds:
    """The costs without feeds and with them, each while nobody speaks and while the host does."""

    feeds: int
    none_idle: Cost
    none_speaking: Cost
    idle: Cost
    speaking: Cost
    opened_s: float
    opening_cpu_s: float


async def measure(feeds: int = FEEDS, windows: int = WINDOWS) -> Feeds:
    """Run once, on a rig of its own."""
    async with rig() as stage:
        process = psutil.Process(stage.deployment.bridge.pid)
        none_idle = await _cost(process, None, windows)
        mouth = Mouth(SWINGS)
        await mouth.open(stage.http, stage.space.page, stage.host_tab.session)
        none_speaking = await _cost(process, None, windows)
        await mouth.close()
        address = URL(stage.space.page)
        assert address.port is not None
        began, cpu_s = time.monotonic(), _cpu_s(process)
        async with crowd(address.port, f"{address.path}/feed", feeds) as pages:
            opened_s, opening_cpu_s = time.monotonic() - began, _cpu_s(process) - cpu_s
            idle = await _cost(process, pages, windows)
            speaking = await _with_speech(stage, process, pages, windows)
            seen = await pages.seen()
        if seen.open != feeds:
            raise RuntimeError(f"only {seen.open} of {feeds} feeds were still open")
    return Feeds(feeds, none_idle, none_speaking, idle, speaking, opened_s, opening_cpu_s)


def results(cost: Feeds) -> Sequence[Result]:
    """Return the figures of one run."""
    name, n = f"page.feeds_{cost.feeds}", len(cost.idle.percent)
    mib = (cost.speaking.resident - cost.none_speaking.resident) / MIB
    told = (
        f"{cost.none_speaking.resident / MIB:.0f} MiB with none; "
        f"all open within {cost.opened_s:.1f} s for {cost.opening_cpu_s:.1f} s of CPU"
    )
    return [
        Result(f"{name}_mib", round(mib, 1), "MiB", 1, told, "<= 150"),
        _percent(f"{name}_idle_core_percent", cost.idle, cost.none_idle, n, "<= 20"),
        _percent(f"{name}_speaking_core_percent", cost.speaking, cost.none_speaking, n, ""),
    ]


def _percent(name: str, cost: Cost, none: Cost, n: int, target: str) -> Result:
    base = percentile(none.percent, 50)
    value = percentile(cost.percent, 50) - base
    told = (
        f"{spread(cost.percent)}, windows of {WINDOW_S:g} s, {cost.frames_per_s:.0f} frames/s; "
        f"{base:.1f} % with none"
    )
    return Result(name, round(value, 1), "% of a core", n, told, target)


async def _with_speech(stage: Rig, process: psutil.Process, pages: Crowd, windows: int) -> Cost:
    mouth = Mouth(SWINGS)
    await mouth.open(stage.http, stage.space.page, stage.host_tab.session)
    try:
        return await _cost(process, pages, windows)
    finally:
        await mouth.close()


async def _cost(process: psutil.Process, pages: Crowd | None, windows: int) -> Cost:
    await asyncio.sleep(SETTLE_S)
    before = await pages.seen() if pages is not None else None
    began, percent = time.monotonic(), []
    for _ in range(windows):
        from_s, cpu_s = time.monotonic(), _cpu_s(process)
        await asyncio.sleep(WINDOW_S)
        percent.append(100 * (_cpu_s(process) - cpu_s) / (time.monotonic() - from_s))
    frames = 0
    if pages is not None and before is not None:
        frames = (await pages.seen()).frames - before.frames
    return Cost(percent, process.memory_info().rss, frames / (time.monotonic() - began))


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
