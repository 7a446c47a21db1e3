"""A live space inside a Matrix client: real homeserver, real bridge, real browser."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from spaces_bridge.demo.house import House
from tests.support.world import World, open_house
from tests.web.browser import chromium
from tests.web.widget import JOIN, client_page, inside
from tests.web.world import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]


@pytest.fixture(scope="module")
def port() -> int:
    """Where the client's page is."""
    return free_port()


@pytest.fixture(scope="module")
def house(models: Path, port: int) -> Iterator[House]:
    """A house whose pages that client may show."""
    web = {"frame_ancestors": [f"http://127.0.0.1:{port}"]}
    with open_house(House(models=models, settings={"web": web})) as opened:
        yield opened


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def test_the_host_is_known_in_the_rooms_own_widget(
    world: World, browser: Browser, port: int
) -> None:
    host = await world.person("ada")
    space = await world.live_space(host)
    widget = await host.state(space.room, "im.vector.modular.widgets", "spaces")
    async with client_page(port):
        page = await browser.new_page()
        await page.expose_function("realToken", host.openid_token)
        await page.goto(f"http://127.0.0.1:{port}/client")
        await page.evaluate("(url) => show(url, ['request', 'allowed'])", widget["url"])
        frame = page.frames[1]
        openid = await inside(frame, "return widget.askOpenId()")
        hello = await inside(frame, JOIN, [openid, space.slug])
    assert isinstance(hello, dict)
    assert hello["type"] == "hello"
    assert (hello["you"]["id"], hello["you"]["role"]) == (host.id, "host")
