"""LiveKit's official clients on the stage, at a real livekit-server that the bridge steers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.livekit import scenarios, stage_scenarios
from tests.livekit.clients import Made
from tests.livekit.embedded import WithoutBot
from tests.livekit.livekit_engine import SteeredEngine, sounding_engine

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs("chromium", "livekit-client", "livekit-server"),
]

WITHOUT_DATA = tuple(s for s in scenarios.MORE if s is not scenarios.words_arrive)
"""Nobody in a call sends data: captions could be forged."""


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SteeredEngine]:
    async with sounding_engine(tmp_path) as running:
        yield running


async def test_two_clients_and_somebody_on_the_page_converse(
    engine: SteeredEngine, made: Made
) -> None:
    ada, ben = await made("python", scenarios.HIGH), await made("page", scenarios.LOW)
    await stage_scenarios.two_and_the_page_converse(engine, ada, ben)


@pytest.mark.parametrize("scenario", [scenarios.both_are_heard, *WITHOUT_DATA])
async def test_official_clients_on_our_stage(
    engine: SteeredEngine, made: Made, scenario: scenarios.Scenario
) -> None:
    one, other = await made("page of two", scenarios.HIGH), await made("python", scenarios.LOW)
    await scenario(engine, WithoutBot(one), WithoutBot(other))
