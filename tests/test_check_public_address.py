"""`--check` through the reverse proxy: what each mistake there is called."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from spaces_bridge.checks.ports import is_bridge_running, media_findings, web_findings
from spaces_bridge.checks.public_address import public_findings
from spaces_bridge.config import Config
from spaces_bridge_demo.processes import free_port
from tests.check_front import FaultyFront
from tests.livekit.livekit_server import livekit_server

pytestmark = pytest.mark.peers


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok", headers={"Access-Control-Allow-Origin": "*"})


async def _rtc(request: web.Request) -> web.Response:
    """As the bridge answers without a token; tests/livekit holds it to that."""
    is_upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
    return web.Response(status=401 if is_upgrade else 426)


async def _live(_: web.Request) -> web.Response:
    return web.json_response({"live": True})


class Set:
    """A bridge's listeners, a proxy before them, and the config."""

    def __init__(self) -> None:
        self.web, self.ops, self.public = free_port(), free_port(), free_port()
        self.front = FaultyFront(f"http://127.0.0.1:{self.web}")

    def config(self, **changed: object) -> Config:
        page = {"port": self.web, "public_url": f"http://127.0.0.1:{self.public}"}
        return Config.model_validate({"web": page, "ops": {"port": self.ops}} | changed)

    async def said(self, *, is_running: bool = True, **changed: object) -> list[str]:
        config = self.config(**changed)
        return [str(found) for found in await public_findings(config, is_running=is_running)]


async def _serve(on: AsyncExitStack, port: int, **handlers: Handler) -> None:
    application = web.Application()
    for path, handler in handlers.items():
        application.router.add_get(f"/{path.replace('_', '/')}", handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    on.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", port).start()


@pytest.fixture
async def on() -> AsyncIterator[Set]:
    made = Set()
    async with AsyncExitStack() as stack:
        await _serve(stack, made.web, livekit_healthz=_healthz, livekit_rtc=_rtc)
        await _serve(stack, made.ops, live=_live)
        await stack.enter_async_context(made.front.listening(made.public))
        yield made


async def test_a_good_proxy_is_good_in_both_lines(on: Set) -> None:
    service, socket = await on.said()
    assert service == f"ok   http://127.0.0.1:{on.public}/livekit leads to the bridge"
    assert socket == f"ok   WebSockets come through at ws://127.0.0.1:{on.public}/livekit/rtc"


async def test_a_proxy_without_upgrade_lines_is_found(on: Set) -> None:
    on.front.upgrades = False
    service, socket = await on.said()
    assert service.startswith("ok ")
    assert socket.startswith("warn the proxy lets no WebSockets through")
    assert "Hand on `Upgrade` and `Connection`" in socket


async def test_a_proxy_that_does_not_forward_calls_is_found(on: Set) -> None:
    on.front.missing = True
    [text] = await on.said()
    assert text.startswith("warn")
    assert "does not lead to the bridge (status 404)" in text
    assert f"Forward /livekit/ to http://127.0.0.1:{on.web}" in text


async def test_a_proxy_with_another_upstream_is_found(on: Set) -> None:
    on.front.target = f"http://127.0.0.1:{free_port()}"
    [text] = await on.said()
    assert text.startswith("warn")
    assert "does not reach the bridge (status 502)" in text


@pytest.mark.parametrize(
    ("origins", "words"),
    [
        (("*", "*"), "answers with 2 headers"),
        (("*, https://app.element.io",), "answers with 2 headers"),
        ((), "answers without `Access-Control-Allow-Origin`"),
    ],
)
async def test_a_proxy_that_meddles_with_cors_is_found(
    on: Set, origins: tuple[str, ...], words: str
) -> None:
    on.front.origins = origins
    [text] = await on.said()
    assert text.startswith("warn")
    assert words in text


async def test_a_name_that_is_not_reached_from_here_is_a_note_only(on: Set) -> None:
    page = {"port": on.web, "public_url": f"http://127.0.0.1:{free_port()}"}
    [text] = await on.said(web=page)
    assert text.startswith("ok ")
    assert "was not reached from this machine" in text


async def test_an_address_of_the_sfu_alone_is_looked_at_by_itself(on: Set) -> None:
    sfu = f"ws://127.0.0.1:{free_port()}"
    service, socket = await on.said(livekit={"url": sfu})
    assert service.startswith("ok ")
    assert f"{sfu}/rtc was not reached" in socket
    _, socket = await on.said(livekit={"url": f"ws://127.0.0.1:{on.web}"})
    assert "does not lead to the bridge" in socket
    assert "(status 404, 401 is expected)" in socket


@pytest.mark.needs("livekit-server")
async def test_a_livekit_server_behind_a_proxy_is_looked_at(on: Set, tmp_path: Path) -> None:
    async with livekit_server(tmp_path) as server:
        front, port = FaultyFront(server.url), free_port()
        livekit = {
            "url": f"ws://127.0.0.1:{port}",
            "server_url": server.url,
            "api_key": server.key,
            "api_secret": server.secret,
        }
        async with front.listening(port):
            _, socket = await on.said(media={"engine": "livekit"}, livekit=livekit)
            assert socket == f"ok   WebSockets come through at ws://127.0.0.1:{port}/rtc"
            front.upgrades = False
            _, socket = await on.said(media={"engine": "livekit"}, livekit=livekit)
            assert "the proxy lets no WebSockets through (status 404" in socket


async def test_nothing_is_asked_while_the_bridge_is_not_running_or_calls_are_off(on: Set) -> None:
    on.front.missing = True
    [text] = await on.said(is_running=False)
    assert text.startswith("ok ")
    assert "is looked at while the bridge runs" in text
    assert await on.said(livekit={"enabled": False}) == []


async def test_a_running_bridge_is_known_by_its_ops_listener_and_may_use_its_ports(
    on: Set,
) -> None:
    assert await is_bridge_running(on.config())
    assert not await is_bridge_running(on.config(ops={"port": free_port()}))
    assert not await is_bridge_running(on.config(ops={"port": on.web}))
    config = on.config(media={"port": on.web, "hostnames": ["127.0.0.1"]})
    for is_running in (True, False):
        found = (
            *media_findings(config, is_running=is_running),
            *web_findings(config, is_running=is_running),
        )
        assert any("is in use" in str(finding) for finding in found) is not is_running
