"""LiveKit's official clients with the engine that is embedded in the bridge."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.livekit import scenarios, stage_scenarios
from tests.livekit.call_world import BOT_ID
from tests.livekit.clients import Made
from tests.livekit.embedded import EmbeddedEngine, WithoutBot, embedded_engine, user_of
from tests.livekit.listening import hears_no_tone, hears_tone, length
from tests.livekit.stage_scenarios import joined
from tests.support.stage import until

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium", "livekit-client")]

PAIRS = (("python", "page"), ("page", "python"))
WITHOUT_DATA = tuple(s for s in scenarios.MORE if s is not scenarios.words_arrive)
"""Calls of live spaces carry sound alone: what is written goes by the Matrix room."""


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[EmbeddedEngine]:
    async with embedded_engine(tmp_path / "worker") as running:
        yield running


@pytest.mark.parametrize(
    ("one", "other"),
    [*PAIRS, ("python", "python"), ("page of two", "page"), ("python of two", "page of two")],
)
async def test_official_clients_hear_each_other(
    engine: EmbeddedEngine, made: Made, one: str, other: str
) -> None:
    speaker, listener = await made(one, scenarios.HIGH), await made(other, scenarios.LOW)
    await scenarios.both_are_heard(engine, WithoutBot(speaker), WithoutBot(listener))


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("scenario", WITHOUT_DATA)
async def test_official_clients_on_our_stage(
    engine: EmbeddedEngine, made: Made, scenario: scenarios.Scenario, one: str, other: str
) -> None:
    speaker, listener = await made(one, scenarios.HIGH), await made(other, scenarios.LOW)
    await scenario(engine, WithoutBot(speaker), WithoutBot(listener))


async def test_two_clients_and_somebody_on_the_page_converse(
    engine: EmbeddedEngine, made: Made
) -> None:
    ada, ben = await made("python", scenarios.HIGH), await made("page", scenarios.LOW)
    await stage_scenarios.two_and_the_page_converse(engine, ada, ben)
    await hears_no_tone(ada, BOT_ID, stage_scenarios.PAGE)


@pytest.mark.parametrize("kind", ["python", "page", "python of two", "page of two"])
async def test_a_client_goes_on_after_its_signalling_was_lost(
    engine: EmbeddedEngine, made: Made, kind: str
) -> None:
    ada, ben = await made(kind, scenarios.HIGH), await made("python", scenarios.LOW)
    ada_id, ben_id = await joined(engine, ada, "ada"), await joined(engine, ben, "ben")
    await hears_tone(ada, ben_id, scenarios.LOW)
    await hears_tone(ben, ada_id, scenarios.HIGH)
    before = await ben.participants()
    back = ada.events.next("state", state="connected")
    engine.world.cut_off(ada_id)
    await back
    assert (await ben.participants())[ada_id].sid == before[ada_id].sid
    await hears_tone(ben, ada_id, scenarios.HIGH, await length(ben, ada_id))
    await hears_tone(ada, ben_id, scenarios.LOW, await length(ada, ben_id))
    muted = ben.events.next("track_muted", identity=ada_id)
    await ada.mute()
    await muted


@pytest.mark.parametrize("kind", ["python", "page"])
async def test_clients_come_back_by_themselves_when_the_media_worker_dies(
    engine: EmbeddedEngine, made: Made, kind: str
) -> None:
    ada, ben = await made(kind, scenarios.HIGH), await made("python", scenarios.LOW)
    ada_id, ben_id = await joined(engine, ada, "ada"), await joined(engine, ben, "ben")
    await hears_tone(ada, ben_id, scenarios.LOW)
    backs = [client.events.next("state", state="connected") for client in (ada, ben)]
    killed = engine.sound.worker_pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    for back in backs:
        await back
    await until(lambda: {user_of("ada"), user_of("ben")} <= engine.world.view.on_air)
    await hears_tone(ben, ada_id, scenarios.HIGH, await length(ben, ada_id))
    await hears_tone(ada, ben_id, scenarios.LOW, await length(ada, ben_id))
