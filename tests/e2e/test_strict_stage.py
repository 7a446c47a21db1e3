"""The whole bridge with `livekit.stage: strict`: who has no floor is in no call at all."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from playwright.async_api import expect

from spaces_bridge_demo.deployment import Deployment, until
from spaces_bridge_demo.speech import CONVERSATION, silence, speak
from tests.e2e.chromium import write_wav
from tests.e2e.test_calls import asked, token_for
from tests.livekit.element_call import ElementCall, element_call
from tests.support.world import World, open_deployment

pytestmark = pytest.mark.e2e

MEMBER = "org.matrix.msc3401.call.member"
SPEAKER = 10
DEVICE = "BROWSER"


@pytest.fixture(scope="module")
def strict_deployment() -> Iterator[Deployment]:
    settings: dict[str, dict[str, object]] = {
        "livekit": {"stage": "strict"},
        "captions": {"enabled": False},
    }
    with open_deployment(Deployment(settings=settings)) as opened:
        yield opened


@pytest.fixture
async def strict(strict_deployment: Deployment) -> AsyncIterator[World]:
    async with World(strict_deployment) as people:
        yield people


async def test_the_configs_strict_stage_is_asked_of_power_levels_and_of_the_authoriser(
    strict: World,
) -> None:
    host, ben = await strict.person("ada"), await strict.person("ben")
    space = await strict.live_space(host)
    await ben.join(space.alias)
    levels = await host.state(space.room, "m.room.power_levels")
    assert levels["events"][MEMBER] == SPEAKER

    async def is_known() -> bool:
        return "floor" in str((await asked(space, ben))[1].get("error"))

    await until(is_known, "the refusal of somebody in the room")
    assert (await asked(space, ben))[0] == 403
    await host.grant_floor(space, ben)
    await token_for(space, ben)


@pytest.fixture
async def app(strict: World, tmp_path: Path) -> AsyncIterator[ElementCall]:
    """A browser that is told of the bridge by Element Call's own config."""
    wav = tmp_path / "speech.wav"
    write_wav(wav, np.concatenate([speak(CONVERSATION[1]), silence(0.3)]))
    bridge, homeserver = strict.deployment.bridge, strict.deployment.homeserver
    config = {"livekit": {"livekit_service_url": f"{bridge.url}/livekit"}}
    async with element_call(homeserver.url, homeserver.domain, wav, config) as opened:
        yield opened


@pytest.mark.needs("chromium", "element call")
async def test_what_element_call_shows_who_has_no_floor_and_who_has_lost_it(
    strict: World, app: ElementCall
) -> None:
    """docs/element-call.md says what people see."""
    host, ben = await strict.person("ada"), await strict.person("ben")
    space = await strict.live_space(host)
    await ben.join(space.alias)
    await app.sign_in(ben.account, DEVICE)
    await app.enter(space.room)
    await expect(app.page.get_by_text("OPEN_ID_ERROR")).to_be_visible()
    await host.grant_floor(space, ben)
    await app.page.goto("about:blank")  # else it would stay on that screen
    await app.join(space.room)

    async def is_on_air() -> bool:  # the app looks joined before it is connected
        address = f"{strict.deployment.bridge.url}/api/v1/spaces/{space.slug}"
        async with aiohttp.ClientSession() as http, http.get(address) as answer:
            stage = (await answer.json())["stage"]
        return any(person["id"] == ben.id and person["on_air"] for person in stage)

    await until(is_on_air, "who has the floor on air", 120.0)
    await host.set_level(space.room, ben.id, None)
    await expect(app.page.get_by_text("Connection lost")).to_be_visible()
