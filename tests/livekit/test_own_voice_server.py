"""Who speaks on the page and is in the call, too, at a real livekit-server: there is no echo."""

import asyncio
from pathlib import Path

import pytest

from tests.livekit import scenarios
from tests.livekit.call_world import BOT_ID, SPACE
from tests.livekit.client import LiveKitClient
from tests.livekit.clients import Made
from tests.livekit.embedded import user_of
from tests.livekit.engine_world import NAME
from tests.livekit.listening import hears_tone, length
from tests.livekit.livekit_engine import sounding_engine
from tests.livekit.stage_scenarios import PAGE
from tests.support.sound import tone
from tests.support.stage import speaking

pytestmark = [pytest.mark.e2e, pytest.mark.needs("livekit-server")]


async def test_nobody_in_a_call_is_sent_what_they_say_on_the_page(
    tmp_path: Path, made: Made
) -> None:
    ada = user_of("ada")
    async with sounding_engine(tmp_path) as engine:
        desk, ben = await made("python", scenarios.HIGH), await made("python", scenarios.LOW)
        await scenarios.enter(engine, desk, NAME, "ada")
        await scenarios.enter(engine, ben, NAME, "ben")
        async with speaking(engine.sound, ada) as page:
            page.say(tone(PAGE, 300))
            await engine.world.speak_on_page(ada)
            await hears_tone(ben, BOT_ID, PAGE)
            await _is_rid_of_it(desk, ben)
            phone = await made("python", scenarios.HIGH)  # which comes when the track is there
            token = engine.world.tokens.issue(engine.world.calls.permit(SPACE, ada), "PHONE", "")
            await phone.connect(token.url, token.jwt)
            await _is_rid_of_it(phone, ben)


async def _is_rid_of_it(own: LiveKitClient, other: LiveKitClient) -> None:
    """Until nothing of the bot's comes to the own client any more, for a second of the other's."""
    await own.events.once("track_subscribed", identity=BOT_ID)
    async with asyncio.timeout(60):
        before = -1
        while before != (before := await length(own, BOT_ID)):
            await hears_tone(other, BOT_ID, PAGE, await length(other, BOT_ID))
