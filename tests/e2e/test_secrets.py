"""The secret of a personal link: in no address that leaves the browser, no referrer, no log."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from spaces_bridge_demo.deployment import Deployment, LiveRoom, Person, until
from spaces_bridge_demo.processes import free_port
from tests.e2e.front import Asked, Front
from tests.support.world import World, open_deployment
from tests.web.browser import chromium, opened
from tests.web.widget import client_page

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.needs("chromium")]

PATIENCE_MS = 60_000

SHARING = """
navigator.share = async (what) => { window.shared = what; };
navigator.clipboard.writeText = async (text) => { window.copied = text; };
"""
"""What the page hands to the phone's share sheet and to the clipboard."""

SHOWN = """
() => [
  location.href, document.referrer, document.title, JSON.stringify(history.state), document.cookie,
  document.documentElement.outerHTML, JSON.stringify({ ...localStorage }),
  ...[...document.querySelectorAll("input, textarea")].map((field) => field.value),
].join("\\n")
"""
"""All of a page that somebody could see, copy or send on; not what this tab keeps for itself."""

HELD = "Object.values(sessionStorage)"


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    """Where the reverse proxy is, and a Matrix client's page."""
    return free_port(), free_port()


@pytest.fixture(scope="module")
def deployment(models: Path, ports: tuple[int, int]) -> Iterator[Deployment]:
    """A deployment behind that proxy, with all its logs."""
    front, client = ports
    settings: dict[str, dict[str, object]] = {
        "web": {
            "public_url": f"http://127.0.0.1:{front}",
            "frame_ancestors": [f"http://127.0.0.1:{client}"],
        },
        "logging": {"level": "DEBUG"},
    }
    with open_deployment(Deployment(models=models, settings=settings)) as opened_deployment:
        yield opened_deployment


