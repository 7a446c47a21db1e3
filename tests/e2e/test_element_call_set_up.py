"""Element Call before a homeserver that was set up as docs/element-call.md says."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from spaces_bridge.check import calls_finding
from spaces_bridge.config import Config
from spaces_bridge_demo.deployment import Deployment, Person
from spaces_bridge_demo.homeserver import Homeserver
from tests.e2e.chromium import write_wav
from tests.livekit.element_call import ElementCall, element_call
from tests.support.sound import tone
from tests.support.world import World, open_deployment

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium", "element call")]

DEVICE = "BROWSER"
MEMBER = "org.matrix.msc3401.call.member"
GONE_S = 75.0
"""A lost connection is waited for, and then the leave is sent; what takes an hour is not that."""


class CallHomeserver(Homeserver):
    """Tells clients that calls are at the bridge, and has delayed events."""

    page_url = ""

    def config(self) -> dict[str, Any]:
        transport = {
            "type": "livekit",
            "url": f"{self.page_url.replace('http', 'ws', 1)}/livekit",
            "livekit_service_url": f"{self.page_url}/livekit",
        }
        return {
            **super().config(),
            "experimental_features": {"msc4143_enabled": True},
            "matrix_rtc": {"transports": [transport]},
            "max_event_delay_duration": "24h",
        }


class CallDeployment(Deployment):
    """With such a homeserver."""

    def __init__(self) -> None:
        super().__init__(settings={"captions": {"enabled": False}})
        port = self.homeserver.port
        self.homeserver = CallHomeserver(self.directory / "homeserver", port=port)
        self.homeserver.page_url = self.bridge.url


@pytest.fixture(scope="module")
def call_deployment() -> Iterator[Deployment]:
    with open_deployment(CallDeployment()) as opened:
        yield opened


@pytest.fixture
async def world(call_deployment: Deployment) -> AsyncIterator[World]:
    async with World(call_deployment) as people:
        yield people


@pytest.fixture
async def ada(world: World) -> Person:
    return await world.person("ada")


@pytest.fixture
async def app(world: World, ada: Person, tmp_path: Path) -> AsyncIterator[ElementCall]:
    """Ada's browser, whose Element Call knows nothing but the homeserver."""
    wav = tmp_path / "tone.wav"
    write_wav(wav, tone(440.0, 2.0))
    homeserver = world.deployment.homeserver
    async with element_call(homeserver.url, homeserver.domain, wav) as opened:
        await opened.sign_in(ada.account, DEVICE)
        yield opened


async def test_check_says_that_the_set_up_is_right(world: World) -> None:
    bridge, homeserver = world.deployment.bridge, world.deployment.homeserver
    config = Config.model_validate(
        {
            "homeserver": {"address": homeserver.url, "domain": homeserver.domain},
            "appservice": {"as_token": bridge.as_token, "hs_token": bridge.hs_token},
            "web": {"public_url": bridge.url},
        }
    )
    async with aiohttp.ClientSession(homeserver.url) as session:
        finding = await calls_finding(session, config, "")
    assert finding.text == "the homeserver tells clients that calls are here"


async def test_a_closed_lid_ends_the_call_by_the_leave_that_was_delegated(
    world: World, ada: Person, app: ElementCall
) -> None:
    host = await world.person("hal")
    space = await world.live_space(host, "Closed lid")
    await ada.join(space.alias)
    joined = host.next_in(
        space.room, MEMBER, lambda event: event["sender"] == ada.id and bool(event["content"])
    )
    async with app.page.expect_response(
        lambda response: "delay_id" in (response.request.post_data or "")
    ) as delegated:
        await app.join(space.room)
    assert (await delegated.value).status == 200
    foci = (await joined)["content"]["foci_preferred"]
    assert foci[0]["livekit_service_url"] == f"{world.deployment.bridge.url}/livekit"

    left = host.next_in(
        space.room,
        MEMBER,
        lambda event: event["sender"] == ada.id and event["content"] == {},
        GONE_S,
    )
    browser = app.page.context.browser
    assert browser is not None
    await browser.close()
    await left
