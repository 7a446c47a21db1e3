"""Element Call, unmodified, before the whole bridge and a real homeserver, on both engines."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from playwright.async_api import expect

from spaces_bridge_demo.deployment import Deployment, Person, caption_of, until
from spaces_bridge_demo.speech import CONVERSATION, silence, speak
from tests.e2e.chromium import write_wav
from tests.livekit.call_scenarios import plays_tone
from tests.livekit.element_call import ElementCall, element_call
from tests.support.sound import LOUD, RATE, loudness, tone
from tests.support.stage import SPEECH_S, SPEECH_WITHIN_S, hears_no_speech, hears_speech
from tests.support.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium", "element call")]

HERTZ = 660.0
DEVICE = "BROWSER"
MEMBER = "org.matrix.msc3401.call.member"

Opened = Callable[[Person], Awaitable[ElementCall]]


async def plays_speech(app: ElementCall) -> None:
    """Element Call plays somebody who speaks."""

    async def plays() -> bool:
        played = (await app.played()).values()
        return any(loudness(sound[-round(SPEECH_S * RATE) :]) > LOUD for sound in played)

    await until(plays, "speech in Element Call", SPEECH_WITHIN_S)


@pytest.fixture
async def world(carried: Deployment) -> AsyncIterator[World]:
    """People in it."""
    async with World(carried) as people:
        yield people


@pytest.fixture
async def opened(world: World, tmp_path: Path) -> AsyncIterator[Opened]:
    """Opens people's browsers, which are told of the bridge by Element Call's own config."""
    wav = tmp_path / "speech.wav"
    write_wav(wav, np.concatenate([speak(CONVERSATION[1]), silence(0.3)]))
    bridge, homeserver = world.deployment.bridge, world.deployment.homeserver
    config = {"livekit": {"livekit_service_url": f"{bridge.url}/livekit"}}
    async with AsyncExitStack() as stack:

        async def open_for(person: Person) -> ElementCall:
            app = await stack.enter_async_context(
                element_call(homeserver.url, homeserver.domain, wav, config)
            )
            await app.sign_in(person.account, DEVICE)
            return app

        yield open_for


async def may_join(world: World, person: Person, room: str) -> int:
    """The status of the authoriser's answer to a person."""
    body = {"room": room, "openid_token": await person.openid_token(), "device_id": "AGAIN"}
    address = f"{world.deployment.bridge.url}/livekit/sfu/get"
    async with aiohttp.ClientSession() as http, http.post(address, json=body) as response:
        return response.status


async def test_a_listener_in_element_call_hears_the_page_and_is_heard_with_the_floor(
    world: World, opened: Opened
) -> None:
    scene = await world.on_air("In Element")
    room, ada = scene.space.room, await world.person("ada")
    app = await opened(ada)
    await ada.join(scene.space.alias)
    joined = scene.host.next_in(room, MEMBER, lambda event: event["sender"] == ada.id)
    await app.join(room)
    await joined

    for _ in range(90):
        scene.host_mic.say(tone(HERTZ, 1.0))
    await plays_tone(app, HERTZ)
    scene.host_mic.stop_saying()
    await hears_no_speech(scene.listener)  # though the button says that the microphone is on

    granted = scene.host.next_level(scene.space, ada.id, 10)
    await scene.host.grant_floor(scene.space, ada)
    await granted
    captioned = scene.host.next_event(
        lambda event: (said := caption_of(event)) is not None and said.speaker == ada.id,
        "a caption of Element Call",
        180.0,
    )
    for _ in range(2):
        await app.tap_microphone()
    await hears_speech(scene.listener)
    caption = caption_of(await captioned)
    assert caption is not None
    assert caption.name == ada.name

    await scene.host.set_level(room, ada.id, None)
    await hears_no_speech(scene.listener)
    assert await may_join(world, ada, room) == 200

    await scene.host.kick(room, ada.id)
    await expect(app.page.get_by_test_id("incall_leave")).to_be_hidden()

    async def is_refused() -> bool:
        return await may_join(world, ada, room) == 403

    await until(is_refused, "a refusal of who was removed")  # Element Call may know it first


@pytest.mark.slow
async def test_two_in_element_call_and_one_on_the_page_converse(
    world: World, opened: Opened
) -> None:
    scene = await world.on_air("Two in Element")
    people = [await world.person(name) for name in ("ada", "ben")]
    apps = [await opened(person) for person in people]
    for person, app in zip(people, apps, strict=True):
        await person.join(scene.space.alias)
        await scene.host.grant_floor(scene.space, person)
        await app.join(scene.space.room)
    await hears_speech(scene.listener)
    for app in apps:
        await plays_speech(app)
    for _ in range(90):
        scene.host_mic.say(tone(HERTZ, 1.0))
    for app in apps:
        await plays_tone(app, HERTZ)
    gone = scene.host.next_in(
        scene.space.room,
        MEMBER,
        lambda event: event["sender"] == people[0].id and event["content"] == {},
    )
    await apps[0].leave()
    await gone
