"""Calls before the whole bridge: by a token of its authoriser, people of calls and pages meet."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from spaces_bridge_demo.deployment import LiveRoom, Person, until
from spaces_bridge_demo.ears import usual_tone_db
from spaces_bridge_demo.peer import RATE
from tests.livekit.clients import Made, clients
from tests.livekit.listening import LOUD_DB, hears_tone
from tests.support.sound import tone
from tests.support.world import World

pytestmark = [pytest.mark.e2e]

HIGH, LOW = 880.0, 440.0
DEVICE = "PHONE"


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Made]:
    """What makes clients, which end with the test."""
    async with clients(tmp_path) as make:
        yield make


async def asked(space: LiveRoom, person: Person) -> tuple[int, Mapping[str, Any]]:
    """Status and answer of the authoriser, as Element Call asks it."""
    base = space.page.partition("/s/")[0]
    openid = await person.openid_token()
    body = {"room": space.room, "openid_token": openid, "device_id": DEVICE}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{base}/livekit/sfu/get", json=body) as response,
    ):
        return response.status, await response.json()


async def token_for(space: LiveRoom, person: Person) -> tuple[str, str]:
    """The SFU's address and a token, once the bridge has seen that the person is in the room."""

    async def admitted() -> bool:
        return (await asked(space, person))[0] == 200

    await until(admitted, "a token")
    _, answer = await asked(space, person)
    return str(answer["url"]), str(answer["jwt"])


async def test_who_is_in_a_call_and_who_is_on_the_page_hear_each_other(
    world: World, made: Made
) -> None:
    scene = await world.on_air("On the phone")
    caller, page = await world.speaker(scene)
    client = await made("python", HIGH)
    await client.connect(*await token_for(scene.space, caller))
    await client.publish_microphone()

    def is_heard() -> bool:
        pcm = scene.listener.pcm()[-RATE:]
        return len(pcm) == RATE and usual_tone_db(pcm, HIGH) > LOUD_DB

    async def heard() -> bool:
        return is_heard()

    await until(heard, "the call on the page")

    bot = next(name for name in await client.participants() if name.startswith("@spacesbot:"))
    for _ in range(60):
        scene.host_mic.say(tone(LOW, 1.0))
    await hears_tone(client, bot, LOW)

    # whoever loses the floor is not heard any more, whatever the client sends
    lost = page.next_frame("role", lambda frame: not frame["may_speak"])
    await scene.host.set_level(scene.space.room, caller.id, None)
    await lost

    async def silent() -> bool:
        return usual_tone_db(scene.listener.pcm()[-RATE // 2 :], HIGH) < -50

    await until(silent, "silence")

    ended = client.events.next("state", state="disconnected")
    await scene.host.ban(scene.space.room, caller.id)
    await ended
    assert (await asked(scene.space, caller))[0] == 403


async def test_no_token_of_a_call_reaches_the_log(world: World) -> None:
    host = await world.person("ada")
    space = await world.live_space(host)
    _, jwt = await token_for(space, host)
    stranger = await world.person("eve")
    assert (await asked(space, stranger))[0] == 403
    assert jwt not in world.deployment.bridge.log_text()