@pytest.fixture
async def front(deployment: Deployment, ports: tuple[int, int]) -> AsyncIterator[Front]:
    """The reverse proxy."""
    made = Front(deployment.bridge.url, "/", strip=False)
    async with made.listening(ports[0]):
        yield made


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@asynccontextmanager
async def elsewhere() -> AsyncIterator[tuple[str, list[Asked]]]:
    """Another server that a shared link leads to, and what it was asked."""
    asked: list[Asked] = []
    port = free_port()

    async def answer(request: web.Request) -> web.Response:
        asked.append(Asked(request.method, str(request.url), dict(request.headers)))
        return web.Response(text="<title>Roses</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/roses", asked
    finally:
        await runner.cleanup()


async def secret_of(host: Person, space: LiveRoom) -> tuple[str, str]:
    """A personal link and the secret in it."""
    link = await host.personal_link(space)
    secret = link.partition("#t=")[2]
    assert len(secret) >= 22
    return link, secret


async def keeps(page: Page, secret: str) -> None:
    """The page knows who this is, and shows nothing of how."""
    await expect(page.locator("#tab-control")).to_be_visible(timeout=PATIENCE_MS)
    assert secret in await page.evaluate(HELD)
    assert secret not in await page.evaluate(SHOWN)


def is_unseen(secret: str, asked: list[Asked], page: str) -> None:
    """No request had it but as a bearer: for sound, and where the directory asks who may host."""
    for request in asked:
        assert secret not in request.url
        headers = {name.lower(): value for name, value in request.headers.items()}
        # a client's page may say where its frame is; ours never says where anything is
        assert not headers.get("referer", "").startswith(page), request.url
        assert "cookie" not in headers
        if headers.pop("authorization", None) is not None:
            path = urlsplit(request.url).path
            below = path.removeprefix(urlsplit(page).path)
            is_sound = below.split("/")[1] in ("whep", "whip", "live.ogg")
            assert is_sound or path.endswith("/api/v1/you"), request.url
        assert secret not in json.dumps(headers)


async def test_a_personal_link_is_known_to_its_tab_alone(
    world: World, browser: Browser, front: Front
) -> None:
    host = await world.person("ada")
    space = await world.live_space(host)
    link, secret = await secret_of(host, space)
    async with opened(browser, link, before=SHARING) as watched:
        page = watched.page
        context = page.context
        await context.grant_permissions(["microphone"])
        await keeps(page, secret)
        await page.reload()
        await keeps(page, secret)

        await page.click("#invite")
        await expect(page.locator("#invite-qr")).to_be_visible(timeout=PATIENCE_MS)
        await page.click("#invite-copy")
        await expect(page.locator("#invite-said")).not_to_be_empty()
        assert await page.evaluate("copied") == space.page
        await page.click("#invite-share")
        assert await page.evaluate("shared.url") == space.page
        await page.keyboard.press("Escape")

        await page.click("#listen")
        await expect(page.locator("#sound")).to_be_empty(timeout=PATIENCE_MS)
        await page.click("#microphone")
        await expect(page.locator(f"#stage .on-air[data-key='{host.id}']")).to_be_visible(
            timeout=PATIENCE_MS
        )
        await page.click("#open-settings")
        await page.select_option("#language", "de")
        await expect(page.locator("html")).to_have_attribute("lang", "de")
        await keeps(page, secret)
        await page.click(".home")
        await expect(page.locator(".bubble").first).to_be_visible()
        assert secret not in await page.evaluate(SHOWN)
        await page.go_back()
        await keeps(page, secret)
        async with page.expect_event("load"):  # of the page that takes the new fragment
            await page.goto(f"{space.page}?lang=de#t={secret}")
        await keeps(page, secret)
        await page.go_back()
        assert "#t=" not in page.url

        async with elsewhere() as (address, asked), context.expect_page() as opening:
            sharing = await world.page(link)
            await sharing.send({"type": "share", "url": address})
            await page.click("#posts-newest a")
            other = await opening.value
            await expect(other).to_have_title("Roses")
            assert await other.evaluate("[opener, document.referrer]") == [None, ""]
            assert "Referer" not in asked[0].headers
            await other.close()
        watched.complaints.clear()
    is_unseen(secret, front.asked, space.page)
    assert secret not in world.deployment.bridge.log_text()


async def test_networks_without_udp_get_a_ticket_and_no_secret(
    world: World, browser: Browser, front: Front
) -> None:
    live = await world.on_air()
    link, secret = await secret_of(live.host, live.space)
    async with opened(browser, link, before="delete window.RTCPeerConnection;") as watched:
        await watched.page.click("#listen")

        async def plays() -> bool:
            return bool(
                await watched.page.evaluate("document.getElementById('audio').currentTime > 0.2")
            )

        await until(plays, "sound over HTTP")
    assert any("ticket=" in request.url for request in front.asked)
    is_unseen(secret, front.asked, live.space.page)
    assert secret not in world.deployment.bridge.log_text()


async def test_nobody_is_told_a_secret_back_nor_is_it_logged(world: World, front: Front) -> None:
    host = await world.person("ada")
    space = await world.live_space(host)
    _, secret = await secret_of(host, space)
    wrong = f"{secret[:-4]}AAAA"
    answers: list[str] = []
    async with aiohttp.ClientSession() as http:
        for query in (f"t={secret}", f"token={secret}", f"access_token={secret}&lang=de"):
            for path in ("", "/whep", "/feed", "/qr.svg", "/live.ogg", "/nowhere"):
                headers = {"Accept": "text/html"}
                url = f"{space.page}{path}?{query}"
                if path == "/live.ogg":
                    continue  # it would be the stream, which never ends
                async with http.get(url, headers=headers, allow_redirects=False) as answer:
                    answers += [await answer.text(), str(answer.headers)]
        for bearer in (secret, wrong, f"{secret}\u00e9", f"{secret} {secret}"):
            headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/sdp"}
            for path in ("/whep", "/whip", "/live.ogg?ticket=" + secret):
                async with http.post(
                    f"{space.page}{path}", headers=headers, data=secret
                ) as answer:
                    answers += [await answer.text()]
        for frame in (
            {"type": "auth", "token": wrong},
            {"type": secret},
            {"type": "auth", "token": [secret]},
        ):
            async with http.ws_connect(f"{space.page}/feed") as socket:
                await socket.send_json(frame)
                answers.append(str((await socket.receive()).data))
    target = urlsplit(world.deployment.bridge.url)
    assert target.hostname is not None
    for request in (
        f"GET /s/{space.slug}?t={secret} HTTP/1.1\r\nHost: x\r\n{secret}\r\n\r\n",
        f"GET /s/{space.slug}#t={secret} HTTP/9\r\n\r\n",
        f"{secret} / HTTP/1.1\r\nHost: x\r\n\r\n",
        (
            f"POST /s/{space.slug}/whep HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\n"
            f"Transfer-Encoding: chunked\r\n\r\n{secret}\r\n"
        ),
    ):
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        writer.write(request.encode())
        writer.write_eof()
        # the HTTP parser shows whoever sent such a thing what it could not read: their own words
        await asyncio.wait_for(reader.read(), 60)
        writer.close()
    assert [answer for answer in answers if secret in answer] == []
    log = world.deployment.bridge.log_text()
    assert secret not in log
    assert wrong not in log


async def test_the_widget_keeps_its_session_to_itself(
    world: World, browser: Browser, front: Front, ports: tuple[int, int]
) -> None:
    host = await world.person("ada")
    space = await world.live_space(host)
    widget = await host.state(space.room, "im.vector.modular.widgets", "spaces")
    async with client_page(ports[1]):
        page = await (await browser.new_context()).new_page()
        await page.expose_function("realToken", host.openid_token)
        await page.goto(f"http://127.0.0.1:{ports[1]}/client")
        await page.evaluate("(url) => show(url, ['allowed'])", widget["url"])
        frame = page.frames[1]
        await expect(page.frame_locator("#widget").locator("#tab-control")).to_be_visible(
            timeout=PATIENCE_MS
        )
        [session] = await frame.evaluate(HELD)
        assert session not in await frame.evaluate(SHOWN)
        assert session not in json.dumps(await page.evaluate("seen"))
        await page.context.close()
    is_unseen(session, front.asked, space.page)
    assert session not in world.deployment.bridge.log_text()
