"""Restarts after a kill -9 of the bridge: the longest gap in the sound, and a kick's delay.

The media worker lives on meanwhile, and so does the sound. The kick is made while the bridge is
dead, and its delay is counted from the start of the new process, not from its being ready, until
the end of the last packet with sound at a listener.
"""

import asyncio
import random
import time
from collections.abc import Sequence

from benchmarks.result import Result, spread
from benchmarks.rig import Mouth, Rig, rig
from benchmarks.stage import PACKET_S, SETTLED_S, ask_and_approve, until

ROUNDS = 20
SEED = 20261122


def results(rounds: int = ROUNDS) -> Sequence[Result]:
    """Run `rounds` kills; the slowest counts."""
    taken = asyncio.run(_measure(rounds))
    kicks, gaps = ([round_[part] for round_ in taken] for part in (0, 1))
    longest = round(max(gaps) * 1000)
    in_force = round(max(kicks), 2)
    return [
        Result(
            "restarts.gap_max_ms",
            longest,
            "ms",
            rounds,
            spread([gap * 1000 for gap in gaps], 0),
            "<= 200",
            seed=SEED,
        ),
        Result(
            "restarts.kick_in_force_max_s",
            in_force,
            "s",
            rounds,
            spread(kicks, 2),
            "< 2",
            seed=SEED,
        ),
    ]


async def _measure(rounds: int) -> list[tuple[float, float]]:
    chance = random.Random(SEED)
    async with rig() as stage:
        return [await _round(stage, chance) for _ in range(rounds)]


async def _round(stage: Rig, chance: random.Random) -> tuple[float, float]:
    """Return the kick's delay and the longest gap before it, both in seconds."""
    await ask_and_approve(stage)
    mouth = Mouth()
    await mouth.open(stage.http, stage.space.page, stage.mia_tab.session)
    await until(lambda: stage.ear.is_loud)
    await asyncio.sleep(chance.uniform(0.0, 0.5))
    stage.ear.longest_gap_s = 0.0
    await stage.deployment.bridge.kill9()
    await stage.host.kick(stage.space.room, stage.mia.id)
    await asyncio.sleep(0.5)
    if not stage.ear.is_loud:
        raise RuntimeError("the sound did not outlive the bridge")
    began = time.monotonic()
    await stage.deployment.bridge.start()
    await until(lambda: time.monotonic() - stage.ear.loud_at > SETTLED_S)
    in_force_s, gap_s = stage.ear.loud_at + PACKET_S - began, stage.ear.longest_gap_s
    await mouth.close()
    await stage.host_tab.open()
    await stage.mia.come_back(stage.space, stage.mia_tab, stage.host)
    return in_force_s, gap_s
