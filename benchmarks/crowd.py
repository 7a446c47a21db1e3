"""What a listener in a crowd costs a second: the whole media worker, with a speaker who talks.

The build before crowds had a mode of their own is measured in turns with this one; Janus Streaming
at the most listeners that it holds; and the C floor, per packet of the same size and pace.
"""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.against import checked_out
from benchmarks.crowd_server import Window, crowd_server
from benchmarks.peers import compiled, janus
from benchmarks.peers.audience import Audience, enough_files
from benchmarks.peers.comparison import FAILURES, janus_version
from benchmarks.peers.floor import sunk_floor_us
from benchmarks.peers.janus_crowd import Held, most_held
from benchmarks.peers.lines import ROOT
from benchmarks.result import Result, percentile, spread

BEFORE: Final = "fa429a67"
"""The commit before this step."""
SIZES: Final = (60, 500, 1000, 2000)
REAL: Final = 20
"""Listeners that decrypt, in every crowd."""
ROUNDS: Final = 2
_WINDOW_S: Final = 4.0
_SETTLE_S: Final = 1.5
_AT: Final = 1000
_FLOOR_AT: Final = 500
_FLOOR_S: Final = 3.0
_PROVEN: Final = 200
_TICKS_A_SECOND: Final = 50
_SMALL: Final = {"crowd_frame_ms": 20}

Windows = Mapping[int, Sequence[Window]]
"""The windows of one build, by the number of listeners."""


def results() -> Sequence[Result]:
    """Measure all and return the figures."""
    enough_files()
    before, now = defaultdict[int, list[Window]](list), defaultdict[int, list[Window]](list)
    with checked_out(BEFORE) as tree:
        for _ in range(ROUNDS):
            for place, windows in ((tree, before), (ROOT, now)):
                for window in asyncio.run(_grown(place, SIZES)):
                    _tell(place, window)
                    windows[window.listeners].append(window)
    figures = [*_figures(before, now), asyncio.run(_sink_share())]
    figures += _beside_janus(now)
    figures += _beside_floor(now)
    return figures


async def _grown(
    tree: Path,
    sizes: Sequence[int],
    options: Mapping[str, object] | None = None,
    real: int = REAL,
) -> Sequence[Window]:
    """Measure a crowd that grows; the first `real` listeners decrypt."""
    windows = []
    async with crowd_server(tree, options) as server:
        audience = Audience()
        try:
            await audience.grow(real, server.answers, decrypts=True)
            for size in sizes:
                await audience.grow(size, server.answers)
                await asyncio.sleep(_SETTLE_S)
                windows.append(await server.window(audience, _WINDOW_S))
        finally:
            await audience.close()
    return windows


def _figures(before: Windows, now: Windows) -> list[Result]:
    n = len(now[_AT])
    cost = {size: _costs(now[size]) for size in SIZES}
    shares = _ratios(now[_AT], before[_AT])
    grown, kib, kib_before = _costs(now[SIZES[-1]]), _kib(now), _kib(before)
    growth = [after / first for first, after in zip(cost[SIZES[0]], grown, strict=True)]
    each = ", ".join(f"{percentile(cost[size], 50):.0f} at {size}" for size in SIZES)
    then = ", ".join(f"{percentile(_costs(before[size]), 50):.0f} at {size}" for size in SIZES)
    return [
        Result(
            "crowd.cpu_us_per_listener_second",
            round(percentile(cost[_AT], 50), 1),
            "us",
            n,
            f"{spread(cost[_AT])} at {_AT}; {each}; {_rates(now)}; {_losses(now)}",
        ),
        Result(
            "crowd.share_of_build_before",
            round(percentile(shares, 50), 3),
            "of the build before",
            n,
            f"{spread(shares, 3)} at {_AT}; {BEFORE}: {then}; {_losses(before)}",
            "<= 0.25",
        ),
        Result(
            "crowd.growth_60_to_2000",
            round(percentile(growth, 50), 2),
            "times",
            n,
            f"{spread(growth, 2)}; cost per listener-second at 2000 over that at 60",
            "<= 1",
        ),
        Result(
            "crowd.kib_per_listener",
            round(percentile(kib, 50), 1),
            "KiB",
            n,
            f"{spread(kib)}; RSS from {SIZES[0]} to {SIZES[-1]} listeners",
        ),
        Result(
            "crowd.kib_share_of_build_before",
            round(percentile(kib, 50) / percentile(kib_before, 50), 3),
            "of the build before",
            n,
            f"{BEFORE}: {spread(kib_before)} KiB",
            "<= 0.4",
        ),
    ]


