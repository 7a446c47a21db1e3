"""An outage of the homeserver for a minute: how soon a waiting task is done once it is back.

The waiting task is the prompt to the hosts for a hand raised on the page. The time is counted from
the homeserver's answering again until its client has the first event; the bridge was up all the
time.
"""

import asyncio
import time
from collections.abc import Sequence

from benchmarks.result import Result, spread
from benchmarks.rig import Rig, rig

ROUNDS = 3
AWAY_S = 60.0


def results(rounds: int = ROUNDS) -> Sequence[Result]:
    """Run `rounds` outages; the slowest counts."""
    taken = asyncio.run(_measure(rounds))
    value = round(max(taken), 2)
    return [Result("outage.first_event_max_s", value, "s", rounds, spread(taken, 2), "< 3")]


async def _measure(rounds: int) -> list[float]:
    async with rig() as stage:
        return [await _round(stage) for _ in range(rounds)]


async def _round(stage: Rig) -> float:
    await stage.deployment.homeserver.kill9()
    raised = stage.host_tab.next_frame("roster", lambda frame: len(frame["queue"]) == 1)
    await stage.mia_tab.send({"type": "hand", "raised": True})
    await raised
    await asyncio.sleep(AWAY_S)
    asked = stage.host.next_prompt(stage.mia)
    await stage.deployment.homeserver.start()
    back = time.monotonic()
    await asked
    taken = time.monotonic() - back
    lowered = stage.host_tab.next_frame("roster", lambda frame: not frame["queue"])
    await stage.mia_tab.send({"type": "hand", "raised": False})
    await lowered
    return taken
