"""The pages below a path of somebody's host, behind a reverse proxy that keeps it or strips it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import aiohttp
import numpy as np
import pytest
from playwright.async_api import Browser, Page, expect

from spaces_bridge_demo.deployment import Deployment, until
from spaces_bridge_demo.processes import free_port
from tests.e2e.front import Front
from tests.support.world import OnAir, World, last, open_deployment
from tests.web.browser import chromium, opened

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium")]

PREFIX = "/spaces"
PATIENCE_MS = 60_000
LOUD = 1000

NO_WEBRTC = "delete window.RTCPeerConnection;"


@pytest.fixture(scope="module")
def port() -> int:
    """Where the reverse proxy is."""
    return free_port()


@pytest.fixture(scope="module")
def deployment(models: Path, port: int) -> Iterator[Deployment]:
    """A deployment whose pages live below a path, as one behind that proxy."""
    web = {"public_url": f"http://127.0.0.1:{port}", "path_prefix": PREFIX}
    with open_deployment(Deployment(models=models, settings={"web": web})) as opened_deployment:
        yield opened_deployment


@pytest.fixture(params=[False, True], ids=["kept", "stripped"])
async def front(
    deployment: Deployment, port: int, request: pytest.FixtureRequest
) -> AsyncIterator[Front]:
    """The reverse proxy."""
    made = Front(deployment.bridge.url, PREFIX, strip=request.param)
    async with made.listening(port):
        yield made
    assert made.strays == []


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def plays(page: Page) -> None:
    """Sound has arrived."""

    async def moves() -> bool:
        return bool(await page.evaluate("document.getElementById('audio').currentTime > 0.2"))

    await until(moves, "sound in the browser")


async def addresses(page: Page) -> Sequence[str]:
    """Every address on the page, as the browser would ask for it."""
    script = """
    () => [...document.querySelectorAll("a[href], link[href], script[src], img[src]")]
      .map((node) => node.href || node.src)
    """
    found: list[str] = await page.evaluate(script)
    return found


async def are_ours(page: Page, base: str) -> None:
    """No link of the page leaves the prefix, but to matrix.to."""
    found = [a for a in await addresses(page) if not a.startswith("https://matrix.to/")]
    assert found
    assert [address for address in found if not address.startswith(f"{base}/")] == []


async def walk_http(http: aiohttp.ClientSession, base: str, page: str) -> None:
    """What programs ask for, and what it answers with."""
    expected = {
        f"{base}/": "text/html",
        base: "text/html",
        page: "text/html",
        f"{page}?lang=ar": "text/html",
        f"{page}/qr.svg": "image/svg+xml",
        f"{page}/transcript.txt": "text/plain",
        f"{page}/transcript.vtt": "text/vtt",
        f"{page}/transcript.json": "application/json",
        f"{base}/api/v1/spaces": "application/json",
        f"{base}/api/openapi.json": "application/json",
    }
    for address, kind in expected.items():
        async with http.get(address) as answer:
            assert (answer.status, answer.content_type) == (200, kind), address
            assert str(answer.url).startswith(base)
    for missing in (f"{base}/nowhere", f"{base}/s/nothing-there"):
        async with http.get(missing, headers={"Accept": "text/html"}) as answer:
            assert answer.status == 404
            assert f'href="{PREFIX}/' in await answer.text()
    async with http.get(f"{base}/api/v1/spaces") as answer:
        [listed] = [s for s in (await answer.json())["spaces"] if s["page"] == page]
        assert listed["state"] == "live"
    async with http.post(f"{page}/live.ogg") as answer:
        stream = urljoin(page, answer.headers["Location"])
    async with http.get(stream) as answer:
        assert await answer.content.readexactly(4) == b"OggS"


@pytest.mark.parametrize("language", ["", "?lang=de"])
async def test_links_stay_below_the_path(
    world: World, browser: Browser, front: Front, port: int, language: str
) -> None:
    base = f"http://127.0.0.1:{port}{PREFIX}"
    host = await world.person("ada")
    space = await world.live_space(host)
    assert space.page.startswith(f"{base}/s/")
    widget = await host.state(space.room, "im.vector.modular.widgets", "spaces")
    assert widget["url"].startswith(f"{space.page}?widget=1")
    link = await host.personal_link(space)
    assert link.startswith(f"{space.page}#t=")
    async with opened(browser, f"{base}/{language}") as watched:
        page = watched.page
        await are_ours(page, base)
        await page.click(f".bubble-link[href^='{space.page}']")
        await expect(page.locator("#listen")).to_be_visible(timeout=PATIENCE_MS)
        await are_ours(page, base)
        await page.click("#invite")
        await expect(page.locator("#invite-address")).to_have_value(space.page)
        await expect(page.locator("#invite-qr")).to_be_visible(timeout=PATIENCE_MS)
        await page.keyboard.press("Escape")
        await page.click("#leave")
        await expect(page).to_have_url(f"{base}/")
        await page.goto(f"{base}/nowhere")
        await are_ours(page, base)


async def test_listening_and_speaking_below_the_path(
    world: World, browser: Browser, front: Front, port: int
) -> None:
    base = f"http://127.0.0.1:{port}{PREFIX}"
    live: OnAir = await world.on_air()
    space = live.space
    async with aiohttp.ClientSession() as http:
        await walk_http(http, base, space.page)
    mia, _ = await world.speaker(live)
    async with opened(browser, await mia.personal_link(space)) as watched:
        page = watched.page
        await watched.page.context.grant_permissions(["microphone"])
        await page.click("#listen")
        await plays(page)
        await page.click("#microphone")
        await expect(page.locator(f"#stage .on-air[data-key='{mia.id}']")).to_be_visible(
            timeout=PATIENCE_MS
        )

        async def heard() -> bool:
            return bool(np.abs(last(live.listener, 1.0)).max() > LOUD)

        await until(heard, "the browser's microphone")
        async with opened(browser, space.page, before=NO_WEBRTC) as other:
            await other.page.click("#listen")
            await plays(other.page)
        await page.click("#listen")
        await expect(page.locator("#listen")).to_contain_text("Listen")
    paths = {
        urlsplit(asked.url).path.removeprefix(urlsplit(space.page).path) for asked in front.asked
    }
    assert {"/feed", "/whep", "/whip", "/live.ogg"} <= paths
    assert any(path.startswith("/whep/") for path in paths), "the browser hangs up"
