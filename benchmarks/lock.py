"""The host's `lock` against a mob from another server: how soon it stops the mob.

Fifty trolls with accounts there chat and raise hands without end, two hundred guests have their
hands up. Times are the homeservers' own timestamps, from the host's command until

* shut_s: the room's levels keep listeners from writing;
* last_seen_s: the trolls' last message that anybody on the host's server sees was written;
* away_told_s: the trolls' own server took their last message. How soon that server handles, amid
  the flood, what it is sent is its own affair, so there is no target.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.result import Result, percentile, spread
from tests.federation.federated_setup import FederatedSetup
from tests.federation.mob import GUESTS, TROLLS, Locked, gathered
from tests.federation.twins import Twins
from tests.matrix.support import Bridge

RUNS = 3


def results(runs: int = RUNS) -> Sequence[Result]:
    """Run with a new live space and a new mob each time, on the same two homeservers."""
    with tempfile.TemporaryDirectory(prefix="spaces-lock-") as directory:
        twins = Twins(Path(directory))
        try:
            found = asyncio.run(_measure(twins, runs))
        finally:
            twins.kill_now()
    crowd = f"{TROLLS} trolls, {GUESTS} guests"
    return [
        _result("lock.shut_max_s", [each.shut_ms / 1000 for each in found], crowd, "< 2"),
        _result("lock.last_seen_max_s", [each.seen_ms / 1000 for each in found], crowd, "< 2"),
        _result("lock.away_told_max_s", [each.told_ms / 1000 for each in found], crowd, ""),
    ]


async def _measure(twins: Twins, runs: int) -> Sequence[Locked]:
    await twins.start()
    return [await _once(twins, number) for number in range(runs)]


async def _once(twins: Twins, number: int) -> Locked:
    database = f"sqlite:{twins.home.directory}/lock{number}.db"
    async with AsyncExitStack() as people, Bridge(twins.home.settings(), database) as bridge:
        await bridge.connected()
        setup = FederatedSetup(twins, bridge, people)
        host = await setup.person("ada")
        space = await setup.live(host, "A quiet talk")
        async with gathered(setup, space) as mob:
            await mob.come()
            return await mob.locked(await mob.lock(host))


def _result(name: str, seconds: Sequence[float], crowd: str, target: str) -> Result:
    worst, noisy = round(percentile(seconds, 100), 2), f"{spread(seconds, 2)}, {crowd}"
    return Result(name, worst, "s", len(seconds), noisy, target)
