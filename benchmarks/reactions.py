"""Reactions: 10,000 in a minute from 200 guests and 50 members, and the five minutes after it.

* matrix_events_per_10k: events of the bridge in the room in that minute, besides redactions;
* busiest_minute_after: the most such events in any minute of the five that followed;
* command_p95_ms: from a question to the bot until its answer, meanwhile;
* total_off_by: the card's count at the end against the number of taps.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence

from benchmarks.flood import Crowd, Flood, Outcome
from benchmarks.result import Result, percentile, spread
from spaces_bridge_demo.deployment import Deployment, until

CROWD = Crowd(
    guests=200,
    taps_per_guest=45,
    members=50,
    taps_per_member=20,
    seconds=60.0,
    askers=20,
    questions_each=6,
)
AFTER_S = 300.0
CARD_WITHIN_S = 75.0


def results(crowd: Crowd = CROWD, after_s: float = AFTER_S) -> Sequence[Result]:
    """Run once and return the figures."""
    return asyncio.run(_measure(crowd, after_s))


async def _measure(crowd: Crowd, after_s: float) -> Sequence[Result]:
    async with Deployment() as deployment:
        host = await deployment.person("ada")
        await host.meet_bot()
        space = await host.create_space("A loud evening")
        await host.start_space(space)
        async with Flood(deployment, host, space, crowd) as flood:
            await asyncio.sleep(60.0)  # events of the start itself are no longer counted
            outcome = await flood.run()
            shown = await _card(flood, crowd.taps)
            await asyncio.sleep(max(0.0, after_s - (time.time() - outcome.began_ms / 1000 - 60)))
            return await _results(flood, outcome, shown, crowd, after_s)


async def _card(flood: Flood, wanted: int) -> int:
    async def exact() -> bool:
        return await flood.card_total() == wanted

    with contextlib.suppress(TimeoutError):
        await until(exact, "the card's total", CARD_WITHIN_S)
    return await flood.card_total() or 0


async def _results(
    flood: Flood, outcome: Outcome, shown: int, crowd: Crowd, after_s: float
) -> Sequence[Result]:
    end_ms = outcome.began_ms + round(crowd.seconds * 1000)
    during = await flood.events_of_bridge(outcome.began_ms, end_ms)
    after = await flood.events_of_bridge(end_ms, end_ms + round(after_s * 1000))
    counted = sum((await flood.totals()).values())
    answers_ms = [seconds * 1000 for seconds in outcome.answered_s]
    off = max(abs(shown - crowd.taps), abs(counted - crowd.taps))
    return [
        Result(
            "reactions.matrix_events_per_10k",
            len(during) * 10_000 / crowd.taps,
            "events",
            crowd.taps,
            "one run",
            "<= 20",
        ),
        Result(
            "reactions.busiest_minute_after",
            flood.busiest_minute(after),
            "events",
            len(after),
            "one run",
            "<= 20",
        ),
        Result(
            "reactions.command_p95_ms",
            round(percentile(answers_ms, 95), 1),
            "ms",
            len(answers_ms),
            spread(answers_ms),
            "< 1000",
        ),
        Result("reactions.total_off_by", off, "reactions", crowd.taps, "one run", "0"),
    ]
