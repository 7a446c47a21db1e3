"""After a kill -9 of the bridge: when a kick that was made meanwhile is in force.

Counted from the start of the new process, not from its being ready, until the end of the last
packet with sound at a listener. The media worker lives on meanwhile, and so does the sound.
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
    """Run once; the slowest counts."""
    taken = asyncio.run(_measure(rounds))
    name = "restarts.kick_in_force_max_s"
    return [Result(name, round(max(taken), 2), "s", rounds, spread(taken, 2), "< 2", seed=SEED)]


async def _measure(rounds: int) -> list[float]:
    chance = random.Random(SEED)
    async with rig() as stage:
        return [await _round(stage, chance) for _ in range(rounds)]


async def _round(stage: Rig, chance: random.Random) -> float:
    await ask_and_approve(stage)
    mouth = Mouth()
    await mouth.open(stage.http, stage.space.page, stage.mia_tab.session)
    await until(lambda: stage.ear.is_loud)
    await asyncio.sleep(chance.uniform(0.0, 0.5))
    await stage.house.bridge.kill9()
    await stage.host.kick(stage.space.room, stage.mia.id)
    await asyncio.sleep(0.5)
    if not stage.ear.is_loud:
        raise RuntimeError("the sound did not outlive the bridge")
    began = time.monotonic()
    await stage.house.bridge.start()
    await until(lambda: time.monotonic() - stage.ear.loud_at > SETTLED_S)
    await mouth.close()
    await stage.host_tab.open()
    await stage.mia.come_back(stage.space, stage.mia_tab, stage.host)
    return stage.ear.loud_at + PACKET_S - began
