"""The floor of a plain Matrix call, from demotion to silence.

The host lowers the level of a caller *in a plain Matrix client*; from the moment the event is
handed to the bridge until the end of the last packet with sound at a listener.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from benchmarks.result import Result, percentile, spread
from benchmarks.rig import Rig, rig
from benchmarks.stage import PACKET_S, SETTLED_S, demote, until
from spaces_bridge_demo.ears import tone
from tests.clients.wire_caller import WireCaller

ROUNDS: Final = 100
_KEY: Final = "1"


def results(rounds: int = ROUNDS) -> Sequence[Result]:
    """Run all rounds once and return the figure."""
    times = asyncio.run(_measure(rounds))
    value = round(percentile(times, 99), 1)
    name = "calls.legacy_demote_to_silence_p99_ms"
    return [Result(name, value, "ms", len(times), spread(times), "< 150")]


async def _measure(rounds: int) -> Sequence[float]:
    async with rig() as stage:
        caller = WireCaller(stage.mia, stage.mia.dm)
        await caller.call()
        caller.speak(tone(400, 0.2, 0.35))
        try:
            return [await _round(stage, caller) for _ in range(rounds)]
        finally:
            await caller.hang_up()


async def _round(stage: Rig, caller: WireCaller) -> float:
    """Have the floor by level, take it by a key, be heard, lose it: milliseconds to silence."""
    offered = stage.mia_tab.next_frame("role", lambda frame: frame["may_speak"])
    await stage.host.set_level(stage.space.room, stage.mia.id, 10)
    await offered
    began = time.monotonic()
    await caller.press(_KEY)
    await until(lambda: stage.ear.loud_at > began, 30.0)
    event = await demote(stage)
    await until(lambda: event in stage.proxy.arrivals)
    await until(lambda: time.monotonic() - stage.ear.loud_at > SETTLED_S)
    silent_after = stage.ear.loud_at + PACKET_S - stage.proxy.arrivals[event]
    return max(0.0, silent_after * 1000)
