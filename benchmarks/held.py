"""The largest crowd that one live space holds: no tick late, and nothing missing at anybody real.

`HELD_S` (environment; 600 by default) is the time that the largest one is held for; the steps on
the way there are short. `HELD_WORKERS` is the number of media workers (one for each core). The
listeners are on the same machine: what they take of it is told.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from typing import Final

from benchmarks.crowd import REAL
from benchmarks.crowd_server import CrowdServer, Window, crowd_server
from benchmarks.peers.audience import Audience, enough_files
from benchmarks.result import Result

STEPS: Final = (1000, 2000, 3000, 4000, 5000)
HELD_S: Final = float(os.environ.get("HELD_S", "600"))
MOST_LATE_MS: Final = 10.0
"""The p99 of the ticks' lateness from which on a crowd is not held."""
LONGEST_GAP_S: Final = 0.2
"""Between two packets at a listener; a packet of a crowd holds 60 ms."""
_MEMORY_MB: Final = 4096
_WINDOW_S: Final = 10.0
_SETTLE_S: Final = 3.0
WORKERS: Final = int(os.environ.get("HELD_WORKERS", "0")) or (os.cpu_count() or 1)
_OPTIONS: Final = {"memory_limit_mb": _MEMORY_MB, "workers": WORKERS}


def why_not_held(window: Window) -> str:
    """Return what is wrong with the sound of this crowd; "" if nothing is."""
    heard = window.heard
    missing = heard.sink.missing + heard.real_missing
    if heard.real_rejected:
        return f"{heard.real_rejected} packets could not be decrypted"
    if missing:
        return f"{missing} packets were missing"
    if heard.real_longest_gap_s > LONGEST_GAP_S:
        return f"a gap of {1000 * heard.real_longest_gap_s:.0f} ms at a real listener"
    if window.tick_late_p99_ms >= MOST_LATE_MS:
        return f"ticks were {window.tick_late_p99_ms:.0f} ms late (p99)"
    return ""


async def _measure() -> Sequence[Result]:
    size, first = await _largest()
    while size:
        async with crowd_server(options=_OPTIONS) as server:
            held, stopped = await _held(server, size)
        if held is not None:
            return _results(held, first)
        first = f"{size} for {HELD_S:.0f} s: {stopped}"
        size = max((step for step in STEPS if step < size), default=0)
    return [Result("crowd.held_listeners", 0, "listeners", 1, f"stopped by: {first}", "3000")]


async def _largest() -> tuple[int, str]:
    """Return the largest step that is held for a moment, and what stopped the next one."""
    largest, stopped = 0, "nothing: no more were tried"
    async with crowd_server(options=_OPTIONS) as server:
        audience = Audience()
        try:
            for size in STEPS:
                try:
                    await _fill(server, audience, size)
                except (TimeoutError, ConnectionError) as error:
                    return largest, f"{size}: a join failed: {type(error).__name__}"
                window = await _look(server, audience, _WINDOW_S)
                why = _of_a_moment(window)
                if why:
                    return largest, f"{size}: {why}"
                largest = size
        finally:
            await audience.close()
    return largest, stopped


async def _held(server: CrowdServer, size: int) -> tuple[Window | None, str]:
    """Hold a crowd; return its window, or None and what was wrong."""
    audience = Audience()
    try:
        await _fill(server, audience, size)
        window = await _look(server, audience, HELD_S)
    except (TimeoutError, ConnectionError) as error:
        return None, f"a join failed: {type(error).__name__}"
    finally:
        await audience.close()
    why = why_not_held(window) if HELD_S >= 180 else _of_a_moment(window)
    return (None, why) if why else (window, "")


def _of_a_moment(window: Window) -> str:
    """Return what is wrong, but for the ticks' lateness: that is of the last two minutes."""
    why = why_not_held(window)
    return "" if why.startswith("ticks were") else why


async def _fill(server: CrowdServer, audience: Audience, size: int) -> None:
    await audience.grow(min(size, REAL), server.answers, decrypts=True)
    await audience.grow(size, server.answers)
    await asyncio.sleep(_SETTLE_S)


async def _look(server: CrowdServer, audience: Audience, seconds: float) -> Window:
    window = await server.window(audience, seconds)
    print(json.dumps(window.line()), file=sys.stderr, flush=True)
    return window


def _results(held: Window, stopped: str) -> Sequence[Result]:
    told = (
        f"for {held.seconds:.0f} s, {WORKERS} media workers on {os.cpu_count()} cores; the next "
        f"step was stopped by: {stopped}; workers {100 * held.cpu_s / held.seconds:.0f} % of a "
        f"core, clients {100 * held.clients_cpu_s / held.seconds:.0f} %; {held.heard.real} "
        f"listeners decrypt, longest gap there {1000 * held.heard.real_longest_gap_s:.0f} ms, "
        "0 packets missing"
    )
    late = f"with {held.listeners} listeners; {held.skipped:.0f} ticks skipped, joining, too"
    return [
        Result("crowd.held_listeners", held.listeners, "listeners", 1, told, "3000"),
        Result("crowd.tick_late_p99_ms", held.tick_late_p99_ms, "ms", 1, late, "< 10"),
    ]


def results() -> Sequence[Result]:
    """Measure once and return the figures."""
    enough_files()
    return asyncio.run(_measure())
