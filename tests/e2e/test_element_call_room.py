"""What Element Call, unmodified, leaves in the room: hands, reactions, and itself when killed."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from spaces_bridge_demo.deployment import Deployment, Person
from tests.e2e.chromium import write_wav
from tests.livekit.call_scenarios import plays_tone
from tests.livekit.element_call import ElementCall, element_call
from tests.support.sound import tone
from tests.support.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium", "element call")]

DEVICE = "BROWSER"
HERTZ = 660.0
MEMBER, REACTION = "org.matrix.msc3401.call.member", "io.element.call.reaction"
GONE_S = 240.0
"""A killed browser is missed, waited for, and only then taken out of the call."""


@pytest.fixture
async def world(carried: Deployment) -> AsyncIterator[World]:
    """People in the deployment of an engine."""
    async with World(carried) as people:
        yield people


@pytest.fixture
async def ada(world: World) -> Person:
    return await world.person("ada")


@pytest.fixture
async def app(world: World, ada: Person, tmp_path: Path) -> AsyncIterator[ElementCall]:
    """Ada's browser, which is told of the bridge by Element Call's own config."""
    wav = tmp_path / "tone.wav"
    write_wav(wav, tone(440.0, 2.0))
    bridge, homeserver = world.deployment.bridge, world.deployment.homeserver
    config = {"livekit": {"livekit_service_url": f"{bridge.url}/livekit"}}
    async with element_call(homeserver.url, homeserver.domain, wav, config) as opened:
        await opened.sign_in(ada.account, DEVICE)
        yield opened


async def test_hands_and_reactions_of_element_call_are_those_of_the_live_space(
    world: World, ada: Person, app: ElementCall
) -> None:
    host = await world.person("hal")
    space = await world.live_space(host, "Hands in Element")
    page = await world.page(await host.personal_link(space))
    await ada.join(space.alias)
    joined = host.next_in(space.room, MEMBER, lambda event: event["sender"] == ada.id)
    await app.join(space.room)
    await joined

    applause = page.next_frame("reactions", lambda frame: frame["counts"] == {"🎉": 1})
    await app.react("party")
    await applause
    shown = host.next_in(space.room, REACTION, lambda event: event["sender"] == host.bot)
    seen = asyncio.create_task(expect(app.page.get_by_text("🦄").first).to_be_visible())
    await page.send({"type": "react", "emoji": "🦄"})
    assert (await shown)["content"]["emoji"] == "🦄", "never what came out of the call"
    await seen  # it is there for three seconds

    prompt = host.next_prompt(ada)
    raised = host.next_in(space.room, "m.reaction", lambda event: event["sender"] == ada.id)
    await app.raise_hand()
    asked, hand = await prompt, await raised
    granted = host.next_level(space, ada.id, 10)
    lowered = host.next_redaction(space.room, hand["event_id"])
    await host.react(asked["room_id"], asked["event_id"], "✅")
    await granted
    await lowered
    await app.page.get_by_role("button", name="Reactions", exact=True).click()
    raised_no_more = app.page.get_by_role("button", name=re.compile("^Raise hand$"))
    await expect(raised_no_more).to_be_visible()


async def test_a_killed_element_call_leaves_no_ghost(
    world: World, ada: Person, app: ElementCall
) -> None:
    scene = await world.on_air("Ghosts in Element")
    host, space = scene.host, scene.space
    await ada.join(space.alias)
    joined = host.next_in(space.room, MEMBER, lambda event: event["sender"] == ada.id)
    await app.join(space.room)
    member = await joined
    for _ in range(90):
        scene.host_mic.say(tone(HERTZ, 1.0))
    await plays_tone(app, HERTZ)

    cleared = host.next_in(
        space.room,
        MEMBER,
        lambda event: event["state_key"] == member["state_key"] and event["sender"] == host.bot,
        GONE_S,
    )
    browser = app.page.context.browser
    assert browser is not None
    await browser.close()
    assert (await cleared)["content"] == {}