async def _sink_share() -> Result:
    """Compare what a worker pays for listeners of the sink with what it pays for real ones."""
    (sunk,) = await _grown(ROOT, (_PROVEN,), _SMALL, real=0)
    (real,) = await _grown(ROOT, (_PROVEN,), _SMALL, real=_PROVEN)
    share = sunk.us_per_listener_second / real.us_per_listener_second
    gaps = [max(sunk.heard.sink.gaps_s), real.heard.real_longest_gap_s]
    return Result(
        "crowd.sink_share_of_decrypting",
        round(share, 2),
        "of the cost",
        1,
        f"{sunk.us_per_listener_second:.0f} us for {_PROVEN} listeners of the sink, "
        f"{real.us_per_listener_second:.0f} us for as many that decrypt; "
        f"{sunk.heard.packets} and {real.heard.packets} packets, {sunk.heard.sink.missing} and "
        f"{real.heard.real_missing} missing, longest gaps {1000 * gaps[0]:.0f} and "
        f"{1000 * gaps[1]:.0f} ms; the clients' CPU {sunk.clients_cpu_s:.1f} and "
        f"{real.clients_cpu_s:.1f} s",
        "about 1",
    )


def _beside_janus(now: Windows) -> list[Result]:
    name = "crowd.times_cheaper_than_janus_streaming"
    if janus.library() is None:
        return _left_out(name, "Janus is not installed; on Debian: apt install janus")
    try:
        held: Held = asyncio.run(most_held())
    except FAILURES as error:
        return _left_out(name, f"{type(error).__name__}: {error}")
    times = [held.us_per_listener_second / ours for ours in _costs(now[_AT])]
    value = round(percentile(times, 50), 1)
    return [
        Result(
            name,
            value,
            "times",
            len(times),
            f"{spread(times)}; theirs {held.us_per_listener_second:.0f} us at {held.listeners} "
            f"listeners, ours at {_AT}; {held.stopped}",
            ">= 25",
            f"{janus_version()} Streaming mountpoint",
            value,
        )
    ]


def _beside_floor(now: Windows) -> list[Result]:
    name = "crowd.cost_over_c_floor_500"
    if not compiled.buildable():
        return _left_out(name, "there is no C compiler; on Debian: apt install gcc libc6-dev")
    small = list(asyncio.run(_grown(ROOT, (_FLOOR_AT,), _SMALL)))
    return [
        _over_floor(name, now[_FLOOR_AT], "as configured"),
        _over_floor(f"{name}_20_ms", small, "packets of 20 ms"),
    ]


def _over_floor(name: str, windows: Sequence[Window], what: str) -> Result:
    ratios, floors = [], []
    for window in windows:
        phases = max(1, round(_TICKS_A_SECOND / window.packets_per_s))
        payload = round(window.payload)
        floors.append(asyncio.run(sunk_floor_us(_FLOOR_AT, _FLOOR_S, payload, phases)))
        ratios.append(window.us_per_packet / floors[-1])
    ours = [window.us_per_packet for window in windows]
    value = round(percentile(ratios, 50), 2)
    return Result(
        name,
        value,
        "times",
        len(ratios),
        f"{spread(ratios, 2)}; {what}: {windows[0].packets_per_s:.1f} packets of "
        f"{windows[0].payload:.0f} bytes to each a second; ours {spread(ours)} us, with all that "
        f"a worker does; floor {spread(floors)} us",
        "<= 1.3" if what == "as configured" else "",
        "C: libsrtp and sendmmsg, no ICE, no DTLS",
        round(1 / value, 2),
    )


def _costs(windows: Sequence[Window]) -> list[float]:
    return [window.us_per_listener_second for window in windows]


def _ratios(now: Sequence[Window], before: Sequence[Window]) -> list[float]:
    return [ours / theirs for ours, theirs in zip(_costs(now), _costs(before), strict=True)]


def _kib(windows: Windows) -> list[float]:
    first, last = SIZES[0], SIZES[-1]
    pairs = zip(windows[first], windows[last], strict=True)
    return [(large.rss_kib - small.rss_kib) / (last - first) for small, large in pairs]


def _rates(windows: Windows) -> str:
    of = [f"{windows[size][0].packets_per_s:.1f} at {size}" for size in SIZES]
    return f"packets a second to each {', '.join(of)}"


def _losses(windows: Windows) -> str:
    everything = [window for of_size in windows.values() for window in of_size]
    missing = sum(each.heard.sink.missing + each.heard.real_missing for each in everything)
    late = max(each.tick_late_p99_ms for each in everything)
    return f"{missing} packets missing, ticks late p99 {late:.0f} ms at most, while joining, too"


def _tell(tree: Path, window: Window) -> None:
    which = "now" if tree == ROOT else "before"
    print(f"{which}: {window.line()}", file=sys.stderr, flush=True)


def _left_out(name: str, why: str) -> list[Result]:
    print(f"Left out: {name} ({why}).", file=sys.stderr, flush=True)
    return []
