"""The media worker's memory, and how fast its sound is back after a kill -9."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Sequence

from benchmarks.result import Result, percentile, spread
from benchmarks.rig import Mouth, rig
from spaces_bridge.media.worker.values import StreamDirection
from spaces_bridge_demo.processes import resident_bytes
from spaces_bridge_demo.signalling import over_http
from spaces_bridge_demo.wire import WireConnection, WirePeer

KILLS = 100
LISTENERS = 50
SEED = 20261122
MIB = 1 << 20


def results(kills: int = KILLS) -> Sequence[Result]:
    """Run once and return the figures."""
    return asyncio.run(_measure(kills))


async def _measure(kills: int) -> Sequence[Result]:
    chance = random.Random(SEED)
    back_s: list[float] = []
    async with rig() as stage:
        others = [
            WireConnection(WirePeer(StreamDirection.LISTEN, keep=False)) for _ in range(LISTENERS)
        ]
        for listener in others:
            await listener.join(over_http(stage.http, f"{stage.space.page}/whep"))
        mouth = Mouth()
        await mouth.open(stage.http, stage.space.page, stage.host_tab.session)
        await asyncio.sleep(5)
        worker = stage.deployment.bridge.worker_pid("media")
        assert worker is not None
        rss = resident_bytes(worker) / MIB
        control = resident_bytes(stage.deployment.bridge.pid) / MIB
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.5, 1.5))
            pid = stage.deployment.bridge.worker_pid("media")
            if pid is None:
                continue
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(20):
                while stage.ear.loud_at < killed + 0.1:  # noqa: ASYNC110 - nobody signals
                    await asyncio.sleep(0.005)
            back_s.append(stage.ear.loud_at - killed)
        for listener in others:
            listener.close()
        await mouth.close()
    return [
        Result(
            "media.worker_kill_to_sound_p95_s",
            round(percentile(back_s, 95), 2),
            "s",
            len(back_s),
            spread(back_s, 2),
            "< 3",
            seed=SEED,
        ),
        Result("media.worker_rss_mb", round(rss, 1), "MiB", 1, f"{LISTENERS} listeners", "< 120"),
        Result("media.control_rss_mb", round(control, 1), "MiB", 1, "one live space", "< 150"),
    ]
