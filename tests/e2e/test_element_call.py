"""Element Call, unmodified, before the whole bridge and a real homeserver."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from spaces_bridge_demo.deployment import Person, until
from spaces_bridge_demo.peer import RATE, ListenerPeer
from spaces_bridge_demo.speech import CONVERSATION, silence, speak
from tests.e2e.chromium import write_wav
from tests.livekit.call_scenarios import plays_tone
from tests.livekit.element_call import ElementCall, element_call
from tests.support.sound import tone
from tests.support.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium", "element call")]

HERTZ = 660.0
DEVICE = "BROWSER"
MEMBER = "org.matrix.msc3401.call.member"
LOUD, QUIET = 0.02, 0.001
"""Shares of full scale, on average: somebody speaks, or nobody does."""


def loudness(listener: ListenerPeer) -> float:
    """How loud the last three seconds were."""
    pcm = listener.pcm()[-3 * RATE :].astype(np.float64) / 32768
    return float(np.sqrt(np.mean(pcm**2))) if len(pcm) else 0.0


@pytest.fixture
async def ada(world: World) -> Person:
    return await world.person("ada")


@pytest.fixture
async def app(world: World, ada: Person, tmp_path: Path) -> AsyncIterator[ElementCall]:
    """Ada's browser, which is told of the bridge by Element Call's own config."""
    wav = tmp_path / "speech.wav"
    write_wav(wav, np.concatenate([speak(CONVERSATION[1]), silence(0.3)]))
    bridge, homeserver = world.deployment.bridge, world.deployment.homeserver
    config = {"livekit": {"livekit_service_url": f"{bridge.url}/livekit"}}
    async with element_call(homeserver.url, homeserver.domain, wav, config) as opened:
        await opened.sign_in(ada.account, DEVICE)
        yield opened


async def test_a_listener_in_element_call_hears_the_page_and_is_heard_with_the_floor(
    world: World, ada: Person, app: ElementCall
) -> None:
    scene = await world.on_air("In Element")
    room = scene.space.room
    await ada.join(scene.space.alias)
    joined = scene.host.next_in(room, MEMBER, lambda event: event["sender"] == ada.id)
    await app.join(room)
    await joined

    for _ in range(90):
        scene.host_mic.say(tone(HERTZ, 1.0))
    await plays_tone(app, HERTZ)
    scene.host_mic.stop_saying()

    async def quiet() -> bool:
        return loudness(scene.listener) < QUIET

    await until(quiet, "silence of those without the floor")

    granted = scene.host.next_level(scene.space, ada.id, 10)
    await scene.host.grant_floor(scene.space, ada)
    await granted

    async def heard() -> bool:
        return loudness(scene.listener) > LOUD

    for _ in range(2):
        await app.tap_microphone()
    await until(heard, "Element Call on the page", 120.0)

    await scene.host.set_level(room, ada.id, None)
    await until(quiet, "silence after the floor was taken", 120.0)

    gone = scene.host.next_in(
        room, MEMBER, lambda event: event["sender"] == ada.id and event["content"] == {}
    )
    await app.leave()
    await gone
