"""LiveKit's official clients on the stage, at a real livekit-server that the bridge steers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UtteranceId
from tests.livekit import scenarios, stage_scenarios
from tests.livekit.call_world import BOT_ID, SPACE
from tests.livekit.clients import Made
from tests.livekit.embedded import WithoutBot, user_of
from tests.livekit.engine_world import NAME
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


async def test_what_is_said_is_read_in_calls(engine: SteeredEngine, made: Made) -> None:
    ada = await made("page", scenarios.HIGH)
    identity = await stage_scenarios.joined(engine, ada, "ada")
    await stage_scenarios.is_shown_drafts(engine, ada, user_of("ada"), BOT_ID)
    caption = cmd.CaptionUtterance(UtteranceId("u"), user_of("ada"), 0, 900, "Good evening.", "en")
    read = ada.events.next("text", topic="lk.transcription", text="Good evening.")
    await engine.world.spaces.ask(SPACE, caption)
    about = (await read)["attributes"]
    assert about["io.spacesbridge.user"] == user_of("ada")
    people = await engine.api.people(NAME)
    (track,) = [t for person in people if person.identity == identity for t in person.tracks]
    assert about["lk.transcribed_track_id"] == track.sid
