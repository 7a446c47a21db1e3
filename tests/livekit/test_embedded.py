"""LiveKit's official clients with the engine that is embedded in the bridge."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.livekit import scenarios
from tests.livekit.client import LiveKitClient
from tests.livekit.clients import Made
from tests.livekit.embedded import EmbeddedEngine, WithoutBot, embedded_engine
from tests.livekit.engine import Engine

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium", "livekit-client")]

Scenario = Callable[[Engine, LiveKitClient, LiveKitClient], Awaitable[None]]


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EmbeddedEngine]:
    async with embedded_engine(tmp_path / "worker") as running:
        yield running


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("python", "python"),
        ("python", "page"),
        ("page", "python"),
        ("page of two", "page"),
        ("python of two", "page of two"),
    ],
)
async def test_official_clients_hear_each_other(
    engine: EmbeddedEngine, made: Made, one: str, other: str
) -> None:
    speaker, listener = await made(one, scenarios.HIGH), await made(other, scenarios.LOW)
    await scenarios.both_are_heard(engine, WithoutBot(speaker), WithoutBot(listener))


@pytest.mark.parametrize(("one", "other"), [("python", "page"), ("page", "python")])
@pytest.mark.parametrize(
    "scenario",
    [
        scenarios.a_muted_one_is_silent,
        scenarios.a_listener_may_not_publish,
        scenarios.a_grant_is_heard_and_taken_back,
        scenarios.who_is_removed_is_out,
        scenarios.a_second_connection_replaces_the_first,
    ],
)
async def test_official_clients_on_our_stage(
    engine: EmbeddedEngine, made: Made, scenario: Scenario, one: str, other: str
) -> None:
    speaker, listener = await made(one, scenarios.HIGH), await made(other, scenarios.LOW)
    await scenario(engine, WithoutBot(speaker), WithoutBot(listener))
