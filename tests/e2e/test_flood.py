"""A flood of reactions costs a handful of events, and nobody waits for an answer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks.flood import Crowd, Flood
from spaces_bridge_demo.deployment import Deployment, until
from tests.support.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CROWD = Crowd(
    guests=40,
    taps_per_guest=40,
    members=10,
    taps_per_member=10,
    seconds=20.0,
    askers=3,
    questions_each=4,
)
BUDGET = 20


@pytest.fixture
async def quiet(models: Path) -> AsyncIterator[World]:
    """A deployment of its own: what others would do there counts."""
    async with Deployment(models=models) as deployment, World(deployment) as world:
        yield world


async def test_reactions_are_counted_exactly_and_stay_within_the_budget(quiet: World) -> None:
    host = await quiet.person("ada")
    space = await quiet.live_space(host, "A loud evening")
    async with Flood(quiet.deployment, host, space, CROWD) as flood:
        outcome = await flood.run()

        async def counted() -> bool:
            return await flood.totals() == outcome.tapped

        await until(counted, "all reactions counted")

        async def shown() -> bool:
            return await flood.card_total() == CROWD.taps

        await until(shown, "the total on the card", 180.0)
        sent = await flood.events_of_bridge(outcome.began_ms, outcome.began_ms + 600_000)
        assert flood.busiest_minute(sent) <= BUDGET
        assert len(outcome.answered_s) == CROWD.askers * CROWD.questions_each


async def test_a_tap_counts_each_time_and_is_gone_when_its_time_is_over(world: World) -> None:
    """The shared deployment takes reactions away after three seconds."""
    host = await world.person("ada")
    space = await world.live_space(host, "Applause")
    fans = [await world.person("fan", met=False) for _ in range(10)]
    for fan in fans:
        await fan.join(space.alias)
    for _ in range(3):
        await asyncio.gather(*(fan.react(space.room, space.card, "👏") for fan in fans))

        async def gone() -> bool:
            events = await host.timeline(space.room)
            return not [
                event
                for event in events
                if event["type"] == "m.reaction"
                and event["sender"] != world.deployment.bridge.bot
                and event["content"]
            ]

        await until(gone, "no annotation left")
    page = await world.page(space.page)
    assert page.hello["reactions"] == {"👏": 30}
