"""The page inside a Matrix client, in a real browser: the client's page is our own, and speaks the
widget API as clients do.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Frame, Page, expect

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.rooms.rooms import WIDGET_QUERY
from spaces_bridge_demo.processes import free_port
from tests.web.browser import PATIENCE_MS, WATCH, comes_true
from tests.web.widget import JOIN, client_page, inside
from tests.web.world import ALICE, HOST, WebWorld, web_world

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium")]


@dataclass
class Embedded:
    """A client's page with a live space in a frame."""

    page: Page
    world: WebWorld
    space: LiveSpace
    address: str

    async def show(
        self, *states: object, silent: bool = False, parent: str = "", url: str = ""
    ) -> None:
        """Open the widget. `states`: what the client answers when asked who this is."""
        page = url or f"{self.world.page(self.space)}?{WIDGET_QUERY}"
        answers = None if silent else list(states)
        arguments = [page, answers, parent or self.address]
        await self.page.evaluate("([url, states, parent]) => show(url, states, parent)", arguments)

    @property
    def frame(self) -> Frame:
        return self.page.frames[1]

    async def inside(self, script: str, asked: object = None) -> object:
        """Run a script in the widget, with its module at hand as `widget`."""
        return await inside(self.frame, script, asked)


@pytest.fixture
async def embedded(tmp_path: Path, browser: Browser) -> AsyncIterator[Embedded]:
    port = free_port()
    address = f"http://127.0.0.1:{port}/client"
    origins = (f"http://127.0.0.1:{port}",)
    async with client_page(port), web_world(tmp_path, frame_ancestors=origins) as world:
        for number in range(1, 10):
            world.identities.confirm(ALICE, f"token-{number}")
        space = await world.create()
        await world.joined(space.space, ALICE, "Alice")
        context = await browser.new_context()
        context.set_default_timeout(PATIENCE_MS)
        await context.add_init_script(WATCH)
        page = await context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        try:
            await page.goto(address)
            yield Embedded(page, world, space, address)
            assert [complaints, await page.frames[1].evaluate("window.violations")] == [[], []]
        finally:
            await context.close()


@pytest.mark.parametrize("states", [["allowed"], ["request", "allowed"]], ids=str)
async def test_who_opens_the_widget_is_known_by_their_account(
    embedded: Embedded, states: list[str]
) -> None:
    await embedded.show(*states)
    # the module listens from the moment it is there
    assert await embedded.inside("return widget.isWidget()") is True
    assert await embedded.page.evaluate("negotiate()") == {"capabilities": []}
    openid = await embedded.inside("return widget.askOpenId()")
    assert isinstance(openid, dict)
    assert openid.keys() == {"access_token", "matrix_server_name"}
    hello = await embedded.inside(JOIN, [openid, embedded.space.slug])
    assert isinstance(hello, dict)
    assert hello["type"] == "hello"
    assert (hello["you"]["id"], hello["you"]["guest"]) == (ALICE, False)


@pytest.mark.parametrize("states", [["blocked"], ["request", "blocked"], [{}], ["nonsense"]])
async def test_whoever_does_not_want_to_be_known_stays_a_guest(
    embedded: Embedded, states: list[object]
) -> None:
    await embedded.show(*states)
    await embedded.inside("return widget.isWidget()")
    await embedded.page.evaluate("negotiate()")
    assert await embedded.inside("return widget.askOpenId()") is None


async def test_a_client_that_asks_for_nothing_is_asked_all_the_same(embedded: Embedded) -> None:
    await embedded.show("allowed")
    assert await embedded.inside("return widget.askOpenId()") is not None


async def test_a_client_that_never_answers_is_not_waited_for(embedded: Embedded) -> None:
    await embedded.page.clock.install()
    await embedded.show(silent=True)
    await embedded.inside("window.answer = widget.askOpenId()")
    await embedded.page.clock.run_for(3_001)
    await comes_true(embedded.page, "seen.some((m) => m.action === 'get_openid')")
    await embedded.page.clock.run_for(10_001)
    assert await embedded.inside("return window.answer") is None


async def test_a_person_who_never_decides_is_not_waited_for_for_ever(embedded: Embedded) -> None:
    await embedded.page.clock.install()
    await embedded.show("request")
    await embedded.inside("return widget.isWidget()")
    await embedded.page.evaluate("negotiate()")
    await embedded.inside("window.answer = widget.askOpenId()")
    await comes_true(embedded.page, "seen.some((m) => m.action === 'get_openid')")
    await embedded.page.clock.run_for(299_000)
    assert await embedded.inside("return Promise.race([window.answer, 'waits'])") == "waits"
    await embedded.page.clock.run_for(2_000)
    assert await embedded.inside("return window.answer") is None


