"""A Matrix client's page with a widget in it, as far as tests of ours need one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from playwright.async_api import Frame

HOST_PAGE = Path(__file__).with_name("widget_host.html")

MODULE = """
const main = document.querySelector('script[type="module"]').src;
const widget = await import(main.replace(/[^/]+$/, "widget.js"));
"""
"""Before a script in the frame: the module as the page itself has it."""

JOIN = """
const [openid, slug] = asked;
const socket = new WebSocket(`${location.origin.replace("http", "ws")}/s/${slug}/feed`);
socket.onopen = () => socket.send(JSON.stringify({ type: "auth", openid }));
const text = await new Promise((resolve) => (socket.onmessage = ({ data }) => resolve(data)));
socket.close();
return JSON.parse(text);
"""


async def inside(frame: Frame, script: str, asked: object = None) -> object:
    """Run a script in a live space's page, with its module at hand as `widget`."""
    result: object = await frame.evaluate(f"async (asked) => {{ {MODULE} {script} }}", asked)
    return result


@asynccontextmanager
async def client_page(port: int) -> AsyncIterator[None]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=HOST_PAGE.read_text(), content_type="text/html")

    app = web.Application()
    app.router.add_get("/client", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()
