"""A live space inside a Matrix client: real homeserver, real bridge, real browser."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser, ConsoleMessage, FrameLocator, Page, expect

from spaces_bridge_demo.deployment import Deployment, LiveRoom, Person, until
from spaces_bridge_demo.processes import free_port
from tests.support.world import World, last, open_deployment
from tests.web.browser import WATCH, chromium
from tests.web.widget import client_page

PATIENCE_MS = 60_000
LOUD = 1000
"""Of 32768: the tone of the browser's own microphone is far above, silence is 0."""

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]


@pytest.fixture(scope="module")
def port() -> int:
    """Where the client's page is."""
    return free_port()


@pytest.fixture(scope="module")
def deployment(models: Path, port: int) -> Iterator[Deployment]:
    """A deployment whose pages that client may show."""
    web = {"frame_ancestors": [f"http://127.0.0.1:{port}"]}
    with open_deployment(Deployment(models=models, settings={"web": web})) as opened:
        yield opened


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


def _note(entry: ConsoleMessage, complaints: list[str]) -> None:
    # a status other than 200 is an answer: somebody has no picture
    if entry.type == "error" and "status of 4" not in entry.text:
        complaints.append(entry.text)


@asynccontextmanager
async def embedded(
    browser: Browser, port: int, person: Person, space: LiveRoom, *states: str
) -> AsyncIterator[tuple[Page, FrameLocator]]:
    """The room's widget in the client's page. `states`: what the client says of who this is."""
    widget = await person.state(space.room, "im.vector.modular.widgets", "spaces")
    context = await browser.new_context(permissions=["microphone"])
    await context.add_init_script(WATCH)
    async with client_page(port):
        page = await context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda entry: _note(entry, complaints))
        try:
            await page.expose_function("realToken", person.openid_token)
            await page.goto(f"http://127.0.0.1:{port}/client")
            await page.evaluate("([url, states]) => show(url, states)", [widget["url"], states])
            await page.evaluate("negotiate()")
            yield page, page.frame_locator("#widget")
            assert [*complaints, *await page.frames[1].evaluate("violations")] == []
        finally:
            await context.close()


async def member(world: World, space: LiveRoom) -> Person:
    """Somebody who has joined the room."""
    person = await world.person("mia")
    await person.join(space.alias)
    return person


async def test_a_member_asks_and_speaks_in_the_client_without_any_link(
    world: World, browser: Browser, port: int
) -> None:
    live = await world.on_air()
    mia = await member(world, live.space)
    async with embedded(browser, port, mia, live.space, "request", "allowed") as (page, widget):
        # what the client knows comes by itself: who this is, the theme, the language
        await expect(widget.locator("html")).to_have_attribute("data-theme", "dark")
        await expect(widget.locator("html")).to_have_attribute("lang", "de")
        await page.evaluate("ask('theme_change', { name: 'light' })")
        await expect(widget.locator("html")).to_have_attribute("data-theme", "light")
        await page.evaluate("ask('theme_change', { name: 'high-contrast-dark' })")
        await expect(widget.locator("html")).to_have_attribute("data-theme", "dark")
        await expect(widget.locator("#follow")).to_be_visible(timeout=PATIENCE_MS)

        prompt = live.host.next_prompt(mia)
        await widget.locator("#ask").click()
        asked = await prompt
        await expect(widget.locator("#hands .mine")).to_be_visible(timeout=PATIENCE_MS)
        await live.host.react(asked["room_id"], asked["event_id"], "✅")
        await expect(widget.locator("#microphone")).to_be_visible(timeout=PATIENCE_MS)
        assert np.abs(last(live.listener, 1.0)).max() < LOUD
        await widget.locator("#microphone").click()
        mine = widget.locator(f"#stage .on-air[data-key='{mia.id}']")
        await expect(mine).to_be_visible(timeout=PATIENCE_MS)

        async def heard() -> bool:
            return bool(np.abs(last(live.listener, 1.0)).max() > LOUD)

        await until(heard, "the widget's microphone")


async def test_who_does_not_want_to_be_known_asks_by_name(
    world: World, browser: Browser, port: int
) -> None:
    host = await world.person("ada")
    space = await world.live_space(host)
    async with embedded(browser, port, host, space, "request", "blocked") as (_, widget):
        await widget.locator("#ask").click()
        await widget.locator("#name").fill("Gil")
        await widget.locator("#name").press("Enter")
        await expect(widget.locator("#hands .mine")).to_be_visible(timeout=PATIENCE_MS)
        await expect(widget.locator("#follow")).to_be_hidden()


async def test_leaving_stays_in_the_client_and_leads_back(
    world: World, browser: Browser, port: int
) -> None:
    host = await world.person("ada")
    space = await world.live_space(host)
    mia = await member(world, space)
    async with embedded(browser, port, mia, space, "allowed") as (page, widget):
        await expect(widget.locator("#follow")).to_be_visible(timeout=PATIENCE_MS)
        await expect(widget.locator(".home")).to_be_hidden()
        address = page.frames[1].url
        await widget.locator("#leave").click()
        await expect(widget.locator("#sorry-title")).to_have_text("Du bist gegangen")
        for gone in ("#leave", "#space", "#bar", "#sorry a"):
            await expect(widget.locator(gone)).to_be_hidden()
        assert page.frames[1].url == address
        await expect(widget.locator("#come-back")).to_be_focused()
        await widget.locator("#come-back").press("Enter")
        await expect(widget.locator("#follow")).to_be_visible(timeout=PATIENCE_MS)
        assert page.frames[1].url == address


async def test_a_page_that_is_not_the_clients_may_not_show_the_widget(
    world: World, browser: Browser
) -> None:
    host = await world.person("ada")
    space = await world.live_space(host)
    other = free_port()
    async with client_page(other):
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{other}/client")
        async with page.expect_event("console", lambda m: "frame-ancestors" in m.text):
            await page.evaluate("(url) => void show(url, [])", f"{space.page}?widget=1")
        await expect(page.frame_locator("#widget").locator("#space")).to_have_count(0)