async def test_a_live_space_is_started_in_the_directory_by_whom_the_client_vouches_for(
    embedded: Embedded,
) -> None:
    directory = f"{embedded.world.base}/?{WIDGET_QUERY}"
    await embedded.show("allowed", url=directory)
    await embedded.inside("return widget.isWidget()")
    await embedded.page.evaluate("negotiate()")
    frame = embedded.page.frame_locator("#widget")
    await frame.locator("#start-here").click()
    await frame.locator("#start-name").fill("Late songs")
    await frame.locator("#start-yes").click()
    await expect(frame.locator("#title")).to_have_text("Late songs")
    new = next(s for s in embedded.world.spaces.open() if s.space != embedded.space.space)
    assert (new.title, new.host) == ("Late songs", ALICE)


async def test_the_widget_answers_politely(embedded: Embedded) -> None:
    await embedded.show("allowed")
    assert await embedded.frame.evaluate("document.documentElement.dataset.theme") == "dark"
    assert await embedded.frame.evaluate("document.documentElement.lang") == "de"
    listen = """
    window.told = [];
    widget.client.addEventListener("theme", ({ detail }) => window.told.push(detail));
    """
    await embedded.inside(listen)
    page = embedded.page
    versions = await page.evaluate("ask('supported_api_versions')")
    assert "0.0.2" in versions["supported_versions"]
    assert await page.evaluate("ask('theme_change', { name: 'light' })") == {}
    assert await page.evaluate("ask('language_change', { lang: 'ar' })") == {}
    assert await page.evaluate("ask('theme_change', { name: { not: 'text' } })") == {}
    assert await page.evaluate("ask('visibility', { visible: false })") == {}
    for unknown in ("update_state", "toString", "__proto__"):
        assert "message" in (await page.evaluate("(what) => ask(what)", unknown))["error"]
    assert await embedded.inside("return window.told") == ["light"]


async def test_only_the_window_around_the_page_is_believed(embedded: Embedded) -> None:
    await embedded.show("allowed")
    forge = """
    window.told = [];
    widget.client.addEventListener("theme", ({ detail }) => window.told.push(detail));
    const forged = { api: "toWidget", requestId: "1", action: "theme_change" };
    window.postMessage({ ...forged, widgetId: "spaces", data: { name: "forged" } }, "*");
    """
    await embedded.inside(forge)
    await embedded.page.evaluate("ask('theme_change', { name: 'true' })")
    assert await embedded.inside("return window.told") == ["true"]
    junk = "for (const m of [null, 7, 'x', {}, { action: 'capabilities' }]) "
    await embedded.page.evaluate(junk + "frame.contentWindow.postMessage(m, origin)")
    other = "frame.contentWindow.postMessage({ api: 'toWidget', widgetId: 'another', "
    await embedded.page.evaluate(
        other + "requestId: '2', action: 'theme_change', data: { name: 'other' } }, origin)"
    )
    await embedded.page.evaluate("ask('theme_change', { name: 'last' })")
    assert await embedded.inside("return window.told") == ["true", "last"]


async def test_a_page_that_is_not_the_client_it_claims_hears_nothing(embedded: Embedded) -> None:
    await embedded.page.clock.install()
    await embedded.show("allowed", parent="https://app.example/")
    listen = """
    window.told = [];
    widget.client.addEventListener("theme", ({ detail }) => window.told.push(detail));
    window.heard = new Promise((done) => addEventListener("message", () => setTimeout(done)));
    window.answer = widget.askOpenId();
    """
    await embedded.inside(listen)
    await embedded.page.evaluate("void ask('theme_change', { name: 'forged' })")
    await embedded.page.clock.run_for(20_000)
    assert await embedded.inside("await window.heard; return window.answer") is None
    assert await embedded.inside("return window.told") == []
    assert await embedded.page.evaluate("seen") == []


async def test_outside_of_a_client_there_is_nobody_to_ask(embedded: Embedded) -> None:
    await embedded.show("allowed")
    address = f"{embedded.world.page(embedded.space)}?{WIDGET_QUERY}&parentUrl=https%3A%2F%2Fa.b"
    await embedded.page.goto(address)
    script = "return [widget.isWidget(), await widget.askOpenId()]"
    assert await inside(embedded.page.main_frame, script) == [False, None]
    await embedded.page.go_back()


async def test_no_other_page_may_show_this_one(
    world: WebWorld, browser: Browser, tmp_path: Path
) -> None:
    port = free_port()
    space = await world.create()
    async with client_page(port):
        page = await (await browser.new_context()).new_page()
        await page.goto(f"http://127.0.0.1:{port}/client")
        async with page.expect_event("console", lambda m: "frame-ancestors" in m.text):
            await page.evaluate("(url) => void show(url, [])", world.page(space))


async def test_a_member_is_let_in_by_the_widget_where_guests_are_not(embedded: Embedded) -> None:
    """The page is refused while nobody knows yet who it is, and is not over by that."""
    off = cmd.SetGuests(HOST, GuestPolicy.OFF)
    await embedded.world.spaces.ask(embedded.space.space, off)
    await embedded.show("allowed")
    await embedded.frame.locator("#sorry").wait_for()
    await embedded.page.evaluate("negotiate()")
    await embedded.frame.locator("#space").wait_for()
    assert not await embedded.frame.locator("#sorry").is_visible()
    await embedded.frame.locator("#ask").click()
    await expect(embedded.frame.locator("#ask")).to_have_text("Hand senken")
